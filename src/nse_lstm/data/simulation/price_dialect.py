"""Price files of the simulated market, in the exchange's own CSV dialects.

Every year has its dialect: header, date format, line end, thousands separators,
decimals. As in the real files, the twelve-month range and ``Adjust`` look ahead: they
hold values known when the file was scraped, later than the row.
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
    """Faults of the files, as opposed to faults of their numbers."""

    twice: "pd.Timestamp | NaTType"
    """Session whose rows are printed twice."""
    misdated: "pd.Timestamp | NaTType"
    """Session whose rows have the date of two years before."""
    comma_row_in: str
    """File that ends with a row of commas."""


NO_FAULTS = FileFaults(twice=pd.NaT, misdated=pd.NaT, comma_row_in="")


@dataclass(frozen=True)
class Style:
    """Number formats over a span of days, both ends included."""

    first: str
    last: str
    fixed_decimals: bool = False
    """Whether prices are printed as 13.50 rather than 13.5."""
    volume: str = "{:,.0f}"


@dataclass(frozen=True)
class PriceFile:
    """One price file of the exchange: its name, dialect and days."""

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

# Scraping days: rows up to each day hold look-ahead values known on it.
SCRAPED = pd.DatetimeIndex(["2020-06-30", "2021-04-30", "2021-12-31", "2024-12-31"])


def write_prices(folder: Path, printed: PrintedPrices, *, faults: FileFaults) -> None:
    """Write the price files of a market.

    Parameters
    ----------
    folder : Path
        An existing folder.
    printed : PrintedPrices
        KES and shares. Days that no file covers (the second half of 2020) are not
        written. Prices have two decimals at most.
    faults : FileFaults
        The faults to write.
    """
    columns = _numeric_columns(printed)
    for file in PRICE_FILES:
        lines = [
            line
            for style in file.styles
            for line in _lines(printed, columns, file=file, style=style, faults=faults)
        ]
        if lines:
            comma_rows = [COMMA_ROW] if file.name == faults.comma_row_in else []
            text = file.newline.join([file.header, *lines, *comma_rows, ""])
            (folder / file.name).write_bytes(text.encode(file.encoding))


def places_in_files(
    printed: PrintedPrices,
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """Return file and line of each row in files without faults.

    Returns
    -------
    two arrays of int of shape (n_sessions, n_tickers)
        Position in ``PRICE_FILES`` (the first of two files) and line, from 2 on; -1
        without a row.
    """
    places, lines = (np.full(printed.listed.shape, -1) for _ in range(2))
    for place, file in enumerate(PRICE_FILES):
        covered = within(printed.sessions, file.styles[0].first, file.styles[-1].last)
        has_row = printed.listed & covered[:, None]
        line = 1 + np.cumsum(has_row).reshape(has_row.shape)
        fresh = has_row & (places < 0)
        places[fresh], lines[fresh] = place, line[fresh]
    return places, lines


def _numeric_columns(printed: PrintedPrices) -> dict[str, Numbers]:
    """Return the printed numbers by column, NaN where the files have a dash."""
    first = np.isnan(printed.previous)
    change = np.where(first, printed.price, printed.price - printed.previous).round(2)
    change[change == 0] = np.nan
    # Without the sign, as in the real files.
    percent = (100 * np.abs(change) / printed.previous).round(2)
    low_12m, high_12m, adjusted = _look_ahead_columns(printed)
    return {
        "low_12m": low_12m,
        "high_12m": high_12m,
        "low": printed.low,
        "high": printed.high,
        "price": printed.price,
        "previous": printed.previous,
        "change": change,
        "percent": percent,
        "volume": printed.volume,
        "adjusted": adjusted,
    }


def _look_ahead_columns(printed: PrintedPrices) -> tuple[Numbers, Numbers, Numbers]:
    """Return 12-month low and high and adjusted price, as known when scraped."""
    low, high, adjusted = (np.full(printed.price.shape, np.nan) for _ in range(3))
    before = pd.Timestamp.min
    for scraped in SCRAPED:
        known = np.asarray(printed.sessions <= scraped)
        rows = known & np.asarray(printed.sessions > before)
        year = known & np.asarray(printed.sessions > scraped - pd.Timedelta(days=365))
        recent = np.where(printed.listed & year[:, None], printed.price, np.nan)
        low[rows] = np.fmin.reduce(recent, axis=0)
        high[rows] = np.fmax.reduce(recent, axis=0)
        factor = np.where(known[:, None], printed.factor, 1.0)
        later = np.cumprod(factor[::-1], axis=0)[::-1] / factor
        whole = np.where(
            np.isclose(later, 1), np.nan, np.round(printed.price / later, 2)
        )
        adjusted[rows] = whole[rows]
        before = scraped
    return low, high, adjusted


def _lines(
    printed: PrintedPrices,
    columns: dict[str, Numbers],
    *,
    file: PriceFile,
    style: Style,
    faults: FileFaults,
) -> list[str]:
    days = np.flatnonzero(within(printed.sessions, style.first, style.last))
    days = np.sort(np.append(days, days[printed.sessions[days] == faults.twice]))
    place, ticker = np.nonzero(printed.listed[days])
    row = days[place]
    dates = [_date(session, file, faults) for session in printed.sessions[days]]
    fields = [
        _take(dates, place),
        _take(printed.tickers, ticker),
        _take(printed.names, ticker),
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
    """Format numbers as the file does, each distinct value once."""
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
