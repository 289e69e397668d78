"""Judge the declared family of claims: effects, one-sided tests and Holm's correction.

A claim is one series per session: what the model gains on its benchmark, and the base
that it is measured by. Its effect is the sum of the gains over the sum of the bases, so
that a session with more stocks, or more orders, weighs more.

References
----------
.. [1] S. Holm (1979). A simple sequentially rejective multiple test procedure.
   Scandinavian Journal of Statistics 6(2), 65-70.
.. [2] D. Politis and J. Romano (1994). The stationary bootstrap. JASA 89(428),
   1303-1313.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap
from numpy.typing import NDArray
from scipy.stats import norm

from nse_lstm.config import Claim, Claims, Market
from nse_lstm.errors import StudyError
from nse_lstm.evaluation.comparison import holm
from nse_lstm.evaluation.hac import newey_west
from nse_lstm.numerics import is_constant
from nse_lstm.tables import CLAIMS, conform

ALL, KNOWN, UNTOUCHED, CHOSEN_ON, OTHER = (
    *("all", "known", "untouched", "chosen_on", "other"),
)
"""Spans of years; ``ALL`` pools the others."""
Answer = Literal["yes", "no", "undecided", "not yet", "not measured"]
MONEY = ("net_return", "best_return", "saving")
"""Statistics that are tested by bootstrap, the others by HAC standard errors."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClaimSeries:
    """Gain of a claim's model on its benchmark, session by session."""

    gain: "pd.Series[float]"
    """By session, in order."""
    base: "pd.Series[float]"
    """What the gain is measured by, such as the benchmark's loss; same index."""
    against: str
    """The better of the declared benchmarks."""
    model: str
    least_p: float = 0.0
    """The p-value is at least this: of a choice among many, one less the deflated
    Sharpe ratio."""


@dataclass(frozen=True)
class Effect:
    """An effect with its interval and its one-sided test."""

    value: float
    lower: float
    upper: float
    error: float
    """Standard error."""
    p_value: float
    """Of no gain, against a gain; 1 where it cannot be tested."""
    n: int


def hac_effect(series: ClaimSeries, *, horizon: int, confidence: float) -> Effect:
    """Estimate a claim's effect with Newey-West standard errors, one-sided.

    Lags are twice the horizon, and at least those of Newey and West's rule of thumb,
    4 (n / 100)^(2/9). The error of the ratio is that of gain - effect x base.

    Parameters
    ----------
    series : ClaimSeries
    horizon : int
        Sessions by which neighbouring observations overlap.
    confidence : float
        Of the two-sided interval.
    """
    gain, base = _arrays(series)
    n = len(gain)
    value = _ratio(gain, base)
    if n < 2 or is_constant(gain):
        return Effect(value, np.nan, np.nan, np.nan, 1.0, n)
    lags = max(2 * horizon, int(4 * (n / 100) ** (2 / 9)))
    mean, of_mean = newey_west(gain, lags=lags)
    _, of_ratio = newey_west((gain - value * base) / base.mean(), lags=lags)
    reach = float(norm.ppf(0.5 + confidence / 2)) * of_ratio
    p_value = float(norm.sf(mean / of_mean)) if of_mean > 0 else 1.0
    p_value = max(p_value, series.least_p)
    return Effect(value, value - reach, value + reach, of_ratio, p_value, n)


def bootstrap_effect(
    series: ClaimSeries, *, block: int, reps: int, confidence: float, seed: int
) -> Effect:
    """Estimate a claim's effect with the stationary bootstrap of its sessions.

    The p-value is the share of resampled effects, centred on the estimate, that reach
    it, with the estimate itself counted once.

    Parameters
    ----------
    series : ClaimSeries
    block : int
        Mean block length, sessions.
    reps : int
        Resamples.
    confidence : float
        Of the percentile interval.
    seed : int
    """
    gain, base = _arrays(series)
    n = len(gain)
    value = _ratio(gain, base)
    if n < 2 or is_constant(gain):
        return Effect(value, np.nan, np.nan, np.nan, 1.0, n)
    both = np.column_stack([gain, base])
    bootstrap = StationaryBootstrap(min(block, n), both, seed=seed)
    drawn = bootstrap.apply(lambda rows: _ratio(rows[:, 0], rows[:, 1]), reps=reps)
    draws = np.asarray(drawn, float)[:, 0]
    tails = 0.5 - confidence / 2, 0.5 + confidence / 2
    lower, upper = (float(each) for each in np.quantile(draws, tails))
    reached = int((draws - value >= value).sum())
    p_value = max((1 + reached) / (1 + reps), series.least_p)
    return Effect(value, lower, upper, float(draws.std(ddof=1)), p_value, n)


