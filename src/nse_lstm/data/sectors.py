"""What kind of security a code is and which sector it belongs to.

Labels are static: they describe a code as the latest file does, at every session. They
choose who is looked at, never what a model sees.
"""

import numpy as np
import pandas as pd

from nse_lstm.data.printed import TICKER
from nse_lstm.errors import DataError

__all__ = ["add_labels", "read_sectors"]

UNKNOWN = "Unknown"
PREFERENCE = r"-P\d+$"
RIGHTS = r"-R$"
REIT = r"\breit\b|real estate investment trust"
ETF = r"\betf\b|exchange[- ]traded"


def read_sectors(printed: pd.DataFrame) -> "pd.Series[str]":
    """Return each code's sector by the latest file that names it.

    In one file the titles of sections slipped into rows: a row without a name holds a
    title where its code should be, and is the true sector of the rows below it until
    the printed sector changes. Latest means last by file name, which carries the year.

    Parameters
    ----------
    printed : DataFrame
        ``RawFiles.sectors``.

    Returns
    -------
    Series of str
        Indexed by ticker.

    Raises
    ------
    DataError
        If a row's code is neither a code nor a slipped title.
    """
    rows = printed[(printed["ticker"] != "") | (printed["name"] != "")]
    is_code = rows["ticker"].str.match(TICKER)
    is_title = ~is_code & (rows["ticker"] != "") & (rows["name"] == "")
    is_bad = ~is_code & ~is_title
    if is_bad.any():
        row = rows[is_bad].iloc[0]
        raise DataError(
            f"Expected a stock code. Received: {row['ticker']!r}",
            file=row["source_file"],
            line=int(row["source_line"]),
        )
    same = rows[["source_file", "sector"]]
    section = (same != same.shift()).any(axis=1).cumsum()
    slipped = rows["ticker"].where(is_title).groupby(section).ffill()
    sector = slipped.fillna(rows["sector"])
    named = rows.assign(sector=sector)[is_code & (sector != "")]
    return named.drop_duplicates("ticker", keep="last").set_index("ticker")["sector"]


def add_labels(instruments: pd.DataFrame, sectors: "pd.Series[str]") -> pd.DataFrame:
    """Add ``kind`` and ``sector`` to a table of ``ticker`` and ``name``.

    ``^`` starts an index, ``-R`` ends rights, ``-P`` and a number a preference share; a
    REIT or ETF says so in its sector or its name; all else is an ordinary share. A code
    in no sector file has the sector "Unknown".
    """
    ticker = instruments["ticker"]
    known = sectors.astype("str").reindex(ticker).fillna(UNKNOWN)
    sector = known.set_axis(instruments.index)
    text = sector.str.lower() + " " + instruments["name"].str.lower()
    kind = np.select(
        [
            ticker.str.startswith("^"),
            ticker.str.contains(RIGHTS),
            ticker.str.contains(PREFERENCE),
            text.str.contains(REIT),
            text.str.contains(ETF),
        ],
        ["index", "rights", "preference", "reit", "etf"],
        default="ordinary",
    )
    return instruments.assign(
        kind=pd.Series(kind, index=instruments.index, dtype="str"),
        sector=sector,
    )
