"""Equal weight and the index against accounts kept by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel
from hypothesis import given, settings
from hypothesis import strategies as st

from nse_lstm.config import Backtest
from nse_lstm.evaluation.backtest import TradabilityCalendar
from nse_lstm.evaluation.portfolios import hold_equal_weight, hold_index
from nse_lstm.features.returns import with_returns

NO_CASH = Backtest(cash_rate=0.0)
START, END = pd.Timestamp("2020-01-01"), pd.Timestamp("2021-01-01")


def calendar_of(returns, *, dates=None, buys=None, sells=None) -> TradabilityCalendar:
    n = len(returns)
    if dates is None:
        dates = pd.date_range("2020-01-06", periods=n).as_unit("us")
    dates = pd.DatetimeIndex(dates)
    return TradabilityCalendar(
        session=dates.to_numpy(),
        origin=(dates - pd.Timedelta(days=1)).to_numpy(),
        stock_return=np.array(returns, float),
        buy_fills=np.ones(n, bool) if buys is None else np.array(buys, bool),
        sell_fills=np.ones(n, bool) if sells is None else np.array(sells, bool),
    )


def test_the_first_purchase_pays_and_later_sessions_drift_without_a_deal():
    calendars = [calendar_of([0.0, 0.1, 0.1]), calendar_of([0.0, 0.0, 0.0])]
    account = hold_equal_weight(calendars, backtest=NO_CASH, cost_bps=100)
    assert account["turnover"].tolist() == [1.0, 0.0, 0.0]
    assert account["position"].tolist() == pytest.approx([0.0, 1.0, 1.0])
    # Halves: 0.5 * 0.1; then the first stock weighs 0.55 / 1.05.
    gross = [0.0, 0.05, 0.55 / 1.05 * 0.1]
    assert account["gross_return"].tolist() == pytest.approx(gross)
    # One purchase of the whole account at 1 %.
    assert account["net_return"].tolist() == pytest.approx([-0.01, *gross[1:]])


def test_a_new_month_evens_out_by_the_weights_of_the_evening_before():
    dates = pd.to_datetime(["2020-01-30", "2020-01-31", "2020-02-03"])
    calendars = [
        calendar_of([0.0, 0.2, 0.5], dates=dates),
        calendar_of([0.0, 0.0, 0.0], dates=dates),
    ]
    account = hold_equal_weight(calendars, backtest=NO_CASH, cost_bps=100)
    # Of 31 January 0.6 / 1.1: the excess over a half is sold, as much bought.
    excess = 0.6 / 1.1 - 0.5
    assert account["turnover"].iloc[2] == pytest.approx(2 * excess)
    gross = 0.6 / 1.1 * 0.5
    net = (1 + gross) * (1 - 0.01 * 2 * excess) - 1
    assert account["net_return"].iloc[2] == pytest.approx(net)


def test_an_order_that_lapses_is_sent_again_and_its_money_earns_cash():
    calendars = [calendar_of([0.0] * 4), calendar_of([0.0] * 4, buys=[0, 0, 1, 1])]
    backtest = Backtest(cash_rate=0.25, sessions_per_year=250)
    account = hold_equal_weight(calendars, backtest=backtest, cost_bps=0)
    assert account["turnover"].tolist() == pytest.approx([0.5, 0, 0.5, 0], abs=2e-3)
    assert account["position"].tolist() == pytest.approx([0, 0.5, 0.5, 1], abs=2e-3)
    assert account["gross_return"].iloc[0] == pytest.approx(0.001)
    assert account["gross_return"].iloc[1] == pytest.approx(0.0005)


def test_no_order_comes_from_a_stale_evening():
    calendar = calendar_of([0.0, 0.0])
    origins = np.array([np.datetime64("NaT"), calendar.origin[1]])
    calendar = replace(calendar, origin=origins)
    account = hold_equal_weight([calendar], backtest=NO_CASH, cost_bps=0)
    assert account["turnover"].tolist() == [0.0, 1.0]


def test_purchases_wait_for_money_where_a_sale_lapses():
    dates = pd.to_datetime(["2020-01-30", "2020-01-31", "2020-02-03", "2020-02-04"])
    calendars = [
        calendar_of([0.0, 0.2, 0.0, 0.0], dates=dates, sells=[1, 1, 0, 0]),
        calendar_of([0.0, 0.0, 0.0, 0.0], dates=dates),
    ]
    account = hold_equal_weight(calendars, backtest=NO_CASH, cost_bps=0)
    assert account["turnover"].tolist() == pytest.approx(
        [1.0, 0.0, 0.0, 0.0], abs=1e-12
    )


def test_purchases_share_the_money_that_there_is():
    dates = pd.to_datetime(["2020-01-30", "2020-01-31", "2020-02-03"])
    calendars = [
        calendar_of([0.0, 1.0, 0.0], dates=dates, sells=[1, 1, 0]),
        calendar_of([0.0, 0.0, 0.0], dates=dates, buys=[0, 0, 1]),
    ]
    account = hold_equal_weight(calendars, backtest=NO_CASH, cost_bps=0)
    # The first weighs 1 / 1.5 and is not sold: a third is left for the wanted half.
    assert account["turnover"].tolist() == pytest.approx([1 / 2, 0, 1 / 3])


def test_an_order_two_sessions_before_knows_the_weights_of_then_alone():
    dates = pd.to_datetime(["2020-01-31", "2020-02-03", "2020-02-04"])
    calendars = [
        calendar_of([0.0, 0.0, 0.4], dates=dates),
        calendar_of([0.0, 0.0, 0.0], dates=dates, buys=[0, 1, 1]),
    ]
    slow = replace(NO_CASH, delay=2)
    account = hold_equal_weight(calendars, backtest=slow, cost_bps=0)
    # The first is bought on 31 January. The order for 3 February does not know it yet,
    # and wants a half of each again: they share the half that is left.
    assert account["turnover"].tolist() == pytest.approx([1 / 2, 1 / 2, 0])
    assert account["gross_return"].iloc[2] == pytest.approx(3 / 4 * 0.4)


@given(seed=st.integers(0, 10_000), n_stocks=st.integers(1, 6))
@settings(max_examples=40)
def test_the_account_never_borrows_and_costs_only_cost(seed, n_stocks):
    generator = np.random.default_rng(seed)
    n = 70
    calendars = [
        calendar_of(
            generator.normal(0, 0.03, n),
            buys=generator.random(n) < 0.6,
            sells=generator.random(n) < 0.6,
        )
        for _ in range(n_stocks)
    ]
    free = hold_equal_weight(calendars, backtest=Backtest(), cost_bps=0)
    dear = hold_equal_weight(calendars, backtest=Backtest(), cost_bps=212)
    assert free["position"].between(0, 1).all()
    assert (free["turnover"] >= 0).all() and (free["turnover"] <= 2 + 1e-12).all()
    same = ["session", "position", "turnover", "gross_return"]
    pd.testing.assert_frame_equal(free[same], dear[same])
    assert np.allclose(free["net_return"], free["gross_return"], atol=1e-12)
    assert (dear["net_return"] <= free["net_return"] + 1e-12).all()


def with_index(panel, levels, ticker="^NASI", sessions=None):
    sessions = panel["session"].unique() if sessions is None else sessions
    rows = panel.iloc[: len(levels)].assign(
        ticker=ticker, session=sessions[: len(levels)], price=levels, factor=1.0
    )
    rows = rows.assign(kind="index", volume=np.nan, suspended=False)
    return pd.concat([panel, rows], ignore_index=True)


def follow(panel):
    prices = with_returns(panel)
    sessions = pd.DatetimeIndex(panel["session"].unique()).sort_values()
    return hold_index(
        prices, sessions=sessions, start=START, end=END, backtest=Backtest()
    )


def test_the_index_is_held_from_the_first_level_on_without_costs():
    levels = 100 * 1.001 ** np.arange(60)
    ticker, account = follow(with_index(make_tiny_panel(), levels))
    assert ticker == "^NASI"
    assert account["gross_return"].iloc[1:].to_numpy() == pytest.approx(0.001)
    assert account["net_return"].equals(account["gross_return"])
    assert account["position"].tolist() == [0.0] + [1.0] * 59
    assert account["turnover"].sum() == 1


def test_the_index_with_the_most_levels_is_taken_and_the_all_share_on_a_tie():
    panel = make_tiny_panel()
    both = with_index(with_index(panel, [100.0] * 60, "^N20I"), [100.0] * 60)
    assert follow(both)[0] == "^NASI"
    short = with_index(with_index(panel, [100.0] * 60, "^N20I"), [100.0] * 9)
    assert follow(short)[0] == "^N20I"


def test_without_an_index_there_is_no_benchmark():
    assert follow(make_tiny_panel()) is None


@pytest.mark.parametrize("slip", [1000.0, 10.0])
def test_a_misprinted_level_earns_nothing(slip):
    levels = np.full(60, 100.0)
    levels[30] = slip
    _, account = follow(with_index(make_tiny_panel(), levels))
    assert (account["gross_return"].iloc[1:] == 0).all()


def test_a_fall_that_stays_is_no_misprint():
    levels = np.repeat([100.0, 80.0], 30)
    _, account = follow(with_index(make_tiny_panel(), levels))
    assert account["gross_return"].iloc[1:].sum() == pytest.approx(-0.2)


def test_sessions_without_a_level_keep_it_and_are_no_suspension():
    panel = make_tiny_panel()
    sessions = panel["session"].unique()
    kept = np.r_[sessions[:10], sessions[40:]]
    levels = np.r_[np.full(10, 100.0), np.full(20, 110.0)]
    _, account = follow(with_index(panel, levels, sessions=kept))
    moved = account[account["gross_return"].abs() > 1e-3]
    assert moved["session"].tolist() == [sessions[40]]
    assert moved["gross_return"].tolist() == pytest.approx([0.1])
