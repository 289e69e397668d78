"""Supervised windows of one stock's history, and their split by fold.

A window holds the adjusted prices of the ``lookback`` market sessions up to and
including its origin. Its target is the adjusted price ``delay + horizon`` sessions
later. Nothing after the origin enters ``X``. Sessions are the market's, so a stock that
was not listed for a while has no windows across that time.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.errors import DataError
from nse_lstm.features.folds import Fold
from nse_lstm.features.window_values import (
    PER_WINDOW,
    FoldSplit,
    Windows,
    select_windows,
)

__all__ = [
    "PER_WINDOW",
    "FoldSplit",
    "Windows",
    "latest_window",
    "make_windows",
    "open_windows",
    "select_windows",
    "split_fold",
]

Numbers = NDArray[np.float64]
Dates = NDArray[np.datetime64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]


def make_windows(
    stock: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    *,
    lookback: int,
    horizon: int,
    delay: int = 0,
) -> Windows:
    """Cut one stock's history into supervised windows.

    An origin is a session with a row of the stock, at least ``lookback - 1``
    market sessions after its first. A window is dropped, and counted under the first
    reason that holds. In its input: "missing price", "gap", "settling price",
    "suspended origin", "stale origin". After it: "missing target", "gap before target",
    "settling target" (both on any session up to the target), "stale target". Inputs may
    be mended prices, since those before the origin are known at the origin.

    Parameters
    ----------
    stock : DataFrame of shape (n_rows, ...)
        Rows of one stock from ``with_returns``.
    sessions : DatetimeIndex of shape (n_sessions,)
        The market's calendar, strictly increasing.
    lookback, horizon : int
        Sessions, each at least 1.
    delay : int
        Sessions between origin and entry, at least 0.

    Returns
    -------
    Windows
        In order of origin, possibly none.

    Raises
    ------
    DataError
        If a length is too small, the calendar is not increasing, there is more than one
        ticker, or a row is not on the calendar.

    Examples
    --------
    >>> sessions = pd.date_range("2024-01-01", periods=4).as_unit("us")
    >>> stock = pd.DataFrame(
    ...     {"ticker": "AAA", "session": sessions, "adjusted": [10.0, 11.0, 12.0, 13.0]}
    ... ).assign(shares=1.0, stale=False, suspended=False, gap=False, settling=False)
    >>> windows = make_windows(stock, sessions, lookback=2, horizon=1)
    >>> print(windows.X.tolist(), windows.y.tolist())
    [[10.0, 11.0], [11.0, 12.0]] [12.0, 13.0]
    """
    _check_lengths(lookback=lookback, horizon=horizon, delay=delay)
    rows = _on_calendar(stock, sessions)
    origin = _origins(rows, lookback)
    origin = origin[origin + delay + horizon < len(rows)]
    target = origin + delay + horizon
    reason = _reasons(rows, origin, lookback=lookback, ahead=delay + horizon)
    kept = reason == ""
    return _windows(
        rows,
        origin[kept],
        lookback=lookback,
        y=rows["adjusted"].to_numpy()[target[kept]],
        entry_date=_dates(rows)[origin[kept] + delay],
        target_date=_dates(rows)[target[kept]],
        dropped_target=_dates(rows)[target[~kept]],
        dropped_reason=reason[~kept],
    )


def open_windows(
    stock: pd.DataFrame, sessions: pd.DatetimeIndex, *, lookback: int
) -> Windows:
    """Cut the window of every origin that can be forecast from, without targets.

    ``y`` and ``target_date`` are missing, ``entry_date`` is the origin, and
    ``dropped_target`` holds origins.

    Parameters
    ----------
    stock, sessions, lookback
        As for ``make_windows``.
    """
    _check_lengths(lookback=lookback, horizon=1, delay=0)
    rows = _on_calendar(stock, sessions)
    origin = _origins(rows, lookback)
    reason = _reasons(rows, origin, lookback=lookback, ahead=0)
    kept = reason == ""
    dates = _dates(rows)
    return _windows(
        rows,
        origin[kept],
        lookback=lookback,
        y=np.full(kept.sum(), np.nan),
        entry_date=dates[origin[kept]],
        target_date=np.full(kept.sum(), "NaT", "datetime64[us]"),
        dropped_target=dates[origin[~kept]],
        dropped_reason=reason[~kept],
    )


def latest_window(
    stock: pd.DataFrame, sessions: pd.DatetimeIndex, *, lookback: int
) -> Windows:
    """Cut the window whose origin is the market's last session, without target.

    Parameters
    ----------
    stock, sessions, lookback
        As for ``make_windows``.

    Raises
    ------
    DataError
        If the stock cannot be forecast from that session; the message has the reason
        that ``make_windows`` would count.
    """
    windows = open_windows(stock, sessions, lookback=lookback)
    last = _date(sessions[-1])
    if last not in windows.origin:
        lost = windows.dropped_reason[windows.dropped_target == last]
        why = lost[0] if len(lost) else "no row there, or too short a history"
        raise DataError(
            f"Expected {lookback} sessions of {stock['ticker'].iloc[0]} that can be "
            f"forecast from, up to {sessions[-1].date()}. Received: {why}"
        )
    return _take(windows, np.flatnonzero(windows.origin == last))


def split_fold(
    windows: Windows, fold: Fold, *, validation_share: float, purge: int
) -> FoldSplit:
    """Split one stock's windows into train, validation and forecast, without overlap.

    Training and validation windows have targets before the fold. The last
    ``validation_share`` of them validate. Training windows with targets on or after the
    first validation origin are purged, at least ``purge`` windows. Forecast windows
    have targets in the fold, so their first origins may lie just before it.

    Parameters
    ----------
    windows : Windows
        Of one stock, in order of origin.
    fold : Fold
        A year, by its ``start`` and ``end``.
    validation_share : float
        Above 0 and below 1.
    purge : int
        ``horizon + delay`` sessions, the overlap of windows without gaps.

    Returns
    -------
    FoldSplit
        ``dropped`` counts windows before the fold (train, with "purged"), none
        (validation), and windows in the fold (forecast).

    Raises
    ------
    DataError
        If no window is left to train on or to validate with.
    """
    before = np.flatnonzero(windows.target_date < _date(fold.start))
    n_validation = round(validation_share * len(before))
    n_train = len(before) - n_validation
    if n_validation < 1 or n_train <= purge:
        raise DataError(
            f"Expected windows to train on and to validate with before {fold.year}. "
            f"Received: {len(before)} windows, {n_validation} of them to validate with"
        )
    validation = before[n_train:]
    candidates = before[: n_train - purge]
    first_origin = windows.origin[validation[0]]
    train = candidates[windows.target_date[candidates] < first_origin]
    purged = np.setdiff1d(before[:n_train], train)
    forecast = np.flatnonzero(_between(windows.target_date, fold))
    # Training arrays end at the last known price, so no later one can leak.
    known = replace(windows, prices=windows.prices[: windows.last[before[-1]] + 1])
    early = windows.dropped_target < _date(fold.start)
    late = _between(windows.dropped_target, fold)
    return FoldSplit(
        train=_take(known, train, purged=purged, dropped=early),
        validation=_take(known, validation),
        forecast=_take(windows, forecast, dropped=late),
    )


def _check_lengths(*, lookback: int, horizon: int, delay: int) -> None:
    if lookback < 1 or horizon < 1 or delay < 0:
        raise DataError(
            "`lookback` and `horizon` must be at least 1 session, `delay` at least 0. "
            f"Received: lookback={lookback}, horizon={horizon}, delay={delay}"
        )


def _on_calendar(stock: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Return one row per market session; ``listed`` is False where there is none."""
    tickers = stock["ticker"].unique()
    rows = stock.set_index("session").sort_index()
    off = rows.index.difference(sessions)
    if len(tickers) != 1 or len(off) or rows.index.has_duplicates:
        raise DataError(
            "Expected rows of one ticker, one per session, all on the calendar. "
            f"Received: tickers {list(tickers[:3])}, {len(rows)} rows, {len(off)} of "
            "them off the calendar"
        )
    if not (sessions.is_monotonic_increasing and sessions.is_unique):
        raise DataError(
            "Expected a strictly increasing calendar. Received: another one"
        )
    prices = rows[["adjusted", "shares"]].reindex(sessions)
    flags = rows[["stale", "suspended", "gap", "settling"]].astype(bool)
    flags = flags.assign(listed=True).reindex(sessions, fill_value=False)
    return prices.join(flags)


