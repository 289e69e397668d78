"""The account of target weights against a slow account in shillings, and by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nse_lstm.config import Backtest
from nse_lstm.errors import TableError
from nse_lstm.evaluation.cash import cash_returns
from nse_lstm.evaluation.weighted_account import (
    MarketCalendar,
    SizeLimits,
    account_table,
    every_nth,
    follow_weights,
    side_by_side,
)

NO_CASH = Backtest(cash_rate=0.0)
COST = 66


def market_of(returns, *, sent=None, buys=None, sells=None) -> MarketCalendar:
    returns = np.array(returns, float)
    n, k = returns.shape
    yes = np.ones((n, k), bool)
    return MarketCalendar(
        tickers=tuple(f"S{i}" for i in range(k)),
        session=pd.date_range("2020-01-06", periods=n, unit="us").to_numpy(),
        sent=yes if sent is None else np.array(sent, bool),
        stock_return=returns,
        buy_fills=yes if buys is None else np.array(buys, bool),
        sell_fills=yes if sells is None else np.array(sells, bool),
    )


def random_market(seed: int, n: int = 60, k: int = 4) -> MarketCalendar:
    random = np.random.default_rng(seed)
    market = market_of(
        random.normal(0, 0.03, (n, k)),
        sent=random.random((n, k)) < 0.95,
        buys=random.random((n, k)) < 0.7,
        sells=random.random((n, k)) < 0.7,
    )
    stale = random.random(n) < 0.05
    market.sent[stale] = False
    return market


def random_targets(seed: int, market: MarketCalendar) -> np.ndarray:
    random = np.random.default_rng(seed + 1)
    n, k = market.stock_return.shape
    targets = random.dirichlet(np.ones(k), n) * random.uniform(0.5, 1, (n, 1))
    targets[random.random((n, k)) < 0.2] = np.nan
    return targets


def shillings(market, targets, decides, *, backtest, cost_bps, capital=1e6):
    """Book every session and stock by itself: money in KES, no arrays."""
    n, k = market.stock_return.shape
    interest = cash_returns(market.session, backtest)
    money, stocks = capital, [0.0] * k
    wanted: dict[int, float] = {}
    waits, values, shares, turnover = False, [], [], []
    for s in range(n):
        value = money + sum(stocks)
        known = [stock / value for stock in stocks]
        waits = waits or decides[s]
        if waits and any(market.sent[s]):
            waits = False
            wanted = {i: x for i, x in enumerate(targets[s]) if not np.isnan(x)}
        shares.append(sum(known))
        money *= 1 + interest[s]
        for i in range(k):
            stocks[i] *= 1 + market.stock_return[s, i]
        value = money + sum(stocks)
        dealt, purchases = 0.0, {}
        for i, goal in list(wanted.items()):
            order = goal - known[i]
            board = market.sell_fills if order < 0 else market.buy_fills
            if not (board[s, i] and market.sent[s, i]):
                continue
            del wanted[i]
            if order < 0:
                sale = min(-order * value, stocks[i])
                stocks[i] -= sale
                money += sale
                dealt += sale
            else:
                purchases[i] = order * value
        if total := sum(purchases.values()):
            part = min(1.0, max(money, 0.0) / total)
            for i, purchase in purchases.items():
                stocks[i] += part * purchase
                money -= part * purchase
                dealt += part * purchase
        # The cost of the session's trades, from stocks and cash alike.
        kept = 1 - cost_bps / 1e4 * dealt / value
        money, stocks = money * kept, [stock * kept for stock in stocks]
        turnover.append(dealt / value)
        values.append(money + sum(stocks))
    before = np.array([capital, *values[:-1]])
    return np.array(values) / before - 1, np.array(shares), np.array(turnover)


@given(seed=st.integers(0, 100_000), step=st.integers(1, 20))
@settings(max_examples=40)
def test_the_account_is_that_of_a_slow_book_in_shillings(seed: int, step: int) -> None:
    market = random_market(seed)
    targets = random_targets(seed, market)
    decides = every_nth(len(targets), step=step, first=seed % 3)
    path = follow_weights(
        market, lambda s, held: targets[s], decides=decides, backtest=Backtest()
    )
    table = account_table(market, path, backtest=Backtest(), cost_bps=COST)
    net, shares, turnover = shillings(
        market, targets, decides, backtest=Backtest(), cost_bps=COST
    )
    np.testing.assert_allclose(table["net_return"], net, atol=1e-11)
    np.testing.assert_allclose(table["position"], shares, atol=1e-11)
    np.testing.assert_allclose(table["turnover"], turnover, atol=1e-11)


def test_the_account_runs_on_over_the_new_year_without_a_new_purchase() -> None:
    market = replace(
        market_of([[0.0], [0.1], [0.1], [0.1]]),
        session=np.array(
            ["2020-12-30", "2020-12-31", "2021-01-04", "2021-01-05"], "datetime64[us]"
        ),
    )
    path = follow_weights(
        market,
        lambda s, held: np.ones(1),
        decides=every_nth(4, step=9, first=0),
        backtest=NO_CASH,
    )
    table = account_table(market, path, backtest=NO_CASH, cost_bps=100)
    assert table["turnover"].tolist() == [1, 0, 0, 0]
    assert table["position"].tolist() == pytest.approx([0, 1, 1, 1])
    assert np.prod(1 + table["net_return"]) == pytest.approx(0.99 * 1.1**3)


def test_a_suspended_stock_stays_at_its_mark_and_counts_as_stuck() -> None:
    n = 20
    fills = np.ones((n, 2), bool)
    fills[3:, 0] = False
    market = market_of(np.zeros((n, 2)), buys=fills, sells=fills)
    goals = [np.array([0.5, 0.5]), np.array([0.0, 1.0])]
    path = follow_weights(
        market,
        lambda s, held: goals[s > 0],
        decides=every_nth(n, step=5, first=0),
        backtest=NO_CASH,
    )
    assert path.held[-1].tolist() == pytest.approx([0.5, 0.5])
    # No fill from place 3 on; the eleventh session of them is place 13.
    assert np.flatnonzero(market.stuck[:, 0]).tolist() == list(range(13, n))
    assert not market.stuck[:, 1].any()


def test_nothing_of_a_later_session_moves_an_earlier_weight() -> None:
    market, at = random_market(5), 30
    targets = random_targets(5, market)
    other = random_market(6)
    spliced = replace(
        market,
        **{
            name: np.vstack([getattr(market, name)[:at], getattr(other, name)[at:]])
            for name in ("sent", "stock_return", "buy_fills", "sell_fills")
        },
    )
    decides = every_nth(60, step=3, first=0)
    paths = [
        follow_weights(
            each, lambda s, held: targets[s], decides=decides, backtest=Backtest()
        )
        for each in (market, spliced)
    ]
    assert (paths[0].held[: at + 1] == paths[1].held[: at + 1]).all()
    assert (paths[0].traded[:at] == paths[1].traded[:at]).all()
    assert not (paths[0].held[at + 1 :] == paths[1].held[at + 1 :]).all()
    assert (market.stuck[:at] == spliced.stuck[:at]).all()


def sized(capital: float, volume, *, lot: float = 100.0, price: float = 10.0):
    volume = np.array(volume, float).reshape(-1, 1)
    same = np.ones_like(volume)
    return SizeLimits(capital, price * same, volume, lot * same, COST)


def test_an_order_takes_whole_lots_and_a_tenth_of_the_volume() -> None:
    market = market_of(np.zeros((4, 1)))
    # KES 10,550 buy 1,055 shares of KES 10: ten lots. A tenth of the volume is 450,
    # then 650 shares, in whole lots 400 and 600.
    path = follow_weights(
        market,
        lambda s, held: np.ones(1),
        decides=every_nth(4, step=9, first=0),
        backtest=NO_CASH,
        limits=replace(sized(10_550, [4500, 6500, 1e6, 1e6]), cost_bps=0),
    )
    bought = path.traded[:, 0] * 10_550 / 10
    assert bought.tolist() == pytest.approx([400, 600, 0, 0])
    assert path.held[:, 0].tolist() == pytest.approx(
        [0, 4000 / 10_550, 10_000 / 10_550, 10_000 / 10_550]
    )


def test_a_sale_that_leaves_less_than_a_lot_sells_it_too() -> None:
    market = market_of(np.array([[0.0], [0.1], [0.0]]))
    goals = [np.ones(1), np.zeros(1), np.zeros(1)]
    path = follow_weights(
        market,
        lambda s, held: goals[s],
        decides=np.array([True, True, False]),
        backtest=NO_CASH,
        limits=replace(sized(1000, [1e6, 1e6, 1e6]), cost_bps=0),
    )
    # One lot of 100 shares at KES 10; the mark rises to 1,100 while the printed price
    # stays, as after a bonus: 110 shares, of which ten are an odd lot.
    assert path.traded[:, 0].tolist() == pytest.approx([1, 1, 0])


def test_a_large_capital_without_limits_that_bind_is_the_plain_account() -> None:
    market = random_market(9)
    targets = random_targets(9, market)
    decides = every_nth(60, step=4, first=0)
    shape = market.stock_return.shape
    wide = SizeLimits(
        1e12, np.full(shape, 1.0), np.full(shape, 1e15), np.ones(shape), COST
    )
    plain, limited = (
        follow_weights(
            market,
            lambda s, held: targets[s],
            decides=decides,
            backtest=Backtest(),
            limits=each,
        )
        for each in (None, wide)
    )
    np.testing.assert_allclose(plain.held, limited.held, atol=1e-9)


def test_calendars_of_other_sessions_are_refused() -> None:
    with pytest.raises(TableError, match="same sessions"):
        side_by_side({})
