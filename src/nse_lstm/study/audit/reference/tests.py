"""The reference's statistical tests, from the formulas of their papers."""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from nse_lstm.study.audit.reference.statistics import (
    NORMAL,
    Span,
    bartlett_variance,
    mean,
    quantile,
    ratio,
    share_above,
)

BLOCKS = 16
TIE = 12
"""Decimals to which two scores of overfitting are the same."""


class Tested(NamedTuple):
    """A statistic and its p-value, missing where the values do not vary."""

    statistic: float
    p_value: float


def diebold_mariano(differences: Sequence[float]) -> Tested:
    """Test whether one-session forecasts lose the same, corrected for few sessions."""
    n = len(differences)
    spread = bartlett_variance(differences, 0)
    if spread <= 1e-12 * mean([d * d for d in differences]):
        return Tested(math.nan, math.nan)
    # Harvey, Leybourne and Newbold at one session ahead: sqrt((n - 1) / n)
    statistic = mean(differences) / math.sqrt(spread / n) * math.sqrt((n - 1) / n)
    return Tested(statistic, float(2 * stdtr(n - 1, -abs(statistic))))


def positive_mean(values: Sequence[float]) -> Tested:
    """Test whether a mean of independent sessions is above zero, normal, one-sided."""
    spread = bartlett_variance(values, 0)
    if spread <= 1e-12 * mean([v * v for v in values]):
        return Tested(math.nan, math.nan)
    statistic = mean(values) / math.sqrt(spread / (len(values) - 1))
    return Tested(statistic, NORMAL.cdf(-statistic))


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """Return Holm's adjusted p-values, missing ones left out of their number."""
    known = sorted((p, name) for name, p in p_values.items() if not math.isnan(p))
    adjusted, least = dict.fromkeys(p_values, math.nan), 0.0
    for rank, (p, name) in enumerate(known):
        least = max(least, min(1.0, (len(known) - rank) * p))
        adjusted[name] = least
    return adjusted


class Superior(NamedTuple):
    """Hansen's p-values, and the models that Romano and Wolf's steps choose."""

    lower: Span
    consistent: Span
    upper: Span
    better: int


def superior_ability(
    gains: Sequence[Sequence[float]],
    resamples: Sequence[Sequence[int]],
    *,
    block: float,
    size: float,
) -> Superior:
    """Test whether any model gains over a benchmark (Hansen 2005).

    Gains are divided by the bootstrap's standard error of their mean. Of the models
    that gain nothing, the lower p-value centres none, the upper all, the consistent one
    those that are not far below the benchmark.

    Parameters
    ----------
    gains : sequence of sequence of float
        The benchmark's loss less each model's, one sequence per model.
    resamples : sequence of sequence of int
        From ``draw_resamples``.
    block : float
        Mean length of a block.
    size : float
        Level of the steps.
    """
    places = np.array(resamples)
    table = np.array([g for g in gains if any(g)], float)
    drawn = np.array([row[places].mean(axis=1) for row in table])
    errors = drawn.std(axis=1)
    table, drawn = table / errors[:, None], drawn / errors[:, None]
    means, n = table.mean(axis=1), table.shape[1]
    far = [
        -math.sqrt(_kernel(row, block) / n * 2 * math.log(math.log(n))) for row in table
    ]
    centres = {
        "lower": np.maximum(means, 0.0),
        "consistent": np.where(means >= far, means, 0.0),
        "upper": means,
    }
    found = {}
    for name, centre in centres.items():
        best = (drawn - centre[:, None]).max(axis=0)
        found[name] = share_above(best.tolist(), float(means.max()))
    left, simulated = list(range(len(means))), drawn - centres["consistent"][:, None]
    while left:
        limit = quantile(simulated[left].max(axis=0).tolist(), 1 - size)
        chosen = [i for i in left if means[i] > limit]
        if not chosen:
            break
        left = [i for i in left if i not in chosen]
    return Superior(**found, better=len(means) - len(left))


