"""The panel as arrays of sessions by stocks, for the market's descriptive statistics.

It differs from ``features.market_panel`` in what it keeps: every kind of stock, ranges
only where trades took place, and returns with and without suspended sessions. Each
number is known after the close of its session. A stale session's mended price is known
one session later.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from nse_lstm.config import Ticks
from nse_lstm.data.adjusted import (
    drop_unmended_prices,
    market_sessions,
    pivot_sessions,
    with_returns,
)
from nse_lstm.data.flags import MAX_BREAK
from nse_lstm.errors import DataError

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class WidePanel:
    """The market's stocks as arrays of shape (n_sessions, n_tickers)."""

    sessions: pd.DatetimeIndex
    tickers: tuple[str, ...]
    kinds: tuple[str, ...]
    span: npt.NDArray[np.int64]
    """Number of the unbroken stretch of the calendar that holds each session."""
    listed: Flags
    """Whether the stock has a row that is not stale."""
    price: Numbers
    """As printed, KES; NaN where missing, and on a stale session not mended."""
    low: Numbers
    high: Numbers
    """Adjusted to the stock's first row, KES; NaN on a session without a trade."""
    turnover: Numbers
    """KES; 0 on a listed session without a trade, NaN where not listed."""
    returns: Numbers
    """Adjusted log return from the session before, with the zeros of suspended
    sessions; NaN where missing."""
    moves: Numbers
    """The same without returns from or to a suspended session."""
    limit: Flags
    ticks: Ticks = "nse"
    """Price steps of the exchange."""


def make_wide_panel(panel: pd.DataFrame, *, ticks: Ticks = "nse") -> WidePanel:
    """Pivot a panel to arrays on the market's calendar.

    Parameters
    ----------
    panel : DataFrame
        ``tables.PANEL``. Indices are left out because they are not traded.
    ticks : Ticks
        Price steps of the exchange.

    Raises
    ------
    DataError
        If the panel has no row of a stock.
    """
    rows = panel[panel["kind"] != "index"]
    if rows.empty:
        raise DataError("Expected rows of a stock. Received: none")
    sessions = market_sessions(rows)
    rows = drop_unmended_prices(rows)
    table = with_returns(rows)
    with_suspended = with_returns(rows.assign(suspended=False))["log_return"]
    tickers = np.unique(table["ticker"].to_numpy(str))
    fresh, shares = ~table["stale"], table["shares"]
    traded = fresh & table["volume"].notna()
    turnover = (table["price"] * table["volume"]).fillna(0.0).where(fresh)

    def spread(column: "pd.Series[float] | pd.Series[bool]") -> Numbers:
        rows = table[["ticker", "session"]].assign(value=column.astype("float64"))
        wide = pivot_sessions(rows, "value", sessions=sessions, tickers=tickers)
        # Row by row in memory: sums over time keep their order of additions.
        return np.ascontiguousarray(wide.to_numpy())

    return WidePanel(
        sessions=sessions,
        tickers=tuple(tickers.tolist()),
        kinds=tuple(table.groupby("ticker")["kind"].first()),
        span=np.cumsum(np.diff(sessions, prepend=sessions[:1]) > MAX_BREAK),
        listed=spread(fresh) == 1,
        price=spread(table["price"]),
        low=spread((table["low"] * shares).where(traded)),
        high=spread((table["high"] * shares).where(traded)),
        turnover=spread(turnover),
        returns=spread(with_suspended),
        moves=spread(table["log_return"]),
        limit=spread(table["limit"]) == 1,
        ticks=ticks,
    )


def without_returns(wide: WidePanel, years: Collection[int]) -> WidePanel:
    """Return the arrays without the returns of some years, which are not evaluated.

    Parameters
    ----------
    wide : WidePanel
    years : collection of int
    """
    is_out = wide.sessions.year.isin(list(years))
    returns, moves = (
        np.where(is_out[:, None], np.nan, values)
        for values in (wide.returns, wide.moves)
    )
    return replace(wide, returns=returns, moves=moves) if is_out.any() else wide


def select_sessions(wide: WidePanel, is_chosen: Flags) -> WidePanel:
    """Return the arrays of the chosen sessions.

    Parameters
    ----------
    wide : WidePanel
    is_chosen : array of bool, shape (n_sessions,)
    """
    whole = ("tickers", "kinds", "ticks")
    names = [each.name for each in fields(wide) if each.name not in whole]
    return replace(wide, **{name: getattr(wide, name)[is_chosen] for name in names})
