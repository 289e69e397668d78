"""Significance of a Sharpe ratio: standard error, probabilistic and deflated ratios.

Every ratio is per session (the period of the returns), never annualised, unless named
yearly. Kurtosis is raw: 3 for the normal distribution.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import kurtosis, norm, skew

from nse_lstm.errors import StudyError
from nse_lstm.numerics import is_constant

SMALLEST = 1e-3
"""Size of a session's return below which the returns it was computed from count."""


@dataclass(frozen=True)
class Moments:
    """Sharpe ratio, length, skewness and kurtosis of a series of returns.

    ``sharpe`` is per session and missing, as are ``skew`` and ``kurtosis``, where there
    are fewer than two returns or they do not vary.
    """

    sharpe: float
    n: int
    skew: float
    kurtosis: float


def moments_of(returns: ArrayLike) -> Moments:
    """Return Sharpe ratio, skewness and kurtosis of a series of returns.

    Parameters
    ----------
    returns : array of shape (n,)
        Simple returns per session, over cash where they are judged, none missing.

    Examples
    --------
    >>> moments_of([0.01, 0.03]).sharpe.__round__(4)  # 0.02 / 0.01414
    1.4142
    """
    values = np.asarray(returns, float)
    # Excess returns are differences: what is left of equal ones is rounding.
    size = max(SMALLEST, float(np.abs(values).max(initial=0.0)))
    if values.size < 2 or is_constant(values, scale=size):
        return Moments(float("nan"), values.size, float("nan"), float("nan"))
    return Moments(
        sharpe=float(values.mean() / values.std(ddof=1)),
        n=values.size,
        skew=float(skew(values)),
        kurtosis=float(kurtosis(values, fisher=False)),
    )


def sharpe_standard_error(
    sharpe: float, *, n: int, skew: float, kurtosis: float
) -> float:
    """Return Mertens' standard error of a Sharpe ratio of independent returns.

    Parameters
    ----------
    sharpe : float
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
    .. [1] E. Mertens (2002). Comments on variance of the IID estimator in Lo (2002).
       Divided by n - 1, as Bailey and Lopez de Prado (2012) do.

    Examples
    --------
    >>> round(sharpe_standard_error(0.7079, n=134, skew=-0.225, kurtosis=2.957), 4)
    0.1028
    """
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if n < 2 or variance <= 0:
        raise StudyError(
            "Expected n >= 2 returns with a positive variance of their Sharpe ratio. "
            f"Received: n={n}, variance={variance:.4g}"
        )
    return float(np.sqrt(variance / (n - 1)))


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
    error = sharpe_standard_error(sharpe, n=n, skew=skew, kurtosis=kurtosis)
    return float(norm.cdf((sharpe - benchmark) / error))


