"""Two benchmarks without a forecast: equal weight with its costs, and the index.

Each has an account of its own. The pool of ``buy_and_hold`` is a mean over stocks
instead, which is a portfolio rebalanced every session at no cost.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from nse_lstm.config import Backtest
from nse_lstm.evaluation.backtest import TradabilityCalendar, tradability
from nse_lstm.evaluation.cash import cash_returns
from nse_lstm.evaluation.weighted_account import (
    account_table,
    first_of_month,
    follow_weights,
    side_by_side,
)


def hold_equal_weight(
    calendars: Sequence[TradabilityCalendar], *, backtest: Backtest, cost_bps: int
) -> pd.DataFrame:
    """Backtest the equal-weight portfolio, rebalanced at each month's first session.

    Before a month's first session one order per stock is sent: the difference between
    equal weight and the stock's weight at the last close. An order that lapses is sent
    again with a new size until it is filled. Purchases divide the available cash, so
    the account never borrows. Every trade pays its cost, the first purchase included.

    Parameters
    ----------
    calendars : sequence of TradabilityCalendar
        Of the stocks held, all over the same sessions.
    backtest : Backtest
        ``delay`` and the settings of ``cash.cash_returns`` are used.
    cost_bps : int
        Basis points per side.

    Returns
    -------
    DataFrame
        One row per session, with the columns of ``backtest.simulate_fills``:
        ``position`` is the fraction of the account that is invested, ``stock_return``
        the mean over stocks.

    References
    ----------
    .. [1] V. DeMiguel, L. Garlappi and R. Uppal (2009). Optimal versus naive
       diversification. RFS 22(5), 1915-1953 (rebalanced monthly).
    """
    named = {str(place): calendar for place, calendar in enumerate(calendars)}
    market = side_by_side(named)
    equal = np.full(len(calendars), 1 / len(calendars))
    path = follow_weights(
        market,
        lambda session, held: equal,
        decides=first_of_month(market.session),
        backtest=backtest,
    )
    return account_table(market, path, backtest=backtest, cost_bps=cost_bps)


def hold_index(
    prices: pd.DataFrame,
    *,
    sessions: pd.DatetimeIndex,
    start: pd.Timestamp,
    end: pd.Timestamp,
    backtest: Backtest,
) -> tuple[str, pd.DataFrame] | None:
    """Return the market index as a benchmark account; it cannot be traded and is free.

    It is entered at the first session's level, so that it covers the same sessions as
    every holding. A session without a level returns 0. A level on a day that is no
    session of the market is dropped. A level more than ``limit`` above, or below, both
    its neighbours is a misprint and is dropped: no stock may move as far in a session.
    (This uses the next session, which is allowed here: no order depends on it.)

    Parameters
    ----------
    prices : DataFrame
        ``with_returns(panel)``.
    sessions, start, end, backtest
        As for ``backtest.tradability``.

    Returns
    -------
    ticker : str
        The one of ``Backtest.indices`` with levels on most sessions of the span.
    account : DataFrame
        The columns of ``backtest.simulate_fills``; gross and net are equal.

    None where the data has no such index in the span.
    """
    prices = prices[prices["session"].isin(sessions)]
    priced = prices[prices["session"].between(start, end, inclusive="left")]
    counts = (
        priced.groupby("ticker")["price"]
        .count()
        .reindex(list(backtest.indices))
        .fillna(0)
    )
    if not counts.any():
        return None
    ticker = str(counts.idxmax())
    levels = _without_misprints(
        prices[prices["ticker"] == ticker], backtest.order_limit
    )
    calendar = tradability(
        levels,
        sessions=sessions,
        start=start,
        end=end,
        backtest=replace(backtest, suspension_haircut=0.0),
    )
    position = np.ones(len(calendar.session))
    position[0] = 0.0
    cash = cash_returns(calendar.session, backtest)
    gross = np.where(position > 0, calendar.stock_return, cash)
    account = {
        "session": calendar.session,
        "position": position,
        "turnover": 1 - position,
        "gross_return": gross,
        "net_return": gross,
        "cash_return": cash,
        "stock_return": calendar.stock_return,
    }
    return ticker, pd.DataFrame(account)


def _without_misprints(index: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Drop levels that move beyond the limit and back in the next session."""
    level = index["adjusted"]
    apart = pd.concat([level / level.shift(), level / level.shift(-1)], axis=1) - 1
    leaps = (apart > limit).all(axis=1) | (apart < -limit).all(axis=1)
    return index.assign(adjusted=level.mask(leaps))
