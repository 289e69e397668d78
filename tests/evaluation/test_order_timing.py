"""Timed orders: fills and savings by hand, by a plain loop, and on random walks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nse_lstm.errors import TableError
from nse_lstm.evaluation.backtest import TradabilityCalendar
from nse_lstm.evaluation.order_timing import (
    SIDES,
    OrderMarket,
    forecast_grid,
    join_calendars,
    older_forecasts,
    place_orders,
    saving_of_slicing,
    saving_of_waiting,
)

N = 6
SESSIONS = pd.date_range("2022-03-01", periods=N)
ALL = np.ones(N, bool)
GONE = np.datetime64("NaT")


def market_of(*moves: list[float], delay: int = 1) -> OrderMarket:
    """Stocks that always trade, whose mean has no move of its own."""
    origin = pd.Series(SESSIONS).shift(delay).to_numpy()
    calendars = [
        TradabilityCalendar(SESSIONS.to_numpy(), origin, np.expm1(move), ALL, ALL)
        for move in moves
    ]
    member = np.zeros((N, len(moves)), bool)
    names = [f"S{place}" for place in range(len(moves))]
    return join_calendars(names, calendars, member=member, years={2022}, delay=delay)


# Log moves of one stock; the market stands still.
ONE = market_of([0.0, 0.01, -0.02, -0.03, 0.05, 0.0])


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, np.newaxis]


def test_a_buy_waits_below_zero_and_is_sent_at_zero() -> None:
    y_hat = column(-1, -1, 0, -1, -1, -1)
    saved = saving_of_waiting(ONE, y_hat, side="buy", wait=4)[:, 0]
    # Origin 0 would fill at session 1. Sent after session 2, filled at 3: -.02 - .03.
    assert saved[0] == pytest.approx(0.05)
    # Origin 1 would fill at session 2, and is filled at 3: -.03.
    assert saved[1] == pytest.approx(0.03)
    # Origin 2 is sent at once.
    assert saved[2] == 0.0


def test_a_sell_waits_above_zero() -> None:
    y_hat = column(1, 1, 0, 1, 1, 1)
    saved = saving_of_waiting(ONE, y_hat, side="sell", wait=4)[:, 0]
    assert saved[:3].tolist() == pytest.approx([-0.05, -0.03, 0.0])


def test_the_wait_ends_whatever_is_forecast() -> None:
    y_hat = column(*[-1.0] * N)
    for wait, fall in ((1, 0.02), (2, 0.05), (3, 0.0)):
        saved = saving_of_waiting(ONE, y_hat, side="buy", wait=wait)[:, 0]
        assert saved[0] == pytest.approx(fall)
    # The wait of origin 3 would end at session 6, which is not there.
    late = saving_of_waiting(ONE, y_hat, side="buy", wait=2)[:, 0]
    assert np.isnan(late[3:]).all() and not np.isnan(late[:3]).any()


def test_a_missing_forecast_is_no_reason_to_wait() -> None:
    y_hat = column(np.nan, -1, -1, -1, -1, -1)
    for side in SIDES:
        assert saving_of_waiting(ONE, y_hat, side=side, wait=3)[0, 0] == 0.0


def test_slices_are_the_mean_of_their_fills() -> None:
    # Sessions 1, 2 and 3: levels 0, -.02 and -.05 against session 1.
    assert saving_of_slicing(ONE, side="buy", wait=2)[0, 0] == pytest.approx(0.07 / 3)
    assert saving_of_slicing(ONE, side="sell", wait=2)[0, 0] == pytest.approx(-0.07 / 3)


def test_the_saving_is_beyond_the_universes_mean() -> None:
    falls = [0.0, 0.0, -0.04, 0.0, 0.0, 0.0]
    still = [0.0] * N
    plain = market_of(falls, still)
    calendars = [
        TradabilityCalendar(
            SESSIONS.to_numpy(),
            pd.Series(SESSIONS).shift(1).to_numpy(),
            np.expm1(move),
            ALL,
            ALL,
        )
        for move in (falls, still)
    ]
    among = join_calendars(
        plain.tickers, calendars, member=np.ones((N, 2), bool), years={2022}, delay=1
    )
    y_hat = np.full((N, 2), -1.0)
    # The mean fell by .02: half of the stock's fall, and the other stock rose by it.
    saved = saving_of_waiting(among, y_hat, side="buy", wait=1)[0]
    assert saved.tolist() == pytest.approx([0.02, -0.02])


def test_an_order_that_lapses_is_decided_afresh() -> None:
    fills = {side: each.copy() for side, each in ONE.fills.items()}
    fills["buy"][3] = False
    closed = replace(ONE, fills=fills)
    # Sent to session 3, which does not fill; session 4 is not favourable, 5 is last.
    y_hat = column(-1, -1, 1, -1, -1, -1)
    saved = saving_of_waiting(closed, y_hat, side="buy", wait=4)[0, 0]
    assert saved == pytest.approx(0.02 + 0.03 - 0.05)
    sold = saving_of_waiting(closed, -y_hat, side="sell", wait=4)[0, 0]
    assert sold == pytest.approx(-0.05)


def test_no_order_is_sent_after_a_stale_session() -> None:
    origin = pd.Series(SESSIONS).shift(1).to_numpy().copy()
    origin[1] = GONE
    stock = TradabilityCalendar(SESSIONS.to_numpy(), origin, np.zeros(N), ALL, ALL)
    member = np.zeros((N, 1), bool)
    market = join_calendars(["S"], [stock], member=member, years={2022}, delay=1)
    assert market.fills["buy"][:, 0].tolist() == [False, False, *[True] * 4]


def test_no_order_is_filled_beyond_its_run_of_years() -> None:
    days = pd.DatetimeIndex(
        [
            *("2010-12-30", "2010-12-31", "2011-01-03", "2011-01-04"),
            *("2014-01-02", "2014-01-03", "2015-01-02"),
        ]
    )
    open_ = np.ones(len(days), bool)
    stock = TradabilityCalendar(
        days.to_numpy(),
        pd.Series(days).shift(1).to_numpy(),
        np.zeros(len(days)),
        open_,
        open_,
    )
    market = join_calendars(
        ["S"],
        [stock],
        member=open_[:, np.newaxis],
        years={2010, 2014, 2015},
        delay=1,
    )
    assert market.last.tolist() == [1, 1, -1, -1, 6, 6, 6]
    assert not market.fills["sell"][2:4].any()
    y_hat = np.zeros((len(days), 1))
    orders = place_orders(market, [y_hat], longest=1)
    # Only 2014-01-02 has two sessions of its years after it.
    assert orders.placed[:, 0].tolist() == [False] * 4 + [True, False, False]
    assert orders.n_unfinished == 6


def test_orders_that_cannot_be_decided_or_filled_are_counted() -> None:
    first, second = column(*[0.0] * N), column(*[0.0] * N)
    first[5] = second[0] = np.nan
    orders = place_orders(ONE, [first, second], longest=2)
    assert orders.placed[:, 0].tolist() == [False, True, True, False, False, False]
    assert (orders.n_undecided, orders.n_unfinished, orders.n_unfilled) == (1, 2, 0)
    closed = {side: each.copy() for side, each in ONE.fills.items()}
    closed["sell"][4:] = False
    never = place_orders(replace(ONE, fills=closed), [first, second], longest=2)
    assert never.placed[:, 0].tolist() == [False] * N
    assert never.n_unfilled == 2


def test_older_forecasts_are_those_of_sessions_before() -> None:
    older = older_forecasts(column(1, 2, 3, 4, 5, 6), 2)[:, 0]
    assert np.isnan(older[:2]).all() and older[2:].tolist() == [1, 2, 3, 4]


def test_a_forecast_twice_is_an_error() -> None:
    row = pd.DataFrame({"ticker": ["S0"], "origin": SESSIONS[:1], "y_hat": [1.0]})
    assert forecast_grid(row, ONE)[0, 0] == 1.0
    with pytest.raises(TableError, match="1 more"):
        forecast_grid(pd.concat([row, row], ignore_index=True), ONE)


def random_market(seed: int, *, n: int = 300, n_stocks: int = 5) -> OrderMarket:
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2018-01-01", periods=n)
    origin = pd.Series(days).shift(1).to_numpy().copy()
    origin[rng.random(n) < 0.1] = GONE
    calendars = [
        TradabilityCalendar(
            days.to_numpy(),
            origin,
            rng.normal(0, 0.02, n),
            rng.random(n) < 0.8,
            rng.random(n) < 0.7,
        )
        for _ in range(n_stocks)
    ]
    member = rng.random((n, n_stocks)) < 0.7
    return join_calendars(
        [str(i) for i in range(n_stocks)],
        calendars,
        member=member,
        years={2018, 2019},
        delay=1,
    )


def plain_fill(
    market: OrderMarket,
    y_hat: np.ndarray,
    origin: int,
    stock: int,
    side: str,
    wait: int,
) -> int | None:
    """Walk from session to session as a trader would."""
    for session in range(origin + market.delay, len(market.sessions)):
        forecast = y_hat[session - market.delay, stock]
        waited = session - origin - market.delay
        against = forecast < 0 if side == "buy" else forecast > 0
        if waited < wait and against:
            continue
        if market.fills[side][session, stock]:
            return session
    return None


@pytest.mark.parametrize("side", SIDES)
def test_savings_equal_a_plain_loop(side: str) -> None:
    market = random_market(3)
    rng = np.random.default_rng(4)
    y_hat = rng.normal(size=market.excess.shape)
    y_hat[rng.random(y_hat.shape) < 0.2] = np.nan
    found = saving_of_waiting(market, y_hat, side=side, wait=4)
    sign = -1 if side == "buy" else 1
    for origin in range(len(found)):
        for stock in range(found.shape[1]):
            late = plain_fill(market, y_hat, origin, stock, side, 4)
            once = plain_fill(market, y_hat, origin, stock, side, 0)
            if late is None:
                assert np.isnan(found[origin, stock])
                continue
            moved = market.excess[late, stock] - market.excess[once, stock]
            assert found[origin, stock] == pytest.approx(sign * moved, abs=1e-12)


def test_later_forecasts_and_prices_change_no_earlier_order() -> None:
    market = random_market(5)
    y_hat = np.random.default_rng(6).normal(size=market.excess.shape)
    wait, cut = 4, 150
    other = y_hat.copy()
    other[cut:] *= -1
    later = market.excess.copy()
    later[cut + 1 :] += np.random.default_rng(7).normal(size=later[cut + 1 :].shape)
    changed = replace(market, excess=later)
    for side in SIDES:
        before = saving_of_waiting(market, y_hat, side=side, wait=wait)
        after = saving_of_waiting(changed, other, side=side, wait=wait)
        # The last session by which the order of an origin is filled, by a plain walk.
        never = np.full(y_hat.shape, -1.0 if side == "buy" else 1.0)
        for origin in range(cut + 20):
            for stock in range(y_hat.shape[1]):
                due = plain_fill(market, never, origin, stock, side, wait)
                if due is not None and due <= cut:
                    assert before[origin, stock] == after[origin, stock]
        assert not np.array_equal(before, after, equal_nan=True)


def averaged_walk(seed: int, *, delay: int) -> tuple[OrderMarket, np.ndarray]:
    """Prices are session averages of a random walk; the signal is the last return.

    Each session has two half steps; its price is their mean, so that printed returns
    have an autocorrelation (of 0.2 here) although nothing can be forecast.
    """
    rng = np.random.default_rng(seed)
    n, n_stocks = 4000, 20
    walk = np.cumsum(rng.normal(0, 0.01, (2 * n, n_stocks)), axis=0)
    level = (walk[0::2] + walk[1::2]) / 2
    moves = np.diff(level, axis=0, prepend=level[:1])
    days = pd.bdate_range("2000-01-03", periods=n)
    origin = pd.Series(days).shift(delay).to_numpy()
    always = np.ones(n, bool)
    calendars = [
        TradabilityCalendar(days.to_numpy(), origin, np.expm1(move), always, always)
        for move in moves.T
    ]
    market = join_calendars(
        [str(i) for i in range(n_stocks)],
        calendars,
        member=np.zeros((n, n_stocks), bool),
        years=set(days.year),
        delay=delay,
    )
    return market, moves


@pytest.mark.parametrize("side", SIDES)
def test_averaged_prices_save_nothing_one_session_later(side: str) -> None:
    for delay in (1, 0):
        market, moves = averaged_walk(8, delay=delay)
        saved = saving_of_waiting(market, moves, side=side, wait=5)
        by_session = saved[~np.isnan(saved).any(axis=1)].mean(axis=1)
        # Waits of up to 5 sessions overlap: one mean per block of 20 sessions.
        blocks = by_session[: len(by_session) // 20 * 20].reshape(-1, 20).mean(axis=1)
        error = blocks.std(ddof=1) / np.sqrt(len(blocks))
        if delay == 1:
            assert abs(blocks.mean()) < 3 * error
        else:
            # The printed price itself cannot be traded; who could would gain.
            assert blocks.mean() > 10 * error


def test_a_true_signal_saves() -> None:
    market, moves = averaged_walk(9, delay=1)
    # The oracle knows the return of the session after the order's.
    oracle = np.zeros_like(moves)
    oracle[:-2] = moves[2:]
    saved = saving_of_waiting(market, oracle, side="buy", wait=1)
    # Waiting one session saves the negative part of that return: E max(-r, 0).
    expected = np.maximum(-moves[2:], 0).mean()
    assert np.nanmean(saved) == pytest.approx(expected, rel=0.01)
