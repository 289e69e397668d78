"""Survivorship bias, against prices looked up by hand."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel
from support.places import REAL_FILES

from nse_lstm.config import Backtest, CrossSection
from nse_lstm.data.market_statistics.market_years import lifespans
from nse_lstm.data.market_statistics.wide_panel import make_wide_panel
from nse_lstm.data.panel import build_panel
from nse_lstm.evaluation.survivorship import ALL, LARGE, measure_survivorship

GONE = pd.Timestamp("2021-03-01")
BACKTEST = Backtest(suspension_haircut=0.4)


def measured(panel, after=0):
    return measure_survivorship(
        panel,
        lifespans(make_wide_panel(panel)),
        cross_section=CrossSection(size=2, liquidity_sessions=20),
        backtest=BACKTEST,
        after=after,
    )


@pytest.fixture(scope="module")
def panel():
    """Three stocks from 2020 to 2022, of which AAA leaves in 2021."""
    table = make_tiny_panel(780, seed=4)
    left = (table["ticker"] == "AAA") & (table["session"] > GONE)
    return table[~left].reset_index(drop=True)


def year_return(panel, ticker, year, *, gone=False):
    """The return over a calendar year from last prices, by hand."""
    own = panel[panel["ticker"] == ticker]
    adjusted = (own["price"] * own["factor"].cumprod()).to_numpy()
    session = own["session"]
    before = adjusted[(session < pd.Timestamp(year, 1, 1)).to_numpy()][-1]
    last = adjusted[(session < pd.Timestamp(year + 1, 1, 1)).to_numpy()][-1]
    return last / before * (0.6 if gone else 1.0) - 1


def test_who_leaves_counts_in_its_year_and_survivors_are_known_only_later(panel):
    table = measured(panel).set_index(["universe", "year"])
    of_2021 = {
        name: year_return(panel, name, 2021, gone=name == "AAA")
        for name in ("AAA", "BBB", "CCC")
    }
    row = table.loc[(ALL, 2021)]
    assert (row["n_stocks"], row["n_gone"]) == (3, 1)
    assert row["all_return"] == pytest.approx(np.mean(list(of_2021.values())))
    stayed = [of_2021["BBB"], of_2021["CCC"]]
    assert row["survivor_return"] == pytest.approx(np.mean(stayed))
    row = table.loc[(ALL, 2022)]
    assert (row["n_stocks"], row["n_gone"]) == (2, 0)
    assert row["all_return"] == row["survivor_return"]
    # The year that opens the files has no members before it.
    assert table.index.get_level_values("year").min() == 2021


def test_the_largest_are_those_by_turnover_before_the_year(panel):
    rows = panel[panel["session"] < pd.Timestamp(2021, 1, 1)]
    last = np.sort(rows["session"].unique())[-20:]
    rows = rows[rows["session"].isin(last)]
    turnover = (rows["price"] * rows["volume"]).groupby(rows["ticker"]).median()
    two = turnover.drop(turnover.idxmin()).index
    row = measured(panel).set_index(["universe", "year"]).loc[(LARGE, 2021)]
    assert row["n_stocks"] == 2
    expected = [year_return(panel, name, 2021, gone=name == "AAA") for name in two]
    assert row["all_return"] == pytest.approx(np.mean(expected))


def test_nothing_is_measured_up_to_the_years_that_are_kept_whole(panel):
    assert measured(panel, after=2021)["year"].unique().tolist() == [2022]
    assert measured(panel, after=2022).empty


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason="needs the exchange's own files")
def test_the_real_universe_loses_stocks_and_its_survivors_look_better():
    panel = build_panel(REAL_FILES).panel
    sealed = panel[panel["session"] < pd.Timestamp(2023, 1, 1)].reset_index(drop=True)
    table = measure_survivorship(
        sealed,
        lifespans(make_wide_panel(sealed)),
        cross_section=CrossSection(),
        backtest=Backtest(),
        after=2013,
    )
    every = table[table["universe"] == ALL]
    assert every["year"].tolist() == list(range(2014, 2023))
    assert every["n_gone"].iloc[:5].min() >= 4
    assert (every["survivor_return"] - every["all_return"]).mean() > 0.01
