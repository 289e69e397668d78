"""Values that hold supervised windows, and their split by fold."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Dates = NDArray[np.datetime64]
Places = NDArray[np.intp]

PER_WINDOW = (
    "last",
    "y",
    "last_price",
    "shares",
    "origin",
    "entry_date",
    "target_date",
)
"""Fields of ``Windows`` with one entry per window."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Supervised windows of one stock in order of origin, prices in adjusted KES.

    A window is the ``lookback`` rows of ``prices`` up to its ``last`` row.
    """

    prices: Numbers
    """(n_rows,): adjusted prices, one per market session; missing where not printed."""
    last: Places
    """(n,): the row of each window's origin."""
    lookback: int
    y: Numbers
    """(n,): adjusted price at the target; missing where not known yet."""
    last_price: Numbers
    """(n,): adjusted price at the origin."""
    shares: Numbers
    """(n,): adjusted over printed price at the origin."""
    origin: Dates
    entry_date: Dates
    target_date: Dates
    dropped_target: Dates
    """(n_dropped,): target dates of the windows that were dropped."""
    dropped_reason: NDArray[np.str_]
    """(n_dropped,): the reason of each."""

    @property
    def X(self) -> Numbers:
        """Adjusted prices, a copy of shape (n, lookback) that ends at the origins."""
        if not len(self):
            return np.empty((0, self.lookback))
        return sliding_window_view(self.prices, self.lookback)[
            self.last - self.lookback + 1
        ]

    @property
    def dropped(self) -> dict[str, int]:
        """Number of dropped windows by reason."""
        reasons, counts = np.unique(self.dropped_reason, return_counts=True)
        return dict(zip(reasons.tolist(), counts.tolist(), strict=True))

    def __len__(self) -> int:
        return len(self.origin)


@dataclass(frozen=True, eq=False)
class FoldSplit:
    """One stock's windows, split by their use in a fold."""

    train: Windows
    """Weights and scaler are fitted on these."""
    validation: Windows
    """These stop training and steer the learning rate."""
    forecast: Windows
    """These are forecast: their targets lie in the fold."""


def select_windows(windows: Windows, chosen: Places | NDArray[np.bool_]) -> Windows:
    """Return the chosen windows; prices and dropped windows stay as they are.

    Parameters
    ----------
    windows : Windows
        Of one ticker.
    chosen : array
        Places, or a mask of shape (n,).
    """
    fields = {name: getattr(windows, name)[chosen] for name in PER_WINDOW}
    return replace(windows, **fields)
