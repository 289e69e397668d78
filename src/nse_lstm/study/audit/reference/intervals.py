"""The reference's conformal intervals and their coverage."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from nse_lstm.study.audit.reference.statistics import mean

MISSES, ERRORS, RATE = 0.1, 250, 0.02
"""Target share of misses, past errors per interval, step of the adaptive level."""


@dataclass(frozen=True)
class Aim:
    """One forecast of a series: its dates, the forecast and what came, or NaN."""

    origin: date
    target: date
    y_hat: float
    y: float


@dataclass(frozen=True)
class Interval:
    """An interval around a forecast, and how many past errors it used."""

    aim: Aim
    lower: float
    upper: float
    n_errors: int


def conformal(aims: Sequence[Aim], *, rate: float) -> list[Interval]:
    """Put an interval around each forecast from the errors known at its origin.

    The radius is the k-th smallest of the last ``ERRORS`` absolute errors, with k the
    smallest whole number of at least (n + 1) (1 - level). The level starts at
    ``MISSES``. Each error that becomes known adds ``rate`` times (``MISSES`` - miss).

    Parameters
    ----------
    aims : sequence of Aim
        In order of origin.
    rate : float
        0 keeps the level.
    """
    found: list[Interval] = []
    level, known = MISSES, list[float]()
    by_target = sorted(range(len(aims)), key=lambda i: aims[i].target)
    for aim in aims:
        while by_target and aims[by_target[0]].target <= aim.origin:
            place = by_target.pop(0)
            error = abs(aims[place].y - aims[place].y_hat)
            if math.isnan(error):
                continue
            radius = found[place].upper - aims[place].y_hat
            level += rate * (MISSES - (error > radius))
            known.append(error)
        past = sorted(known[-ERRORS:])
        rank = _rank(len(past), level)
        radius = 0.0
        if rank > 0:
            radius = past[rank - 1] if rank <= len(past) else math.inf
        found.append(Interval(aim, aim.y_hat - radius, aim.y_hat + radius, len(past)))
    return found


def coverage(intervals: Sequence[Interval], confidence: float) -> dict[str, float]:
    """Return the coverage of some intervals, its range by chance, width and score.

    Parameters
    ----------
    intervals : sequence of Interval
        With a return to score; infinite ones are only counted.
    confidence : float
        Of the range.
    """
    closed = [each for each in intervals if math.isfinite(each.upper)]
    if not closed:
        return {}
    few = min(each.n_errors for each in closed)
    lower = upper = math.nan
    if _rank(few, MISSES) <= few:
        lower, upper = chance_range(len(closed), few, confidence)
    inside = [float(each.lower <= each.aim.y <= each.upper) for each in closed]
    return {
        "coverage": mean(inside),
        "lower": lower,
        "upper": upper,
        "width": mean([each.upper - each.lower for each in closed]),
        "interval_score": mean([_winkler(each) for each in closed]),
        "n": len(closed),
        "n_open": len(intervals) - len(closed),
    }


def chance_range(n: int, n_errors: int, confidence: float) -> tuple[float, float]:
    """Return the range of the coverage of n intervals: beta-binomial quantiles.

    Parameters
    ----------
    n, n_errors : int
        Intervals, and past errors of each.
    confidence : float
    """
    rank = _rank(n_errors, MISSES)
    a, b = rank, n_errors + 1 - rank
    tail = (1 - confidence) / 2
    total, ends = 0.0, list[float]()
    for hits in range(n + 1):
        ways = math.lgamma(n + 1) - math.lgamma(hits + 1) - math.lgamma(n - hits + 1)
        total += math.exp(ways + _log_beta(hits + a, n - hits + b) - _log_beta(a, b))
        if len(ends) < 1 and total >= tail:
            ends.append(hits / n)
        if len(ends) == 1 and total >= 1 - tail:
            ends.append(hits / n)
    return ends[0], ends[-1]


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _rank(n: int, level: float) -> int:
    return math.ceil(round((n + 1) * (1 - level), 9))


def _winkler(each: Interval) -> float:
    beyond = max(each.lower - each.aim.y, 0) + max(each.aim.y - each.upper, 0)
    return each.upper - each.lower + 2 / MISSES * beyond
