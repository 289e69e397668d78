"""Rules for data faults: duplicates, stale sessions, decimal slips, lost sessions.

No rule names a date or code of the real files, so each finds its kind of fault in new
years too. A rule mends where only one answer fits, drops duplicates, and refuses
contradictions.
"""

import numpy as np
import pandas as pd

from nse_lstm.data.adjusted import MAX_LOG_MOVE
from nse_lstm.errors import DataError

COMPARED = ("price", "low", "high", "previous", "volume")
"""Columns in which two rows of one (ticker, session) must agree.

``Adjust`` may differ, because it is written with hindsight, which grows from file to
file. So may the name, and ``Change``, which follows from the prices."""
STALE_SHARE = 0.95
STALE_TRADED, FEWEST_TRADED = 20, 3
"""Traded codes needed to call a session stale: 20 on the exchange, half of the listed
codes of a smaller market, and never fewer than three."""
CENT = 0.0051
"""Half a cent and rounding: two printed figures this close are equal."""
LOST_SHARE = 0.25
"""Share of codes whose ``previous`` is not the price of the session before, from which
that session counts as lost. It is 0 on nearly every session, and at least 0.48 after a
lost session of the real files."""
MAX_SLIPPED = 5
"""Longest run of sessions with a slipped point; a longer one is a new index base."""


def find_duplicates(rows: pd.DataFrame) -> pd.DataFrame:
    """Mark the rows that repeat an earlier row of the same ticker and session.

    A repeat has the same price, low, high, previous and volume.

    Parameters
    ----------
    rows : DataFrame
        Sorted by ticker and session, in the order of file and line within.

    Returns
    -------
    DataFrame
        ``duplicate`` (bool: to be dropped), ``first`` (position of the row it repeats).

    Raises
    ------
    DataError
        If two rows of a ticker and session disagree in one of these columns; names both
        files, lines and values.
    """
    ticker = rows["ticker"].cat.codes.to_numpy()
    session = rows["session"].to_numpy()
    is_repeat = np.zeros(len(rows), bool)
    is_repeat[1:] = (ticker[1:] == ticker[:-1]) & (session[1:] == session[:-1])
    place = np.arange(len(rows))
    first = np.maximum.accumulate(np.where(is_repeat, 0, place))
    second = place[is_repeat]
    for name in COMPARED:
        values = rows[name].to_numpy()
        now, before = values[second], values[first[second]]
        differs = (now != before) & ~(np.isnan(now) & np.isnan(before))
        if differs.any():
            bad = int(second[differs.argmax()])
            raise _contradiction(rows.iloc[int(first[bad])], rows.iloc[bad], field=name)
    return pd.DataFrame({"duplicate": is_repeat, "first": first}, index=rows.index)


def check_order(rows: pd.DataFrame) -> None:
    """Refuse a file whose dates go back in time, a sign of a misprinted date.

    Parameters
    ----------
    rows : DataFrame
        ``ticker session source_file source_line`` without repeats, indexed by their
        position in the files.

    Raises
    ------
    DataError
        For the first row that is dated before the row above it.
    """
    order = np.argsort(rows.index.to_numpy(), kind="stable")
    sessions = rows["session"].to_numpy()[order]
    files = rows["source_file"].cat.codes.to_numpy()[order]
    goes_back = (sessions[1:] < sessions[:-1]) & (files[1:] == files[:-1])
    if goes_back.any():
        place = int(goes_back.argmax())
        last, row = (rows.iloc[order[n]] for n in (place, place + 1))
        raise DataError(
            f"Expected a session not before {last['session']:%d-%b-%Y}, which stands "
            f"on line {last['source_line']:.0f}; one of the two is misprinted. "
            f"Received: {row['session']:%d-%b-%Y} (code {row['ticker']!r})",
            file=str(row["source_file"]),
            line=int(row["source_line"]),
        )


