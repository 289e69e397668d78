"""The market's calendar, adjusted prices, and the one definition of a return.

The series is adjusted forward from a ticker's first row, so that a later split or bonus
never rewrites an earlier value. ``features.returns`` hands both names on.
"""

import numpy as np
import pandas as pd

MAX_LOG_MOVE = 0.135
"""More than the limit of 10 % allows twice rounded, down (-0.105) or up (0.095)."""
MAX_SETTLING = 40
"""Sessions that a price may take after an ex-date to come back from an impossible move;
one that has not by then is believed."""


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
    session = panel["session"].to_numpy()
    if "kind" in panel:
        session = session[(panel["kind"] != "index").to_numpy()]
    return pd.DatetimeIndex(np.sort(pd.unique(session)))


def ticker_codes(rows: pd.DataFrame) -> np.ndarray:
    """Return a number a ticker: what its category is, or else its order."""
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

    Everything on a row is known after the close of its session, except what the panel
    itself marks as ``mended`` (known one session later).

    A thin stock's price may take weeks to follow a bonus or split, held up by the daily
    limit: adjusted at once, it leaps by as much as 90 % on the ex-date and falls back
    after. Nobody had that gain, the new shares not being there to sell. So a price is
    ``settling`` where the first price after an ex-date is more than 0.135 (log) from
    the one before, and on the sessions after it until the price is back within as much,
    at most 40 in all. A break in the market's calendar begins no settling; one in the
    stock's own rows does not prevent it.

    Parameters
    ----------
    panel : DataFrame of shape (n_rows, ...)
        A valid ``PANEL`` of the whole market: its ``market_sessions`` are the calendar.

    Returns
    -------
    DataFrame of shape (n_rows, ...)
        The panel sorted by (ticker, session), with ``shares`` (shares held now per
        share held on the ticker's first row), ``adjusted`` (price x shares, KES),
        ``settling`` (bool: the printed price has yet to follow the factor), and
        ``log_return`` and ``simple_return`` (fractions, from the market's session
        before). A return is missing on a ticker's first row, across a ``gap``, where
        the ticker has no row on the market's session before, and where either price is
        missing, settling or of a suspended session: a frozen price is no flat return. A
        table without ``suspended`` holds no suspension.

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
    """Return each row's place on the calendar; a row off it has none (NaN)."""
    found = sessions.get_indexer(pd.DatetimeIndex(table["session"]))
    return np.where(found >= 0, found, np.nan)


def _follows(table: pd.DataFrame, place: np.ndarray) -> np.ndarray:
    """Return where the row above is the ticker's on the market's session before."""
    same_ticker = table["ticker"].eq(table["ticker"].shift()).to_numpy()
    return np.asarray(same_ticker & (np.diff(place, prepend=np.nan) == 1))


def _settling(table: pd.DataFrame, place: np.ndarray) -> np.ndarray:
    """Return where the adjusted price has yet to follow an ex-date."""
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
