"""The market's calendar, concentration and lives, on boards small enough to count."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.data.market_statistics.market_years import (
    RECENT,
    SILENCE,
    absent_days,
    concentration,
    lifespans,
    market_years,
)
from nse_lstm.data.market_statistics.wide_panel import WidePanel, make_wide_panel


def market_of(boards: WidePanel) -> pd.DataFrame:
    return market_years(
        boards,
        ranks=concentration(boards),
        lives=lifespans(boards),
        absent=absent_days(boards.sessions),
    ).set_index("year")


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return make_tiny_panel(600, seed=2)


def test_absent_days_are_the_weekdays_between_that_have_no_session():
    # A holiday on Wednesday 8 January 2020, then a break from 11 January to 2 February.
    days = ["2020-01-06", "2020-01-07", "2020-01-09", "2020-01-10", "2020-02-03"]
    found = absent_days(pd.DatetimeIndex(days)).set_index("day")["in_gap"]
    assert not found["2020-01-08"] and found.iloc[1:].all()
    # 13 to 31 January: three weeks of five days.
    assert len(found) == 1 + 15


def test_a_whole_calendar_has_no_absent_day():
    assert absent_days(pd.bdate_range("2020-01-06", periods=9)).empty


def test_turnover_ranks_and_adds_up(panel):
    found = concentration(make_wide_panel(panel))
    for year, rows in found.groupby("year"):
        own = panel[panel["session"].dt.year == year]
        total = {
            ticker: sum(
                p * v for p, v in zip(r["price"], r["volume"], strict=True) if v == v
            )
            for ticker, r in own.groupby("ticker")
        }
        order = sorted(total, key=lambda ticker: -total[ticker])
        assert rows["ticker"].tolist() == order
        shares = [total[ticker] / sum(total.values()) for ticker in order]
        assert rows["turnover_share"].tolist() == pytest.approx(shares)
        assert rows["cumulative_share"].tolist() == pytest.approx(np.cumsum(shares))


def test_all_shares_of_a_small_market_are_at_most_1_whatever_rounding_does(panel):
    boards = make_wide_panel(panel)
    ranks = concentration(boards)
    ranks["turnover_share"] *= 1 + 1e-15
    assert (ranks.groupby("year")["turnover_share"].sum() > 1).any()
    found = market_years(
        boards,
        ranks=ranks,
        lives=lifespans(boards),
        absent=absent_days(boards.sessions),
    )
    assert (found[["top_10", "top_25"]] == 1).all(axis=None)


def test_a_years_figures_are_counted_by_hand(panel):
    panel = panel.copy()
    sessions = panel["session"].unique()
    # A stale board says nothing about its session.
    panel.loc[panel["session"] == sessions[10], "stale"] = True
    found = market_of(make_wide_panel(panel))
    of_2020 = panel[(panel["session"].dt.year == 2020)]
    fresh = of_2020[~of_2020["stale"]]
    n_traded = [rows["volume"].count() for _, rows in fresh.groupby("session")]
    turnover = [
        (rows["price"] * rows["volume"]).sum() for _, rows in fresh.groupby("session")
    ]
    own = found.loc[2020]
    assert own["n_sessions"] == of_2020["session"].nunique()
    assert own["n_traded"] == np.median(n_traded)
    assert own["turnover"] == pytest.approx(np.median(turnover))
    assert own["n_listed"] == 3 and own["n_absent"] == 0
    ranks = concentration(make_wide_panel(panel)).query("year == 2020")
    assert own["top_1"] == ranks["turnover_share"].iloc[0]
    assert own["top_5"] == pytest.approx(1.0)
    assert own["herfindahl"] == pytest.approx(sum(ranks["turnover_share"] ** 2))


def test_lives_tell_who_entered_left_and_only_stopped(panel):
    sessions = panel["session"].unique()
    panel = panel.copy()
    is_late_b = (panel["ticker"] == "BBB") & (panel["session"] > sessions[-RECENT])
    panel = panel[~is_late_b]
    is_early_c = (panel["ticker"] == "CCC") & (panel["session"] < sessions[100])
    panel = panel[~is_early_c].reset_index(drop=True)
    silent = panel["session"] > sessions[-SILENCE]
    panel.loc[(panel["ticker"] == "CCC") & silent, "volume"] = np.nan
    boards = make_wide_panel(panel)
    found = lifespans(boards).set_index("ticker")
    assert found["fate"].to_dict() == {
        "AAA": "trading",
        "BBB": "trading",
        "CCC": "trading",
    }
    # One session more of each, and it is over.
    more = panel["session"] >= sessions[-SILENCE]
    panel.loc[(panel["ticker"] == "CCC") & more, "volume"] = np.nan
    last_b = (panel["ticker"] == "BBB") & (panel["session"] == sessions[-RECENT])
    boards = make_wide_panel(panel[~last_b])
    found = lifespans(boards).set_index("ticker")
    assert found["fate"].to_dict() == {
        "AAA": "trading",
        "BBB": "left",
        "CCC": "stopped",
    }
    assert found["entered"].to_dict() == {"AAA": False, "BBB": False, "CCC": True}
    assert found.loc["CCC", "last_trade"] == sessions[-SILENCE - 1]
    years = market_of(boards)
    assert years.loc[sessions[100].year, "n_entering"] == 1
    assert years["n_ending"].sum() == 2
    assert years.loc[sessions[-SILENCE - 1].year, "n_ending"] >= 1


def test_a_code_that_never_dealt_has_no_last_trade(panel):
    never = panel.assign(volume=panel["volume"].where(panel["ticker"] != "AAA"))
    found = lifespans(make_wide_panel(never)).set_index("ticker")
    assert pd.isna(found.loc["AAA", "last_trade"])
    assert found.loc["AAA", "fate"] == "stopped"
    ranks = concentration(make_wide_panel(never))
    assert "AAA" not in set(ranks["ticker"])


def test_a_years_row_is_not_moved_by_later_turnover(panel):
    other = panel.copy()
    other.loc[other["session"].dt.year > 2020, "volume"] *= 11.0
    before, after = (market_of(make_wide_panel(each)) for each in (panel, other))
    pd.testing.assert_series_equal(before.loc[2020], after.loc[2020], check_exact=True)
