"""Recount the declared claims: effects, intervals, tests, Holm's correction, answers.

The claim on distributions has its published test, since the benchmarks' quantiles are
not kept.
"""

import math
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from nse_lstm.config import Claim, Market
from nse_lstm.study.audit.claim_series import Series, Sums, claim_series, share
from nse_lstm.study.audit.published import DECISIONS
from nse_lstm.study.audit.recount_data import RecountData
from nse_lstm.study.audit.recount_scores import Expected
from nse_lstm.study.audit.reference.statistics import (
    NORMAL,
    Span,
    bartlett_variance,
    draw_resamples,
    mean,
    quantile,
    varies,
)
from nse_lstm.study.audit.reference.tests import holm

FILE = "claims.parquet"
BY_RESAMPLES = ("net_return", "best_return", "saving")
LABELS = {"all": "", "known": "replication"}
"""Of a span. The audit never reads untouched years."""


class Found(NamedTuple):
    """One effect's numbers; the longer blocks' bounds where it is resampled."""

    effect: float
    lower: float
    upper: float
    error: float
    p_value: Span
    n: int
    longer: tuple[float, float] = (math.nan, math.nan)


def recount_claims(data: RecountData, folder: Path, ranking: Path) -> Expected:
    """Yield every number of the table of claims.

    Parameters
    ----------
    data : RecountData
    folder : Path
        Of Phase 4's tables.
    ranking : Path
        Of Phase 2's rank ICs.
    """
    declared = data.study.claims
    if not (folder / FILE).is_file() or not declared.family:
        return
    series = {
        claim.name: found
        for claim in declared.family
        if (found := claim_series(data, claim, folder, ranking)) is not None
    }
    pooled = {
        claim.name: _measure(data, claim, series[claim.name])
        for claim in declared.family
        if claim.name in series
    }
    p_values = {
        claim.name: pooled[claim.name].p_value
        if claim.name in pooled
        else _published_p(folder, claim)
        for claim in declared.family
    }
    low, high = (holm({name: p[end] for name, p in p_values.items()}) for end in (0, 1))
    for place, claim in enumerate(declared.family, start=1):
        if claim.name in series:
            adjusted = Span(low[claim.name], high[claim.name])
            own = series[claim.name]
            yield from _rows(data, claim, own, place, pooled[claim.name], adjusted)
        elif claim.statistic != "crps":
            against = " or ".join(claim.against)
            key = (FILE, claim.name, "all", "", claim.model, against, claim.statistic)
            yield from _declared(key, claim, place)
            yield (*key, "n"), 0
            yield (*key, "answer"), DECISIONS["not measured"]


def _published_p(folder: Path, claim: Claim) -> Span:
    """Return the published p-value of a claim without a series; 1 where it has none."""
    rows = pd.read_parquet(folder / FILE).query("span == 'all'")
    found = float(rows.loc[rows["claim"] == claim.name, "p_value"].iloc[0])
    return Span(1.0, 1.0) if math.isnan(found) else Span(found, found)


def _rows(
    data: RecountData,
    claim: Claim,
    series: Series,
    place: int,
    pooled: Found,
    adjusted: Span,
) -> Expected:
    """Yield the row of all spans pooled, with its answer, and that of each span."""
    parts = {
        span: _measure(data, claim, part)
        for span, part in _parts(series, data.study.market).items()
    }
    for span, found in {"all": pooled, **parts}.items():
        label = LABELS.get(span, "exploratory")
        key: tuple[Any, ...] = (FILE, claim.name, span, label, series.model)
        key = (*key, series.against, claim.statistic)
        yield from _declared(key, claim, place)
        yield from _numbers(data, key, found)
        if span == "all":
            yield (*key, "adjusted"), adjusted
            answer = _answer(data, claim, found, adjusted, parts.get("untouched"))
            if answer:
                yield (*key, "answer"), DECISIONS[answer]


def _declared(key: tuple[Any, ...], claim: Claim, place: int) -> Expected:
    yield (*key, "place"), place
    yield (*key, "horizon"), claim.horizon
    yield (*key, "delay"), claim.delay
    yield (*key, "smallest_useful"), claim.smallest


