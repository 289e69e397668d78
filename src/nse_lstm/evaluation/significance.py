"""How much of a Sharpe ratio is luck: sampling error and the number of trials.

Every ratio here is per session (or whatever the return's period is), never annualised,
and kurtosis is raw: 3 for the normal distribution.
"""

import numpy as np
from scipy.stats import norm

from nse_lstm.errors import StudyError

__all__ = [
    "deflated_sharpe_ratio",
    "expected_maximum_sharpe",
    "probabilistic_sharpe_ratio",
    "smallest_detectable_sharpe",
]


def probabilistic_sharpe_ratio(
    sharpe: float, *, benchmark: float, n: int, skew: float, kurtosis: float
) -> float:
    """Return the probability that the true Sharpe ratio is above a benchmark.

    Parameters
    ----------
    sharpe, benchmark : float
        Per period.
    n : int
        Number of returns, at least 2.
    skew, kurtosis : float
        Of the returns.

    Raises
    ------
    StudyError
        If ``n`` is below 2 or the moments leave no positive variance.

    References
    ----------
    .. [1] D. Bailey and M. Lopez de Prado (2012). The Sharpe ratio efficient frontier.
       Journal of Risk 15(2), 3-44.

    Examples
    --------
    >>> round(probabilistic_sharpe_ratio(
    ...     0.458, benchmark=0, n=24, skew=0, kurtosis=3), 3)
    0.982
    """
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if n < 2 or variance <= 0:
        raise StudyError(
            "Expected n >= 2 returns with a positive variance of their Sharpe ratio. "
            f"Received: n={n}, variance={variance:.4g}"
        )
    return float(norm.cdf((sharpe - benchmark) * np.sqrt((n - 1) / variance)))


def expected_maximum_sharpe(n_trials: int, *, variance: float) -> float:
    """Return the best Sharpe ratio to expect of trials that are all worth nothing.

    Parameters
    ----------
    n_trials : int
        Distinct configurations whose score was seen, at least 1.
    variance : float
        Of the trials' Sharpe ratios, per period.

    Raises
    ------
    StudyError
        If there is no trial or the variance is negative.

    References
    ----------
    .. [1] D. Bailey and M. Lopez de Prado (2014). The deflated Sharpe ratio. Journal of
       Portfolio Management 40(5), 94-107.

    Examples
    --------
    >>> round(expected_maximum_sharpe(10, variance=1), 2)
    1.57
    """
    if n_trials < 1 or variance < 0:
        raise StudyError(
            "Expected n_trials >= 1 and variance >= 0. "
            f"Received: n_trials={n_trials}, variance={variance}"
        )
    if n_trials == 1:
        return 0.0  # nothing was chosen; the formula's limit is minus infinity
    first = norm.ppf(1 - 1 / n_trials)
    second = norm.ppf(1 - 1 / (n_trials * np.e))
    weight = np.euler_gamma
    return float(np.sqrt(variance) * ((1 - weight) * first + weight * second))


def deflated_sharpe_ratio(
    sharpe: float,
    *,
    n: int,
    skew: float,
    kurtosis: float,
    n_trials: int,
    variance: float,
) -> float:
    """Return the probability that a Sharpe ratio beats the luckiest worthless trial.

    Parameters are those of ``probabilistic_sharpe_ratio`` and
    ``expected_maximum_sharpe``, whose result is the benchmark.
    """
    return probabilistic_sharpe_ratio(
        sharpe,
        benchmark=expected_maximum_sharpe(n_trials, variance=variance),
        n=n,
        skew=skew,
        kurtosis=kurtosis,
    )


def smallest_detectable_sharpe(years: float, *, confidence: float) -> float:
    """Return the yearly Sharpe ratio whose interval just clears zero.

    It is z / sqrt(years), z being the two-sided normal quantile: a yearly Sharpe ratio
    has a standard error of about 1 / sqrt(years), however many sessions a year has.

    Examples
    --------
    >>> round(smallest_detectable_sharpe(4, confidence=0.95), 2)
    0.98
    """
    return float(norm.ppf(0.5 + confidence / 2) / np.sqrt(years))
