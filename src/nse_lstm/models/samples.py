"""Windows by reference: a table, and the rows in it where windows end."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nse_lstm.features.scaling import MinMaxScaler, scale
from nse_lstm.features.windows import Windows

Numbers = NDArray[np.floating]
Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples that a network is fitted or validated on; no window is copied out.

    A table may hold several stocks below each other, as long as no window reaches from
    one into the next, and several jobs may share it.
    """

    table: Numbers | Path
    """(n_rows, channels): scaled inputs, one row per session; or a ``.npy`` file of
    that, which workers map instead of each holding a copy."""
    last: Rows
    """(n,): the row of each window's last session."""
    y: Numbers
    """(n, n_outputs): scaled targets; a missing one is left out of the loss."""

    def __len__(self) -> int:
        return len(self.last)


def open_table(samples: Samples) -> Numbers:
    """Return the table, mapped if it is a file."""
    if isinstance(samples.table, Path):
        return np.asarray(np.load(samples.table, mmap_mode="r"))
    return samples.table


def scale_windows(scaler: MinMaxScaler, windows: Windows) -> Samples:
    """Scale prices and targets to the network's single precision.

    Parameters
    ----------
    scaler : MinMaxScaler
    windows : Windows
        Prices and targets in KES.
    """
    return Samples(
        table=scale(scaler, windows.prices).astype(np.float32)[:, np.newaxis],
        last=windows.last,
        y=scale(scaler, windows.y).astype(np.float32)[:, np.newaxis],
    )


def gather(
    samples: Samples, table: Numbers, rows: Rows, *, lookback: int
) -> tuple[Numbers, Numbers]:
    """Copy some windows out of the table.

    Parameters
    ----------
    samples, table
        With the table from ``open_table``.
    rows : array of shape (n,)
        Which of the windows.
    lookback : int
        Sessions per window.

    Returns
    -------
    array of shape (lookback, channels, n), array of shape (n_outputs, n)
        Inputs and targets, windows last.
    """
    sessions = samples.last[rows] + np.arange(1 - lookback, 1)[:, None]
    return table[sessions].swapaxes(1, 2), samples.y[rows].T