def find_stale(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> np.ndarray:
    """Find stale sessions: sessions that copy the prices and volumes of the one before.

    A session is stale if enough codes traded and more than 95 % of them show the price
    and volume of the session before, as printed. Known after its close.

    Parameters
    ----------
    rows : DataFrame
        Unique rows on the calendar, sorted by ticker and session: ``ticker session
        kind price volume``.
    sessions : DatetimeIndex
        The market's calendar.

    Returns
    -------
    array of bool, shape (n_rows,)
        True for every row of a stale session, indices included.
    """
    place, follows = _places(rows, sessions)
    counted = (rows["kind"] != "index").to_numpy()
    copied = counted & follows
    for name in ("price", "volume"):
        values = rows[name].to_numpy()
        copied[1:] &= values[1:] == values[:-1]
    traded = counted & ~np.isnan(rows["volume"].to_numpy())
    n_listed, n_traded, n_copied = (
        np.bincount(place[mark], minlength=len(sessions))
        for mark in (counted, traded, copied)
    )
    needed = np.clip(np.ceil(n_listed / 2), FEWEST_TRADED, STALE_TRADED)
    is_stale = (n_traded >= needed) & (n_copied > STALE_SHARE * n_traded)
    return np.asarray(is_stale[place])


def mend_stale(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Mend stale prices with the ``previous`` of the next session.

    The next session's ``previous`` is the stale session's true price, unadjusted. It is
    known one session later, so a stale last session keeps its copy, as does one before
    another stale session. Range and volume of a stale session become missing.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session, with ``stale``.
    sessions : DatetimeIndex
        The market's calendar.
    """
    _, follows = _places(rows, sessions)
    stale = rows["stale"].to_numpy()
    previous = rows["previous"].to_numpy()
    mended = np.zeros(len(rows), bool)
    mended[:-1] = stale[:-1] & follows[1:] & ~stale[1:] & ~np.isnan(previous[1:])
    price = rows["price"].to_numpy().copy()
    price[mended] = previous[1:][mended[:-1]]
    copies = {
        name: np.where(stale, np.nan, rows[name].to_numpy())
        for name in ("low", "high", "volume")
    }
    return rows.assign(price=price, mended=mended, **copies)


def mend_ranges(rows: pd.DataFrame) -> pd.DataFrame:
    """Blank day ranges whose low is above their high.

    Adds ``crossed`` (bool). The price is kept. Both bounds become missing, since either
    may be wrong.
    """
    low, high = rows["low"].to_numpy(), rows["high"].to_numpy()
    crossed = low > high
    if not crossed.any():
        return rows.assign(crossed=crossed)
    ranges = {"low": np.where(crossed, np.nan, low)}
    ranges["high"] = np.where(crossed, np.nan, high)
    return rows.assign(crossed=crossed, **ranges)


def mend_slips(rows: pd.DataFrame) -> pd.DataFrame:
    """Mend slipped decimal points of index values.

    A value is a slip if only a division by 10 or by 1/10 brings it within the limit of
    the last value. Its low and high are divided too if that brings them near. Known
    after the close. More than five such sessions in a row are a new index base. Stocks
    are not judged so, since a split may be 10 for 1: their jumps are reviewed.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session: ``ticker kind low high price``.

    Returns
    -------
    DataFrame
        The same rows with ``slipped`` (bool) added.
    """
    printed = rows["price"].to_numpy()
    ticker = rows["ticker"].cat.codes.to_numpy()
    power = np.zeros(len(rows))
    for code in np.unique(ticker[(rows["kind"] == "index").to_numpy()]):
        places = np.flatnonzero((ticker == code) & ~np.isnan(printed))
        power[places] = _slips(np.log10(printed[places]))
    slipped = power != 0
    if not slipped.any():
        return rows.assign(slipped=slipped)
    scale = 10.0 ** power[slipped]
    columns = {}
    price = printed[slipped] / scale
    for name in ("price", "low", "high"):
        values = rows[name].to_numpy().copy()
        mended = values[slipped] / scale
        is_near = np.abs(np.log(mended / price)) <= MAX_LOG_MOVE
        values[slipped] = np.where(is_near, mended, values[slipped])
        columns[name] = values.round(6) if name == "price" else values
    return rows.assign(slipped=slipped, **columns)


def find_lost(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> np.ndarray:
    """Find the sessions that follow one missing from the files.

    ``previous`` is the price of the exchange's session before. A session is lost where
    ``previous`` differs from the files' price of the session before for at least three
    codes and a quarter of all.

    Parameters
    ----------
    rows : DataFrame
        Judged rows sorted by ticker and session: ``ticker session kind price previous
        stale gap``. Stale sessions and sessions after a gap are left out.
    sessions : DatetimeIndex
        The market's calendar.

    Returns
    -------
    array of bool, shape (n_rows,)
        True for every row of a session after a lost one. Known after the close.
    """
    place, follows = _places(rows, sessions)
    price, previous = rows["price"].to_numpy(), rows["previous"].to_numpy()
    counted = follows & (rows["kind"] != "index").to_numpy()
    counted &= ~(rows["stale"] | rows["gap"]).to_numpy()
    error = np.full(len(rows), np.nan)
    error[1:] = np.abs(previous[1:] - price[:-1])
    counted &= ~np.isnan(error)
    n_counted, n_wrong = (
        np.bincount(place[mark], minlength=len(sessions))
        for mark in (counted, counted & (error > CENT))
    )
    is_lost = (n_wrong >= FEWEST_TRADED) & (n_wrong >= LOST_SHARE * n_counted)
    return np.asarray(is_lost[place])


def _places(
    rows: pd.DataFrame, sessions: pd.DatetimeIndex
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows' positions on the calendar, and whether the row above precedes it."""
    days = (rows["session"].to_numpy(), sessions.to_numpy())
    day, on_calendar = (d.astype("datetime64[D]").astype(np.int64) for d in days)
    # A table of the position of every day, which is faster than a binary search.
    number = np.zeros(on_calendar[-1] - on_calendar[0] + 1, np.int64)
    number[on_calendar - on_calendar[0]] = np.arange(len(sessions))
    place = number[day - on_calendar[0]]
    ticker = rows["ticker"].cat.codes.to_numpy()
    follows = np.zeros(len(rows), bool)
    follows[1:] = (ticker[1:] == ticker[:-1]) & (np.diff(place) == 1)
    return place, follows


def _slips(level: np.ndarray) -> np.ndarray:
    """Return by how many powers of ten each value of one index is off."""
    power = np.zeros(len(level))
    near = MAX_LOG_MOVE / np.log(10)
    if not (np.abs(np.abs(np.diff(level)) - 1) <= near).any():
        return power
    last, n_slipped = level[0], 0
    for place, now in enumerate(level):
        off = float(np.sign(now - last))
        if abs(now - last - off) <= near and n_slipped < MAX_SLIPPED and off:
            power[place], last, n_slipped = off, now - off, n_slipped + 1
        else:
            last, n_slipped = now, 0
    return power


def _contradiction(first: pd.Series, second: pd.Series, *, field: str) -> DataError:
    return DataError(
        f"Expected one {field} for {second['ticker']} on {second['session']:%d-%b-%Y}. "
        f"Received: {first[field]} in {first['source_file']}, line "
        f"{first['source_line']}, and {second[field]}",
        file=str(second["source_file"]),
        line=int(second["source_line"]),
    )
