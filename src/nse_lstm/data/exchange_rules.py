"""Trading rules of the Nairobi Securities Exchange that features and simulator share.

Another market may have one price step for all prices, or none.

The module stands apart from the simulator, so that an edit there retrains no model.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from nse_lstm.config import Ticks

# Upper edges of the price bands and the tick within each.
TICK_CHANGE = pd.Timestamp("2018-11-26")
OLD_TICKS = (np.array([20.0, 50, 100]), np.array([0.05, 0.25, 0.5, 1]))
NEW_TICKS = (
    np.array([5.0, 10, 50, 500, 1000]),
    np.array([0.01, 0.02, 0.05, 0.25, 1, 5]),
)


def tick_size(
    price: npt.NDArray[np.float64], session: pd.Timestamp, ticks: Ticks = "nse"
) -> npt.NDArray[np.float64]:
    """Return the smallest step of a price, KES, by the table in force that session.

    Parameters
    ----------
    price : array of any shape
        KES. A price on an edge belongs to the band above it.
    session : Timestamp
        The table changed on 2018-11-26.
    ticks : Ticks
        ``nse`` for these tables, a number for one step, ``none`` for NaN.

    Examples
    --------
    >>> tick_size(np.array([7.0, 60.0]), pd.Timestamp("2018-11-23"))
    array([0.05, 0.5 ])
    >>> tick_size(np.array([7.0, 60.0]), pd.Timestamp("2018-11-26"))
    array([0.02, 0.25])
    """
    if ticks != "nse":
        return np.full(np.shape(price), np.nan if ticks == "none" else ticks)
    edges, sizes = NEW_TICKS if session >= TICK_CHANGE else OLD_TICKS
    # A price that is on an edge but for its last bit is on the edge.
    return sizes[np.searchsorted(edges, np.asarray(price) + 1e-9, side="right")]


def off_tick(
    price: npt.NDArray[np.float64], sessions: "pd.Series[pd.Timestamp]", ticks: Ticks
) -> npt.NDArray[np.bool_]:
    """Return which prices are no multiple of the tick size of their session.

    Parameters
    ----------
    price : array of shape (n,)
        Printed prices.
    sessions : Series of shape (n,)
        Their sessions.
    ticks : Ticks
        As for ``tick_size``. Without ticks no price is off.

    Examples
    --------
    >>> days = pd.Series(pd.to_datetime(["2019-01-02", "2019-01-02"]))
    >>> off_tick(np.array([7.02, 7.03]), days, "nse")
    array([False,  True])
    """
    late = (sessions >= TICK_CHANGE).to_numpy()
    size = np.where(
        late,
        tick_size(price, TICK_CHANGE, ticks),
        tick_size(price, TICK_CHANGE - pd.Timedelta(days=1), ticks),
    )
    steps = price / size
    # A millionth of the price allows for prices that are printed from single precision.
    return np.abs(steps - np.round(steps)) * size > 1e-6 * price
