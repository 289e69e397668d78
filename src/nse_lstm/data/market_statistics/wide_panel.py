"""The panel as arrays, one column a stock: what every page of the atlas measures.

Each number is known in the evening of its session, but a stale session's mended price,
which is known one session later.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from nse_lstm.data.adjusted import market_sessions, with_returns
from nse_lstm.data.flags import MAX_BREAK
from nse_lstm.errors import DataError

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class WidePanel:
    """The market without its indices: arrays of shape (n_sessions, n_tickers)."""

    sessions: pd.DatetimeIndex
    tickers: tuple[str, ...]
    kinds: tuple[str, ...]
    span: npt.NDArray[np.int64]
    """Of each session, which unbroken stretch of the calendar it lies in."""
    listed: Flags
    """Whether there is a row that is no stale copy."""
    price: Numbers
    """As printed, KES; NaN without one, and on a stale copy that was not mended."""
    low: Numbers
    high: Numbers
    """In shares of the ticker's first row, KES; NaN on a session without a deal."""
    turnover: Numbers
    """KES; 0 on a listed session without a deal, NaN where not listed."""
    returns: Numbers
    """Log return from the session before, adjusted, a frozen price's 0 included; NaN
    where there is none."""
    moves: Numbers
    """The same without what a suspended session began or ended: nobody could deal."""
    limit: Flags


def make_wide_panel(panel: pd.DataFrame) -> WidePanel:
    """Spread a panel over the market's calendar.

    Parameters
    ----------
    panel : DataFrame
        ``tables.PANEL``. Indices are left out: nobody deals in them.

    Raises
    ------
    DataError
        If there is no row of a share.
    """
    rows = panel[panel["kind"] != "index"]
    if rows.empty:
        raise DataError("Expected rows of a share. Received: none")
    sessions = market_sessions(rows)
    # A stale price that nothing mended is no price.
    price = rows["price"].where(~rows["stale"] | rows["mended"])
    table = with_returns(rows.assign(price=price))
    frozen_too = with_returns(rows.assign(price=price, suspended=False))["log_return"]
    tickers = np.unique(table["ticker"].to_numpy(str))
    place = (
        np.searchsorted(sessions, table["session"].to_numpy()),
        np.searchsorted(tickers, table["ticker"].to_numpy(str)),
    )
    shape = len(sessions), len(tickers)
    fresh, shares = ~table["stale"], table["shares"]
    dealt = fresh & table["volume"].notna()
    turnover = (table["price"] * table["volume"]).fillna(0.0).where(fresh)

    def spread(column: "pd.Series[float]") -> Numbers:
        board = np.full(shape, np.nan)
        board[place] = column.to_numpy("float64")
        return board

    return WidePanel(
        sessions=sessions,
        tickers=tuple(tickers.tolist()),
        kinds=tuple(table.groupby("ticker")["kind"].first()),
        span=np.cumsum(np.diff(sessions, prepend=sessions[:1]) > MAX_BREAK),
        listed=spread(fresh.astype(float)) == 1,
        price=spread(table["price"]),
        low=spread((table["low"] * shares).where(dealt)),
        high=spread((table["high"] * shares).where(dealt)),
        turnover=spread(turnover),
        returns=spread(frozen_too),
        moves=spread(table["log_return"]),
        limit=spread(table["limit"].astype(float)) == 1,
    )


def rows_of(boards: WidePanel, is_chosen: Flags) -> WidePanel:
    """Return the boards of some sessions only."""
    whole = ("tickers", "kinds")
    names = [each.name for each in fields(boards) if each.name not in whole]
    return replace(boards, **{name: getattr(boards, name)[is_chosen] for name in names})
