"""HAC variance and Newey-West standard error of the mean of an autocorrelated series.

Every test that divides a mean by its standard error uses this module, so that all of
them divide autocovariances alike and cover the same number of lags.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nse_lstm.errors import StudyError
from nse_lstm.numerics import is_constant

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
    """Return the long-run variance of a series: n times the variance of its mean.

    Parameters
    ----------
    values : array of shape (n,)
        In order of time, none missing.
    lags : int
        Autocovariances included; 0 treats the values as independent.
    kernel : {"bartlett", "rectangular"}
        Weight of lag k: 1 - k / (lags + 1), whose variance is never negative (Newey
        and West), or 1, which is exact for forecast errors that overlap with ``lags``
        earlier ones.

    Returns
    -------
    float
        It may be negative with the rectangular kernel; the caller handles that.

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


def newey_west(values: ArrayLike, *, lags: int, ddof: int = 0) -> tuple[float, float]:
    """Return the mean of a series and its Newey-West standard error.

    Parameters
    ----------
    values : array of shape (n,)
        In order of time, none missing.
    lags : int
        At least 0; lags beyond the series are ignored.
    ddof : int
        The variance of the mean is the long-run variance over n - ``ddof``.

    Returns
    -------
    mean, standard_error : float
        The error is missing below two values.

    Examples
    --------
    >>> newey_west([1.0, 3.0], lags=0)  # variance (1 + 1) / 2, over n = 2
    (2.0, 0.7071067811865476)
    """
    series = np.asarray(values, float)
    n = series.size
    if n < 2:
        return (float(series.mean()) if n else float("nan")), float("nan")
    if is_constant(series):
        return float(series.mean()), 0.0
    variance = long_run_variance(series, lags=min(lags, n - 1))
    return float(series.mean()), float(np.sqrt(max(variance, 0.0) / (n - ddof)))