def answer_claim(
    found: Effect,
    *,
    adjusted: float,
    smallest: float,
    level: float,
    has_untouched: bool,
    on_untouched: float | None,
) -> Answer:
    """Answer one claim as it was declared.

    Yes: Holm's test rejects on all spans pooled, and the estimate on the untouched
    years has the same sign. No: the interval's upper bound lies below the smallest
    useful effect. Else undecided. Before the untouched years have been read a yes is
    "not yet". A market without any decides without them.

    Parameters
    ----------
    found : Effect
        On all spans pooled.
    adjusted : float
        Holm's p-value.
    smallest : float
        Smallest useful effect.
    level : float
        Family-wise.
    has_untouched : bool
        Whether the market keeps untouched years.
    on_untouched : float or None
        The effect on them; None where they have not been read.
    """
    if adjusted <= level and found.value > 0:
        if has_untouched and on_untouched is None:
            return "not yet"
        if on_untouched is None or on_untouched > 0:
            return "yes"
        return "undecided"
    return "no" if found.upper < smallest else "undecided"


def smallest_detectable(error: float, *, level: float, n: int, power: float) -> float:
    """Return the smallest effect that the family's strictest test would detect.

    It is (z(1 - level / n) + z(power)) standard errors: Holm's first step.

    Parameters
    ----------
    error : float
        Standard error of the effect.
    level : float
        Family-wise.
    n : int
        Claims in the family.
    power : float
        Probability of detection.

    Examples
    --------
    >>> smallest_detectable(1.0, level=0.05, n=1, power=0.5).__round__(3)
    1.645
    """
    return float((norm.ppf(1 - level / n) + norm.ppf(power)) * error)


def span_of(year: int, market: Market) -> str:
    """Return the span that a year belongs to.

    Parameters
    ----------
    year : int
    market : Market
    """
    if year in market.untouched:
        return UNTOUCHED
    if year in market.chosen_on:
        return CHOSEN_ON
    return KNOWN if year <= market.results_known_through else OTHER


def label_of(span: str, *, first_reading: bool) -> str:
    """Return how much a span can prove, by the name of the test year's labels.

    Parameters
    ----------
    span : str
    first_reading : bool
        Whether the untouched years are read for the first time.
    """
    if span == UNTOUCHED and first_reading:
        return "confirmatory"
    if span == ALL:
        return ""
    return "replication" if span == KNOWN else "exploratory"


def judge_claims(
    declared: Claims,
    series: Mapping[str, ClaimSeries],
    *,
    market: Market,
    seed: int,
    first_reading: bool = False,
) -> pd.DataFrame:
    """Judge every declared claim on all spans pooled, and measure it on each span.

    Parameters
    ----------
    declared : Claims
    series : mapping of str to ClaimSeries
        By the claim's name. A claim without a series was not measured, which counts in
        the family's size and is told.
    market : Market
        Its untouched years, those chosen on, and those whose results are known.
    seed : int
        Of the bootstrap.
    first_reading : bool
        Whether this is the first reading of the untouched years.

    Returns
    -------
    DataFrame
        ``CLAIMS``, in the order of the list.

    Raises
    ------
    StudyError
        If there is a series of no declared claim.
    """
    if unknown := sorted(set(series) - {claim.name for claim in declared.family}):
        raise StudyError(f"Expected series of declared claims. Received: {unknown}")
    pooled = {
        claim.name: _measure(claim, series[claim.name], declared, seed)
        for claim in declared.family
        if claim.name in series
    }
    # A claim that could not be tested still counts in the family's size.
    raw = {
        claim.name: pooled[claim.name][0].p_value if claim.name in pooled else 1.0
        for claim in declared.family
    }
    adjusted = holm(pd.Series(raw, dtype=float)).to_dict()
    rows = []
    for claim in declared.family:
        if claim.name not in pooled:
            rows.append(_unmeasured(claim))
            continue
        own = series[claim.name]
        parts = {
            span: _measure(claim, part, declared, seed)
            for span, part in _spans(own, market).items()
        }
        on_untouched = parts[UNTOUCHED][0].value if UNTOUCHED in parts else None
        answer = answer_claim(
            pooled[claim.name][0],
            adjusted=adjusted[claim.name],
            smallest=claim.smallest,
            level=declared.level,
            has_untouched=bool(market.untouched),
            on_untouched=on_untouched,
        )
        about = {"adjusted": adjusted[claim.name], "answer": answer, "label": ""}
        rows.append(_row(claim, own, ALL, pooled[claim.name], declared) | about)
        for span, found in parts.items():
            label = label_of(span, first_reading=first_reading)
            about = {"adjusted": np.nan, "answer": "", "label": label}
            rows.append(_row(claim, own, span, found, declared) | about)
    places = {claim.name: place for place, claim in enumerate(declared.family, start=1)}
    table = pd.DataFrame(rows, columns=[n for n in CLAIMS.columns if n != "place"])
    return conform(table.assign(place=table["claim"].map(places)), CLAIMS)


