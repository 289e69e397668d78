"""The audit on its small market: clean as we are, loud once something is wrong."""

from pathlib import Path

import pytest

from nse_lstm.config import load_study
from nse_lstm.paths import find_root
from nse_lstm.study.audit.checks import Examination, examine
from nse_lstm.study.audit.power import DEFECTS, faked, try_defect
from nse_lstm.study.audit.stages import STAGES

STUDY = load_study(find_root(Path(__file__)) / "study.toml")
MISTAKES_OF_THE_FIELD = {
    *("text-sorted dates", "scaler on all data", "centred window", "12-month column"),
    *("Adjust column", "back-adjusted prices", "label shifted by one"),
    *("same-session fill", "early stopping on the test span", "survivors only"),
    *("selection on the test year", "later recommendations", "duplicated rows"),
    *("shuffled split", "misdated block", "stale days kept", "forecast-path Sharpe"),
    *("unpaid costs", "free shorting", "in-sample walk-forward"),
    "tiny-window annualisation",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["stand-in", "network"])
def clean(request, tmp_path_factory: pytest.TempPathFactory) -> Examination:
    root = tmp_path_factory.mktemp("audit")
    return examine(
        STUDY,
        root,
        seed=3,
        learner=request.param,
        futures="all" if request.param == "stand-in" else "none",
    )


def test_a_clean_tree_sets_off_no_alarm(clean: Examination) -> None:
    assert clean.alarms == []
    assert bool(clean.changes) == (clean.learner == "stand-in")
    assert clean.walk is not None and len(clean.walk.bundles) == 6


def test_what_the_audit_compares_is_not_empty(clean: Examination) -> None:
    walk = clean.walk
    assert walk is not None
    for table in (walk.prices, walk.forecasts, walk.returns, walk.scores):
        assert len(table)
    assert {stage.name for stage in STAGES} >= {"panel", "weights", "forecasts"}
    assert faked(clean)["sharpe"] is not None


def test_the_named_mistakes_are_all_tried() -> None:
    assert {defect.name for defect in DEFECTS} >= MISTAKES_OF_THE_FIELD
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("centred window", "futures: forecasts"),
        ("survivors only", "futures: universe"),
        ("unpaid costs", "recount: money"),
        ("features of tomorrow", "futures: features"),
        ("rivals in sample", "futures: rivals"),
        ("scaler on all data, network", "futures: scalers"),
        ("test-year scaling, network", "futures: forecasts"),
    ],
)
def test_a_defect_is_caught_where_it_lies(name: str, check: str) -> None:
    (defect,) = [each for each in DEFECTS if each.name == name]
    assert check in try_defect(STUDY, defect)["caught_by"]
