"""What is cut is what is trained on, and nothing that is scored."""

from dataclasses import replace

import pandas as pd
import pytest
from support.odd_panel import SMALL, odd_panel

from nse_lstm.config import Market, Simulation, Study, Tabular
from nse_lstm.data.simulate import simulate_market
from nse_lstm.errors import ConfigurationError
from nse_lstm.features.folds import Fold, make_folds
from nse_lstm.models.tabular_models import split_rows
from nse_lstm.study.experiments.explanation.learning_curves import (
    ALL,
    learning_curve,
    with_stocks,
    with_years,
)
from nse_lstm.study.experiments.ranking_task import make_ranking_task
from nse_lstm.study.experiments.search_spaces import RankingTask

SECTION = replace(SMALL, size=3, horizons=(1, 5))
STUDY = Study(
    market=Market(name="simulated", label="a test"),
    cross_section=SECTION,
    tabular=Tabular(ridge_alpha=10.0),
)
(FOLD,) = make_folds(2022, 1)[:-1]


@pytest.fixture(scope="module")
def task() -> RankingTask:
    # From January 2020 on: the scored year has one before it and a part of its own.
    return make_ranking_task(odd_panel(420), study=STUDY, folds=[FOLD])


def rows_of(task: RankingTask, fold: Fold) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = split_rows(task.features, task.targets[0], fold, purge=1)
    train, forecast = (
        part.reset_index(drop=True) for part in (rows.train, rows.forecast)
    )
    return train, forecast


def test_years_cut_the_training_rows_only(task: RankingTask) -> None:
    fold = replace(FOLD, start=pd.Timestamp(2021, 6, 1))
    pd.testing.assert_frame_equal(with_years(task, fold, 5).features, task.features)
    whole, same = rows_of(task, fold)
    train, forecast = rows_of(with_years(task, fold, 1), fold)
    expected = whole[whole["origin"] >= pd.Timestamp(2020, 6, 1)]
    assert 0 < len(expected) < len(whole)
    pd.testing.assert_frame_equal(train, expected.reset_index(drop=True))
    pd.testing.assert_frame_equal(forecast, same)


def test_shares_cut_the_training_rows_only(task: RankingTask) -> None:
    whole, same = rows_of(task, FOLD)
    seen = []
    for n_stocks in (1, 2, 3):
        train, forecast = rows_of(with_stocks(task, FOLD, n_stocks, draw=0), FOLD)
        pd.testing.assert_frame_equal(forecast, same)
        seen.append(set(train["ticker"]))
    # Each number of shares holds those of the one before.
    assert [len(names) for names in seen] == [1, 2, 3]
    assert seen[0] < seen[1] < seen[2] == set(whole["ticker"])


@pytest.mark.slow
def test_more_shares_teach_more_on_a_market_with_a_pooled_signal() -> None:
    simulation = Simulation(
        last_year=2015, n_ordinary=16, signal=0.3, signal_parts=(1.0, 0.0, 0.0)
    )
    section = replace(SECTION, size=12, liquidity_sessions=60, horizons=(5,))
    study = replace(STUDY, cross_section=section)
    panel = simulate_market(simulation, seed=1).panel
    task = make_ranking_task(panel, study=study, folds=make_folds(2016, 1)[:1])
    table = learning_curve(
        task,
        ["ridge"],
        n_years=[2],
        n_stocks=[1],
        progress=lambda _: None,
    ).set_index(["cut", "number"])
    value = table["value"]
    assert value["stocks", 1] < value[ALL, 0] - 0.05
    # The cost of a cut is measured on the same sessions, so it is surer than either.
    change = table["change"]
    assert change["stocks", 1] == pytest.approx(value["stocks", 1] - value[ALL, 0])
    lower, upper = table["change_lower"], table["change_upper"]
    assert lower["stocks", 1] < change["stocks", 1] < upper["stocks", 1] < 0
    # Two years before 2015 are all there are.
    assert value["years", 2] == value[ALL, 0]
    assert (change["years", 2], lower["years", 2], upper["years", 2]) == (0, 0, 0)
    assert (table["lower"] < value).all() and (value < table["upper"]).all()


def test_no_years_at_all_are_refused(task: RankingTask) -> None:
    with pytest.raises(ConfigurationError, match=r"n_years=\[0\]"):
        learning_curve(task, ["ridge"], n_years=[0])