def expected_maximum_sharpe(n_trials: int, *, variance: float) -> float:
    """Return the expected maximum Sharpe ratio of trials without skill.

    Parameters
    ----------
    n_trials : int
        Distinct configurations with an evaluated score, at least 1.
    variance : float
        Of the trials' Sharpe ratios, per period, as from ``trial_variance``.

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
        return 0.0  # no choice was made; the formula's limit is minus infinity
    first = norm.ppf(1 - 1 / n_trials)
    second = norm.ppf(1 - 1 / (n_trials * np.e))
    weight = np.euler_gamma
    return float(np.sqrt(variance) * ((1 - weight) * first + weight * second))


def trial_variance(sharpes: ArrayLike, n_sessions: int) -> float:
    """Estimate the variance of the Sharpe ratios of trials without skill.

    In the paper V is the variance of the trials' ratios, which under its null are
    centred on zero. A trial that loses for certain, such as one that pays trading costs
    every other session, is no such draw. It could never be the best, yet its distance
    from the rest would raise the benchmark for all. So V uses the upper half alone:
    twice the mean over all trials of max(ratio, 0)². For draws symmetric around zero
    that equals their variance.

    It is never less than 1 / (n_sessions - 1), the variance of one ratio without skill.
    So without any skill the result is no smaller than the truth, which is conservative.
    With losing trials it may be smaller than the plain variance, which is its purpose.
    All trials still count in ``n_trials``.

    The judged strategy's own gain is left out (``deflate_by_trials`` says why).

    Parameters
    ----------
    sharpes : array of shape (n_trials,)
        The trials' Sharpe ratios per session, over cash like the judged one. Without
        any the result is 1 / (n_sessions - 1).
    n_sessions : int
        Returns of the judged ratio, at least 2.

    Raises
    ------
    StudyError
        If a ratio is missing or ``n_sessions`` is below 2.

    References
    ----------
    .. [1] D. Bailey and M. Lopez de Prado (2014). The deflated Sharpe ratio. Journal of
       Portfolio Management 40(5), 94-107 (V in their equation 1).

    Examples
    --------
    >>> round(trial_variance([0.1, -0.1, 0.0, -0.5], n_sessions=1001), 6)  # 2 x 0.01/4
    0.005
    """
    values = np.asarray(sharpes, float)
    if np.isnan(values).any() or n_sessions < 2:
        raise StudyError(
            "Expected Sharpe ratios without a missing one and n_sessions >= 2. "
            f"Received: {values.size} ratios, {int(np.isnan(values).sum())} missing, "
            f"n_sessions={n_sessions}"
        )
    gains = np.maximum(values, 0.0)
    spread = float(2 * np.mean(gains**2)) if values.size else 0.0
    return max(1 / (n_sessions - 1), spread)


def deflated_sharpe_ratio(
    sharpe: float,
    *,
    n: int,
    skew: float,
    kurtosis: float,
    n_trials: int,
    variance: float,
) -> float:
    """Return the deflated Sharpe ratio: probability of beating the best of n trials.

    Parameters
    ----------
    sharpe, n, skew, kurtosis
        As for ``probabilistic_sharpe_ratio``.
    n_trials, variance
        As for ``expected_maximum_sharpe``, whose result is the benchmark.
    """
    return probabilistic_sharpe_ratio(
        sharpe,
        benchmark=expected_maximum_sharpe(n_trials, variance=variance),
        n=n,
        skew=skew,
        kurtosis=kurtosis,
    )


def deflate_by_trials(
    found: Moments, others: ArrayLike, *, n_trials: int | None = None
) -> float | None:
    """Return the deflated Sharpe ratio of returns after a number of trials.

    The judged strategy is one of the trials and counts in their number. Its own ratio
    stays out of their variance. The variance describes trials without skill, and
    whether this one has skill is the question. Inside it, a ratio S raises its own
    benchmark to at least sqrt(2 / n) S times the expected maximum of n unit draws:
    over half of S for n from 2 to 30. More skill would then hardly help to pass.
    ``docs/calibration.md`` counts the verdicts both ways.

    Parameters
    ----------
    found : Moments
        Of the returns over cash of the chosen strategy.
    others : array of shape (n,)
        Sharpe ratios per session of the other trials; ``trial_variance`` measures how
        much they vary. A missing one never traded and is left out.
    n_trials : int, optional
        Number of trials where it is not that of ``others`` and the judged one.

    Returns
    -------
    float or None
        None where the returns do not vary.
    """
    if np.isnan(found.sharpe):
        return None
    known = np.asarray(others, float)
    known = known[~np.isnan(known)]
    return deflated_sharpe_ratio(
        **asdict(found),
        n_trials=known.size + 1 if n_trials is None else n_trials,
        variance=trial_variance(known, found.n),
    )


def smallest_detectable_sharpe(
    years: float, *, confidence: float, power: float = 0.5
) -> float:
    """Return the smallest yearly Sharpe ratio that is detectable over a span.

    It is (z + z_power) / sqrt(years) with the two-sided normal quantile z: a yearly
    Sharpe ratio has a standard error of about 1 / sqrt(years), whatever the number of
    sessions per year. At a ``power`` of 0.5 it is z / sqrt(years).

    Parameters
    ----------
    years : float
        Length of the span.
    confidence : float
        Of the two-sided interval.
    power : float
        Probability of detection.

    Examples
    --------
    >>> round(smallest_detectable_sharpe(4, confidence=0.95), 2)
    0.98
    """
    quantiles = norm.ppf(0.5 + confidence / 2) + norm.ppf(power)
    return float(quantiles / np.sqrt(years))
