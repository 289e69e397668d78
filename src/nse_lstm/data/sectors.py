"""What kind of security a code is and which sector it belongs to.

Both are constant over a code's sessions, but not known alike. The kind decides who is
looked at, so it follows from the code and from what was printed of it by the year of
its first row, and nothing later changes it. The sector is today's, for the reader only.
"""

import re

import pandas as pd

from nse_lstm.data.ingest import years_named
from nse_lstm.data.parse import TICKER
from nse_lstm.errors import DataError

UNKNOWN = "Unknown"
PREFERENCE = r"-P\d+$"
RIGHTS = r"-R$"
RIGHTS_NAME = r"\brights?\b"
REIT = r"\breit\b|real estate investment trust"
ETF = r"\betf\b|exchange[- ]traded"
PRINTED = ("source_file", "source_line", "sector", "ticker", "name")
UNDATED = 9999
"""Year of a file that names none: it may have been written after any session."""


def read_sectors(printed: pd.DataFrame) -> pd.DataFrame:
    """Return what each sector file says of each code.

    In one file the titles of sections slipped into rows: a row without a name holds a
    title where its code should be, and is the true sector of the rows below it until
    the printed sector changes.

    Parameters
    ----------
    printed : DataFrame
        ``RawFiles.sectors``.

    Returns
    -------
    DataFrame
        ``ticker``, ``sector`` and ``year`` (the last one in the file's name), in the
        order of the files' names.

    Raises
    ------
    DataError
        If a row's code is neither a code nor a slipped title.
    """
    lines = zip(*(printed[name].tolist() for name in PRINTED), strict=True)
    section, title = ("", ""), ""
    found = []
    for file, line, sector, ticker, name in lines:
        if not ticker and not name:
            continue
        if (file, sector) != section:
            section, title = (file, sector), ""
        if re.match(TICKER, ticker):
            if title or sector:
                found.append((ticker, title or sector, _year(file)))
        elif ticker and not name:
            title = ticker
        else:
            message = f"Expected a stock code. Received: {ticker!r}"
            raise DataError(message, file=file, line=line)
    table = pd.DataFrame(found, columns=["ticker", "sector", "year"])
    return table.astype({"ticker": "str", "sector": "str", "year": "int64"})


def _year(file: str) -> int:
    return max(years_named(file), default=UNDATED)


def add_labels(instruments: pd.DataFrame, sectors: pd.DataFrame) -> pd.DataFrame:
    """Add ``kind`` and ``sector`` to a table with one row a code.

    ``^`` starts an index, ``-R`` ends rights, ``-P`` and a number a preference share;
    rights, a REIT or an ETF say so in their first printed name, or in the sector that
    the last file of a year up to its first session's gives it; all else is an ordinary
    share. The sector is the last file's; a code in none has the sector "Unknown".

    Parameters
    ----------
    instruments : DataFrame
        ``ticker``, ``first_name`` and ``first_session``.
    sectors : DataFrame
        As ``read_sectors`` returns it.
    """
    ticker = instruments["ticker"]
    listed = instruments["first_session"].dt.year.set_axis(ticker)
    first_year = listed.reindex(sectors["ticker"]).to_numpy()
    early = _last_sector(sectors[sectors["year"] <= first_year], ticker, missing="")
    texts = early.str.cat(instruments["first_name"], sep=" ").str.lower()
    kinds = [_kind(*pair) for pair in zip(ticker, texts, strict=True)]
    return instruments.assign(
        kind=pd.Series(kinds, index=instruments.index, dtype="str"),
        sector=_last_sector(sectors, ticker, missing=UNKNOWN),
    )


def _kind(ticker: str, text: str) -> str:
    """Return what a code is, by itself and by what was early said of it."""
    if ticker.startswith("^"):
        return "index"
    if re.search(RIGHTS, ticker) or re.search(RIGHTS_NAME, text):
        return "rights"
    if re.search(PREFERENCE, ticker):
        return "preference"
    if re.search(REIT, text):
        return "reit"
    return "etf" if re.search(ETF, text) else "ordinary"


def _last_sector(
    sectors: pd.DataFrame, ticker: "pd.Series[str]", *, missing: str
) -> "pd.Series[str]":
    """Return the sector that the last file names for each code, indexed like them."""
    last = dict(zip(sectors["ticker"], sectors["sector"], strict=True))
    found = [last.get(code, missing) for code in ticker]
    return pd.Series(found, index=ticker.index, dtype="str")
