"""What a reader of the panel must know about a row beside its numbers.

``limit`` and ``suspended`` say when a deal may not be had, ``gap`` where no return may
be taken, and ``find_jumps`` lists the moves that nothing in the files explains. All are
known in the evening of their session.
"""

import numpy as np
import pandas as pd

from nse_lstm.data.adjusted import MAX_LOG_MOVE

__all__ = ["add_flags", "find_jumps"]

LIMIT_MOVE = 0.095
"""The exchange's limit is 10 %; ticks keep most limited prices just short of it."""
MAX_SESSIONS_WITHOUT_VOLUME = 10
MAX_BREAK = pd.Timedelta(days=14)


def add_flags(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Add ``limit``, ``suspended`` and ``gap``.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session: ``ticker session kind price previous
        factor volume stale``.
    sessions : DatetimeIndex
        The market's calendar.

    Returns
    -------
    DataFrame
        With three columns of bool more. ``limit``: price times factor over ``previous``
        moved by 9.5 % or more; False where either is missing, on stale sessions (the
        pair is a copy) and for indices. ``suspended``: more than 10 rows in a row, this
        one included, without volume; a stale session neither counts nor resets; False
        for indices, which never have any. ``gap``: first session after a break of more
        than 14 days in the market's calendar or in the ticker's own rows.
    """
    is_index = rows["kind"] == "index"
    move = (rows["price"] * rows["factor"] / rows["previous"] - 1).abs()
    # A millionth of the limit keeps 109.5 / 100 on the right side of rounding.
    limit = (move >= LIMIT_MOVE * (1 - 1e-6)) & ~rows["stale"] & ~is_index
    days = rows["session"].groupby(rows["ticker"]).diff()
    opening = sessions[1:][np.diff(sessions) > MAX_BREAK.to_timedelta64()]
    return rows.assign(
        limit=limit,
        suspended=(_sessions_without_volume(rows) > MAX_SESSIONS_WITHOUT_VOLUME)
        & ~is_index,
        gap=(days > MAX_BREAK) | rows["session"].isin(opening),
    )


def find_jumps(rows: pd.DataFrame) -> pd.DataFrame:
    """Find moves of the adjusted price that are beyond the limit.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session, with ``price factor gap``.

    Returns
    -------
    DataFrame
        The rows after such a move, with ``on_ex_date`` (bool: there is a corporate
        action, but its factor does not explain the move) and ``detail``: both printed
        prices, an action's factor and the log move. A missing price is skipped over;
        moves across a gap are not listed. Nothing is changed.
    """
    shares = rows["factor"].groupby(rows["ticker"]).cumprod()
    priced = rows.assign(shares=shares)[rows["price"].notna()]
    before = priced[["price", "shares"]].groupby(priced["ticker"]).shift()
    factor = priced["shares"] / before["shares"]
    move = pd.Series(np.log(priced["price"] * factor / before["price"]))
    is_jump = (move.abs() > MAX_LOG_MOVE) & ~priced["gap"]
    figures = zip(
        before.loc[is_jump, "price"],
        priced.loc[is_jump, "price"],
        factor[is_jump],
        move[is_jump],
        strict=True,
    )
    detail = pd.Series([_describe_jump(*numbers) for numbers in figures], dtype="str")
    return priced[is_jump].assign(
        on_ex_date=factor[is_jump] != 1, detail=detail.to_numpy()
    )


def _describe_jump(before: float, price: float, factor: float, move: float) -> str:
    action = "" if factor == 1 else f", factor {factor:g}"
    return f"price {before:g} -> {price:g}{action}, log move {move:+.3f}"


def _sessions_without_volume(rows: pd.DataFrame) -> "pd.Series[float]":
    """Count the rows since the ticker's last with volume, stale ones left out."""
    is_idle = (rows["volume"].isna() & ~rows["stale"]).astype(float)
    n_idle = is_idle.groupby(rows["ticker"]).cumsum()
    n_at_trade = n_idle.where(rows["volume"].notna()).groupby(rows["ticker"]).ffill()
    return n_idle - n_at_trade.fillna(0.0)