def _measure(
    claim: Claim, series: ClaimSeries, declared: Claims, seed: int
) -> tuple[Effect, Effect | None]:
    """Return the effect, and for money that with the longer blocks."""
    if claim.statistic not in MONEY:
        found = hac_effect(
            series, horizon=claim.horizon, confidence=declared.confidence
        )
        return found, None
    short, long = (
        bootstrap_effect(
            series,
            block=block,
            reps=declared.bootstrap_reps,
            confidence=declared.confidence,
            seed=seed,
        )
        for block in declared.blocks
    )
    return short, long


def _spans(series: ClaimSeries, market: Market) -> dict[str, ClaimSeries]:
    years = pd.DatetimeIndex(series.gain.index).year
    names = np.array([span_of(int(year), market) for year in years])
    return {
        span: ClaimSeries(
            gain=series.gain[names == span],
            base=series.base[names == span],
            against=series.against,
            model=series.model,
            least_p=series.least_p,
        )
        for span in (UNTOUCHED, CHOSEN_ON, KNOWN, OTHER)
        if (names == span).any()
    }


def _about(claim: Claim) -> dict[str, object]:
    return {
        "claim": claim.name,
        "statistic": claim.statistic,
        "horizon": claim.horizon,
        "delay": claim.delay,
        "smallest_useful": claim.smallest,
    }


def _row(
    claim: Claim,
    series: ClaimSeries,
    span: str,
    found: tuple[Effect, Effect | None],
    declared: Claims,
) -> dict[str, object]:
    short, long = found
    return _about(claim) | {
        "span": span,
        "model": series.model,
        "against": series.against,
        "effect": short.value,
        "lower": short.lower,
        "upper": short.upper,
        "lower_long": long.lower if long else np.nan,
        "upper_long": long.upper if long else np.nan,
        "p_value": short.p_value,
        "smallest_detectable": smallest_detectable(
            short.error,
            level=declared.level,
            n=len(declared.family),
            power=declared.power,
        ),
        "n": short.n,
    }


def _unmeasured(claim: Claim) -> dict[str, object]:
    numbers = (
        *("effect", "lower", "upper", "lower_long", "upper_long"),
        *("p_value", "adjusted", "smallest_detectable"),
    )
    return _about(claim) | {
        "span": ALL,
        "label": "",
        "model": claim.model,
        "against": " or ".join(claim.against),
        **dict.fromkeys(numbers, np.nan),
        "n": 0,
        "answer": "not measured",
    }


def _arrays(series: ClaimSeries) -> tuple[Numbers, Numbers]:
    gain: Numbers = np.asarray(series.gain, np.float64)
    base: Numbers = np.asarray(series.base, np.float64)
    if gain.shape != base.shape or np.isnan(gain).any() or np.isnan(base).any():
        raise StudyError(
            "Expected a gain and a base in every session. Received: "
            f"{gain.size} and {base.size} sessions, {int(np.isnan(gain).sum())} and "
            f"{int(np.isnan(base).sum())} missing"
        )
    return gain, base


def _ratio(gain: Numbers, base: Numbers) -> float:
    total = float(base.sum())
    return float(gain.sum()) / total if total > 0 else float("nan")
