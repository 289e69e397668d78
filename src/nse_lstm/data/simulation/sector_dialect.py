"""Sector files of the simulated market, in the exchange's own CSV dialects.

As in the real files, an index is its own sector in 2013, two files end in empty rows,
and a sector changes its name in 2022. In the last file some sector titles slipped into
rows of their own, so the tickers below have the sector above.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.data.simulation.exchange import SECTORS, within
from nse_lstm.data.simulation.printed_prices import PrintedPrices

OLD_HEADER = "SECTOR,CODE,NAME"
NEW_HEADER = "Sector,Stock_code,Stock_name"
SLIPPED = (
    "Energy and Petroleum",
    "Real Estate Investment Trusts",
    "Exchange Traded Funds",
)


@dataclass(frozen=True)
class SectorFile:
    """One sector file: its dialect and the years of its tickers."""

    suffix: str
    first_year: int
    last_year: int
    header: str = OLD_HEADER
    newline: str = "\r\n"
    empty_rows: int = 0
    index_is_its_own_sector: bool = False
    titles_slipped: bool = False

    @property
    def name(self) -> str:
        """File name in the exchange's archive."""
        return f"NSE_data_stock_market_sectors_{self.suffix}.csv"


SECTOR_FILES: tuple[SectorFile, ...] = (
    SectorFile("2013", 2013, 2019, empty_rows=2, index_is_its_own_sector=True),
    SectorFile("2020", 2020, 2020, empty_rows=2),
    SectorFile("2021", 2021, 2021),
    SectorFile("2022", 2022, 2022, header=NEW_HEADER, newline="\n"),
    SectorFile("2023_2024", 2023, 2024, header=NEW_HEADER, titles_slipped=True),
)


def write_sectors(folder: Path, printed: PrintedPrices) -> None:
    """Write the sector files of a market.

    Parameters
    ----------
    folder : Path
        An existing folder.
    printed : PrintedPrices
        Tickers have their sectors of the exchange's public list.
    """
    for file in SECTOR_FILES:
        names = _names(file, printed)
        if names:
            lines = [file.header, *_lines(file, names), *([",,"] * file.empty_rows)]
            text = file.newline.join([*lines, ""])
            (folder / file.name).write_bytes(text.encode("ascii"))


def printed_sectors(printed: PrintedPrices) -> pd.DataFrame:
    """Return the sectors of the sector files, with slipped titles put right.

    Returns
    -------
    DataFrame
        ``ticker``, ``sector`` and ``year`` (the file's last), file by file.
    """
    rows = [
        (ticker, _printed_sector(file, ticker), file.last_year)
        for file in SECTOR_FILES
        for ticker in _names(file, printed)
    ]
    return pd.DataFrame(rows, columns=["ticker", "sector", "year"])


def _names(file: SectorFile, printed: PrintedPrices) -> dict[str, str]:
    """Return the names of the file's tickers."""
    days = within(
        printed.sessions, f"{file.first_year}-01-01", f"{file.last_year}-12-31"
    )
    places = np.flatnonzero(printed.listed[days].any(axis=0)).tolist()
    return {printed.tickers[place]: printed.names[place] for place in places}


def _lines(file: SectorFile, names: dict[str, str]) -> list[str]:
    lines = []
    title = above = ""
    for ticker, name in names.items():
        sector = _printed_sector(file, ticker)
        if sector != title and file.titles_slipped and sector in SLIPPED:
            lines.append(f"{above},{sector},")
        elif sector != title:
            above = sector
        title = sector
        shown = above if file.titles_slipped else sector
        lines.append(f"{shown},{ticker},{name}")
    return lines


def _printed_sector(file: SectorFile, ticker: str) -> str:
    if ticker.startswith("^") and file.index_is_its_own_sector:
        return ticker
    if file.first_year >= 2022:
        return SECTORS[ticker].replace(" and Technology", "")
    return SECTORS[ticker]
