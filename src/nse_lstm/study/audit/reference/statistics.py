"""Means, quantiles, ratios and resamples by their textbook formulas."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

EULER = 0.5772156649015329
NORMAL = NormalDist()
ROUNDING, SMALLEST = 1e-9, 1e-3
"""A range within this fraction of the numbers, or of a usual return, is rounding."""


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean; NaN without a value."""
    return math.fsum(values) / len(values) if values else math.nan


def variance(values: Sequence[float]) -> float:
    """Return the sample variance, over n - 1."""
    centre = mean(values)
    return math.fsum((v - centre) ** 2 for v in values) / (len(values) - 1)


def ratio(values: Sequence[float]) -> float:
    """Return the Sharpe ratio per period; NaN where the values do not vary."""
    if not varies(values):
        return math.nan
    return mean(values) / math.sqrt(variance(values))


class Span(NamedTuple):
    """A value that rounding decides: anything from ``low`` to ``high`` is right."""

    low: float
    high: float


def share_above(drawn: Sequence[float], limit: float) -> Span:
    """Return the share of resamples above a limit, which ties leave open.

    Parameters
    ----------
    drawn : sequence of float
        One number per resample.
    limit : float
        Equal to a resample but for rounding, it is above it or not by chance.
    """
    reach = ROUNDING * max(abs(limit), *map(abs, drawn))
    above = sum(value > limit + reach for value in drawn)
    level = sum(abs(value - limit) <= reach for value in drawn)
    return Span(above / len(drawn), (above + level) / len(drawn))


def varies(values: Sequence[float]) -> bool:
    """Say whether returns differ by more than rounding."""
    if len(values) < 2:
        return False
    size = max(SMALLEST, *map(abs, values))
    return max(values) - min(values) > ROUNDING * size


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile, linear between the sorted values; NaN without one.

    Parameters
    ----------
    values : sequence of float
    share : float
        Fraction of the values below it.
    """
    if not values:
        return math.nan
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def shape(values: Sequence[float]) -> tuple[float, float]:
    """Return skewness and raw kurtosis, both of the population's form."""
    centre = mean(values)
    second, third, fourth = (
        mean([(v - centre) ** power for v in values]) for power in (2, 3, 4)
    )
    return third / second**1.5, fourth / second**2


def ratio_error(values: Sequence[float]) -> float:
    """Return Mertens' standard error of ``ratio``, over n - 1."""
    found, (skew, kurtosis) = ratio(values), shape(values)
    spread = 1 - skew * found + (kurtosis - 1) / 4 * found**2
    return math.sqrt(spread / (len(values) - 1))


def best_of(n: int, spread: float) -> float:
    """Return the expected best of n ratios without skill (Bailey, Lopez de Prado).

    Parameters
    ----------
    n : int
        Trials.
    spread : float
        Variance of their ratios.
    """
    if n == 1:
        return 0.0
    first, second = NORMAL.inv_cdf(1 - 1 / n), NORMAL.inv_cdf(1 - 1 / (n * math.e))
    return math.sqrt(spread) * ((1 - EULER) * first + EULER * second)


def spread_of_trials(others: Sequence[float], n: int) -> float:
    """Return the variance of ratios without skill: twice the mean squared gain.

    Parameters
    ----------
    others : sequence of float
        Ratios of the trials other than the judged one.
    n : int
        Returns of the judged one. 1 / (n - 1) is the least.
    """
    gains = [max(value, 0.0) ** 2 for value in others]
    return max(1 / (n - 1), 2 * mean(gains) if gains else 0.0)


def deflated_ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """Return the probability that the true ratio beats the best of n trials by chance.

    Parameters
    ----------
    values : sequence of float
        Returns over cash of the judged strategy.
    others : sequence of float
        Ratios of the other trials.
    """
    benchmark = best_of(len(others) + 1, spread_of_trials(others, len(values)))
    return NORMAL.cdf((ratio(values) - benchmark) / ratio_error(values))


def bartlett_variance(values: Sequence[float], lags: int) -> float:
    """Return Newey and West's long-run variance, autocovariances divided by n.

    Parameters
    ----------
    values : sequence of float
        In order of time.
    lags : int
        Weight of lag k is 1 - k / (lags + 1).
    """
    centre, n = mean(values), len(values)
    around = [v - centre for v in values]
    total = math.fsum(a * a for a in around) / n
    for lag in range(1, lags + 1):
        pairs = zip(around[lag:], around, strict=False)
        total += 2 * (1 - lag / (lags + 1)) * math.fsum(a * b for a, b in pairs) / n
    return total


def draw_resamples(
    n: int, *, block: float, repetitions: int, seed: int
) -> list[list[int]]:
    """Draw the places of each resample of the stationary bootstrap.

    Each place either starts a block, with probability 1 / ``block``, at a uniform draw,
    or follows the place before it, the first after the last (Politis and Romano 1994).
    A resample takes n whole numbers and then n uniform numbers from NumPy's default
    generator. So the same seed gives the same resamples as any other code of this rule,
    and an interval has to agree to rounding.

    Parameters
    ----------
    n : int
        Observations.
    block : float
        Mean length of a block.
    repetitions, seed : int
        Resamples, and the generator's seed.
    """
    generator = np.random.default_rng(seed)
    resamples = []
    for _ in range(repetitions):
        starts = generator.integers(n, size=n, dtype=np.int64).tolist()
        uniforms = generator.random(n).tolist()
        places = [starts[0]]
        for start, uniform in zip(starts[1:], uniforms[1:], strict=True):
            follows = uniform > 1 / block
            places.append((places[-1] + 1) % n if follows else start)
        resamples.append(places)
    return resamples


def resampled_means(
    values: Sequence[float], resamples: Sequence[Sequence[int]]
) -> list[float]:
    """Return the mean of each resample.

    Parameters
    ----------
    values : sequence of float
        Observations.
    resamples : sequence of sequence of int
        From ``draw_resamples``.
    """
    return [
        sum(values[place] for place in places) / len(places) for places in resamples
    ]
