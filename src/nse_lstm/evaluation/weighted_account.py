"""Backtest of target weights: one continuous account for every rule and benchmark.

A rule says at some sessions what fraction of the account each stock should have. The
difference from the weights at the last close before becomes one order per stock. An
order that lapses is sent again, with a new size, until it is filled or the rule decides
anew. Sales come before purchases, which divide the available cash. The account never
borrows, and it runs from its first session to its last without a new start.

The weights do not depend on the cost: a trade's cost is taken from stocks and cash
alike. With a capital, orders are of whole board lots and take a limited share of the
session's volume.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import fsum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Backtest
from nse_lstm.errors import TableError
from nse_lstm.evaluation.backtest import (
    MAX_ABSENT,
    TradabilityCalendar,
    account_sessions,
)
from nse_lstm.evaluation.cash import cash_returns

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

Rule = Callable[[int, Numbers], Numbers]
"""Given the place of the session that orders are for, and the weights held at the close
before they are sent: the target weights, missing where the holding shall stay."""

ROUNDING = 1e-9
"""Tolerance in lots: a sum may miss a whole lot by binary fractions alone."""


@dataclass(frozen=True, eq=False)
class MarketCalendar:
    """Fills and returns of several stocks, arrays of shape (n_sessions, n_stocks).

    Parameters
    ----------
    tickers : tuple of str
        One per column.
    session : array of shape (n_sessions,)
        Market sessions.
    sent : bool
        Whether an order can be sent for this session: its origin is not stale.
    stock_return, buy_fills, sell_fills
        As in ``TradabilityCalendar``.
    """

    tickers: tuple[str, ...]
    session: NDArray[np.datetime64]
    sent: Flags
    stock_return: Numbers
    buy_fills: Flags
    sell_fills: Flags

    @property
    def stuck(self) -> Flags:
        """Stocks without a possible fill on more than ``MAX_ABSENT`` sessions in a row.

        Known after the session's close. The first sessions count from 0.
        """
        closed = ~(self.buy_fills | self.sell_fills)
        run, stuck = np.zeros(closed.shape[1]), np.zeros_like(closed)
        for s, now in enumerate(closed):
            run = np.where(now, run + 1, 0)
            stuck[s] = run > MAX_ABSENT
        return stuck


@dataclass(frozen=True, eq=False)
class SizeLimits:
    """Limits on an order's size, arrays of shape (n_sessions, n_stocks).

    Parameters
    ----------
    capital : float
        KES at the start.
    price : float64
        As printed, KES; missing where there is none.
    volume : float64
        Shares traded by the whole market.
    lot : float64
        Shares per board lot.
    cost_bps : int
        Basis points per side, which the account's value has paid.
    """

    capital: float
    price: Numbers
    volume: Numbers
    lot: Numbers
    cost_bps: int


@dataclass(frozen=True, eq=False)
class WeightPath:
    """An account's weights, arrays of shape (n_sessions, n_stocks).

    ``held`` is each stock's fraction of the account held into a session, ``traded`` the
    fraction traded in it, bought or sold.
    """

    held: Numbers
    traded: Numbers


def side_by_side(calendars: Mapping[str, TradabilityCalendar]) -> MarketCalendar:
    """Put the calendars of several stocks side by side.

    Parameters
    ----------
    calendars : mapping of str to TradabilityCalendar
        By ticker, all over the same sessions.

    Raises
    ------
    TableError
        If there is none, or their sessions differ.
    """
    each = list(calendars.values())
    if not each or any(not np.array_equal(c.session, each[0].session) for c in each):
        raise TableError(
            "Expected calendars of one or more stocks over the same sessions. "
            f"Received: {len(each)} calendars, of lengths "
            f"{sorted({len(c.session) for c in each})}"
        )
    return MarketCalendar(
        tickers=tuple(calendars),
        session=each[0].session,
        sent=np.column_stack([~np.isnat(c.origin) for c in each]),
        stock_return=np.column_stack([c.stock_return for c in each]),
        buy_fills=np.column_stack([c.buy_fills for c in each]),
        sell_fills=np.column_stack([c.sell_fills for c in each]),
    )


def follow_weights(
    market: MarketCalendar,
    rule: Rule,
    *,
    decides: Flags,
    backtest: Backtest,
    limits: SizeLimits | None = None,
) -> WeightPath:
    """Simulate the fills of an account that follows a rule's target weights.

    A decision on a session whose origin is stale for all stocks waits for the next. A
    suspended stock stays in the account at its mark until its order is filled.

    Parameters
    ----------
    market : MarketCalendar
    rule : callable
        Sees nothing later than the origin of its session.
    decides : array of shape (n_sessions,)
        Bool: sessions whose orders follow a new decision.
    backtest : Backtest
        ``delay``, ``max_volume_share`` and the settings of ``cash.cash_returns``.
    limits : SizeLimits, optional
        Without them an order of any size is filled.

    Returns
    -------
    WeightPath
    """
    cash = cash_returns(market.session, backtest)
    n_sessions, n = market.stock_return.shape
    after = np.zeros((n_sessions + 1, n))  # row s + 1 is after session s
    traded = np.zeros((n_sessions, n))
    target, due, waits = np.full(n, np.nan), np.zeros(n, bool), False
    value = limits.capital if limits else 1.0
    for s in range(n_sessions):
        known = after[max(s + 1 - backtest.delay, 0)]
        waits = bool(waits or decides[s])
        if waits and market.sent[s].any():
            target, waits = rule(s, known), False
            due = ~np.isnan(target)
        order = np.where(due, target - known, 0.0)
        able = np.where(order < 0, market.sell_fills[s], market.buy_fills[s])
        fills = able & market.sent[s]
        earned = fsum(after[s] * market.stock_return[s])
        grown = 1 + earned + (1 - fsum(after[s])) * cash[s]
        drifted = after[s] * (1 + market.stock_return[s]) / grown
        change = _affordable(drifted, np.where(fills, order, 0.0))
        done = fills
        if limits is not None:
            value *= grown
            whole = _in_lots(change, drifted, value, limits, s, backtest)
            lot = np.nan_to_num(limits.lot[s] * limits.price[s] / value)
            # What is left below a lot cannot be sent again.
            done, change = fills & (np.abs(change - whole) < lot), whole
            value *= 1 - limits.cost_bps / 1e4 * fsum(np.abs(change))
        after[s + 1] = drifted + change
        traded[s] = np.abs(change)
        due &= ~done
    return WeightPath(held=after[:-1], traded=traded)


def account_table(
    market: MarketCalendar, path: WeightPath, *, backtest: Backtest, cost_bps: int
) -> pd.DataFrame:
    """Compute the session returns of a path of weights at one cost level.

    Parameters
    ----------
    market : MarketCalendar
    path : WeightPath
    backtest : Backtest
        The settings of ``cash.cash_returns`` are used.
    cost_bps : int
        Basis points per side.

    Returns
    -------
    DataFrame
        One row per session, with the columns of ``backtest.simulate_fills``:
        ``position`` is the fraction of the account that is invested, ``stock_return``
        the mean over stocks.
    """
    return account_sessions(
        market.session,
        position=np.clip(by_session(path.held), 0.0, 1.0),
        turnover=by_session(path.traded),
        earned=by_session(path.held * market.stock_return),
        stock_return=market.stock_return.mean(axis=1),
        backtest=backtest,
        cost_bps=cost_bps,
    )


def first_of_month(session: NDArray[np.datetime64], *, later: int = 0) -> Flags:
    """Mark the first session of each month, or one some sessions later.

    Parameters
    ----------
    session : array of datetime64, of shape (n,)
    later : int
        Sessions after the first.

    Examples
    --------
    >>> days = np.array(["2020-01-30", "2020-02-03", "2020-02-04"], "datetime64[D]")
    >>> first_of_month(days).tolist(), first_of_month(days, later=1).tolist()
    ([True, True, False], [False, True, True])
    """
    month = session.astype("datetime64[M]")
    first = np.concatenate([[True], month[1:] != month[:-1]])
    return np.concatenate([np.zeros(later, bool), first])[: len(first)]


def every_nth(n_sessions: int, *, step: int, first: int) -> Flags:
    """Mark every n-th session from one place on.

    Parameters
    ----------
    n_sessions : int
    step : int
        Sessions between two marks.
    first : int
        Place of the first mark.
    """
    place = np.arange(n_sessions) - first
    return (place >= 0) & (place % step == 0)


def by_session(values: Numbers) -> Numbers:
    """Return the exact sum over stocks, which a column of zeros never changes.

    A stock that joins the universe later must not move an earlier number by a bit.

    Parameters
    ----------
    values : array of shape (n_sessions, n_stocks)
    """
    return np.array([fsum(row) for row in values.tolist()])


def _affordable(weights: Numbers, order: Numbers) -> Numbers:
    """Return the fills of orders: sales up to the holding, purchases up to the cash."""
    sold = np.clip(-order, 0.0, weights)
    bought = np.clip(order, 0.0, None)
    money = max(1 - fsum(weights) + fsum(sold), 0.0)
    wanted = fsum(bought)
    return (bought * min(1.0, money / wanted) if wanted else 0.0) - sold


def _in_lots(
    change: Numbers,
    weights: Numbers,
    value: float,
    limits: SizeLimits,
    s: int,
    backtest: Backtest,
) -> Numbers:
    """Round fills down to whole lots, of at most a share of the session's volume.

    A sale that leaves less than a lot sells the rest on the odd-lot board.
    """
    price, lot = limits.price[s], limits.lot[s]
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = np.nan_to_num(np.abs(change) * value / price)
        owned = np.nan_to_num(weights * value / price)
        most = _whole(backtest.max_volume_share * limits.volume[s], lot)
        shares = np.minimum(_whole(wanted, lot), most)
        rest = owned - shares
        sells_out = (change < 0) & (wanted >= owned - ROUNDING) & (rest < lot)
        shares = np.where(sells_out, owned, shares)
        return np.nan_to_num(np.sign(change) * shares * price / value)


def _whole(shares: Numbers, lot: Numbers) -> Numbers:
    return np.asarray(np.floor(shares / lot + ROUNDING) * lot)
