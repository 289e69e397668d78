"""Two yardsticks without a forecast: equal weight with its costs, and the index.

Both have a book of their own, where the pool of ``buy_and_hold`` is a mean over stocks:
that mean evens the stocks out every session for nothing, which nobody can do.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Backtest
from nse_lstm.evaluation.backtest import (
    TradabilityCalendar,
    account_sessions,
    tradability,
)

INDEXES = ("^NASI", "^N20I")
"""The all-share index, else the oldest one."""

Numbers = NDArray[np.float64]


def hold_equal_weight(
    boards: Sequence[TradabilityCalendar], *, backtest: Backtest, cost_bps: int
) -> pd.DataFrame:
    """Hold every stock at the same weight, evened out at each month's start.

    The evening before a month's first session sends one order a stock: the share of the
    account that it lacks, or has too much of, by that evening's marks. An order that
    lapses is sent again, sized anew, until it is dealt. Sales are dealt as they fill;
    purchases share out the money there is, so the account never borrows. Every deal
    pays its cost, the first purchase included.

    Parameters
    ----------
    boards : sequence of Board
        Of the stocks held, all over the same sessions.
    dealing : Dealing
        ``delay``, ``cash_rate`` and ``sessions_per_year`` are used.
    cost_bps : int
        Basis points a side.

    Returns
    -------
    DataFrame
        One row a session, the columns of ``backtest.simulate_fills``, of the whole account:
        ``position`` is the share invested, ``stock_return`` the mean over stocks.

    References
    ----------
    .. [1] V. DeMiguel, L. Garlappi and R. Uppal (2009). Optimal versus naive
       diversification. RFS 22(5), 1915-1953 (rebalanced monthly).
    """
    stock_return = np.column_stack([board.stock_return for board in boards])
    cash = backtest.cash_rate / backtest.sessions_per_year
    held, traded = _weights(boards, stock_return, cash=cash, delay=backtest.delay)
    return account_sessions(
        boards[0].session,
        position=np.minimum(held.sum(axis=1), 1.0),
        turnover=traded.sum(axis=1),
        earned=(held * stock_return).sum(axis=1),
        stock_return=stock_return.mean(axis=1),
        backtest=backtest,
        cost_bps=cost_bps,
    )


def hold_index(
    prices: pd.DataFrame,
    *,
    sessions: pd.DatetimeIndex,
    start: pd.Timestamp,
    end: pd.Timestamp,
    backtest: Backtest,
) -> tuple[str, pd.DataFrame] | None:
    """Follow the market's index, which cannot be dealt: a yardstick without costs.

    It is entered at the first session's level, like every holding here, so that it
    covers the same sessions; a session without a level books 0, and a level on a day
    that is no session of the market is left out. A level that is more
    than ``limit`` above, or below, both the one before and the one after is a misprint
    and none: no share may move as far in a session, so no mean of them does. (That
    looks a session ahead, which a yardstick may: nothing is decided by it.)

    Parameters
    ----------
    prices : DataFrame
        ``with_returns(panel)``.
    sessions, start, end, dealing
        As for ``backtest.tradability``.

    Returns
    -------
    ticker : str
        The one of ``INDEXES`` with levels on most sessions of the span.
    book : DataFrame
        Its columns are those of ``backtest.simulate_fills``, gross and net being the same.

    None where the data has no such index in the span.
    """
    prices = prices[prices["session"].isin(sessions)]
    priced = prices[prices["session"].between(start, end, inclusive="left")]
    counts = priced.groupby("ticker")["price"].count().reindex(INDEXES).fillna(0)
    if not counts.any():
        return None
    ticker = str(counts.idxmax())
    board = tradability(
        _without_misprints(prices[prices["ticker"] == ticker], backtest.limit),
        sessions=sessions,
        start=start,
        end=end,
        backtest=replace(backtest, suspension_haircut=0.0),
    )
    position = np.ones(len(board.session))
    position[0] = 0.0
    cash = backtest.cash_rate / backtest.sessions_per_year
    gross = np.where(position > 0, board.stock_return, cash)
    book = {
        "session": board.session,
        "position": position,
        "turnover": 1 - position,
        "gross_return": gross,
        "net_return": gross,
        "cash_return": cash,
        "stock_return": board.stock_return,
    }
    return ticker, pd.DataFrame(book)


def _without_misprints(index: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Take away levels that leap beyond the limit and come back at once."""
    level = index["adjusted"]
    apart = pd.concat([level / level.shift(), level / level.shift(-1)], axis=1) - 1
    leaps = (apart > limit).all(axis=1) | (apart < -limit).all(axis=1)
    return index.assign(adjusted=level.mask(leaps))


def _weights(
    boards: Sequence[TradabilityCalendar],
    stock_return: Numbers,
    *,
    cash: float,
    delay: int,
) -> tuple[Numbers, Numbers]:
    """Return weights held into each session, and traded at it, (n_sessions, n)."""
    sent = np.column_stack([~np.isnat(board.origin) for board in boards])
    buys = sent & np.column_stack([board.buy_fills for board in boards])
    sells = sent & np.column_stack([board.sell_fills for board in boards])
    n_sessions, n = stock_return.shape
    after = np.zeros((n_sessions + 1, n))  # row s + 1 is after session s
    traded = np.zeros((n_sessions, n))
    due = np.zeros(n, bool)
    for s, first in enumerate(_first_of_month(boards[0].session)):
        due |= first
        order = np.where(due, 1 / n - after[max(s + 1 - delay, 0)], 0.0)
        fills = np.where(order < 0, sells[s], buys[s])
        drifted = _drift(after[s], stock_return[s], cash)
        after[s + 1] = _deal(drifted, np.where(fills, order, 0.0))
        traded[s] = np.abs(after[s + 1] - drifted)
        due &= ~fills
    return after[:-1], traded


def _drift(weights: Numbers, stock_return: Numbers, cash: float) -> Numbers:
    """Return what prices make of the weights before anything is dealt."""
    grown = 1 + weights @ stock_return + (1 - weights.sum()) * cash
    return weights * (1 + stock_return) / grown


def _deal(weights: Numbers, order: Numbers) -> Numbers:
    """Sell what is held at most, buy for the money there is at most."""
    sold = np.clip(-order, 0.0, weights)
    bought = np.clip(order, 0.0, None)
    money = max(1 - weights.sum() + sold.sum(), 0.0)
    wanted = bought.sum()
    return weights - sold + (bought * min(1.0, money / wanted) if wanted else 0.0)


def _first_of_month(session: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    month = session.astype("datetime64[M]")
    return np.concatenate([[True], month[1:] != month[:-1]])
