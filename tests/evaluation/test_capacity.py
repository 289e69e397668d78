"""Accounts in whole lots, by hand arithmetic, and their limit: the headline account."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import Backtest
from nse_lstm.evaluation.backtest import (
    ENTER,
    LEAVE,
    STAY,
    TradabilityCalendar,
    simulate_fills,
    tradability,
)
from nse_lstm.evaluation.capacity import (
    VolumeLimits,
    read_volume_limits,
    score_capacity,
    simulate_sized_fills,
)
from nse_lstm.evaluation.strategies import strategy_returns, tradability_by_stock
from nse_lstm.features.returns import market_sessions, with_returns

FREE = Backtest(cash_rate=0.0)
SESSIONS = pd.bdate_range("2024-01-01", periods=4).as_unit("us")


def make_calendar(stock_return=(0.0, 0.0, 0.0, 0.0)) -> TradabilityCalendar:
    """Four sessions on which all orders of the session before are met."""
    return TradabilityCalendar(
        session=SESSIONS.to_numpy(),
        origin=(SESSIONS - pd.Timedelta(days=1)).to_numpy(),
        stock_return=np.array(stock_return),
        buy_fills=np.ones(4, bool),
        sell_fills=np.ones(4, bool),
    )


def make_limits(*, price=10.0, volume=1e9, lot=100.0) -> VolumeLimits:
    return VolumeLimits(
        *(np.broadcast_to(x, 4).astype(float) for x in (price, volume, lot))
    )


def signals(*wanted: float) -> pd.Series:
    return pd.Series(wanted, index=SESSIONS - pd.Timedelta(days=1))


def simulate(calendar, limits, wanted, *, capital, cost_bps=0, backtest=FREE):
    return simulate_sized_fills(
        calendar, limits, wanted, capital=capital, backtest=backtest, cost_bps=cost_bps
    )


def test_an_order_is_of_whole_lots_and_the_rest_stays_cash():
    # 3,500 shillings buy 3 lots of 100 at 10, not 350 shares; half of 3,000 is lost.
    wanted = signals(ENTER, STAY, STAY, LEAVE)
    calendar = make_calendar((0.0, -0.5, 0.0, 0.0))
    found = simulate(calendar, make_limits(price=[10, 5, 5, 5]), wanted, capital=3500)
    assert found.ordered.tolist() == [3000, 0, 0, 1500]
    assert found.value.tolist() == [3500, 2000, 2000, 2000]
    assert found.invested.tolist() == pytest.approx([0, 3000 / 3500, 0.75, 0.75])


def test_an_order_takes_a_tenth_of_the_volume_and_the_next_session_sends_a_new_order():
    # A tenth of 2,500 shares is 250, two lots: 2,000 of 5,000 shillings, again and
    # again; STAY sends nothing on the third session.
    wanted = signals(ENTER, ENTER, STAY, ENTER)
    found = simulate(make_calendar(), make_limits(volume=2500), wanted, capital=5000)
    assert found.ordered.tolist() == [5000, 3000, 0, 1000]
    assert found.filled.tolist() == [2000, 2000, 0, 1000]


def test_a_sale_is_bounded_by_the_volume_and_less_than_a_lot_is_sold_at_once():
    wanted = signals(ENTER, LEAVE, LEAVE, STAY)
    limits = make_limits(volume=[1e9, 2500, 0, 0])
    found = simulate(make_calendar((0, -0.5, 0, 0)), limits, wanted, capital=5000)
    # 5,000 bought; worth 2,500 at 10 per share: 250 shares. Two lots leave, then the
    # odd 50 shares, whatever the volume.
    assert found.filled.tolist() == [5000, 2000, 500, 0]
    assert found.invested.tolist() == pytest.approx([0, 1, 0.2, 0])


def test_a_trade_pays_its_cost_on_either_side():
    # Of 1,010 at 1 % per side 999.9 buy stock: 99 shares at 10 cost 990 / 0.99 = 1,000.
    limits = make_limits(lot=1.0)
    found = simulate(
        make_calendar(),
        limits,
        signals(ENTER, LEAVE, STAY, STAY),
        capital=1010,
        cost_bps=100,
    )
    assert found.value[0] == pytest.approx(10 + 990)
    assert found.value[1] == pytest.approx(10 + 990 * 0.99)


def test_a_capital_below_one_lot_orders_nothing():
    found = simulate(make_calendar(), make_limits(), signals(*[ENTER] * 4), capital=999)
    assert not found.ordered.any() and (found.value == 999).all()


@pytest.mark.parametrize("cost_bps", [0, 66, 212])
def test_without_lots_and_bounds_it_is_the_headline_account(cost_bps):
    backtest = Backtest()
    prices = with_returns(make_tiny_panel(60))
    calendar = tradability(
        prices[prices["ticker"] == "BBB"],
        sessions=market_sessions(prices),
        start=pd.Timestamp(2020, 1, 1),
        end=pd.Timestamp(2021, 1, 1),
        backtest=backtest,
    )
    choice = np.random.default_rng(1).choice(
        [ENTER, LEAVE, STAY], len(calendar.session)
    )
    origins = pd.DatetimeIndex(calendar.origin)
    wanted = pd.Series(choice, index=origins)[origins.notna()]
    account = simulate_fills(calendar, wanted, backtest=backtest, cost_bps=cost_bps)
    n = len(calendar.session)
    limits = VolumeLimits(np.full(n, 10.0), np.full(n, 1e12), np.full(n, 1e-9))
    sized = simulate_sized_fills(
        calendar, limits, wanted, capital=1e6, backtest=backtest, cost_bps=cost_bps
    )
    value = 1e6 * (1 + account["net_return"]).cumprod()
    assert sized.value == pytest.approx(value.to_numpy(), rel=1e-9)
    assert account["turnover"].sum() > 5


def test_board_lots_end_with_july_2025():
    days = pd.to_datetime(["2025-07-30", "2025-07-31", "2025-08-01", "2025-08-04"])
    calendar = replace(make_calendar(), session=days.as_unit("us").to_numpy())
    stock = pd.DataFrame({"session": days, "price": 10.0, "volume": np.nan})
    limits = read_volume_limits(stock, calendar.session, backtest=Backtest())
    assert limits.lot.tolist() == [100, 100, 1, 1]
    assert limits.volume.tolist() == [0] * 4


def test_with_more_capital_a_smaller_part_of_the_orders_is_filled(forecasts_of):
    panel = make_tiny_panel(start="2019-11-04")
    forecasts = forecasts_of(
        panel, model="v2", y_hat=lambda r: r["ahead"].fillna(0.0), fold=2020
    )
    backtest = Backtest()
    calendars = tradability_by_stock(forecasts, with_returns(panel), backtest=backtest)
    table = score_capacity(
        forecasts, panel, calendars, model="v2", rule="sign", backtest=backtest
    )
    assert table["capital_kes"].tolist() == list(Backtest().capacity_kes)
    assert table["fill_share"].is_monotonic_decreasing
    assert table["exposure"].iloc[-1] < table["exposure"].iloc[0]
    assert table["fill_share"].iloc[0] > 0.99


def test_without_bounds_the_stocks_accounts_add_up_and_seeds_are_averaged(forecasts_of):
    panel = make_tiny_panel(start="2019-11-04")
    panel = panel.assign(volume=panel["volume"] * 1e9)
    views = {1: lambda r: r["ahead"].fillna(0.0), 2: lambda r: r["ahead"] * 0 - 1}
    forecasts = pd.concat(
        forecasts_of(panel, model="v2", y_hat=view, fold=2020, seed=seed)
        for seed, view in views.items()
    )
    backtest = Backtest(capacity_kes=(1e9,), capital_kes=1e9)
    calendars = tradability_by_stock(forecasts, with_returns(panel), backtest=backtest)
    table = score_capacity(
        forecasts, panel, calendars, model="v2", rule="sign", backtest=backtest
    )
    returns = strategy_returns(forecasts, panel, backtest=backtest)
    chosen = (returns["model"] == "v2") & (returns["rule"] == "sign")
    own = returns[chosen & (returns["cost_bps"] == backtest.headline_cost_bps)]
    expected = []
    for _, rows in own.groupby("seed"):
        net, position = (
            rows.pivot(index="session", columns="ticker", values=name).to_numpy()
            for name in ("net_return", "position")
        )
        value = np.cumprod(1 + net, axis=0) / 3
        before = np.vstack([np.full(3, 1 / 3), value[:-1]])
        total = value.sum(axis=1) / before.sum(axis=1) - 1
        exposure = (position * before).sum(axis=1) / before.sum(axis=1)
        cash = backtest.cash_rate / 250
        excess = 250 * (total.mean() - cash)
        expected.append([value[-1].sum() - 1, excess, exposure.mean(), len(net)])
    assert len(expected) == 2
    found = table[["net_return", "net_excess", "exposure", "n"]].iloc[0].to_numpy()
    # Lots of 100 shares leave a few hundred shillings of a milliard uninvested.
    assert found == pytest.approx(np.mean(expected, axis=0), rel=1e-4)
    # The second seed orders nothing, so its share of orders is missing.
    assert table["fill_share"].tolist() == pytest.approx([1.0])
    assert (table["rule"] == "sign").all() and (table["model"] == "v2").all()
