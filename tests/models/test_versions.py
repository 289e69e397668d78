import pytest

from nse_lstm.models.versions import artefact_version, code_version

GIVEN = {
    "data_digest": "data",
    "configuration": {"v2": {"lookback": 60}},
    "seed": 1,
    "ticker": "SCOM",
    "year": 2023,
    "made_by": ("models.fitting",),
}


@pytest.mark.parametrize(
    "change",
    [
        {"data_digest": "other"},
        {"configuration": {"v2": {"lookback": 20}}},
        {"seed": 2},
        {"ticker": "KCB"},
        {"year": 2022},
        {"made_by": ("models.tabular_models",)},
    ],
)
def test_a_version_changes_with_everything_that_bytes_depend_on(change):
    assert artefact_version(**GIVEN) != artefact_version(**(GIVEN | change))


def test_a_version_does_not_depend_on_the_order_of_the_configuration():
    one = artefact_version(**(GIVEN | {"configuration": {"a": 1, "b": 2}}))
    assert one == artefact_version(**(GIVEN | {"configuration": {"b": 2, "a": 1}}))


def test_the_code_of_the_panel_counts_everywhere():
    assert code_version("models.fitting") == code_version(
        "models.fitting", "data.panel"
    )
