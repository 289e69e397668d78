"""The market's calendar, adjusted prices, and the one definition of a return.

The series is adjusted forward from a ticker's first row, so that a later split or bonus
never rewrites an earlier value. ``features.returns`` hands both names on.
"""

import numpy as np
import pandas as pd

__all__ = ["MAX_LOG_MOVE", "market_sessions", "with_returns"]

MAX_LOG_MOVE = 0.135
"""More than the limit of 10 % allows twice rounded, down (-0.105) or up (0.095)."""


def market_sessions(panel: pd.DataFrame) -> pd.DatetimeIndex:
    """Return the market's calendar: the sessions with a row that is no index.

    Parameters
    ----------
    panel : DataFrame
        ``session`` and ``kind``; a table without ``kind`` holds no index.

    Returns
    -------
    DatetimeIndex
        Strictly increasing.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-05", "2024-01-05", "2024-01-06"])
    >>> kinds = ["ordinary", "index", "index"]
    >>> market_sessions(pd.DataFrame({"session": days, "kind": kinds})).date.tolist()
    [datetime.date(2024, 1, 5)]
    """
    rows = panel[panel["kind"] != "index"] if "kind" in panel else panel
    return pd.DatetimeIndex(np.sort(pd.unique(rows["session"].to_numpy())))


def with_returns(panel: pd.DataFrame) -> pd.DataFrame:
    """Add the adjusted price and its returns to a panel.

    Everything on a row is known after the close of its session, except what the panel
    itself marks as ``mended`` (known one session later).

    Parameters
    ----------
    panel : DataFrame of shape (n_rows, ...)
        A valid ``PANEL`` of the whole market: its ``market_sessions`` are the calendar.

    Returns
    -------
    DataFrame of shape (n_rows, ...)
        The panel sorted by (ticker, session), with ``shares`` (shares held now per
        share held on the ticker's first row), ``adjusted`` (price x shares, KES),
        ``log_return`` and ``simple_return`` (fractions, from the market's session
        before) and ``ex_jump`` (bool: an ex-date whose adjusted price moved by more
        than 0.135 all the same, so the printed price had not followed the factor). A
        return is missing on a ticker's first row, across a ``gap``, on an ``ex_jump``,
        where the ticker has no row on the market's session before, and where either
        price is missing.

    Examples
    --------
    >>> panel = pd.DataFrame(
    ...     {
    ...         "ticker": "AAA",
    ...         "session": pd.to_datetime(["2024-01-02", "2024-01-03", "2024-01-04"]),
    ...         "price": [10.0, 11.0, 5.5],
    ...         "factor": [1.0, 1.0, 2.0],
    ...         "kind": "ordinary",
    ...         "gap": False,
    ...     }
    ... )
    >>> with_returns(panel)[["shares", "adjusted", "simple_return"]].round(3)
       shares  adjusted  simple_return
    0     1.0      10.0            NaN
    1     1.0      11.0            0.1
    2     2.0      11.0            0.0
    """
    table = panel.sort_values(["ticker", "session"], ignore_index=True)
    table["shares"] = table.groupby("ticker", sort=False)["factor"].cumprod()
    table["adjusted"] = table["price"] * table["shares"]
    ratio = table["adjusted"] / _price_before(table, market_sessions(panel))
    move = pd.Series(np.log(ratio))
    ex_jump = (table["factor"] != 1) & (move.abs() > MAX_LOG_MOVE)
    table["log_return"] = move.mask(ex_jump)
    table["simple_return"] = (ratio - 1).mask(ex_jump)
    table["ex_jump"] = ex_jump
    return table


def _price_before(table: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.Series:
    """Find the adjusted price of the market's session before, none across a gap."""
    found = sessions.get_indexer(pd.DatetimeIndex(table["session"]))
    # A row off the calendar has no place, and so no session before or after it.
    place = pd.Series(np.where(found >= 0, found, np.nan), index=table.index)
    consecutive = place.diff().eq(1)
    same_ticker = table["ticker"].eq(table["ticker"].shift())
    return table["adjusted"].shift().where(same_ticker & consecutive & ~table["gap"])
