"""Boards that are not their session's own: copies, early boards, swapped boards.

A stale copy shows the session before. An early board shows tomorrow's prices under
today's date, so it looks ahead. Both leave two equal boards, and ``previous`` tells
which of them is the copy. Other boards under a wrong date break the chain of previous
prices on both sides (``board_chain``). No rule names a date of the real files.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nse_lstm.data.board_chain import (
    BROKEN_SHARE,
    CENT,
    FEWEST_BROKEN,
    Calendar,
    Chain,
    on_calendar,
    read_chain,
)

COPIED_SHARE = 0.95
MOST_NEEDED, FEWEST_TRADED = 20, 3
"""Traded codes needed to call a board a copy: 20 on the exchange, half of the listed
codes of a smaller market, and never fewer than three."""
FEWEST_PARTLY = 5
"""Equal rows that make a part of a board a copy; chance leaves at most 8 % of the real
files' rows equal."""
SWAPPED_SHARE = 0.9

COPY, EARLY, UNTOLD, UNDECIDED = "copy", "early", "early, price untold", "undecided"


@dataclass(frozen=True)
class _Pairs:
    """Neighbouring rows of a ticker that print the same; arrays over all rows."""

    equal: np.ndarray
    """Price and volume are those of the row above."""
    whole: np.ndarray
    """Positions of sessions whose whole board equals the one before."""
    partly: np.ndarray
    """Positions of sessions with a part of the board equal, the range too."""


