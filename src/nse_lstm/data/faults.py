"""Faults of the source files, found by rule: wrong dates, repeats, stale copies.

No rule knows a date or a code of the real files, so each finds the same kind of fault
in a year it has never seen. A rule mends what only one answer fits, drops what is said
twice, and refuses what contradicts itself.
"""

import numpy as np
import pandas as pd

from nse_lstm.data.ingest import years_named
from nse_lstm.errors import DataError

__all__ = ["check_order", "find_duplicates", "find_stale", "mend_stale", "redate"]

COMPARED = ("price", "low", "high", "previous", "volume")
"""Prices and volume: in these two rows of one (ticker, session) must agree.

``Adjust`` may differ: it is written with hindsight, which grows from file to file. So
may the printed name, and ``Change``, which follows from the prices."""
STALE_SHARE = 0.95
STALE_TRADED, FEWEST_TRADED = 20, 3
"""Traded codes needed to call a session stale: 20 on the exchange, half of the listed
codes of a smaller market, but three equal codes may still be chance below three."""


def redate(rows: pd.DataFrame) -> pd.DataFrame:
    """Give misdated blocks the only date that fits their place in the file.

    A block is a run of rows of one date; a file holds its sessions in order. A run of
    blocks outside the file's year, standing between blocks of that year, takes that
    year with the same day and month if the dates then increase. This holds for the last
    block of a file too, so it is known the same evening.

    Parameters
    ----------
    rows : DataFrame
        ``source_file session`` in the files' order, ``ticker source_line`` for errors.

    Returns
    -------
    DataFrame
        The same rows with ``session`` corrected and ``redated`` (bool) added.

    Raises
    ------
    DataError
        If a date outside the file's year breaks the order and no year mends it.
    """
    sessions = rows["session"].to_numpy().copy()
    redated = np.zeros(len(rows), bool)
    files = rows["source_file"].to_numpy()
    edges = np.flatnonzero(files[1:] != files[:-1]) + 1
    for part in np.split(np.arange(len(rows)), edges):
        starts = part[np.r_[True, sessions[part][1:] != sessions[part][:-1]]]
        mended = _mended_dates(rows, starts)
        lengths = np.diff(np.r_[starts, part[-1] + 1])
        corrected = np.repeat(mended, lengths)
        redated[part] = corrected != sessions[part]
        sessions[part] = corrected
    return rows.assign(session=sessions, redated=redated)


def find_duplicates(rows: pd.DataFrame) -> pd.DataFrame:
    """Mark the rows that repeat an earlier row of the same ticker and session.

    A repeat has the same price, low, high, previous and volume; nothing else of it is
    looked at.

    Parameters
    ----------
    rows : DataFrame
        Sorted by ticker and session, in the order of file and line within.

    Returns
    -------
    DataFrame
        ``duplicate`` (bool: to be dropped), ``first`` (place of the row it repeats).

    Raises
    ------
    DataError
        If two rows of a ticker and session disagree in one of them; names both files
        and lines and the values.
    """
    key = rows[["ticker", "session"]]
    is_new = ~key.duplicated().to_numpy()
    first = np.flatnonzero(is_new)[np.cumsum(is_new) - 1]
    for name in COMPARED:
        values = rows[name].to_numpy()
        other = values[first]
        differs = (values != other) & ~(np.isnan(values) & np.isnan(other))
        if differs.any():
            bad = int(differs.argmax())
            raise _contradiction(rows.iloc[int(first[bad])], rows.iloc[bad], field=name)
    return pd.DataFrame({"duplicate": ~is_new, "first": first}, index=rows.index)


def check_order(rows: pd.DataFrame) -> None:
    """Refuse a file that goes back in time, which only a misprinted date does.

    Parameters
    ----------
    rows : DataFrame
        ``ticker session source_file source_line`` without repeats, indexed by their
        place in the files: a block may be printed again anywhere.

    Raises
    ------
    DataError
        For the first row dated before the row above it; names both.
    """
    printed = rows.sort_index()
    above = printed.shift()
    goes_back = (printed["session"] < above["session"]) & (
        printed["source_file"] == above["source_file"]
    )
    if goes_back.any():
        row, last = (table[goes_back].iloc[0] for table in (printed, above))
        raise DataError(
            f"Expected a session not before {last['session']:%d-%b-%Y}, which stands "
            f"on line {last['source_line']:.0f}; one of the two is misprinted. "
            f"Received: {row['session']:%d-%b-%Y} (code {row['ticker']!r})",
            file=str(row["source_file"]),
            line=int(row["source_line"]),
        )


