"""Sharpe ratios under autocorrelation, minimum track record and backtest length.

As in ``significance``, ratios are per period unless named yearly, and kurtosis is raw:
3 for the normal distribution.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.hac import autocovariances
from nse_lstm.evaluation.metrics import sharpe_ratio
from nse_lstm.evaluation.significance import (
    expected_maximum_sharpe,
    sharpe_standard_error,
)


def iid_standard_error(sharpe: float, n: int) -> float:
    """Return Lo's standard error of a Sharpe ratio of independent normal returns.

    Parameters
    ----------
    sharpe : float
        Per period.
    n : int
        Number of returns.

    References
    ----------
    .. [1] A. Lo (2002). The statistics of Sharpe ratios. FAJ 58(4), 36-52.

    Examples
    --------
    >>> round(iid_standard_error(0.5, 12), 3)
    0.306
    """
    if n < 1:
        raise StudyError(f"Expected n >= 1 returns. Received: n={n}")
    return float(np.sqrt((1 + sharpe**2 / 2) / n))


def aggregation_factor(periods: int, autocorrelations: ArrayLike = ()) -> float:
    """Return Lo's aggregation factor, which annualises a Sharpe ratio.

    For independent returns it is the square root of ``periods``. For positively
    autocorrelated returns it is smaller, because their sum varies more.

    Parameters
    ----------
    periods : int
        At least 1, such as the sessions of a year.
    autocorrelations : array of shape (n_lags,)
        Of lag 1, 2, ...; further ones are taken as 0. Lags from ``periods`` on are
        ignored.

    Returns
    -------
    float
        Missing where the autocorrelations leave no variance.

    References
    ----------
    .. [1] A. Lo (2002). The statistics of Sharpe ratios. FAJ 58(4), 36-52, eq. 20.

    Examples
    --------
    >>> round(aggregation_factor(12), 3), round(aggregation_factor(12, [0.25]), 3)
    (3.464, 2.869)
    """
    if periods < 1:
        raise StudyError(f"Expected at least 1 period. Received: {periods}")
    rho = np.asarray(autocorrelations, float)[: periods - 1]
    # Var(sum of q returns) / Var(one) = q + 2 sum_k (q - k) rho_k
    variance = periods + 2 * (periods - np.arange(1, rho.size + 1)) @ rho
    return float(periods / np.sqrt(variance)) if variance > 0 else float("nan")


def adjusted_sharpe_ratio(
    returns: ArrayLike,
    *,
    sessions_per_year: int,
    lags: int,
    cash: ArrayLike = 0.0,
) -> float:
    """Return the annualised Sharpe ratio adjusted for autocorrelation (Lo 2002).

    Parameters
    ----------
    returns, sessions_per_year, cash
        As for ``metrics.sharpe_ratio``.
    lags : int
        Autocorrelations estimated, fewer for short records; further ones are taken as
        0. Averaged prices need 1, thinly traded stocks a few more.

    Returns
    -------
    float
        Missing where ``sharpe_ratio`` is, or the autocorrelations leave no variance.
    """
    excess = np.asarray(returns, float) - np.asarray(cash, float)
    plain = sharpe_ratio(excess, sessions_per_year=1)
    if np.isnan(plain):
        return plain
    gamma = autocovariances(excess, min(lags, excess.size - 1))
    return plain * aggregation_factor(sessions_per_year, gamma[1:] / gamma[0])


def minimum_track_record(
    sharpe: float,
    *,
    benchmark: float,
    skew: float,
    kurtosis: float,
    confidence: float,
) -> float:
    """Return the minimum track record: returns needed for a significant Sharpe ratio.

    It is the n at which ``probabilistic_sharpe_ratio`` reaches ``confidence`` with the
    same ratio and moments. Not rounded up.

    Parameters
    ----------
    sharpe, benchmark : float
        Per period. Infinite where the ratio is not above the benchmark.
    skew, kurtosis : float
        Of the returns.
    confidence : float
        Above 0.5 and below 1.

    References
    ----------
    .. [1] D. Bailey and M. Lopez de Prado (2012). The Sharpe ratio efficient frontier.
       Journal of Risk 15(2), 3-44.

    Examples
    --------
    >>> yearly = minimum_track_record(
    ...     2 / 250**0.5, benchmark=1 / 250**0.5, skew=0, kurtosis=3, confidence=0.95)
    >>> round(yearly / 250, 2)
    2.73
    """
    if not sharpe > benchmark:
        return float("inf")
    # The variance of n + 1 returns' ratio is 1 / n of that of two.
    variance = sharpe_standard_error(sharpe, n=2, skew=skew, kurtosis=kurtosis) ** 2
    return float(1 + variance * (norm.ppf(confidence) / (sharpe - benchmark)) ** 2)


def minimum_backtest_length(n_trials: int, *, sharpe: float = 1.0) -> float:
    """Return the minimum backtest length: years below which chance gives this ratio.

    Parameters
    ----------
    n_trials : int
        Independent trials without skill.
    sharpe : float
        Yearly, above 0: the expected ratio of the best of them.

    References
    ----------
    .. [1] D. Bailey, J. Borwein, M. Lopez de Prado and Q. Zhu (2014). Pseudo-
       mathematics and financial charlatanism. Notices of the AMS 61(5), 458-471.

    Examples
    --------
    >>> round(minimum_backtest_length(45), 2)
    5.0
    """
    if not sharpe > 0:
        raise StudyError(f"Expected a yearly Sharpe ratio above 0. Received: {sharpe}")
    return (expected_maximum_sharpe(n_trials, variance=1.0) / sharpe) ** 2
