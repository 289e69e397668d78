"""The audit on its small market: no alarm on clean code, the right one on a defect."""

from dataclasses import replace

import pytest
from audit_power.defects_strangers import STRANGER_DEFECTS
from audit_power.measure import DEFECTS, STUDY, try_defect, v2_figures

from nse_lstm.study.audit.examine import Examination, examine
from nse_lstm.study.audit.stages import STAGES

PUBLISHED_MISTAKES = {
    *("text-sorted dates", "scaler on all data", "centred window", "12-month column"),
    *("Adjust column", "back-adjusted prices", "label shifted by one"),
    *("same-session fill", "early stopping on the test span", "survivors only"),
    *("selection on the test year", "later recommendations", "duplicated rows"),
    *("shuffled split", "misdated block", "stale days kept", "forecast-path Sharpe"),
    *("unpaid costs", "free shorting", "in-sample walk-forward"),
    "tiny-window annualisation",
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("network", marks=pytest.mark.slow),
        # Every build audits a market of this kind, so another seed is tried rarely.
        pytest.param("surrogate", marks=pytest.mark.audit_power),
    ],
)
def clean(request, tmp_path_factory: pytest.TempPathFactory) -> Examination:
    root = tmp_path_factory.mktemp("audit")
    return examine(
        STUDY,
        root,
        seed=3,
        learner=request.param,
        futures="few" if request.param == "surrogate" else "fits",
    )


def test_a_clean_tree_sets_off_no_alarm(clean: Examination) -> None:
    assert clean.alarms == []
    # The end of training, the middle of the test year and one other origin.
    assert len(clean.splices) == (3 if clean.learner == "surrogate" else 0)
    assert clean.run is not None
    # v1 and the recommended stocks, of two folds.
    assert len(clean.run.bundles) == (8 if clean.learner == "surrogate" else 6)
    for table in (clean.run.prices, clean.run.forecasts, clean.run.scores):
        assert len(table)
    assert {stage.name for stage in STAGES} >= {"panel", "weights", "forecasts"}
    # Networks of few epochs may never trade.
    if clean.learner == "surrogate":
        assert v2_figures(clean)["sharpe"] is not None


def test_the_published_mistakes_are_all_tried() -> None:
    names = [defect.name for defect in DEFECTS]
    assert set(names) >= PUBLISHED_MISTAKES
    assert len(set(names)) == len(names)


def test_the_strangers_defects_still_find_the_text_that_they_edit() -> None:
    names = [defect.name for defect in STRANGER_DEFECTS]
    assert len(set(names)) == len(names) >= 60
    for defect in STRANGER_DEFECTS:
        with defect.patch():
            pass


SLOW, RARE = pytest.mark.slow, pytest.mark.audit_power


@pytest.mark.parametrize(
    ("name", "check", "futures"),
    [
        pytest.param("centred window", "futures: forecasts", "few", marks=SLOW),
        pytest.param("early dividends", "reference: panel", "none", marks=SLOW),
        pytest.param("unpaid costs", "recount: returns.parquet", "none", marks=SLOW),
        pytest.param(
            "scaler on all data, network", "reference: scalers", "none", marks=SLOW
        ),
        pytest.param("survivors only", "futures: universe", "few", marks=RARE),
        pytest.param(
            "tomorrow's bill rate", "recount: returns.parquet", "none", marks=RARE
        ),
        pytest.param(
            "dividends on one side", "recount: returns.parquet", "none", marks=RARE
        ),
        pytest.param("features of tomorrow", "futures: features", "few", marks=RARE),
        pytest.param("tabular models in sample", "futures: tabular", "few", marks=RARE),
        pytest.param(
            "test-year scaling, network", "refit: forecasts", "none", marks=RARE
        ),
    ],
)
def test_a_defect_is_caught_where_it_lies(name: str, check: str, futures: str) -> None:
    (defect,) = [each for each in DEFECTS if each.name == name]
    assert check in try_defect(replace(defect, futures=futures))["caught_by"]
