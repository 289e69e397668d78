"""Printed prices of the simulated market, passed between the simulator's modules."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PrintedPrices:
    """Printed numbers: arrays of shape (n_sessions, n_tickers), in the files' order."""

    sessions: pd.DatetimeIndex
    tickers: tuple[str, ...]
    names: tuple[str, ...]
    low: Numbers
    high: Numbers
    price: Numbers
    previous: Numbers
    """NaN on a ticker's first session."""
    volume: Numbers
    """NaN without a trade."""
    factor: Numbers
    """Shares after over shares before on the ex-date, else 1."""
    dividend: Numbers
    """KES paid on the ex-date, else 0."""
    news: Flags
    """Whether an announcement or a dividend lifted the daily limit."""
    listed: Flags
    """Whether the ticker has a row that session."""
