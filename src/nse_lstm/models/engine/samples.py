"""Windows by reference: a table, and the places in it where windows end."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Samples", "gather"]

Numbers = NDArray[np.floating]
Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Samples:
    """What a network is fitted on, or validated with; nothing is copied into windows.

    A table may hold several stocks below each other, as long as no window reaches from
    one into the next.
    """

    table: Numbers
    """(n_rows, channels): scaled inputs, one row a session."""
    last: Places
    """(n,): the row of each window's last session."""
    y: Numbers
    """(n, n_outputs): scaled targets; a missing one is left out of the loss."""

    def __len__(self) -> int:
        return len(self.last)


def gather(samples: Samples, rows: Places, *, lookback: int) -> tuple[Numbers, Numbers]:
    """Copy some windows out of the table.

    Parameters
    ----------
    rows : array of shape (n,)
        Which of the windows.
    lookback : int
        Sessions of a window.

    Returns
    -------
    array of shape (lookback, channels, n), array of shape (n_outputs, n)
        Inputs and targets, windows last.
    """
    sessions = samples.last[rows] + np.arange(1 - lookback, 1)[:, None]
    return samples.table[sessions].swapaxes(1, 2), samples.y[rows].T
