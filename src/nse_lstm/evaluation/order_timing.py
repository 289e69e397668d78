"""Backtest of order timing: savings of orders that wait for a favourable forecast.

An order is decided after the close of its origin and is sent in any case, so waiting
costs no additional trade. A buy waits while the forecast return of the next session
beyond the market is negative, a sell while it is positive, both for a limited number of
sessions. The saving is against sending the same order at once. It is adjusted for the
market: it is the log return between both fills less the universe's mean.

Fills are those of ``backtest.tradability``: day orders that may lapse, after which the
next session decides afresh. Past the last session of waiting the order is sent every
session until it is filled.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Backtest
from nse_lstm.errors import TableError
from nse_lstm.evaluation.backtest import TradabilityCalendar, tradability
from nse_lstm.features.returns import market_sessions

BUY, SELL = "buy", "sell"
SIDES = (BUY, SELL)
GAIN = {BUY: -1.0, SELL: 1.0}
"""Sign of a price rise between both fills as a saving of the order that waits."""

DECLARED_WAIT = 10
"""Longest wait that was declared, sessions."""
AT_ONCE = "at_once"
"""In ``against`` of savings: the order that is sent without a wait."""

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class OrderMarket:
    """Fills and returns of stocks side by side, arrays of (n_sessions, n_tickers)."""

    sessions: pd.DatetimeIndex
    tickers: tuple[str, ...]
    fills: Mapping[str, Flags]
    """By side: whether an order is sent to this session and filled in it."""
    excess: Numbers
    """Cumulative log return of the stock less that of the market, up to the session."""
    last: Places
    """Last session of the span of years that a session belongs to, (n_sessions,). No
    order is filled beyond it."""
    delay: int
    """Sessions between an origin and the session that its order is sent to."""


@dataclass(frozen=True, eq=False)
class Orders:
    """Hypothetical orders: every stock and origin that all signals can decide."""

    placed: Flags
    """Shape (n_sessions, n_tickers)."""
    n_undecided: int
    """Forecast stock-sessions that some signal had no forecast of."""
    n_unfinished: int
    """Stock-sessions whose longest wait goes beyond the last session of the years."""
    n_unfilled: int
    """Stock-sessions whose wait ends in time, without a fill on some side after it."""


def make_order_market(
    prices: pd.DataFrame,
    *,
    tickers: Collection[str],
    member: pd.DataFrame,
    years: Collection[int],
    backtest: Backtest,
) -> OrderMarket:
    """Build fills and market-adjusted returns of stocks over some years.

    The market's return is the mean log return of the month's universe. Dividends count
    where the panel has them, after tax. No haircut is booked on a suspended stock: its
    order waits until it is traded again.

    Parameters
    ----------
    prices : DataFrame
        ``with_returns(panel)`` of the whole market, cut where it must not be seen.
    tickers : collection of str
        Ordinary shares.
    member : DataFrame of shape (n_sessions, n_stocks)
        Bool: the month's universe, by session and ticker.
    years : collection of int
        Calendar years with orders. An order is filled in its own run of consecutive
        years or not at all, so that no year outside of them is read.
    backtest : Backtest
        ``delay``, ``limit`` and ``withholding_tax`` are used.

    Raises
    ------
    TableError
        If there are no tickers or years, or a stock has no row in the panel.
    """
    names = tuple(sorted(set(tickers)))
    if not names or not years:
        raise TableError(
            "Expected stocks and years with orders. Received: "
            f"{len(names)} stocks, {len(years)} years"
        )
    sessions = market_sessions(prices)
    start = pd.Timestamp(min(years), 1, 1)
    end = pd.Timestamp(max(years) + 1, 1, 1)
    by_ticker = dict(list(prices[prices["ticker"].isin(names)].groupby("ticker")))
    if absent := sorted(set(names) - set(by_ticker)):
        raise TableError(f"Expected rows of every stock. Received: none of {absent}")
    calendars = [
        tradability(
            by_ticker[name],
            sessions=sessions,
            start=start,
            end=end,
            backtest=replace(backtest, suspension_haircut=0.0),
            total_return=True,
        )
        for name in names
    ]
    span = pd.DatetimeIndex(calendars[0].session)
    inside = member.reindex(index=span, columns=list(names), fill_value=False)
    return join_calendars(
        names,
        calendars,
        member=inside.to_numpy(bool),
        years=years,
        delay=backtest.delay,
    )


def join_calendars(
    tickers: Sequence[str],
    calendars: Sequence[TradabilityCalendar],
    *,
    member: Flags,
    years: Collection[int],
    delay: int,
) -> OrderMarket:
    """Put tradability calendars of several stocks side by side.

    Parameters
    ----------
    tickers : sequence of str
    calendars : sequence of TradabilityCalendar
        One per ticker, all over the same sessions.
    member : array of shape (n_sessions, n_tickers)
        Bool: the stocks whose mean is the market's return.
    years, delay
        As for ``make_order_market``.
    """
    sessions = pd.DatetimeIndex(calendars[0].session)
    moves = np.column_stack([np.log1p(each.stock_return) for each in calendars])
    among = np.where(member, moves, 0.0).sum(axis=1)
    market = among / np.maximum(member.sum(axis=1), 1)
    sent = np.column_stack([~np.isnat(each.origin) for each in calendars])
    # Nothing of a year outside is a fill: its prices are never compared.
    sent &= np.isin(sessions.year, list(years))[:, np.newaxis]
    return OrderMarket(
        sessions=sessions,
        tickers=tuple(tickers),
        fills={
            BUY: sent & np.column_stack([each.buy_fills for each in calendars]),
            SELL: sent & np.column_stack([each.sell_fills for each in calendars]),
        },
        excess=np.cumsum(moves - market[:, np.newaxis], axis=0),
        last=_last_of_span(np.asarray(sessions.year), years),
        delay=delay,
    )


def forecast_grid(forecasts: pd.DataFrame, market: OrderMarket) -> Numbers:
    """Return forecasts by session and stock, (n_sessions, n_tickers), NaN for none.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of one model, seed, delay and horizon.
    market : OrderMarket

    Raises
    ------
    TableError
        If one stock and origin is forecast twice.
    """
    if forecasts.duplicated(["ticker", "origin"]).any():
        raise TableError(
            "Expected one forecast per stock and origin. Received: "
            f"{int(forecasts.duplicated(['ticker', 'origin']).sum())} more"
        )
    wide = forecasts.pivot(index="origin", columns="ticker", values="y_hat")
    wide = wide.reindex(index=market.sessions, columns=list(market.tickers))
    return wide.to_numpy(float)


def older_forecasts(y_hat: Numbers, n_sessions: int) -> Numbers:
    """Return at each session the forecast made a number of sessions before.

    Parameters
    ----------
    y_hat : array of shape (n_sessions, n_tickers)
    n_sessions : int
        At least 1.
    """
    older = np.full(y_hat.shape, np.nan)
    older[n_sessions:] = y_hat[:-n_sessions]
    return older


def place_orders(
    market: OrderMarket, signals: Sequence[Numbers], *, longest: int
) -> Orders:
    """Find the stock-sessions that every signal can decide and whose wait can end.

    All signals and waits are compared on these same orders.

    Parameters
    ----------
    market : OrderMarket
    signals : sequence of array of shape (n_sessions, n_tickers)
        Forecasts; the first one says which orders there could be.
    longest : int
        Longest wait, sessions.
    """
    possible = ~np.isnan(signals[0])
    decided = np.logical_and.reduce([~np.isnan(signal) for signal in signals])
    n = len(market.sessions)
    deadline = np.arange(n) + market.delay + longest
    in_time = (deadline <= market.last)[:, np.newaxis]
    filled = np.ones(possible.shape, bool)
    for side in SIDES:
        end = _next_fill(market.fills[side], after=market.delay + longest)
        filled &= end <= market.last[:, np.newaxis]
    return Orders(
        placed=decided & in_time & filled,
        n_undecided=int((possible & ~decided).sum()),
        n_unfinished=int((decided & ~in_time).sum()),
        n_unfilled=int((decided & in_time & ~filled).sum()),
    )


def saving_of_waiting(
    market: OrderMarket, y_hat: Numbers, *, side: str, wait: int
) -> Numbers:
    """Compute each order's saving by waiting for a favourable forecast.

    A buy is sent where the forecast is at least 0, a sell where it is at most 0. A
    missing forecast gives no reason to wait.

    Parameters
    ----------
    market : OrderMarket
    y_hat : array of shape (n_sessions, n_tickers)
        Forecast return beyond the market of the session after an order's, by origin.
    side : str
        One of ``SIDES``.
    wait : int
        Most sessions that an order waits.

    Returns
    -------
    array of shape (n_sessions, n_tickers)
        Log return by origin, positive where waiting paid. NaN where an order is not
        filled in the data.
    """
    fills, delay = market.fills[side], market.delay
    favourable = np.isnan(y_hat) | (GAIN[side] * y_hat <= 0)
    goes = np.zeros_like(fills)
    goes[delay:] = favourable[: len(fills) - delay]
    filled = np.minimum(
        _next_fill(fills & goes, after=delay), _next_fill(fills, after=delay + wait)
    )
    return _saving(market, filled, side=side)


def saving_of_slicing(market: OrderMarket, *, side: str, wait: int) -> Numbers:
    """Compute each order's saving by equal slices over the wait (TWAP).

    Parameters
    ----------
    market : OrderMarket
    side : str
        One of ``SIDES``.
    wait : int
        Sessions after the first one, each of which takes a slice.

    Returns
    -------
    array of shape (n_sessions, n_tickers)
        As from ``saving_of_waiting``.
    """
    slices = [
        _saving(
            market,
            _next_fill(market.fills[side], after=market.delay + later),
            side=side,
        )
        for later in range(wait + 1)
    ]
    return np.asarray(np.mean(slices, axis=0))


def _saving(market: OrderMarket, filled: Places, *, side: str) -> Numbers:
    at_once = _next_fill(market.fills[side], after=market.delay)
    # One more row stands for an order that is never filled.
    level = np.vstack([market.excess, np.full(market.excess.shape[1], np.nan)])
    stock = np.arange(level.shape[1])
    return np.asarray(GAIN[side] * (level[filled, stock] - level[at_once, stock]))


def _next_fill(fills: Flags, *, after: int) -> Places:
    """Return each origin's first session with a fill, from ``after`` sessions on.

    The number of sessions stands for none.
    """
    n = len(fills)
    place = np.where(fills, np.arange(n)[:, np.newaxis], n)
    first = np.minimum.accumulate(place[::-1], axis=0)[::-1]
    later = np.full(fills.shape, n, np.int64)
    later[: max(n - after, 0)] = first[after:]
    return later


def _last_of_span(year: NDArray[np.int32], years: Collection[int]) -> Places:
    """Return the last session of each session's run of consecutive years."""
    last = np.full(len(year), -1, np.int64)
    for one in sorted(set(years), reverse=True):
        own = np.flatnonzero(year == one)
        if len(own):
            following = np.flatnonzero(year == one + 1)
            joined = one + 1 in years and len(following)
            last[own] = last[following[0]] if joined else own[-1]
    return last
