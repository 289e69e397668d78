"""Repair of misprinted dates from a block's position in its file.

A block is a run of rows with one date; a new one begins where a code repeats. A file
holds its sessions in order. So a date is misprinted if it does not follow the block
before, or lies outside the file's year. It is mended if only one date fits between its
neighbours. Other misprints are refused by ``fault_rules.check_order`` and
``fault_rules.find_duplicates``.
"""

import numpy as np
import pandas as pd

from nse_lstm.data.fault_rules import COMPARED
from nse_lstm.data.ingest import years_named
from nse_lstm.errors import DataError

MAX_BETWEEN = np.timedelta64(45, "D")
"""Neighbours further apart do not determine a date between them."""
MAX_RUN = 3
"""Longest run of sessions that takes the file's year; the real files need one."""
FEWEST_CODES = 3
"""Codes that must differ before a repeated date counts as another session."""
DAY = "datetime64[D]"


def redate(rows: pd.DataFrame) -> pd.DataFrame:
    """Mend misprinted dates where only one date fits the position in the file.

    A run of blocks outside the file's year takes that year, with the same day and
    month, if the dates then increase. That includes the file's last block, so it is
    known after the close. A single block out of order takes the one weekday between its
    neighbours, or the one with the printed day of the month. That is known with the
    next block. A block that repeats an earlier block of its date keeps its date.

    Parameters
    ----------
    rows : DataFrame
        ``parse_rows``, in the files' order.

    Returns
    -------
    DataFrame
        The same rows with ``session`` corrected and ``redated`` (bool) added.

    Raises
    ------
    DataError
        If a date outside the file's year breaks the order and nothing mends it, or if
        more than three sessions in a row, or a weekend, would take the file's year.
    """
    sessions = rows["session"].to_numpy()
    files = rows["source_file"].cat.codes.to_numpy()
    starts = _block_starts(rows)
    ends = np.append(starts[1:], len(rows))
    dates = sessions[starts]
    edges = np.flatnonzero(np.diff(files[starts])) + 1
    for part in np.split(np.arange(len(starts)), edges):
        first = _first_prints(rows, starts[part], ends[part])
        fresh = part[first == np.arange(len(part))]
        dates[fresh] = _mended_dates(rows, starts[fresh])
        dates[part] = dates[part[first]]
    corrected = np.repeat(dates, ends - starts)
    redated = corrected != sessions
    return rows.assign(session=corrected, redated=redated)


