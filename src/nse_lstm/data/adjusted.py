"""The market's calendar, adjusted prices, and the project's definition of a return.

Prices are adjusted forward from a stock's first row, so a later split or bonus never
rewrites an earlier value. ``features.returns`` re-exports the functions.
"""

import numpy as np
import pandas as pd

MAX_LOG_MOVE = 0.135
"""Log move beyond the daily limit of 10 % (-0.105 or +0.095) and rounding."""
MAX_SETTLING = 40
"""Sessions within which a price may return from an impossible move on an ex-date; a
price that has not returned by then is believed."""


def market_sessions(panel: pd.DataFrame) -> pd.DatetimeIndex:
    """Return the market's calendar: the sessions with a row of a stock.

    Parameters
    ----------
    panel : DataFrame
        ``session`` and ``kind``; a table without ``kind`` has no index.

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
    session = panel["session"].to_numpy()
    if "kind" in panel:
        session = session[(panel["kind"] != "index").to_numpy()]
    return pd.DatetimeIndex(np.sort(pd.unique(session)))


def ticker_codes(rows: pd.DataFrame) -> np.ndarray:
    """Return an integer code per ticker: its category's, else its sorted order."""
    return rows["ticker"].astype("category").cat.codes.to_numpy()


def drop_unmended_prices(panel: pd.DataFrame) -> pd.DataFrame:
    """Return the panel without the prices of stale sessions that nothing mended."""
    return panel.assign(price=panel["price"].where(~panel["stale"] | panel["mended"]))


def pivot_sessions(
    rows: pd.DataFrame,
    column: str,
    *,
    sessions: pd.DatetimeIndex,
    tickers: pd.Index | np.ndarray,
) -> pd.DataFrame:
    """Pivot a column of a long table to one row per session, one column per stock.

    Parameters
    ----------
    rows : DataFrame
        ``ticker``, ``session`` and the column, at most one row per ticker and session.
    column : str
        Name of the column.
    sessions : DatetimeIndex of shape (n_sessions,)
        The market's calendar.
    tickers : Index or array of shape (n_tickers,)
        The columns, in their order.

    Returns
    -------
    DataFrame of shape (n_sessions, n_tickers)
        Missing where the stock has no row.
    """
    wide = rows.pivot(index="session", columns="ticker", values=column)
    return wide.reindex(index=sessions, columns=tickers)


def with_returns(panel: pd.DataFrame) -> pd.DataFrame:
    """Add the adjusted price and its returns to a panel.

    A row is known after the close of its session, except prices marked as ``mended``
    (known one session later).

    The daily limit may keep a thin stock's price from following a bonus or split for
    weeks. Adjusted at once, it jumps by up to 90 % on the ex-date and falls back later,
    a gain that nobody could realise. So a price is ``settling`` from the first price
    after an ex-date that is more than 0.135 (log) from the one before, until it is back
    within as much, for at most 40 sessions. A break in the market's calendar begins no
    settling. A break in the stock's own rows does not prevent it.

    Parameters
    ----------
    panel : DataFrame of shape (n_rows, ...)
        A valid ``PANEL`` of the whole market: its ``market_sessions`` are the calendar.

    Returns
    -------
    DataFrame of shape (n_rows, ...)
        The panel sorted by (ticker, session), with ``shares`` (cumulative factor since
        the stock's first row), ``adjusted`` (price x shares, KES), ``settling`` (bool:
        the printed price has yet to follow the factor), and ``log_return`` and
        ``simple_return`` (fractions, from the market's session before). A return is
        missing on a stock's first row, across a ``gap``, where the stock has no row on
        the market's session before, and where either price is missing, settling or of a
        suspended session. A table without ``suspended`` has no suspensions.

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
    sessions = market_sessions(panel)
    place = _places(table, sessions)
    table["settling"] = _settling(table, place)
    is_quoted = ~(table["settling"] | table.get("suspended", False))
    settled = table["adjusted"].where(is_quoted)
    before = settled.shift().where(_follows(table, place) & ~table["gap"])
    ratio = settled / before
    table["log_return"] = np.log(ratio)
    table["simple_return"] = ratio - 1
    return table


def _places(table: pd.DataFrame, sessions: pd.DatetimeIndex) -> np.ndarray:
    """Return each row's position on the calendar, NaN where it is off the calendar."""
    found = sessions.get_indexer(pd.DatetimeIndex(table["session"]))
    return np.where(found >= 0, found, np.nan)


def _follows(table: pd.DataFrame, place: np.ndarray) -> np.ndarray:
    """Mark rows that follow the same stock's row of the market's session before."""
    same_ticker = table["ticker"].eq(table["ticker"].shift()).to_numpy()
    return np.asarray(same_ticker & (np.diff(place, prepend=np.nan) == 1))


def _settling(table: pd.DataFrame, place: np.ndarray) -> np.ndarray:
    """Mark rows where the printed price has yet to follow an ex-date."""
    settling = np.zeros(len(table), bool)
    market_gap = table["gap"].to_numpy() & _follows(table, place)
    ticker, shares = table["ticker"], table["shares"].to_numpy()
    level = np.log(table["adjusted"].to_numpy())
    for name in ticker[table["factor"] != 1].unique():
        rows = np.flatnonzero((ticker == name).to_numpy() & ~np.isnan(level))
        now, before = rows[1:], rows[:-1]
        leaps = np.abs(level[now] - level[before]) > MAX_LOG_MOVE
        leaps &= (shares[now] != shares[before]) & ~market_gap[now]
        for start, base in zip(now[leaps], before[leaps], strict=True):
            waiting = rows[
                (rows >= start) & (place[rows] < place[start] + MAX_SETTLING)
            ]
            away = np.abs(level[waiting] - level[base]) > MAX_LOG_MOVE
            settling[waiting[np.logical_and.accumulate(away)]] = True
    return settling
