"""Conformal prediction intervals from a forecast's own past errors, and their coverage.

An interval uses errors whose targets were known at its origin, and nothing later.
Split-conformal intervals have the stated coverage while the distribution of errors is
stable. Adaptive ones widen after misses and keep it in the long run in any case.

References
----------
.. [1] J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani and L. Wasserman (2018).
   Distribution-free predictive inference for regression. JASA 113(523), 1094-1111.
.. [2] I. Gibbs and E. Candes (2021). Adaptive conformal inference under distribution
   shift. NeurIPS 34.
"""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import betabinom

from nse_lstm.errors import StudyError
from nse_lstm.tables import COVERAGE, conform

Array = NDArray[np.float64]

MISSES = 0.1
"""Target share of misses of the intervals."""

ERRORS = 250
"""Past errors per interval: a year of sessions."""

RATE = 0.02
"""Step of the level after a miss, so that coverage holds as errors grow."""

SERIES = ["ticker", "model", "seed"]


def conformal_rank(n: int, alpha: float) -> int:
    """Return the rank of the radius among n sorted errors; above n it is infinite.

    Parameters
    ----------
    n : int
        Errors.
    alpha : float
        Target share of misses.

    Examples
    --------
    >>> [conformal_rank(n, 0.1) for n in (8, 9, 19, 99)]
    [9, 9, 18, 90]
    """
    # Rounded first: 10 x (1 - 0.1) in floating point may lie just above 9.
    return math.ceil(round((n + 1) * (1 - alpha), 9))


def conformal_radius(errors: ArrayLike, alpha: float) -> float:
    """Return the half width that covers a new error with probability 1 - alpha.

    Parameters
    ----------
    errors : array of shape (n,)
        Past errors, exchangeable with the new one; their signs do not matter.
    alpha : float
        Target share of misses; at 0 or below the radius is infinite, at 1 or above 0.

    Examples
    --------
    >>> conformal_radius([0.01, -0.03, 0.02], alpha=0.25)  # the 3rd of 3
    0.03
    """
    sizes = np.sort(np.abs(np.asarray(errors, float)))
    rank = conformal_rank(sizes.size, alpha)
    if rank <= 0:
        return 0.0
    return float(sizes[rank - 1]) if rank <= sizes.size else float("inf")


def adaptive_levels(
    missed: ArrayLike, *, alpha: float, rate: float, start: float | None = None
) -> Array:
    """Return the adaptive level at each step and the next, updated by misses.

    Parameters
    ----------
    missed : array of shape (n,)
        1 where the interval missed, else 0.
    alpha : float
        Target share of misses.
    rate : float
        Step size, gamma of the paper.
    start : float, optional
        First level; ``alpha`` if left out.

    Returns
    -------
    array of shape (n + 1,)

    Examples
    --------
    >>> adaptive_levels([1, 0], alpha=0.1, rate=0.01).round(3).tolist()
    [0.1, 0.091, 0.092]
    """
    # level[t+1] = level[t] + rate * (alpha - missed[t])
    steps = rate * (alpha - np.asarray(missed, float))
    return np.concatenate([[0.0], np.cumsum(steps)]) + (
        alpha if start is None else start
    )


def adaptive_bound(n: int, *, alpha: float, rate: float) -> float:
    """Return the largest distance of the miss rate of n steps from alpha.

    Parameters
    ----------
    n : int
        Steps.
    alpha, rate : float
        As for ``adaptive_levels``.

    Examples
    --------
    >>> round(adaptive_bound(1000, alpha=0.1, rate=0.005), 3)
    0.181
    """
    return (max(alpha, 1 - alpha) + rate) / (n * rate)


def conformal_intervals(
    joined: pd.DataFrame, *, alpha: float, window: int, rate: float = 0.0
) -> pd.DataFrame:
    """Add a prediction interval to every forecast from its own earlier errors.

    Each ticker, model and seed is a series of its own. The radius at an origin is a
    quantile of the last ``window`` errors of targets up to that origin. The level
    follows the misses so far.

    Parameters
    ----------
    joined : DataFrame
        Forecasts with ``y``, of any number of folds. Rows without ``y`` get an
        interval but add no error. Rows without ``y_hat`` get none.
    alpha : float
        Target share of misses.
    window : int
        Most errors used; fewer than ``1 / alpha - 1`` give an infinite interval.
    rate : float
        Of ``adaptive_levels``; 0 keeps the level (split conformal).

    Returns
    -------
    DataFrame
        ``joined`` in order of series and origin, with ``lower`` and ``upper`` (log
        returns, possibly infinite), ``level`` (the alpha used) and ``n_errors``.
    """
    if not 0 < alpha < 1 or window < 1 or rate < 0:
        raise StudyError(
            "Expected 0 < alpha < 1, window >= 1 and rate >= 0. "
            f"Received: {alpha}, {window} and {rate}"
        )
    ordered = joined.sort_values([*SERIES, "origin"], ignore_index=True)
    parts = [
        _intervals(rows, alpha=alpha, window=window, rate=rate)
        for _, rows in ordered.groupby(SERIES, sort=False)
    ]
    return pd.concat(parts, ignore_index=True)


