"""The variance of a mean whose terms lean on each other.

Every test that divides a mean by its standard error takes it from here, so that all of
them agree on what an autocovariance is divided by and how many sessions it reaches.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nse_lstm.errors import StudyError

Kernel = Literal["rectangular", "bartlett"]


def autocovariances(values: ArrayLike, lags: int) -> NDArray[np.float64]:
    """Return the autocovariances of lag 0 to ``lags``, each divided by n.

    Parameters
    ----------
    values : array of shape (n,)
        In order of time, none missing.
    lags : int
        At least 0 and below n.

    Raises
    ------
    StudyError
        If a value is missing or there are not more values than lags.
    """
    series = np.asarray(values, float)
    if series.ndim != 1 or np.isnan(series).any() or not 0 <= lags < series.size:
        raise StudyError(
            "Expected one series without a missing value, longer than its lags. "
            f"Received: shape {series.shape}, {int(np.isnan(series).sum())} missing, "
            f"lags={lags}"
        )
    around = series - series.mean()
    n = series.size
    return np.array([around[k:] @ around[: n - k] / n for k in range(lags + 1)])


def long_run_variance(
    values: ArrayLike, *, lags: int, kernel: Kernel = "bartlett"
) -> float:
    """Return n times the variance of the mean of a series.

    Parameters
    ----------
    values : array of shape (n,)
        In order of time, none missing.
    lags : int
        Sessions that a value may lean back on; 0 takes the values as independent.
    kernel : {"bartlett", "rectangular"}
        Weight of lag k: 1 - k / (lags + 1), which cannot give a negative variance
        (Newey and West), or 1, which can but is the exact one for a forecast error
        that overlaps with ``lags`` earlier ones.

    Returns
    -------
    float
        Negative at times with the rectangular kernel; the caller says what then.

    References
    ----------
    .. [1] W. Newey and K. West (1987). A simple, positive semi-definite,
       heteroskedasticity and autocorrelation consistent covariance matrix.
       Econometrica 55(3), 703-708.

    Examples
    --------
    >>> long_run_variance([1.0, 3.0, 1.0, 3.0], lags=0)
    1.0
    """
    gamma = autocovariances(values, lags)
    steps = np.arange(1, lags + 1)
    weight = np.ones(lags) if kernel == "rectangular" else 1 - steps / (lags + 1)
    return float(gamma[0] + 2 * weight @ gamma[1:])