def put_back_swapped(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Exchange the dates of two neighbouring boards that took each other's place.

    Three links of the chain are then broken, and nine in ten codes fit if the boards
    change places. Known after the second session.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session: ``ticker session kind price
        previous``, as printed.
    sessions : DatetimeIndex
        The market's calendar.

    Returns
    -------
    DataFrame
        The same rows, sorted again, with ``swapped`` (bool) and ``late`` (bool: printed
        under the next session, so not known after their close) added.
    """
    calendar = on_calendar(rows, sessions)
    swapped, late = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    chain = read_chain(rows, calendar, unsure=swapped)
    # The link after the two is broken too, once it is there.
    third = np.append(chain.broken[2:], True)
    candidates = np.flatnonzero(chain.broken[:-1] & chain.broken[1:] & third)
    if not len(candidates):
        return rows.assign(swapped=swapped, late=late)
    place, session = calendar.place, rows["session"].to_numpy().copy()
    days = sessions.to_numpy().astype(session.dtype)
    last = -2
    for first in candidates:
        if first > last + 1 and _are_swapped(rows, calendar, int(first)):
            last = int(first)
            for now, then in ((last, last + 1), (last + 1, last)):
                session[place == now] = days[then]
                swapped[place == now] = True
            late[place == last + 1] = True
    rows = rows.assign(session=session, swapped=swapped, late=late)
    day = session.astype("datetime64[D]").astype(np.int64)
    return rows.iloc[np.lexsort([day, rows["ticker"].cat.codes.to_numpy()])]


def _are_swapped(rows: pd.DataFrame, calendar: Calendar, first: int) -> bool:
    """Return whether two boards fit the sessions around them better in turn."""
    price, previous = rows["price"].to_numpy(), rows["previous"].to_numpy()
    here = np.flatnonzero((calendar.place == first) & calendar.follows)
    here = here[here < len(rows) - 1]
    here = here[calendar.follows[here + 1]]
    here = here[(rows["kind"] != "index").to_numpy()[here]]
    moved = np.abs(previous[here] - price[here - 1]) > CENT
    fits = np.abs(previous[here] - price[here + 1]) <= CENT
    fits &= np.abs(previous[here + 1] - price[here - 1]) <= CENT
    return bool((moved & fits).sum() >= FEWEST_BROKEN and fits.mean() >= SWAPPED_SHARE)


def find_wrong_boards(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Mark the rows whose price and volume are not their session's.

    Of two equal boards the second is a stale copy, unless ``previous`` shows that the
    first is the second's and came early. Most of a board equal is a copy or an early
    board whole, a quarter of it and more in part. A board that breaks the chain on both
    sides is of another session. All this is known after the close of the session that
    follows, a stale copy after its own.

    Parameters
    ----------
    rows : DataFrame
        ``put_back_swapped``, with ``low high volume``.
    sessions : DatetimeIndex
        The market's calendar.

    Returns
    -------
    DataFrame
        ``stale`` (bool: no price, range and volume of its own), ``misplaced`` (bool: it
        shows another session than the one before, so that the printed price is left
        out) and ``untold`` (bool: the next ``previous`` is not its price).
    """
    calendar = on_calendar(rows, sessions)
    marks = _Marks(*(np.zeros(len(rows), bool) for _ in range(3)))
    marks.misplace(rows["late"].to_numpy(), untold=False)
    pairs = _pairs(rows, calendar)
    if len(pairs.whole) or len(pairs.partly):
        _mark_equal(rows, calendar, pairs, marks)
    chain = read_chain(rows, calendar, unsure=marks.stale)
    for place, told in _displaced(chain, calendar):
        marks.misplace(calendar.place == place, untold=not told)
    return pd.DataFrame(
        {
            "stale": marks.stale,
            "misplaced": marks.misplaced,
            "untold": marks.untold,
        },
        index=rows.index,
    )


@dataclass
class _Marks:
    """Faults of each row."""

    stale: np.ndarray
    misplaced: np.ndarray
    untold: np.ndarray

    def misplace(self, where: np.ndarray, *, untold: bool) -> None:
        self.stale |= where
        self.misplaced |= where
        if untold:
            self.untold |= where


def _pairs(rows: pd.DataFrame, calendar: Calendar) -> _Pairs:
    """Find equal neighbours, and the sessions on which they are many."""
    counted = (rows["kind"] != "index").to_numpy()
    equal = counted & calendar.follows
    for name in ("price", "volume"):
        values = rows[name].to_numpy()
        equal[1:] &= values[1:] == values[:-1]
    n_sessions = len(calendar.after_hole)
    traded = counted & ~np.isnan(rows["volume"].to_numpy())
    n_listed, n_traded, n_equal = (
        np.bincount(calendar.place[mark], minlength=n_sessions)
        for mark in (counted, traded, equal)
    )
    needed = np.clip(np.ceil(n_listed / 2), FEWEST_TRADED, MOST_NEEDED)
    whole = (n_traded >= needed) & (n_equal > COPIED_SHARE * n_traded)
    many = ~whole & (n_equal >= FEWEST_PARTLY) & (n_equal >= BROKEN_SHARE * n_traded)
    partly = []
    for place in np.flatnonzero(many):
        n_same = _same_range(rows, np.flatnonzero(equal & (calendar.place == place)))
        enough = max(FEWEST_PARTLY, BROKEN_SHARE * n_traded[place])
        partly += [place] if n_same.sum() >= enough else []
    return _Pairs(equal, np.flatnonzero(whole), np.array(partly, np.int64))


def _same_range(rows: pd.DataFrame, places: np.ndarray) -> np.ndarray:
    ranges = rows[["low", "high"]].to_numpy()
    return np.asarray((ranges[places] == ranges[places - 1]).all(axis=1))


def _mark_equal(
    rows: pd.DataFrame, calendar: Calendar, pairs: _Pairs, marks: _Marks
) -> None:
    """Mark the copy of each two equal boards, in order of time."""
    place = calendar.place
    whole = set(pairs.whole.tolist())
    copies: set[int] = set()
    for session in sorted(whole.union(pairs.partly.tolist())):
        now = np.flatnonzero(pairs.equal & (place == session))
        if session in whole:
            kind = COPY if session - 1 in copies else ""
            kind = kind or _kind(rows, calendar, now, session)
        else:
            now = now[_same_range(rows, now)]
            kind = _kind(rows, calendar, now, session)
        if kind in (COPY, UNDECIDED):
            copies.add(session)
            marks.stale[place == session if session in whole else now] = True
        if kind != COPY:
            early = np.zeros(len(rows), bool)
            early[now - 1] = True
            if session in whole:
                early |= (place == session - 1) & ~_own_index(rows, calendar)
            marks.misplace(early, untold=kind != EARLY)


def _own_index(rows: pd.DataFrame, calendar: Calendar) -> np.ndarray:
    """Mark index values that the next session does not repeat."""
    price = rows["price"].to_numpy()
    repeated = np.zeros(len(rows), bool)
    repeated[:-1] = calendar.follows[1:] & (price[1:] == price[:-1])
    return np.asarray((rows["kind"] == "index").to_numpy() & ~repeated)


def _kind(
    rows: pd.DataFrame,
    calendar: Calendar,
    now: np.ndarray,
    session: int,
) -> str:
    """Tell which of two equal boards is the copy, from what ``previous`` says.

    A copy repeats the ``previous`` of the board before. If that board's own link is
    broken, it came early with all its columns. A second board with a ``previous`` of
    its own is genuine, and the first came early. If it gives the first board's price,
    that price was rolled on, so the true one is not told. Only the chain of the next
    session, once it is there, shows a copy whose ``previous`` was rolled on.
    """
    price, previous = rows["price"].to_numpy(), rows["previous"].to_numpy()
    same = np.abs(previous[now] - previous[now - 1]) <= CENT
    rolled = np.abs(previous[now] - price[now - 1]) <= CENT
    known = ~np.isnan(previous[now] + previous[now - 1])
    marks = (~same & ~rolled, same & ~rolled, rolled & ~same)
    told, copied, carried = ((known & mark).sum() for mark in marks)
    if max(told, copied, carried) < FEWEST_BROKEN:
        return COPY
    if copied >= max(told, carried):
        before = now[calendar.follows[now - 1]] - 1
        is_broken = _is_broken(previous[before] - price[before - 1])
        if calendar.after_gap[session - 1] or not is_broken:
            return COPY
        return UNDECIDED if calendar.after_hole[session - 1] else EARLY
    if told >= carried:
        return EARLY
    after = now[now + 1 < len(rows)]
    after = after[calendar.follows[after + 1]]
    return COPY if _is_broken(previous[after + 1] - price[after]) else UNTOLD


def _is_broken(difference: np.ndarray) -> bool:
    """Return whether the link of some codes of a session is broken."""
    known = difference[~np.isnan(difference)]
    n_wrong = int((np.abs(known) > CENT).sum())
    return n_wrong >= max(FEWEST_BROKEN, BROKEN_SHARE * len(known))


def _displaced(chain: Chain, calendar: Calendar) -> list[tuple[int, bool]]:
    """Return the sessions whose board is another's, and whether its price is told.

    A board that breaks the chain on both sides is of another session, and the next
    ``previous`` tells its price. A single break is a lost session if a weekday lies
    between. Otherwise it is of the board before, if nothing vouches for that one. If
    that is not certain, both boards are left out, and a last board until the next.
    """
    found: list[tuple[int, bool]] = []
    taken = -1
    n_sessions = len(chain.broken)
    for place in np.flatnonzero(chain.broken).tolist():
        if place <= taken:
            continue
        is_last = place + 1 == n_sessions
        if not is_last and chain.broken[place + 1]:
            if not (calendar.after_hole[place] and calendar.after_hole[place + 1]):
                found.append((place, True))
                taken = place + 1
        elif calendar.after_hole[place]:
            continue
        elif not chain.known[place - 1]:
            found.append((place - 1, True))
        elif is_last:
            found.append((place, False))
        else:
            found += [(place - 1, False), (place, False)]
    return found


def mend_prices(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Mend prices of wrong boards with the ``previous`` of the next session.

    The next session's ``previous`` is the true price, unadjusted. It is known one
    session later, so a last session is not mended, nor is one before another wrong
    board. A stale copy then keeps its copied price. A board of another session loses
    it, since it may look ahead. Range and volume become missing.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session, with ``stale misplaced untold``.
    sessions : DatetimeIndex
        The market's calendar.

    Returns
    -------
    DataFrame
        The same rows with ``mended`` (bool) added.
    """
    follows = on_calendar(rows, sessions).follows
    stale, previous = rows["stale"].to_numpy(), rows["previous"].to_numpy()
    mended = stale & ~rows["untold"].to_numpy()
    mended[-1] = False
    mended[:-1] &= follows[1:] & ~stale[1:] & ~np.isnan(previous[1:])
    price = rows["price"].to_numpy().copy()
    price[rows["misplaced"].to_numpy()] = np.nan
    price[mended] = previous[1:][mended[:-1]]
    columns = {
        name: np.where(stale, np.nan, rows[name].to_numpy())
        for name in ("low", "high", "volume")
    }
    return rows.assign(price=price, mended=mended, **columns)


def find_lost(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> np.ndarray:
    """Find the sessions that follow one missing from the files.

    Their ``previous`` is not the files' price of the session before, though no board is
    wrong. Known after the close.

    Parameters
    ----------
    rows : DataFrame
        Judged rows sorted by ticker and session, with ``stale``.
    sessions : DatetimeIndex
        The market's calendar.

    Returns
    -------
    array of bool, shape (n_rows,)
        True for every row of a session after a lost one.
    """
    calendar = on_calendar(rows, sessions)
    chain = read_chain(rows, calendar, unsure=rows["stale"].to_numpy())
    return np.asarray(chain.broken[calendar.place])
