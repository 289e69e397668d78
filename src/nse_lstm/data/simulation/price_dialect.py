"""Write a market's prices as CSV files the way the exchange's own files are written.

Every year speaks its own dialect: header, date shape, line end, thousands separators,
decimals. Two columns are traps on the real files and are the same traps here: the
twelve-month range and ``Adjust`` are filled from what was known when a file was
scraped, which is later than the row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.typing import NaTType

from nse_lstm.data.simulation.exchange import within
from nse_lstm.data.simulation.printed_prices import Numbers, PrintedPrices

PREFIX = "NSE_data_all_stocks_"
OLD_HEADER = (
    "DATE,CODE,NAME,12m Low,12m High,Day Low,Day High,Day Price,Previous,"
    "Change,Change%,Volume,Adjust"
)
NEW_HEADER = (
    "Date,Code,Name,12m Low,12m High,Day Low,Day High,Day Price,Previous,"
    "Change,Change%,Volume,Adjusted Price"
)
COMMA_ROW = "," * 12
# English whatever the locale.
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@dataclass(frozen=True)
class FileFaults:
    """Faults of the files rather than of their numbers."""

    twice: "pd.Timestamp | NaTType"
    """Session printed twice, one board after the other."""
    misdated: "pd.Timestamp | NaTType"
    """Session whose rows carry the date of two years before."""
    comma_row_in: str
    """File that ends with a row of commas."""


NO_FAULTS = FileFaults(twice=pd.NaT, misdated=pd.NaT, comma_row_in="")


@dataclass(frozen=True)
class Style:
    """How numbers look over a span of days, both ends included."""

    first: str
    last: str
    fixed_decimals: bool = False
    """Prices as 13.50, else as 13.5."""
    volume: str = "{:,.0f}"


@dataclass(frozen=True)
class PriceFile:
    """One file of the exchange: its name, its dialect and the days it covers."""

    suffix: str
    styles: tuple[Style, ...]
    pad_day: bool = True
    year_digits: int = 2
    header: str = OLD_HEADER
    newline: str = "\r\n"
    encoding: str = "ascii"

    @property
    def name(self) -> str:
        """File name in the exchange's archive."""
        return f"{PREFIX}{self.suffix}.csv"


def _year(
    year: int, *, fixed_decimals: bool = False, volume: str = "{:,.0f}"
) -> tuple[Style, ...]:
    return (Style(f"{year}-01-01", f"{year}-12-31", fixed_decimals, volume),)


EARLY_2021 = Style("2021-01-01", "2021-04-30")
LATE_2021 = Style("2021-05-01", "2021-12-31", fixed_decimals=True, volume="{:.0f}")

PRICE_FILES: tuple[PriceFile, ...] = (
    PriceFile("2013", _year(2013), pad_day=False),
    PriceFile("2014", _year(2014)),
    PriceFile("2015", _year(2015), pad_day=False),
    *(PriceFile(str(year), _year(year)) for year in range(2016, 2020)),
    PriceFile("2020_to_jun30", (Style("2020-01-01", "2020-06-30"),)),
    PriceFile("2021_upto_30apr2021", (EARLY_2021,)),
    PriceFile("2021_upto_31dec2021", (EARLY_2021, LATE_2021), encoding="utf-8-sig"),
    PriceFile("2022", _year(2022), False, header=NEW_HEADER, newline="\n"),
    PriceFile(
        "2023",
        _year(2023, fixed_decimals=True, volume="{:,.2f}"),
        year_digits=4,
        header=NEW_HEADER,
    ),
    PriceFile(
        "2024",
        _year(2024, fixed_decimals=True, volume="{:,.2f}"),
        pad_day=False,
        header=NEW_HEADER,
        newline="\n",
    ),
)

# Rows up to each of these days were scraped on it, so they know what came until then.
SCRAPED = pd.DatetimeIndex(["2020-06-30", "2021-04-30", "2021-12-31", "2024-12-31"])


def write_prices(folder: Path, board: PrintedPrices, *, faults: FileFaults) -> None:
    """Write the price files of the days the board covers.

    Parameters
    ----------
    folder : Path
        An existing folder.
    board : Board
        KES and shares. Rows on days that no file covers (the second half of 2020) are
        not written. A price is printed with two decimals at most.
    faults : FileFaults
        What to do wrong.
    """
    columns = _numeric_columns(board)
    for file in PRICE_FILES:
        lines = [
            line
            for style in file.styles
            for line in _lines(board, columns, file=file, style=style, faults=faults)
        ]
        if lines:
            comma_rows = [COMMA_ROW] if file.name == faults.comma_row_in else []
            text = file.newline.join([file.header, *lines, *comma_rows, ""])
            (folder / file.name).write_bytes(text.encode(file.encoding))