def interval_score(
    y: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, alpha: float
) -> Array:
    """Return the interval score (Winkler): width + 2 / alpha * distance of a miss.

    Lower is better; infinite for an infinite interval.

    Parameters
    ----------
    y, lower, upper : array of shape (n,)
        Realised values and bounds.
    alpha : float
        Target share of misses.

    References
    ----------
    .. [1] R. Winkler (1972). A decision-theoretic approach to interval estimation. JASA
       67(337), 187-191.

    Examples
    --------
    >>> interval_score([0.0, 0.5], [-1, -1], [0.25, 0.25], alpha=0.5).tolist()
    [1.25, 2.25]
    """
    y, low, high = (np.asarray(values, float) for values in (y, lower, upper))
    beyond = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return np.asarray(high - low + 2 / alpha * beyond)


def coverage_law(n_errors: int, alpha: float) -> tuple[float, float]:
    """Return the parameters of the Beta distribution of coverage given n past errors.

    The distribution is over the draw of the errors.

    Parameters
    ----------
    n_errors : int
        Past errors, enough for a finite interval.
    alpha : float
        Target share of misses.

    References
    ----------
    .. [1] V. Vovk (2012). Conditional validity of inductive conformal predictors. ACML.
    """
    rank = conformal_rank(n_errors, alpha)
    if rank > n_errors:
        raise StudyError(
            "Expected enough errors for a finite interval. "
            f"Received: {n_errors} at alpha={alpha}"
        )
    return float(rank), float(n_errors + 1 - rank)


def coverage_band(
    n: int, *, n_errors: int, alpha: float, confidence: float
) -> tuple[float, float]:
    """Return the range of the coverage of n intervals that is consistent with chance.

    It includes the randomness of the errors (Beta) and of the n cases (binomial).

    Parameters
    ----------
    n : int
        Intervals scored.
    n_errors, alpha
        As for ``coverage_law``.
    confidence : float
        Probability of the range.
    """
    tail = (1 - confidence) / 2
    law = betabinom(n, *coverage_law(n_errors, alpha))
    return float(law.ppf(tail) / n), float(law.ppf(1 - tail) / n)


def score_coverage(
    intervals: pd.DataFrame, *, alpha: float, confidence: float
) -> pd.DataFrame:
    """Score intervals by model, stock and quarter of the target.

    Parameters
    ----------
    intervals : DataFrame
        From ``conformal_intervals``. Rows without ``y`` or with an infinite interval
        are left out; the latter are counted in ``n_open``.
    alpha, confidence : float
        Target share of misses; probability of the range of ``coverage_band``.

    Returns
    -------
    DataFrame
        ``COVERAGE``; a quarter without a finite interval has no row. The range assumes
        the group's smallest number of errors and independent sessions. Errors cluster,
        so a quarter outside it is only a warning.
    """
    known = intervals.dropna(subset=["y", "y_hat"])
    quarter = known["target_date"].dt.to_period("Q").astype(str)
    rows = [
        {"model": model, "ticker": ticker, "quarter": span}
        | _covered(block, alpha, confidence)
        for (model, ticker, span), block in known.assign(quarter=quarter).groupby(
            ["model", "ticker", "quarter"]
        )
        if np.isfinite(block["upper"]).any()
    ]
    table = pd.DataFrame(rows, columns=list(COVERAGE.columns))
    return conform(table, COVERAGE)


def _intervals(
    rows: pd.DataFrame, *, alpha: float, window: int, rate: float
) -> pd.DataFrame:
    y_hat = rows["y_hat"].to_numpy(float)
    error = np.abs(rows["y"].to_numpy(float) - y_hat)
    radius, level = np.empty(len(rows)), np.empty(len(rows))
    count = np.zeros(len(rows), np.int64)
    known: list[float] = []
    now = alpha
    arrivals = _arrivals(rows)
    for i in range(len(rows)):
        for j in next(arrivals):
            if not np.isnan(error[j]):
                now += rate * (alpha - float(error[j] > radius[j]))
                known.append(error[j])
        past = known[-window:]
        radius[i], level[i] = conformal_radius(past, now), now
        count[i] = len(past)
    return rows.assign(
        lower=y_hat - radius, upper=y_hat + radius, level=level, n_errors=count
    )


def _arrivals(rows: pd.DataFrame) -> Iterator[list[int]]:
    """Yield for each origin in order the rows whose targets have become known since."""
    origin, target = rows["origin"].to_numpy(), rows["target_date"].to_numpy()
    order = np.argsort(target, kind="stable")
    known = np.searchsorted(target[order], origin, side="right")
    before = 0
    for count in known:
        yield order[before:count].tolist()
        before = max(before, count)


def _covered(block: pd.DataFrame, alpha: float, confidence: float) -> dict[str, float]:
    finite = block[np.isfinite(block["upper"])]
    y, low, high = (finite[name].to_numpy() for name in ("y", "lower", "upper"))
    few = int(finite["n_errors"].min())
    band = (float("nan"), float("nan"))
    if conformal_rank(few, alpha) <= few:
        band = coverage_band(
            len(finite), n_errors=few, alpha=alpha, confidence=confidence
        )
    coverage = float(np.mean((y >= low) & (y <= high)))
    return {
        "coverage": coverage,
        "lower": band[0],
        "upper": band[1],
        "width": float(np.mean(high - low)),
        "interval_score": float(interval_score(y, low, high, alpha=alpha).mean()),
        "n": len(finite),
        "n_open": len(block) - len(finite),
    }
