"""Rules for data faults: duplicates, dates out of order, ranges, decimal slips.

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