def _numbers(data: RecountData, key: tuple[Any, ...], found: Found) -> Expected:
    declared = data.study.claims
    strictest = 1 - declared.level / len(declared.family)
    reach = NORMAL.inv_cdf(strictest) + NORMAL.inv_cdf(declared.power)
    yield (*key, "effect"), found.effect
    yield (*key, "lower"), found.lower
    yield (*key, "upper"), found.upper
    yield (*key, "lower_long"), found.longer[0]
    yield (*key, "upper_long"), found.longer[1]
    yield (*key, "p_value"), found.p_value
    yield (*key, "smallest_detectable"), reach * found.error
    yield (*key, "n"), found.n


def _answer(
    data: RecountData, claim: Claim, found: Found, p: Span, untouched: Found | None
) -> str:
    """Return the answer; empty where ties of resamples leave it open."""
    level = data.study.claims.level
    if p.low <= level < p.high:
        return ""
    if p.high <= level and found.effect > 0:
        if untouched is None:
            return "not yet" if data.study.market.untouched else "yes"
        return "yes" if untouched.effect > 0 else "undecided"
    return "no" if found.upper < claim.smallest else "undecided"


def _parts(series: Series, market: Market) -> dict[str, Series]:
    by_span: dict[str, Sums] = defaultdict(dict)
    for day, both in series.sums.items():
        if day.year in market.untouched:
            span = "untouched"
        elif day.year in market.chosen_on:
            span = "chosen_on"
        else:
            span = "known" if day.year <= market.results_known_through else "other"
        by_span[span][day] = both
    return {span: series._replace(sums=sums) for span, sums in by_span.items()}


def _measure(data: RecountData, claim: Claim, series: Series) -> Found:
    declared = data.study.claims
    days = sorted(series.sums)
    gain = [series.sums[day][0] for day in days]
    base = [series.sums[day][1] for day in days]
    n, effect = len(days), share(gain, base)
    if n < 2 or not varies(gain):
        none = math.nan
        return Found(effect, none, none, none, Span(1.0, 1.0), n)
    if claim.statistic in BY_RESAMPLES:
        first, second = (
            _resampled(data, gain, base, block) for block in declared.blocks
        )
        p_value = Span(*(max(end, series.least_p) for end in first[2]))
        return Found(effect, *first[0], first[1], p_value, n, second[0])
    lags = min(max(2 * claim.horizon, int(4 * (n / 100) ** (2 / 9))), n - 1)
    scale = mean(base)
    apart = [(g - effect * b) / scale for g, b in zip(gain, base, strict=True)]
    error = math.sqrt(max(bartlett_variance(apart, lags), 0.0) / n)
    of_mean = math.sqrt(max(bartlett_variance(gain, lags), 0.0) / n)
    reach = NORMAL.inv_cdf(0.5 + declared.confidence / 2) * error
    p = NORMAL.cdf(-mean(gain) / of_mean) if of_mean > 0 else 1.0
    p = max(p, series.least_p)
    return Found(effect, effect - reach, effect + reach, error, Span(p, p), n)


def _resampled(
    data: RecountData, gain: list[float], base: list[float], block: int
) -> tuple[tuple[float, float], float, Span]:
    """Return bounds, standard error and p-value of the stationary bootstrap."""
    declared, n = data.study.claims, len(gain)
    effect = share(gain, base)
    drawn = [
        share([gain[i] for i in places], [base[i] for i in places])
        for places in draw_resamples(
            n,
            block=min(block, n),
            repetitions=declared.bootstrap_reps,
            seed=data.study.seed,
        )
    ]
    tail = 0.5 - declared.confidence / 2
    centre = mean(drawn)
    error = math.sqrt(math.fsum((d - centre) ** 2 for d in drawn) / (len(drawn) - 1))
    near = 1e-9 * max(abs(effect), *map(abs, drawn))
    above = sum(d - effect >= effect + near for d in drawn)
    level = sum(abs(d - 2 * effect) <= near for d in drawn)
    p = Span((1 + above) / (1 + len(drawn)), (1 + above + level) / (1 + len(drawn)))
    return (quantile(drawn, tail), quantile(drawn, 1 - tail)), error, p
