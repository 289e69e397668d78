"""The rows that the claim was made on, in the claim's order and in the right one.

The claim's pipeline sorted dates as text and then took neighbouring rows for
neighbouring days. So the rows here are numbered, and their numbers stand in for
sessions: every tool that follows treats row k as the k-th day, as the pipeline did.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.data.ingest import read_raw
from nse_lstm.data.parse import parse_rows
from nse_lstm.errors import DataError
from nse_lstm.features.windows import Windows, make_windows

ORDERS = {"text": "date", "time": "session"}
"""How rows can be sorted, and the column each looks at."""

FIRST_NUMBER = pd.Timestamp(1970, 1, 1)
"""Row number 0 as a date; the numbers are days, and mean nothing else."""


def read_claimed_rows(
    folder: Path, ticker: str, *, before: pd.Timestamp
) -> pd.DataFrame:
    """Return one stock's rows as the claim's pipeline saw them.

    It looked a stock up in the column ``CODE``. The files whose header spells it
    ``Code`` were read as well, but their rows had no code and were never found. Files
    that overlap give their rows twice. Of a folder without a header in capitals every
    file is taken.

    Parameters
    ----------
    folder : Path
        The market's source files.
    ticker : str
    before : Timestamp
        Rows from here on are left out: they belong to the test year.

    Returns
    -------
    DataFrame
        ``date`` (text, as printed), ``session`` (the day it names) and ``price`` (KES),
        in the order of the files; rows without a price are left out.

    Raises
    ------
    DataError
        If there is no such row.
    """
    raw = read_raw(folder)
    printed = raw.rows[raw.rows["ticker"] == ticker].reset_index(drop=True)
    rows = parse_rows(printed)
    capitals = [name for name in raw.price_files if _has_capitals(folder / name)]
    seen = printed["source_file"].isin(capitals or raw.price_files)
    usable = seen & rows["price"].notna() & (rows["session"] < before)
    if not usable.any():
        raise DataError(
            f"Expected rows of {ticker} before {before:%Y-%m-%d} in {folder}. "
            "Received: none"
        )
    table = pd.DataFrame(
        {
            "date": printed["date"].astype("str"),
            "session": rows["session"],
            "price": rows["price"],
        }
    )
    return table[usable].reset_index(drop=True)


def sort_rows(rows: pd.DataFrame, order: str) -> pd.DataFrame:
    """Sort rows by the text of their dates, or by the days that the text names.

    Parameters
    ----------
    rows : DataFrame
        From ``read_claimed_rows``.
    order : str
        ``text``, under which 01-Apr-20 comes before 02-Jan-13; or ``time``. Rows of one
        date keep their order.

    Examples
    --------
    >>> days = pd.to_datetime(["2013-01-02", "2020-04-01", "2013-04-01"])
    >>> texts = ["02-Jan-13", "01-Apr-20", "01-Apr-13"]
    >>> rows = pd.DataFrame({"date": texts, "session": days})
    >>> sort_rows(rows, "text")["date"].tolist()
    ['01-Apr-13', '01-Apr-20', '02-Jan-13']
    """
    return rows.sort_values(ORDERS[order], kind="stable", ignore_index=True)


def to_next_session(rows: pd.DataFrame) -> float:
    """Return the share of steps between neighbouring rows that lead 1 to 5 days on."""
    days = _steps(rows)
    return float(((days >= 1) & (days <= 5)).mean())


def same_year_share(rows: pd.DataFrame) -> float:
    """Return the share of neighbouring rows that are of one calendar year."""
    years = rows["session"].dt.year.to_numpy()
    return float((years[1:] == years[:-1]).mean())


def numbered_windows(rows: pd.DataFrame, *, lookback: int) -> Windows:
    """Cut windows over rows as if each row were the session after the one above it.

    Parameters
    ----------
    rows : DataFrame
        Sorted, with ``price``.
    lookback : int
        Rows of a window; the target is the price of the row that follows.

    Returns
    -------
    Windows
        ``target_date`` holds row numbers as days from 1970-01-01 on.
    """
    numbers = pd.date_range(FIRST_NUMBER, periods=len(rows)).as_unit("us")
    stock = pd.DataFrame(
        {
            "ticker": "row",
            "session": numbers,
            "adjusted": rows["price"].to_numpy(),
            "shares": 1.0,
        }
    ).assign(stale=False, suspended=False, gap=False, settling=False)
    return make_windows(stock, numbers, lookback=lookback, horizon=1)


def _has_capitals(path: Path) -> bool:
    with path.open(encoding="utf-8-sig") as lines:
        return "CODE" in lines.readline().split(",")


def _steps(rows: pd.DataFrame) -> np.ndarray:
    return np.diff(rows["session"].to_numpy()) / np.timedelta64(1, "D")
