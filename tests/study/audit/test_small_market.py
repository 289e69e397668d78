"""The audit on its small market: no alarm on clean code, the right one on a defect."""

import pytest
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


@pytest.fixture(scope="module", params=["surrogate", "network"])
def clean(request, tmp_path_factory: pytest.TempPathFactory) -> Examination:
    root = tmp_path_factory.mktemp("audit")
    return examine(
        STUDY,
        root,
        seed=3,
        learner=request.param,
        futures="few" if request.param == "surrogate" else "fits",
    )


@pytest.mark.slow
def test_a_clean_tree_sets_off_no_alarm(clean: Examination) -> None:
    assert clean.alarms == []
    # The end of training and one other origin in both folds.
    assert len(clean.splices) == (4 if clean.learner == "surrogate" else 0)
    assert clean.run is not None
    # v1 and the recommended stocks, of two folds.
    assert len(clean.run.bundles) == (8 if clean.learner == "surrogate" else 6)


@pytest.mark.slow
def test_the_compared_tables_are_not_empty(clean: Examination) -> None:
    run = clean.run
    assert run is not None
    for table in (run.prices, run.forecasts, run.returns, run.scores):
        assert len(table)
    assert {stage.name for stage in STAGES} >= {"panel", "weights", "forecasts"}
    assert v2_figures(clean)["sharpe"] is not None


def test_the_published_mistakes_are_all_tried() -> None:
    names = [defect.name for defect in DEFECTS]
    assert set(names) >= PUBLISHED_MISTAKES
    assert len(set(names)) == len(names)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("centred window", "futures: forecasts"),
        ("survivors only", "futures: universe"),
        ("unpaid costs", "recount: returns.parquet"),
        ("tomorrow's bill rate", "recount: returns.parquet"),
        ("early dividends", "reference: panel"),
        ("dividends on one side", "recount: returns.parquet"),
        ("features of tomorrow", "futures: features"),
        ("tabular models in sample", "futures: tabular"),
        ("scaler on all data, network", "futures: scalers"),
        ("test-year scaling, network", "futures: forecasts"),
    ],
)
def test_a_defect_is_caught_where_it_lies(name: str, check: str) -> None:
    (defect,) = [each for each in DEFECTS if each.name == name]
    assert check in try_defect(defect)["caught_by"]