def _origins(rows: pd.DataFrame, lookback: int) -> Places:
    listed = np.flatnonzero(rows["listed"])
    return listed[listed >= listed[:1].sum() + lookback - 1]


def _reasons(
    rows: pd.DataFrame, origin: Places, *, lookback: int, ahead: int
) -> NDArray[np.str_]:
    """Return the first reason to drop each origin's window, "" for none."""
    missing = rows["adjusted"].isna().to_numpy()
    gap, settling = rows["gap"].to_numpy(), rows["settling"].to_numpy()
    first = origin - lookback + 1
    tests = {
        "missing price": _any_within(missing, first, origin),
        # A window may begin at a gap: the return across it is not inside.
        "gap": _any_within(gap, first + 1, origin),
        "settling price": _any_within(settling, first, origin),
        "suspended origin": rows["suspended"].to_numpy()[origin],
        "stale origin": rows["stale"].to_numpy()[origin],
    }
    if ahead:
        target = origin + ahead
        tests |= {
            "missing target": _any_within(missing, origin + 1, target),
            "gap before target": _any_within(gap, origin + 1, target),
            "settling target": _any_within(settling, origin + 1, target),
            "stale target": rows["stale"].to_numpy()[target],
        }
    return np.select(list(tests.values()), list(tests), default="")