def places_in_files(
    board: PrintedPrices,
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """Say where each row stands in files without faults, the first of two that hold it.

    Returns
    -------
    two arrays of int of shape (n_sessions, n_tickers)
        The place in ``PRICE_FILES`` and the line, from 2 on; -1 without a row.
    """
    places, lines = (np.full(board.listed.shape, -1) for _ in range(2))
    for place, file in enumerate(PRICE_FILES):
        covered = within(board.sessions, file.styles[0].first, file.styles[-1].last)
        printed = board.listed & covered[:, None]
        line = 1 + np.cumsum(printed).reshape(printed.shape)
        fresh = printed & (places < 0)
        places[fresh], lines[fresh] = place, line[fresh]
    return places, lines


def _numeric_columns(board: PrintedPrices) -> dict[str, Numbers]:
    """Return the printed numbers by column, NaN where the files have a dash."""
    first = np.isnan(board.previous)
    change = np.where(first, board.price, board.price - board.previous).round(2)
    change[change == 0] = np.nan
    # The sign is dropped, as on the real files.
    percent = (100 * np.abs(change) / board.previous).round(2)
    low_12m, high_12m, adjusted = _look_ahead_columns(board)
    return {
        "low_12m": low_12m,
        "high_12m": high_12m,
        "low": board.low,
        "high": board.high,
        "price": board.price,
        "previous": board.previous,
        "change": change,
        "percent": percent,
        "volume": board.volume,
        "adjusted": adjusted,
    }


def _look_ahead_columns(board: PrintedPrices) -> tuple[Numbers, Numbers, Numbers]:
    """Return 12m low and high and adjusted price: what a scraper saw later."""
    low, high, adjusted = (np.full(board.price.shape, np.nan) for _ in range(3))
    before = pd.Timestamp.min
    for scraped in SCRAPED:
        known = np.asarray(board.sessions <= scraped)
        rows = known & np.asarray(board.sessions > before)
        year = known & np.asarray(board.sessions > scraped - pd.Timedelta(days=365))
        recent = np.where(board.listed & year[:, None], board.price, np.nan)
        low[rows] = np.fmin.reduce(recent, axis=0)
        high[rows] = np.fmax.reduce(recent, axis=0)
        factor = np.where(known[:, None], board.factor, 1.0)
        later = np.cumprod(factor[::-1], axis=0)[::-1] / factor
        whole = np.where(np.isclose(later, 1), np.nan, np.round(board.price / later, 2))
        adjusted[rows] = whole[rows]
        before = scraped
    return low, high, adjusted


def _lines(
    board: PrintedPrices,
    columns: dict[str, Numbers],
    *,
    file: PriceFile,
    style: Style,
    faults: FileFaults,
) -> list[str]:
    days = np.flatnonzero(within(board.sessions, style.first, style.last))
    days = np.sort(np.append(days, days[board.sessions[days] == faults.twice]))
    place, ticker = np.nonzero(board.listed[days])
    row = days[place]
    dates = [_date(session, file, faults) for session in board.sessions[days]]
    fields = [
        _take(dates, place),
        _take(board.tickers, ticker),
        _take(board.names, ticker),
        *(
            _texts(values[row, ticker], column=column, style=style)
            for column, values in columns.items()
        ),
    ]
    return [",".join(texts) for texts in zip(*fields, strict=True)]


def _date(session: pd.Timestamp, file: PriceFile, faults: FileFaults) -> str:
    wrong = session == faults.misdated
    day = session - pd.DateOffset(years=2) if wrong else session
    number = f"{day.day:02d}" if file.pad_day else str(day.day)
    return f"{number}-{MONTHS[day.month - 1]}-{str(day.year)[-file.year_digits :]}"


def _texts(values: Numbers, *, column: str, style: Style) -> list[str]:
    """Write numbers as the file does; each distinct value is written once only."""
    distinct, place = np.unique(values, return_inverse=True)
    texts = [_text(value, column=column, style=style) for value in distinct.tolist()]
    return _take(texts, place)


def _take(texts: Sequence[str], places: npt.NDArray[np.intp]) -> list[str]:
    return [texts[place] for place in places.tolist()]


def _text(value: float, *, column: str, style: Style) -> str:
    if np.isnan(value):
        return "-"
    if column == "percent":
        return f"{value:.2f}%"
    if column == "volume":
        text = style.volume.format(value)
    else:
        text = f"{value:,.2f}"
        # A change is never padded with zeros, whatever the year.
        if column == "change" or not style.fixed_decimals:
            text = text.rstrip("0").rstrip(".")
    return f'"{text}"' if "," in text else text