def _block_starts(rows: pd.DataFrame) -> np.ndarray:
    """Return the rows where a date begins or its codes repeat."""
    sessions = rows["session"].to_numpy()
    files = rows["source_file"].cat.codes.to_numpy()
    codes = rows["ticker"].cat.codes.to_numpy().astype(np.int64)
    is_start = np.ones(len(rows), bool)
    is_start[1:] = (sessions[1:] != sessions[:-1]) | (files[1:] != files[:-1])
    run = np.cumsum(is_start) - 1
    n_printed = np.bincount(run * (codes.max() + 1) + codes)
    is_again = np.zeros(run[-1] + 1, bool)
    is_again[np.flatnonzero(n_printed > 1) // (codes.max() + 1)] = True
    seen: set[int] = set()
    for place in np.flatnonzero(is_again[run]):
        if is_start[place]:
            seen = set()
        if codes[place] in seen:
            is_start[place], seen = True, set()
        seen.add(codes[place])
    return np.flatnonzero(is_start)


def _first_prints(
    rows: pd.DataFrame, starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Return for each block of a file the earlier block that it repeats, or itself."""
    dates = rows["session"].to_numpy()[starts]
    first = np.arange(len(starts))
    if len(np.unique(dates)) == len(dates):
        return first
    for place in np.flatnonzero(pd.Series(dates).duplicated()):
        earlier = int((dates == dates[place]).argmax())
        blocks = [rows.iloc[starts[n] : ends[n]] for n in (earlier, place)]
        if not _is_other_session(*blocks):
            first[place] = earlier
    return first


def _is_other_session(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    """Return whether most codes of two blocks have different prices or volumes."""
    codes = [block["ticker"].cat.codes.to_numpy() for block in (first, second)]
    _, *both = np.intersect1d(
        codes[0], codes[1], assume_unique=True, return_indices=True
    )
    left, right = (
        block[list(COMPARED)].to_numpy()[place]
        for block, place in zip((first, second), both, strict=True)
    )
    differs = ((left != right) & ~(np.isnan(left) & np.isnan(right))).any(axis=1)
    enough = max(FEWEST_CODES, min(len(first), len(second)) / 2)
    return bool(differs.sum() >= enough)


def _mended_dates(rows: pd.DataFrame, starts: np.ndarray) -> np.ndarray:
    """Return the dates of one file's blocks with the misprinted ones mended."""
    dates = rows["session"].to_numpy()[starts]
    file = str(rows["source_file"].iloc[starts[0]])
    year, is_named = _year_of_file(file, dates)
    is_wrong = dates.astype("datetime64[Y]") != year
    if not is_wrong.any() and _increases(dates):
        return dates
    moved = _in_year(dates, is_wrong, year, is_named=is_named)
    _check_moved(rows.iloc[starts], dates, moved)
    mended = _in_order(moved)
    unmended = is_wrong & (mended == dates)
    if not _increases(mended) and unmended.any():
        row = rows.iloc[int(starts[unmended.argmax()])]
        raise DataError(
            f"Expected a date that fits between the sessions around it. Received: "
            f"{row['session']:%d-%b-%Y} (code {row['ticker']!r})",
            file=file,
            line=int(row["source_line"]),
        )
    return mended


def _in_year(
    dates: np.ndarray, is_wrong: np.ndarray, year: np.datetime64, *, is_named: bool
) -> np.ndarray:
    """Move runs of blocks of another year to the file's year where they then fit."""
    mended = dates.copy()
    edges = np.flatnonzero(np.diff(is_wrong)) + 1
    for run in np.split(np.arange(len(dates)), edges):
        if not is_wrong[run[0]] or len(run) == len(dates):
            continue
        around = slice(max(run[0] - 1, 0), run[-1] + 2)
        trial = mended.copy()
        trial[run] = [_same_day(date, year) for date in dates[run]]
        if _increases(trial[around]) and (is_named or not _increases(mended[around])):
            mended = trial
    return mended


def _check_moved(firsts: pd.DataFrame, dates: np.ndarray, moved: np.ndarray) -> None:
    """Refuse to move a long run of sessions to the file's year, or one to a weekend.

    ``firsts`` holds the first row of each session. A few misprints are likely. Months
    under another year are sound sessions in the wrong file.
    """
    is_moved = moved != dates
    edges = np.flatnonzero(np.diff(is_moved)) + 1
    for run in np.split(np.arange(len(dates)), edges):
        is_weekend = ~np.is_busday(moved[run].astype(DAY))
        if not is_moved[run[0]] or (len(run) <= MAX_RUN and not is_weekend.any()):
            continue
        row = firsts.iloc[int(run[0] if len(run) > MAX_RUN else run[is_weekend][0])]
        year = str(moved[run[0]].astype(DAY))[:4]
        received = f"{row['session']:%d-%b-%Y}"
        if len(run) > MAX_RUN:
            last = str(dates[run[-1]].astype(DAY))
            expected = f"sessions of {year} in this file, but for a misprint or two"
            received = f"{len(run)} sessions in a row from {received} to {last}"
        else:
            expected = f"a date that is a weekday in {year}, the year of this file"
        raise DataError(
            f"Expected {expected}. Received: {received} (code {row['ticker']!r})",
            file=str(row["source_file"]),
            line=int(row["source_line"]),
        )


def _in_order(dates: np.ndarray) -> np.ndarray:
    """Mend single blocks out of order while exactly one date fits."""
    mended = dates.copy()
    while not _increases(mended):
        place = int((np.diff(mended) <= np.timedelta64(0, "us")).argmax())
        # Either the block before the step back has too late a date, or the block after
        # it too early a one.
        options = [
            (wrong, day)
            for wrong in (place, place + 1)
            for day in _between(mended, wrong)
        ]
        same_day = [
            (wrong, day)
            for wrong, day in options
            if _day_of_month(day) == _day_of_month(mended[wrong])
        ]
        if len(options) != 1:
            options = same_day
        if len(options) != 1:
            break
        wrong, day = options[0]
        mended[wrong] = day
    return mended


def _between(dates: np.ndarray, place: int) -> np.ndarray:
    """Return the weekdays between a block's neighbours, none at a file's ends."""
    if not 0 < place < len(dates) - 1:
        return np.array([], DAY)
    first, last = dates[place - 1].astype(DAY), dates[place + 1].astype(DAY)
    if not np.timedelta64(0, "D") < last - first <= MAX_BETWEEN:
        return np.array([], DAY)
    days = np.arange(first + 1, last)
    return np.asarray(days[np.is_busday(days)])


def _year_of_file(file: str, dates: np.ndarray) -> tuple[np.datetime64, bool]:
    """Return the one year in the file's name, else that of most of its sessions."""
    named = years_named(file)
    if len(named) == 1:
        return np.datetime64(str(named[0]), "Y"), True
    values, counts = np.unique(dates.astype("datetime64[Y]"), return_counts=True)
    return values[counts.argmax()], False


def _same_day(date: np.datetime64, year: np.datetime64) -> np.datetime64:
    """Return the same day and month of another year; NaT if it has no such day."""
    text = f"{year}-{str(date.astype(DAY))[5:]}"
    try:
        return np.datetime64(text, "us")
    except ValueError:
        return np.datetime64("NaT", "us")


def _day_of_month(date: np.datetime64) -> int:
    return int(str(date.astype(DAY))[8:])


def _increases(dates: np.ndarray) -> bool:
    return bool((np.diff(dates) > np.timedelta64(0, "us")).all())
