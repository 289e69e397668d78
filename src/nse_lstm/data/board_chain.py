"""Chain of previous prices: each session's ``previous`` is the price a session before.

The chain tells what a board alone cannot: whether it stands under its own date. A link
is *broken* where ``previous`` is not the files' price of the session before for at
least three codes and a quarter of all. It is so on no sound session of the real files,
and for half of the codes and more after a lost session or a board under another date.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

CENT = 0.0051
"""Half a cent and rounding: two printed figures this close are equal."""
FEWEST_BROKEN = 3
BROKEN_SHARE = 0.25
GAP = np.timedelta64(14, "D")


@dataclass(frozen=True)
class Calendar:
    """Rows on the market's calendar, sorted by ticker and session."""

    place: np.ndarray
    """(n_rows,) position of the row's session."""
    follows: np.ndarray
    """(n_rows,) whether the row above is of the ticker's session before."""
    after_hole: np.ndarray
    """(n_sessions,) whether a weekday lies between the session and the one before."""
    after_gap: np.ndarray
    """(n_sessions,) whether more than 14 days do, so that much may be lost."""


@dataclass(frozen=True)
class Chain:
    """Links between the sessions, each an array of bool, shape (n_sessions,)."""

    broken: np.ndarray
    known: np.ndarray
    """Whether at least three codes tell."""


def on_calendar(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> Calendar:
    """Place rows on the calendar.

    Parameters
    ----------
    rows : DataFrame
        ``ticker`` (categorical) and ``session``, sorted by both.
    sessions : DatetimeIndex
        The market's calendar; it holds every session of the rows.
    """
    days = (rows["session"].to_numpy(), sessions.to_numpy())
    day, session = (d.astype("datetime64[D]").astype(np.int64) for d in days)
    # A table of the position of every day, which is faster than a binary search.
    number = np.zeros(session[-1] - session[0] + 1, np.int64)
    number[session - session[0]] = np.arange(len(sessions))
    place = number[day - session[0]]
    ticker = rows["ticker"].cat.codes.to_numpy()
    follows = np.zeros(len(rows), bool)
    follows[1:] = (ticker[1:] == ticker[:-1]) & (np.diff(place) == 1)
    dates = sessions.to_numpy().astype("datetime64[D]")
    hole, gap = (np.zeros(len(sessions), bool) for _ in range(2))
    hole[1:] = np.busday_count(dates[:-1] + 1, dates[1:]) > 0
    gap[1:] = np.diff(dates) > GAP
    return Calendar(place, follows, hole, gap)


def read_chain(rows: pd.DataFrame, calendar: Calendar, *, unsure: np.ndarray) -> Chain:
    """Check each session's ``previous`` against the prices of the session before.

    Parameters
    ----------
    rows : DataFrame
        ``kind price previous``, as printed.
    calendar : Calendar
        Of the same rows.
    unsure : array of bool, shape (n_rows,)
        Rows of which nothing is concluded. They and the rows after them, indices and
        sessions after a gap are left out.
    """
    price, previous = rows["price"].to_numpy(), rows["previous"].to_numpy()
    counted = calendar.follows & (rows["kind"] != "index").to_numpy() & ~unsure
    counted[1:] &= ~unsure[:-1]
    counted &= ~calendar.after_gap[calendar.place]
    error = np.full(len(rows), np.nan)
    error[1:] = np.abs(previous[1:] - price[:-1])
    counted &= ~np.isnan(error)
    n_counted, n_wrong = (
        np.bincount(calendar.place[mark], minlength=len(calendar.after_gap))
        for mark in (counted, counted & (error > CENT))
    )
    enough = np.maximum(FEWEST_BROKEN, BROKEN_SHARE * n_counted)
    return Chain(broken=n_wrong >= enough, known=n_counted >= FEWEST_BROKEN)
