"""Clean boards of one year at random prices, for tests that put faults in."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.data.panel import MarketData, build_panel
from support.raw_files import Row, write_rows

SHARES = tuple(f"S{n:02d}" for n in range(26))
TICKERS = (*SHARES, "^IDX", "^ALL")
VALUES = ["price", "low", "high", "volume", "previous", "factor"]


@dataclass(frozen=True)
class Board:
    """A clean market of one year, and where a fault may go."""

    rows: list[Row]
    sessions: list[pd.Timestamp]
    generator: np.random.Generator

    @property
    def year(self) -> int:
        return self.sessions[0].year

    def session(self) -> int:
        """Draw the place of a session amid the year's."""
        return int(self.generator.integers(5, len(self.sessions) - 5))

    def of(self, place: int) -> list[Row]:
        return [row for row in self.rows if row.session == self.sessions[place]]

    def redraw(self, change: Callable[[Row], Row]) -> list[Row]:
        return [change(row) for row in self.rows]


def clean_board(seed: int) -> Board:
    """Draw a year of 30 weekdays where every share is dealt and moves."""
    generator = np.random.default_rng(seed)
    year = int(generator.choice([1999, 2011, 2016, 2024, 2031]))
    start = f"{year}-{generator.integers(1, 10):02d}-01"
    sessions = list(pd.bdate_range(start, periods=30).as_unit("us"))
    price = dict.fromkeys(TICKERS, 100.0) | {"^IDX": 4000.0}
    rows = []
    for session in sessions:
        for ticker in TICKERS:
            before = price[ticker]
            price[ticker] = round(before * (1 + generator.uniform(-0.05, 0.05)), 2)
            volume = None if ticker[0] == "^" else 100.0 * generator.integers(1, 9000)
            low, high = sorted([price[ticker], before])
            row = Row(session, ticker, price[ticker], volume, previous=before)
            rows.append(replace(row, low=low, high=high))
    return Board(rows, sessions, generator)


def build(folder: Path, board: Board, rows: list[Row], **more: list[Row]) -> MarketData:
    """Write the year's file in a dialect of its own, and further files."""
    dialect = "new" if board.generator.random() < 0.5 else "old"
    write_rows(folder / f"prices {board.year}.csv", rows, dialect)
    for name, part in more.items():
        write_rows(folder / f"{name}_{board.year}.csv", part, "old")
    market = build_panel(folder)
    n_rows = len(rows) + sum(len(part) for part in more.values())
    assert market.row_counts["n_rows"].sum() == n_rows
    return market


def true_panel(board: Board) -> pd.DataFrame:
    """Return the board as the panel would hold it, by arithmetic on the rows alone."""
    columns = ["ticker", "session", "price", "low", "high", "volume", "previous"]
    table = pd.DataFrame([[getattr(row, c) for c in columns] for row in board.rows])
    table = table.set_axis(columns, axis=1).astype({"volume": float})
    return table.sort_values(["ticker", "session"], ignore_index=True)


def assert_like(
    market: MarketData, truth: pd.DataFrame, *, but: list[str] = ()
) -> None:
    columns = [name for name in truth if name not in but]
    pd.testing.assert_frame_equal(market.panel[columns], truth[columns])


def reasons(market: MarketData) -> dict[tuple[str, str], int]:
    """Count the repairs by action and reason."""
    counts = market.repairs.groupby(["action", "reason"]).size()
    return {(str(a), str(r)): int(n) for (a, r), n in counts.items()}
