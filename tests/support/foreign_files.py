"""Small folders of other people's price files, one per dialect, from one table."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def price_table(
    n_sessions: int = 40, *, seed: int = 1, start: str = "2019-12-02"
) -> pd.DataFrame:
    """Draw ``session low high close volume`` with clustered and fat-tailed returns."""
    generator = np.random.default_rng(seed)
    moves, variance = np.zeros(n_sessions), 1.5e-4
    for t in range(n_sessions):
        if t:
            variance = 2e-6 + 0.1 * moves[t - 1] ** 2 + 0.88 * variance
        if generator.random() > 0.12:  # the others keep their price
            moves[t] = np.sqrt(variance / 2) * generator.standard_t(4)
    close = np.round(20 * np.exp(np.cumsum(np.clip(moves, -0.3, 0.3))), 2)
    spread = np.abs(generator.normal(0, 0.004, (2, n_sessions)))
    return pd.DataFrame(
        {
            "session": pd.bdate_range(start, periods=n_sessions),
            "low": np.round(close * (1 - spread[0]), 2),
            "high": np.round(close * (1 + spread[1]), 2),
            "close": close,
            "volume": generator.integers(1, 90_000, n_sessions) * 100,
        }
    )


def _yahoo(rows: pd.DataFrame) -> str:
    lines = ["Date,Open,High,Low,Close,Adj Close,Volume"]
    for r in rows.itertuples():
        adjusted = r.close * 0.9
        numbers = f"{r.close:f},{r.high:f},{r.low:f},{r.close:f},{adjusted:f}"
        lines.append(f"{r.session:%Y-%m-%d},{numbers},{r.volume}")
    return "\n".join(lines) + "\n"


def _wsj(rows: pd.DataFrame) -> str:
    lines = ["Date, Open, High, Low, Close, Volume"]
    for r in rows[::-1].itertuples():
        numbers = f"{r.close}, {r.high}, {r.low}, {r.close}"
        lines.append(f"{r.session:%m/%d/%y}, {numbers}, {r.volume}")
    return "\n".join(lines)


def _investing(rows: pd.DataFrame) -> str:
    lines = ['\ufeff"Date","Price","Open","High","Low","Vol.","Change %"']
    for r in rows[::-1].itertuples():
        day = f"{MONTHS[r.session.month - 1]} {r.session.day:02d}, {r.session.year}"
        cells = [day, r.close, r.close, r.high, r.low, f"{r.volume / 1e6:.4f}M", "0.1%"]
        lines.append(",".join(f'"{cell}"' for cell in cells))
    return "\r\n".join(lines) + "\r\n"


def _board(rows: pd.DataFrame) -> str:
    lines = [
        "Date;Lowest Price of the Day;Highest Price of the Day;Closing Price;"
        "Previous Day Closing Price;Volume Traded"
    ]
    previous = "-"
    for r in rows.itertuples():
        prices = f"{r.low};{r.high};{r.close};{previous}".replace(".", ",")
        lines.append(f"{r.session:%d.%m.%Y};{prices};{r.volume}")
        previous = str(r.close)
    return "\n".join(lines) + "\n"


def _headerless(rows: pd.DataFrame) -> str:
    return "".join(
        f"{r.session:%Y%m%d}, {r.low}, {r.high}, {r.close}, -, {r.volume}\n"
        for r in rows.itertuples()
    )


STOCK_FILES: dict[str, tuple[str, Callable[[pd.DataFrame], str]]] = {
    "yahoo": ("{}.csv", _yahoo),
    "wsj": ("{}.csv", _wsj),
    "investing": ("{} Historical Data.csv", _investing),
    "board": ("{}.csv", _board),
    "headerless": ("{}.txt", _headerless),
}
"""Dialects of one file per stock: the file's name and its text."""
COLUMNS = {"headerless": "date,low,high,close,skip,volume"}
"""Option that a dialect needs."""
DIALECTS = (*STOCK_FILES, "long", "yfinance", "daily")


def write_foreign(folder: Path, dialect: str, stocks: dict[str, pd.DataFrame]) -> Path:
    """Write stocks' price tables in one dialect.

    "long" is one table in UTF-16 sorted by ticker, "yfinance" one with three header
    rows, "daily" one file per session.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if dialect in STOCK_FILES:
        name, text = STOCK_FILES[dialect]
        for ticker, rows in stocks.items():
            data = text(rows).encode()
            (folder / name.format(ticker)).write_bytes(data)
        return folder
    table = pd.concat([rows.assign(code=code) for code, rows in stocks.items()])
    if dialect == "long":
        lines = ["Ticker\tDate\tClose\tVolume"]
        lines += [
            f"{r.code}\t{r.session.day}-{MONTHS[r.session.month - 1]}-{r.session.year}"
            f"\t{r.close}\t{r.volume:,}"
            for r in table.itertuples()
        ]
        (folder / "all.tsv").write_bytes("\n".join(lines).encode("utf-16"))
    elif dialect == "yfinance":
        names = {"close": "Close", "high": "High", "low": "Low", "volume": "Volume"}
        wide = table.pivot(index="session", columns="code", values=list(names))
        wide = wide.rename(columns=names).rename_axis(index="Date")
        wide.columns.names = ["Price", "Ticker"]
        wide.to_csv(folder / "download.csv")
    else:
        for session, rows in table.groupby("session"):
            lines = ["Code;Name;Lowest Price of the Day;Closing Price;Volume Traded"]
            lines += [
                f"{r.code};{r.code} Plc;{r.low};{r.close};{r.volume}"
                for r in rows.itertuples()
            ]
            (folder / f"{session:%Y%m%d}.csv").write_text("\n".join(lines))
    return folder
