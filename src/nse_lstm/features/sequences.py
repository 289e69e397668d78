"""Feature sequences: one array of all stocks from which windows are cut.

Every stock lies on the market's whole calendar, one below the other. A window is a run
of consecutive sessions, whether or not the stock traded on each.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.errors import DataError
from nse_lstm.tables import MARKET_FEATURES, RANKED_FEATURES

CHANNELS = (*RANKED_FEATURES, "usable", *MARKET_FEATURES)
"""Inputs per session: the stock's ranks, whether a signal could be formed, and the
market's returns, which scale ranks but order no stock."""

SPREAD = 12**0.5
"""Brings ranks, uniform from -1/2 to 1/2, to unit variance."""


@dataclass(frozen=True, eq=False)
class Sequences:
    """Stocks below each other, each with ``lookback`` - 1 empty sessions before it."""

    table: NDArray[np.float32]
    """(n_rows, n_channels), none missing."""
    tickers: pd.Index
    """In the order of the table."""
    sessions: pd.DatetimeIndex
    """The calendar, the same for each stock."""
    lookback: int

    def last(self, tickers: pd.Series, origins: pd.Series) -> NDArray[np.intp]:
        """Return the rows in which the windows of some stocks and origins end.

        Parameters
        ----------
        tickers, origins : Series of shape (n,)
            One ticker and one origin per window.

        Raises
        ------
        DataError
            If a ticker or origin is not in the table.
        """
        stock = self.tickers.get_indexer(pd.Index(tickers))
        session = self.sessions.get_indexer(pd.DatetimeIndex(origins))
        absent = (stock < 0) | (session < 0)
        if absent.any():
            raise DataError(
                f"Expected stocks and sessions of a table that ends on "
                f"{self.sessions[-1]:%Y-%m-%d}. Received: {int(absent.sum())} of "
                f"{len(absent)} that are not in it"
            )
        padded = len(self.sessions) + self.lookback - 1
        return np.asarray(stock * padded + session + self.lookback - 1)


def lay_out(features: pd.DataFrame, *, lookback: int) -> Sequences:
    """Lay features out on the calendar, stock by stock.

    A missing feature becomes 0, the middle rank or an unchanged market. So does every
    feature of a session without a row, and of those before the calendar's first.

    Parameters
    ----------
    features : DataFrame
        ``FEATURES``. The table ends with its last session.
    lookback : int
        Sessions per window.
    """
    tickers = pd.Index(np.unique(features["ticker"].astype(str)))
    sessions = pd.DatetimeIndex(np.unique(features["session"]))
    padded = len(sessions) + lookback - 1
    table = np.zeros((len(tickers) * padded, len(CHANNELS)), np.float32)
    laid = Sequences(table, tickers, sessions, lookback)
    numbers = features[list(CHANNELS)].to_numpy(float)
    numbers[:, : len(RANKED_FEATURES)] *= SPREAD
    table[laid.last(features["ticker"], features["session"])] = np.nan_to_num(numbers)
    return laid
