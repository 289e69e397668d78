"""The promotion gate: the checks that a model passes before it becomes champion.

A fitted model has to show a clean leak audit, a significantly smaller loss, calibrated
intervals and a recent fit. Persistence is not fitted, so it is refused only where the
champion is significantly better.
"""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from scipy.stats import norm

from nse_lstm.config import Deployment
from nse_lstm.deployment.registry_entry import PERSISTENCE
from nse_lstm.evaluation.hac import newey_west


@dataclass(frozen=True)
class LossDifference:
    """Mean daily loss difference, candidate less champion, with its interval."""

    mean: float
    lower: float
    upper: float
    n: int
    """Sessions: one observation each, however many stocks it has."""


@dataclass(frozen=True)
class Case:
    """The evidence for and against one model as the champion of a stock."""

    ticker: str
    model: str
    version: str
    champion: str
    """The model that it would replace; persistence where there is none."""
    champion_version: str
    source: str
    """Where the losses and the coverage come from, in words."""
    audit: str
    """Empty if the leak audit is clean for this data and code, else the reason."""
    difference: LossDifference | None
    """Of squared errors of log returns; missing where there are no pairs."""
    coverage: float | None
    """Share of returns inside the 90 % intervals; missing where there were none."""
    age: int | None
    """Weekdays since the last session that the model was fitted on."""


def loss_interval(
    difference: pd.Series, *, ahead: int, confidence: float
) -> LossDifference | None:
    """Return the mean daily loss difference with a HAC confidence interval.

    Parameters
    ----------
    difference : Series of shape (n_sessions,)
        Candidate's loss less champion's, one per session in order, none missing.
    ahead : int
        Sessions a forecast reaches; differences are autocorrelated over one fewer.
    confidence : float
        Level of the two-sided interval.

    Returns
    -------
    LossDifference
        Missing where there are not more sessions than ``ahead``.
    """
    values = difference.to_numpy(float)
    if len(values) <= ahead:
        return None
    mean, error = newey_west(values, lags=ahead - 1, ddof=1)
    reach = float(norm.ppf((1 + confidence) / 2)) * error
    return LossDifference(mean, mean - reach, mean + reach, len(values))


def find_refusals(case: Case, limits: Deployment) -> list[str]:
    """Return the reasons against a model as champion, one sentence each.

    Parameters
    ----------
    case : Case
        The evidence.
    limits : Deployment
        The gate's limits of sessions, coverage and age.
    """
    if case.model == PERSISTENCE:
        return _refuse_persistence(case)
    found = [
        case.audit,
        _refuse_loss(case, limits),
        _refuse_coverage(case, limits),
        _refuse_age(case, limits),
    ]
    return [sentence for sentence in found if sentence]


def case_document(case: Case) -> dict[str, Any]:
    """Return a case as plain values, equal for equal evidence."""
    return asdict(case)


def describe_difference(gap: LossDifference) -> str:
    """Return a loss difference with its interval and sessions in words."""
    return (
        f"{gap.mean:+.3g} (from {gap.lower:+.3g} to {gap.upper:+.3g} over {gap.n} "
        "sessions)"
    )


def _refuse_persistence(case: Case) -> list[str]:
    gap = case.difference
    if gap is None or gap.lower <= 0:
        return []
    return [
        f"{case.champion} is significantly better than persistence on {case.ticker}: "
        f"persistence's mean squared error differs by {describe_difference(gap)}."
    ]


def _refuse_loss(case: Case, limits: Deployment) -> str:
    gap = case.difference
    if gap is None or gap.n < limits.min_sessions:
        return (
            f"Only {gap.n if gap else 0} sessions of {case.source} compare it with "
            f"{case.champion}, and {limits.min_sessions} are needed."
        )
    if gap.upper < 0:
        return ""
    return (
        f"Its mean squared error is not significantly smaller than "
        f"{case.champion}'s: the difference in {case.source} is "
        f"{describe_difference(gap)}."
    )


def _refuse_coverage(case: Case, limits: Deployment) -> str:
    low, high = limits.coverage
    if case.coverage is None:
        return f"No interval in {case.source} could be scored."
    if low <= case.coverage <= high:
        return ""
    return (
        f"Its 90% intervals held {case.coverage:.1%} of the returns in {case.source}, "
        f"and {low:.0%} to {high:.0%} are allowed."
    )


def _refuse_age(case: Case, limits: Deployment) -> str:
    if case.age is None:
        return "Its metadata do not say through which session it was fitted."
    if case.age <= limits.max_model_age:
        return ""
    return (
        f"It was fitted {case.age} weekdays before the last session, and at most "
        f"{limits.max_model_age} are allowed."
    )
