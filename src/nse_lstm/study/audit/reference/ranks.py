"""The reference's rank correlations, blends of ranks, and weights of a blend."""

import itertools
import math
from collections.abc import Sequence

from nse_lstm.study.audit.reference.statistics import Span, mean

PARTS = 10
"""Weights are multiples of 1 / ``PARTS``."""
SAME = 1e-9
"""Relative spread below which forecasts are all one."""
TIE = 1e-11
"""Relative distance of sums of ranks that are equal but for rounding."""


def mean_ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, ties at their mean rank, less the mean rank."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    ranks = [0.0] * len(values)
    for _, group in itertools.groupby(enumerate(order), key=lambda at: values[at[1]]):
        places = list(group)
        rank = mean([float(place + 1) for place, _ in places])
        for _, i in places:
            ranks[i] = rank
    middle = (len(values) + 1) / 2
    return [rank - middle for rank in ranks]


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the correlation of the ranks; NaN below three pairs or without a spread.

    Parameters
    ----------
    one, other : sequence of float
        In pairs.
    """
    if len(one) < 3 or not _varies(one) or not _varies(other):
        return math.nan
    a, b = mean_ranks(one), mean_ranks(other)
    return _cosine(a, b)


def spearman_span(one: Sequence[float], other: Sequence[float]) -> Span:
    """Return the range of the rank correlation over the order of near ties.

    Sums of ranks that are equal but for rounding may come out in any order, or as ties.
    The correlation is largest where they follow the other series, smallest where they
    run against it.

    Parameters
    ----------
    one, other : sequence of float
        In pairs; the first has the near ties.
    """
    if math.isnan(spearman(one, other)):
        return Span(math.nan, math.nan)
    unit = max(map(abs, one)) * TIE
    steps = [round(value / unit) for value in one]
    tied = mean_ranks([float(step) for step in steps])
    spread = math.sqrt(sum(rank**2 for rank in tied))
    ends = []
    for direction in (-1, 1):
        order = sorted(range(len(one)), key=lambda i: (steps[i], direction * other[i]))
        places = [0.0] * len(one)
        for place, i in enumerate(order):
            places[i] = float(place)
        found = spearman(places, other)
        whole = math.sqrt(sum(rank**2 for rank in mean_ranks(places)))
        # Kept ties make the ranks' spread smaller, and the correlation larger.
        larger = found * whole / spread if spread else math.copysign(1.0, direction)
        ends += [found, larger]
    return Span(max(min(ends), -1.0), min(max(ends), 1.0))


def blend(forecasts: Sequence[Sequence[float]], shares: Sequence[float]) -> list[float]:
    """Return the weighted mean rank of each stock, times the weighted mean slope.

    Parameters
    ----------
    forecasts : sequence of sequence of float
        Of one session, one sequence per member.
    shares : sequence of float
        Of the members.
    """
    ranks = [mean_ranks(values) for values in forecasts]
    slopes = []
    for values, own in zip(forecasts, ranks, strict=True):
        centre, square = mean(values), sum(r * r for r in own)
        product = sum((v - centre) * r for v, r in zip(values, own, strict=True))
        slopes.append(product / square if square else 0.0)
    slope = sum(s * share for s, share in zip(slopes, shares, strict=True))
    return [
        sum(r * share for r, share in zip(each, shares, strict=True)) * slope
        for each in zip(*ranks, strict=True)
    ]


def best_weights(
    sessions: Sequence[tuple[Sequence[Sequence[float]], Sequence[float]]], n: int
) -> list[float]:
    """Return the weights in tenths with the highest rank IC of past sessions.

    With c the members' mean correlation with the return and R their own mean
    correlations, it is the highest w'c / sqrt(w'Rw). Without a session all are equal.

    Parameters
    ----------
    sessions : sequence of tuple
        Each session's forecasts, one sequence per member, and its returns.
    n : int
        Members.
    """
    pairs = [*((i, n) for i in range(n)), *itertools.combinations(range(n), 2)]
    found: dict[tuple[int, int], list[float]] = {pair: [] for pair in pairs}
    for forecasts, returns in sessions:
        ranks = [mean_ranks(values) for values in (*forecasts, returns)]
        for i, j in pairs:
            cosine = _cosine(ranks[i], ranks[j])
            if not math.isnan(cosine):
                found[i, j].append(cosine)
    if not all(found.values()):
        return [1 / n] * n
    means = {pair: mean(values) for pair, values in found.items()}
    best, weights = -math.inf, [1 / n] * n
    for tenths in itertools.product(range(PARTS + 1), repeat=n):
        if sum(tenths) != PARTS:
            continue
        w = [part / PARTS for part in tenths]
        gain = sum(w[i] * means[i, n] for i in range(n))
        spread = sum(
            w[i] * w[j] * (1.0 if i == j else means[min(i, j), max(i, j)])
            for i in range(n)
            for j in range(n)
        )
        if gain / math.sqrt(spread) > best + 1e-12:
            best, weights = gain / math.sqrt(spread), w
    return weights


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    squares = sum(x * x for x in a) * sum(y * y for y in b)
    products = sum(x * y for x, y in zip(a, b, strict=True))
    return products / math.sqrt(squares) if squares > 0 else math.nan


def _varies(values: Sequence[float]) -> bool:
    return max(values) - min(values) > SAME * max(map(abs, values))
