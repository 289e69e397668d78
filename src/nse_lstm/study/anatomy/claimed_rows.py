"""Read the rows of the claim, sorted by date as text or by time.

The claim's pipeline sorted dates as text and took neighbouring rows for neighbouring
days. So rows are numbered here, and row k counts as the k-th session.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.data.ingest import read_raw
from nse_lstm.data.parse import parse_rows
from nse_lstm.errors import DataError
from nse_lstm.features.windows import Windows, make_windows

ORDERS = {"text": "date", "time": "session"}
"""Orders of the rows and the column that each sorts by."""

FIRST_NUMBER = pd.Timestamp(1970, 1, 1)
"""Row number 0 as a date. Row numbers are days from here on."""


def read_claimed_rows(
    folder: Path, ticker: str, *, before: pd.Timestamp
) -> pd.DataFrame:
    """Read one stock's rows as the claim's pipeline saw them.

    It looked a stock up in the column ``CODE``, so it missed all files with the header
    ``Code``. Overlapping files give their rows twice. Where no header is in capitals,
    every file is taken.

    Parameters
    ----------
    folder : Path
        The market's source files.
    ticker : str
        The stock.
    before : Timestamp
        Rows from here on are left out, because they belong to the test year.

    Returns
    -------
    DataFrame
        ``date`` (text, as printed), ``session`` (its date) and ``price`` (KES), in the
        order of the files, without rows that lack a price.

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
    """Sort rows by the text of their dates or by time.

    Parameters
    ----------
    rows : DataFrame
        From ``read_claimed_rows``.
    order : str
        ``text``, where 01-Apr-20 comes before 02-Jan-13, or ``time``. Rows of one date
        keep their order.

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
    """Return the share of neighbouring rows that are 1 to 5 days apart."""
    days = _steps(rows)
    return float(((days >= 1) & (days <= 5)).mean())


def same_year_share(rows: pd.DataFrame) -> float:
    """Return the share of neighbouring rows in the same calendar year."""
    years = rows["session"].dt.year.to_numpy()
    return float((years[1:] == years[:-1]).mean())


def numbered_windows(rows: pd.DataFrame, *, lookback: int) -> Windows:
    """Cut supervised windows over rows as if they were consecutive sessions.

    Parameters
    ----------
    rows : DataFrame
        Sorted, with ``price``.
    lookback : int
        Rows per window. The target is the price of the next row.

    Returns
    -------
    Windows
        Its ``target_date`` holds row numbers as days from 1970-01-01 on.
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