def confidence_set(
    losses: Sequence[Sequence[float]], resamples: Sequence[Sequence[int]]
) -> list[Span]:
    """Return each model's p-value of the confidence set (Hansen, Lunde, Nason 2011).

    The largest standardised difference of any two models is compared with its
    resamples. The worse of that pair is left out, and so on. A p-value is the largest
    so far. Models with equal losses share one.

    Parameters
    ----------
    losses : sequence of sequence of float
        One sequence per model.
    resamples : sequence of sequence of int
        From ``draw_resamples``.
    """
    distinct = list(dict.fromkeys(tuple(row) for row in losses))
    table, places = np.array(distinct, float), np.array(resamples)
    means = table.mean(axis=1)
    drawn = np.array([row[places].mean(axis=1) for row in table])
    gaps = means[:, None] - means[None, :]
    around = drawn[:, None, :] - drawn[None, :, :] - gaps[:, :, None]
    scale = np.sqrt((around**2).mean(axis=2) + np.eye(len(means)))
    left, worst, p_values = list(range(len(means))), Span(0.0, 0.0), {}
    while len(left) > 1:
        found = {(i, j): gaps[i, j] / scale[i, j] for i in left for j in left}
        pair = max(found, key=lambda key: found[key])
        simulated = np.max([around[key] / scale[key] for key in found], axis=0)
        share = share_above(simulated.tolist(), float(found[pair]))
        worst = Span(max(worst.low, share.low), max(worst.high, share.high))
        p_values[pair[0]] = worst
        left.remove(pair[0])
    p_values[left[0]] = Span(1.0, 1.0)
    return [p_values[distinct.index(tuple(row))] for row in losses]


def _kernel(row: np.ndarray, block: float) -> float:
    """Return Politis and Romano's variance of the stationary bootstrap's mean."""
    n, p, around = len(row), 1 / block, row - row.mean()
    total = float(around @ around) / n
    for lag in range(1, n):
        share = lag / n
        weight = (1 - share) * (1 - p) ** lag + share * (1 - p) ** (n - lag)
        total += 2 * weight * float(around[:-lag] @ around[lag:]) / n
    return total


def overfitting(trials: Sequence[Sequence[float]]) -> tuple[float, int]:
    """Return how often the best half-sample trial is below the other half's median.

    Sessions are cut into an even number of blocks, the first ones that fill no block
    dropped. Every half of the blocks chooses the trial with the best Sharpe ratio.

    Parameters
    ----------
    trials : sequence of sequence of float
        Returns over cash of each trial.

    Returns
    -------
    probability : float
        A rank of exactly the middle counts as below.
    n_splits : int
    """
    n = len(trials[0])
    n_blocks = min(BLOCKS, n // 4 * 2)
    length = n // n_blocks
    used = [list(trial[n % n_blocks :]) for trial in trials]
    sums = [
        [
            [
                sum(v**power for v in t[b * length : (b + 1) * length])
                for b in range(n_blocks)
            ]
            for power in (1, 2)
        ]
        for t in used
    ]
    half, below = n_blocks // 2, 0.0
    scores = {
        chosen: [_half_ratio(trial, chosen, half * length) for trial in sums]
        for chosen in itertools.combinations(range(n_blocks), half)
    }
    for chosen, first in scores.items():
        then = scores[tuple(b for b in range(n_blocks) if b not in chosen)]
        best = [i for i, score in enumerate(first) if score == max(first)]
        for i in best:
            less = sum(score < then[i] for score in then)
            same = sum(score == then[i] for score in then)
            rank = less + (same + 1) / 2
            below += (rank <= (len(trials) + 1) / 2) / len(best)
    return below / len(scores), len(scores)


def _half_ratio(sums: list[list[float]], part: Sequence[int], n: int) -> float:
    total, squares = (sum(each[b] for b in part) for each in sums)
    around = squares - total**2 / n
    if around <= 1e-12 * squares:
        return 0.0
    return round(total / n / math.sqrt(around / (n - 1)), TIE)


def lo_factor(values: Sequence[float], *, lags: int, per_year: int) -> float:
    """Return Lo's factor from a session's Sharpe ratio to a year's.

    Parameters
    ----------
    values : sequence of float
        Returns over cash.
    lags, per_year : int
        Autocorrelations, and sessions of a year.
    """
    centre = mean(values)
    around = [v - centre for v in values]
    total = math.fsum(a * a for a in around)
    spread = float(per_year)
    for lag in range(1, min(lags, len(values) - 1) + 1):
        rho = (
            math.fsum(a * b for a, b in zip(around[lag:], around, strict=False)) / total
        )
        spread += 2 * (per_year - lag) * rho
    return per_year / math.sqrt(spread) if spread > 0 else math.nan


def track_record(values: Sequence[float], confidence: float) -> float:
    """Return the returns after which a Sharpe ratio is surely above zero.

    Parameters
    ----------
    values : sequence of float
        Returns over cash.
    confidence : float
    """
    found = ratio(values)
    if not found > 0:
        return math.inf
    centre = mean(values)
    second = mean([(v - centre) ** 2 for v in values])
    skew = mean([(v - centre) ** 3 for v in values]) / second**1.5
    kurtosis = mean([(v - centre) ** 4 for v in values]) / second**2
    spread = 1 - skew * found + (kurtosis - 1) / 4 * found**2
    return 1 + spread * (NORMAL.inv_cdf(confidence) / found) ** 2
