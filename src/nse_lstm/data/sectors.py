"""Kind and sector of every code.

The kind decides which codes are used. So it follows from the code and from texts
printed by the year of its first row, and nothing later changes it. The sector is
today's label, which decides nothing.
"""

import re

import pandas as pd

from nse_lstm.data.ingest import years_named
from nse_lstm.data.renamed_codes import TICKER
from nse_lstm.errors import DataError

UNKNOWN = "Unknown"
PREFERENCE = r"-P\d+$"
RIGHTS = r"-R$"
RIGHTS_NAME = r"\brights?\b"
REIT = r"\breit\b|real estate investment trust"
ETF = r"\betf\b|exchange[- ]traded"
PRINTED = ("source_file", "source_line", "sector", "ticker", "name")
UNDATED = 9999
"""Year of a file without one in its name: it may be later than any session."""


def read_sectors(printed: pd.DataFrame) -> pd.DataFrame:
    """Read the sector of each code from each sector file.

    In one file section titles slipped into rows: a row without a name has a title in
    place of its code. The title is the sector of the rows below, until the printed
    sector changes.

    Parameters
    ----------
    printed : DataFrame
        ``RawFiles.sectors``.

    Returns
    -------
    DataFrame
        ``ticker``, ``sector`` and ``year`` (the last in the file's name), file by file.

    Raises
    ------
    DataError
        If a row has neither a code nor a slipped title.
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
    """Add ``kind`` and ``sector`` to a table with one row per code.

    A code that starts with ``^`` is an index; ``-R`` ends rights, ``-P`` and a number a
    preference share. Rights, REITs and ETFs are also found by their first printed name,
    or by their sector in files up to the year of their first session. Other codes are
    ordinary shares. The sector is the last file's, or "Unknown".

    Parameters
    ----------
    instruments : DataFrame
        ``ticker``, ``first_name`` and ``first_session``.
    sectors : DataFrame
        From ``read_sectors``.
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
    """Return a code's kind from its form and from its early texts."""
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
    """Return each code's sector in the last file that has it."""
    last = dict(zip(sectors["ticker"], sectors["sector"], strict=True))
    found = [last.get(code, missing) for code in ticker]
    return pd.Series(found, index=ticker.index, dtype="str")
