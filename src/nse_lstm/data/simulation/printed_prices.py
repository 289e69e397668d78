"""The one value that the simulated market passes on: a board of printed numbers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PrintedPrices:
    """What was printed: arrays of shape (n_sessions, n_tickers), in board order."""

    sessions: pd.DatetimeIndex
    tickers: tuple[str, ...]
    names: tuple[str, ...]
    low: Numbers
    high: Numbers
    price: Numbers
    previous: Numbers
    """NaN on a ticker's first session."""
    volume: Numbers
    """NaN without a deal."""
    factor: Numbers
    """Shares after per share before, on the ex-date; else 1."""
    news: Flags
    """Whether an announcement or a dividend lifted the daily limit."""
    listed: Flags
    """Whether the ticker has a row that session."""
