import pytest

from nse_lstm.models.versions import artefact_version, sources_digest

IDENTITY = {"ticker": "SCOM", "year": 2023}


def make_library(folder, *, text: str = "x = 1\n"):
    for package in ("data", "features", "models", "reporting"):
        (folder / package).mkdir(parents=True)
        (folder / package / "a.py").write_text(text, newline="")
    return folder


def test_the_digest_follows_sources_that_forecasts_depend_on(tmp_path):
    library = make_library(tmp_path)
    before = sources_digest(library)
    (library / "reporting/a.py").write_text("x = 2\n")
    (library / "models/notes.txt").write_text("no source")
    assert sources_digest(library) == before
    (library / "features/a.py").write_text("x = 2\n")
    assert sources_digest(library) != before


def test_a_moved_source_is_another_source(tmp_path):
    library = make_library(tmp_path)
    before = sources_digest(library)
    (library / "data/a.py").rename(library / "data/b.py")
    assert sources_digest(library) != before


def test_line_ends_of_the_checkout_do_not_count(tmp_path):
    unix = make_library(tmp_path / "unix", text="x = 1\ny = 2\n")
    windows = make_library(tmp_path / "windows", text="x = 1\r\ny = 2\r\n")
    assert sources_digest(unix) == sources_digest(windows)


@pytest.mark.parametrize(
    "change",
    [
        {"data_digest": "other"},
        {"configuration": {"v2": {"lookback": 20}}},
        {"seed": 2},
        {"ticker": "KCB"},
        {"year": 2022},
    ],
)
def test_a_version_changes_with_everything_that_bytes_depend_on(change):
    given = {
        "data_digest": "data",
        "configuration": {"v2": {"lookback": 60}},
        "seed": 1,
        **IDENTITY,
    }
    assert artefact_version(**given) != artefact_version(**(given | change))


def test_a_version_does_not_depend_on_the_order_of_the_configuration():
    one = artefact_version("data", {"a": 1, "b": 2}, 1, **IDENTITY)
    assert one == artefact_version("data", {"b": 2, "a": 1}, 1, **IDENTITY)
