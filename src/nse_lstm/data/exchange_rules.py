"""Trading rules of the Nairobi Securities Exchange that features and simulator share.

The module stands apart from the simulator, so that an edit there retrains no model.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

# Upper edges of the price bands and the tick within each.
TICK_CHANGE = pd.Timestamp("2018-11-26")
OLD_TICKS = (np.array([20.0, 50, 100]), np.array([0.05, 0.25, 0.5, 1]))
NEW_TICKS = (
    np.array([5.0, 10, 50, 500, 1000]),
    np.array([0.01, 0.02, 0.05, 0.25, 1, 5]),
)


def tick_size(
    price: npt.NDArray[np.float64], session: pd.Timestamp
) -> npt.NDArray[np.float64]:
    """Return the smallest step of a price, KES, by the table in force that session.

    Parameters
    ----------
    price : array of any shape
        KES. A price on an edge belongs to the band above it.
    session : Timestamp
        The table changed on 2018-11-26.

    Examples
    --------
    >>> tick_size(np.array([7.0, 60.0]), pd.Timestamp("2018-11-23"))
    array([0.05, 0.5 ])
    >>> tick_size(np.array([7.0, 60.0]), pd.Timestamp("2018-11-26"))
    array([0.02, 0.25])
    """
    edges, ticks = NEW_TICKS if session >= TICK_CHANGE else OLD_TICKS
    # A price that is on an edge but for its last bit is on the edge.
    return ticks[np.searchsorted(edges, np.asarray(price) + 1e-9, side="right")]
