"""Row flags of the panel: daily limit, suspension, calendar gap, unexplained jumps.

``limit`` and ``suspended`` mark sessions on which a trade may be impossible, ``gap``
marks where no return is taken. All are known after the close of their session.
"""

import numpy as np
import pandas as pd

from nse_lstm.data.adjusted import MAX_LOG_MOVE, ticker_codes

LIMIT_MOVE = 0.095
"""The exchange's limit is 10 %; ticks keep most limited prices just short of it."""
LIMIT_SLACK = MAX_LOG_MOVE + np.log1p(-0.1)
"""Log move beyond a daily limit that rounding may make."""
ODD_MOVE = np.log(2)
"""Log move for review on an exchange without a daily limit: a half or a double."""
MAX_SESSIONS_WITHOUT_VOLUME = 10
ROUNDING = 1e-9
MAX_BREAK = pd.Timedelta(days=14)


def widest_move(limit: float) -> float:
    """Return the log move above which a price is for review.

    Parameters
    ----------
    limit : float
        Session return at which orders lapse, ``Backtest.limit``; 0 for no daily limit.
        That of the Nairobi exchange gives ``MAX_LOG_MOVE``.
    """
    if limit == LIMIT_MOVE:
        return MAX_LOG_MOVE
    return float(LIMIT_SLACK - np.log1p(-limit)) if limit else float(ODD_MOVE)


def add_flags(
    rows: pd.DataFrame, sessions: pd.DatetimeIndex, *, limit: float = LIMIT_MOVE
) -> pd.DataFrame:
    """Add the flags ``limit``, ``suspended`` and ``gap``.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session: ``ticker session kind price previous
        factor volume stale``.
    sessions : DatetimeIndex
        The market's calendar.
    limit : float
        Move that counts as limited, 0 for an exchange without a daily limit.

    Returns
    -------
    DataFrame
        With three bool columns. ``limit``: price times factor moved by ``limit`` or
        more from ``previous``; False where either is missing, on stale sessions and for
        indices. ``suspended``: more than 10 rows in a row without volume, this one
        included; a stale session neither counts nor resets; False for indices.
        ``gap``: first session after a break of more than 14 days in the market's
        calendar or in the stock's own rows.
    """
    is_share = (rows["kind"] != "index").to_numpy()
    price, previous, factor = (
        rows[name].to_numpy() for name in ("price", "previous", "factor")
    )
    move = np.abs(price * factor / previous - 1)
    # A millionth of the limit keeps 109.5 / 100 on the right side of rounding.
    limited = (move >= (limit or np.inf) * (1 - 1e-6)) & is_share
    limited &= ~rows["stale"].to_numpy()
    session = rows["session"].to_numpy()
    after_break = np.zeros(len(rows), bool)
    after_break[1:] = np.diff(session) > MAX_BREAK.to_timedelta64()
    is_first = _is_first(rows)
    opening = sessions[1:][np.diff(sessions) > MAX_BREAK.to_timedelta64()]
    return rows.assign(
        limit=limited,
        suspended=(_rows_without_volume(rows, is_first) > MAX_SESSIONS_WITHOUT_VOLUME)
        & is_share,
        gap=(after_break & ~is_first) | np.isin(session, opening.to_numpy()),
    )


def find_jumps(rows: pd.DataFrame, *, limit: float = LIMIT_MOVE) -> pd.DataFrame:
    """Find moves of the adjusted price beyond the daily limit.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session, with ``price factor gap``.
    limit : float
        As for ``widest_move``.

    Returns
    -------
    DataFrame
        The rows after such a move, with ``on_ex_date`` (bool: a corporate action whose
        factor does not explain the move) and ``detail`` (both printed prices, factor
        and log move). Missing prices are skipped. Moves across a gap are not listed.
    """
    place = np.flatnonzero(rows["price"].notna())
    now, before = place[1:], place[:-1]
    ticker = ticker_codes(rows)
    price = rows["price"].to_numpy()
    log_shares = np.cumsum(np.log(rows["factor"].to_numpy()))
    action = log_shares[now] - log_shares[before]
    move = np.log(price[now] / price[before]) + action
    is_jump = (np.abs(move) > widest_move(limit)) & (ticker[now] == ticker[before])
    is_jump &= ~rows["gap"].to_numpy()[now]
    figures = zip(
        price[before[is_jump]],
        price[now[is_jump]],
        np.exp(action[is_jump]),
        move[is_jump],
        strict=True,
    )
    detail = pd.Series([_describe_jump(*numbers) for numbers in figures], dtype="str")
    return rows.iloc[now[is_jump]].assign(
        on_ex_date=np.abs(action[is_jump]) > ROUNDING, detail=detail.to_numpy()
    )


def _describe_jump(before: float, price: float, factor: float, move: float) -> str:
    action = "" if abs(factor - 1) <= ROUNDING else f", factor {factor:g}"
    return f"price {before:g} -> {price:g}{action}, log move {move:+.3f}"


def _is_first(rows: pd.DataFrame) -> np.ndarray:
    """Mark each ticker's first row; rows are sorted by ticker."""
    return np.diff(ticker_codes(rows), prepend=-1) != 0


def _rows_without_volume(rows: pd.DataFrame, is_first: np.ndarray) -> np.ndarray:
    """Count rows since the stock's last row with volume, without stale ones."""
    has_volume = rows["volume"].notna().to_numpy()
    is_idle = ~has_volume & ~rows["stale"].to_numpy()
    n_idle = np.cumsum(is_idle)
    # Counting starts at a row with volume, or before a ticker's first row.
    base = np.where(is_first & is_idle, n_idle - 1, n_idle)
    place = np.arange(len(rows))
    start = np.maximum.accumulate(np.where(has_volume | is_first, place, 0))
    return np.asarray(n_idle - base[start])
