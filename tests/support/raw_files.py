"""Tiny folders of price files in the exchange's dialects, for tests of the loader."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

HEADERS = {
    "first": "DATE,CODE,NAME,12m Low,12m High,Day Low,Day High,Day Price,Previous,"
    "Change,Change%,Volume,Adjusted",
    "old": "DATE,CODE,NAME,12m Low,12m High,Day Low,Day High,Day Price,Previous,"
    "Change,Change%,Volume,Adjust",
    "new": "Date,Code,Name,12m Low,12m High,Day Low,Day High,Day Price,Previous,"
    "Change,Change%,Volume,Adjusted Price",
}
LINE_END = {"first": "\n", "old": "\r\n", "new": "\n"}
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
SECTORS = (
    "SECTOR,CODE,NAME\r\nBanking,AAA,Bank A Plc\r\nBanking,BBB,Bank B Plc\r\n"
    "Indices,^IDX,Index\r\n,,\r\n"
)


@dataclass(frozen=True)
class Row:
    """One printed row; numbers of None are printed as a dash."""

    session: pd.Timestamp
    ticker: str
    price: float | None
    volume: float | None = 100.0
    previous: float | None = None
    low: float | None = None
    high: float | None = None
    adjust: float | None = None
    name: str = "A Plc"

    def line(self, dialect: str = "old") -> str:
        low = self.low if self.low is not None else self.price
        high = self.high if self.high is not None else self.price
        change = None
        if self.price is not None and self.previous is not None:
            change = round(self.price - self.previous, 2) or None
        numbers = [low, high, self.price, self.previous, change]
        texts = [_number(number, dialect) for number in numbers]
        volume = _number(self.volume, dialect, decimals=2 if dialect == "new" else 0)
        # The first files print no trade as 0.
        volume = "0" if dialect == "first" and volume == "-" else volume
        adjust = _number(self.adjust, dialect)
        name = f'"{self.name}"' if "," in self.name else self.name
        head = [_date(self.session, dialect), self.ticker, name, "1", "9999"]
        return ",".join([*head, *texts, "5.00%", volume, adjust])


def _number(value: float | None, dialect: str, decimals: int = 2) -> str:
    if value is None or np.isnan(value):
        return "-"
    text = f"{value:,.{decimals}f}"
    if dialect != "new" and "." in text:
        text = text.rstrip("0").rstrip(".")
    return f'"{text}"' if "," in text else text


def _date(session: pd.Timestamp, dialect: str) -> str:
    if dialect == "first":
        return f"{session.month}/{session.day}/{session.year}"
    month = MONTHS[session.month - 1]
    if dialect == "old":
        return f"{session.day:02d}-{month}-{session.year % 100:02d}"
    return f"{session.day}-{month}-{session.year}"


def write_lines(path: Path, lines: list[str], dialect: str = "old") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    end, encoding = LINE_END[dialect], "utf-8-sig" if dialect == "first" else "utf-8"
    path.write_bytes((end.join([HEADERS[dialect], *lines]) + end).encode(encoding))
    return path


def write_rows(path: Path, rows: list[Row], dialect: str = "old") -> Path:
    return write_lines(path, [row.line(dialect) for row in rows], dialect)


def write_folder(folder: Path, rows: list[Row]) -> Path:
    """Write one file a year, even years in the old dialect and odd ones in the new."""
    folder.mkdir(parents=True, exist_ok=True)
    for year in sorted({row.session.year for row in rows}):
        of_year = [row for row in rows if row.session.year == year]
        dialect = "new" if year % 2 else "old"
        write_rows(folder / f"NSE_data_all_stocks_{year}.csv", of_year, dialect)
    (folder / "NSE_data_stock_market_sectors_2020.csv").write_bytes(SECTORS.encode())
    return folder


def random_rows(
    sessions: pd.DatetimeIndex, *, seed: int, tickers: tuple[str, ...] = ("AAA", "BBB")
) -> list[Row]:
    """Draw a market in session order; ``previous`` is the price before."""
    generator = np.random.default_rng(seed)
    price = {ticker: 20.0 + 5 * n for n, ticker in enumerate(tickers)}
    rows = []
    for session in sessions:
        for ticker in tickers:
            before = price[ticker]
            move = generator.uniform(-0.06, 0.06)
            price[ticker] = round(before * (1 + move), 2)
            volume = 100.0 * generator.integers(1, 90_000)
            is_idle = generator.random() < 0.15
            rows.append(
                Row(
                    session,
                    ticker,
                    price[ticker],
                    volume=None if is_idle or ticker.startswith("^") else volume,
                    previous=before,
                )
            )
    return rows


def copy_session(rows: list[Row], session: pd.Timestamp) -> list[Row]:
    """Make a session's board a copy of the one before; later rows stay as they are."""
    before = max(row.session for row in rows if row.session < session)
    copies = {row.ticker: row for row in rows if row.session == before}
    return [
        replace(copies[row.ticker], session=session) if row.session == session else row
        for row in rows
    ]
