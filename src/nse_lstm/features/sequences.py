"""Features of many shares as one table that windows of sessions are taken from.

Every share lies on the market's whole calendar, one below the other, so that a window
is a run of consecutive sessions, whether or not the share could be dealt in on each.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.errors import DataError
from nse_lstm.tables import MARKET_FEATURES, RANKED_FEATURES

CHANNELS = (*RANKED_FEATURES, "usable", *MARKET_FEATURES)
"""What a network sees of a session: a share's places, whether a signal could be formed,
and what the market did, which orders no share but may say what places are worth."""

SPREAD = 12**0.5
"""Brings places, which spread evenly from -1/2 to 1/2, to unit variance."""


@dataclass(frozen=True, eq=False)
class Sequences:
    """Shares below each other, each with ``lookback`` - 1 empty sessions before it."""

    table: NDArray[np.float32]
    """(n_rows, n_channels), none missing."""
    tickers: pd.Index
    """In their order in the table."""
    sessions: pd.DatetimeIndex
    """The calendar, the same for each."""
    lookback: int

    def last(self, tickers: pd.Series, origins: pd.Series) -> NDArray[np.intp]:
        """Return the rows in which the windows of some shares and origins end.

        Raises
        ------
        DataError
            If one of them is not in the table.
        """
        share = self.tickers.get_indexer(pd.Index(tickers))
        session = self.sessions.get_indexer(pd.DatetimeIndex(origins))
        absent = (share < 0) | (session < 0)
        if absent.any():
            raise DataError(
                f"Expected shares and sessions of a table that ends on "
                f"{self.sessions[-1]:%Y-%m-%d}. Received: {int(absent.sum())} of "
                f"{len(absent)} that are not in it"
            )
        padded = len(self.sessions) + self.lookback - 1
        return np.asarray(share * padded + session + self.lookback - 1)


def lay_out(features: pd.DataFrame, *, lookback: int) -> Sequences:
    """Lay features out on the calendar, as far as they are given.

    A missing feature is the middle place, or a market that did not move: 0. So is
    everything on a session that a share has no row of, and before the first session of
    the calendar.

    Parameters
    ----------
    features : DataFrame
        ``FEATURES``; nothing later than its last session is known to the table.
    lookback : int
        Sessions of the windows to come.
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