def find_stale(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> np.ndarray:
    """Find the sessions whose board is a copy of the session before.

    A session is stale if enough codes traded in it and more than 95 % of those show the
    price and the volume of the session before, as printed. Known the same evening.

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
        True for every row of a stale session, index rows included.
    """
    place = sessions.searchsorted(rows["session"].to_numpy())
    counted = (rows["kind"] != "index").to_numpy()
    before = rows[["ticker", "price", "volume"]].shift()
    copied = counted & (np.diff(place, prepend=-2) == 1)
    for name in ("ticker", "price", "volume"):
        copied &= (rows[name] == before[name]).to_numpy()
    traded = counted & rows["volume"].notna().to_numpy()
    n_listed, n_traded, n_copied = (
        np.bincount(place[mark], minlength=len(sessions))
        for mark in (counted, traded, copied)
    )
    needed = np.clip(np.ceil(n_listed / 2), FEWEST_TRADED, STALE_TRADED)
    is_stale = (n_traded >= needed) & (n_copied > STALE_SHARE * n_traded)
    return np.asarray(is_stale[place])


def mend_stale(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Replace a stale session's copies by what the next session says of it.

    The next session's ``previous`` is the true price, in shares of the stale session:
    the exchange does not adjust it. It is known one session later, so a stale last
    session keeps its copy, as does one followed by another stale session. Range and
    volume of a stale session are copies that nothing mends: they become missing.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session, with ``stale``.
    sessions : DatetimeIndex
        The market's calendar.
    """
    place = pd.Series(
        sessions.searchsorted(rows["session"].to_numpy()), index=rows.index
    )
    after = rows.shift(-1)
    true_price = after["previous"].where(
        rows["stale"]
        & (after["ticker"] == rows["ticker"])
        & (place.shift(-1) == place + 1)
        & ~after["stale"].astype("boolean").fillna(True).astype(bool)
    )
    mended = true_price.notna()
    copies = rows[["low", "high", "volume"]].where(~rows["stale"])
    return rows.assign(
        price=rows["price"].where(~mended, true_price), mended=mended, **copies
    )


def _mended_dates(rows: pd.DataFrame, starts: np.ndarray) -> np.ndarray:
    """Return one file's block dates with misdated runs of blocks mended."""
    dates = rows["session"].to_numpy()[starts]
    file = str(rows["source_file"].iloc[starts[0]])
    years = dates.astype("datetime64[Y]")
    year, is_named = _year_of_file(file, years)
    is_wrong = years != year
    if not is_wrong.any():
        return dates
    mended = dates.copy()
    edges = np.flatnonzero(np.diff(is_wrong)) + 1
    for run in np.split(np.arange(len(dates)), edges):
        if not is_wrong[run[0]] or len(run) == len(dates):
            continue
        around = slice(max(run[0] - 1, 0), run[-1] + 2)
        trial = mended.copy()
        trial[run] = [_in_year(date, year) for date in dates[run]]
        is_disorder = not _increases(mended[around])
        if _increases(trial[around]) and (is_disorder or is_named):
            mended = trial
        elif is_disorder:
            row = rows.iloc[int(starts[run[0]])]
            raise DataError(
                f"Expected a date that fits between the sessions around it. Received: "
                f"{row['session']:%d-%b-%Y} (code {row['ticker']!r})",
                file=file,
                line=int(row["source_line"]),
            )
    return mended


def _year_of_file(file: str, years: np.ndarray) -> tuple[np.datetime64, bool]:
    """Return the one year in the file's name, else that of most of its sessions."""
    named = years_named(file)
    if len(named) == 1:
        return np.datetime64(str(named[0]), "Y"), True
    values, counts = np.unique(years, return_counts=True)
    return values[counts.argmax()], False


def _in_year(date: np.datetime64, year: np.datetime64) -> np.datetime64:
    """Return the same day and month of another year; NaT if it has no such day."""
    text = f"{year}-{str(date.astype('datetime64[D]'))[5:]}"
    try:
        return np.datetime64(text, "us")
    except ValueError:
        return np.datetime64("NaT", "us")


def _increases(dates: np.ndarray) -> bool:
    return bool((np.diff(dates) > np.timedelta64(0, "us")).all())


def _contradiction(first: pd.Series, second: pd.Series, *, field: str) -> DataError:
    return DataError(
        f"Expected one {field} for {second['ticker']} on {second['session']:%d-%b-%Y}. "
        f"Received: {first[field]} in {first['source_file']}, line "
        f"{first['source_line']}, and {second[field]}",
        file=str(second["source_file"]),
        line=int(second["source_line"]),
    )