def _any_within(flags: Flags, first: Places, last: Places) -> Flags:
    """Return whether any flag is set from ``first`` to ``last``, both included."""
    count = np.concatenate([[0], np.cumsum(flags)])
    return count[last + 1] > count[first]


def _windows(
    rows: pd.DataFrame,
    origin: Places,
    *,
    lookback: int,
    y: Numbers,
    entry_date: Dates,
    target_date: Dates,
    dropped_target: Dates,
    dropped_reason: NDArray[np.str_],
) -> Windows:
    adjusted = rows["adjusted"].to_numpy()
    return Windows(
        prices=adjusted,
        last=origin,
        lookback=lookback,
        y=y,
        last_price=adjusted[origin],
        shares=rows["shares"].to_numpy()[origin],
        origin=_dates(rows)[origin],
        entry_date=entry_date,
        target_date=target_date,
        dropped_target=dropped_target,
        dropped_reason=dropped_reason,
    )


def _take(
    windows: Windows,
    places: Places,
    *,
    purged: Places | None = None,
    dropped: Flags | None = None,
) -> Windows:
    """Select windows, with the dropped and purged ones to count."""
    purged = places[:0] if purged is None else purged
    dropped = (
        np.zeros_like(windows.dropped_target, bool) if dropped is None else dropped
    )
    lost = (windows.dropped_target[dropped], windows.target_date[purged])
    why = (windows.dropped_reason[dropped], np.full(len(purged), "purged"))
    return replace(
        select_windows(windows, places),
        dropped_target=np.concatenate(lost),
        dropped_reason=np.concatenate(why),
    )


def _between(dates: Dates, fold: Fold) -> Flags:
    return (dates >= _date(fold.start)) & (dates < _date(fold.end))


def _dates(rows: pd.DataFrame) -> Dates:
    return rows.index.to_numpy("datetime64[us]")


def _date(moment: pd.Timestamp) -> np.datetime64:
    return np.datetime64(moment, "us")
