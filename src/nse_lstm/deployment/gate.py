"""What a model has to show before it becomes champion, and what it failed to show.

The burden of proof lies with the fitted model. Persistence is fitted to nothing: it has
no leak, no age and no band to keep, and gives way only to a model that is better; so it
is refused only where the champion has been better than it.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from nse_lstm.config import Deployment
from nse_lstm.deployment.registry_entry import PERSISTENCE
from nse_lstm.evaluation.hac import long_run_variance


@dataclass(frozen=True)
class Interval:
    """A mean daily loss difference, candidate less champion, with its bounds."""

    mean: float
    lower: float
    upper: float
    n: int
    """Sessions; one is one observation, however many stocks it has."""


@dataclass(frozen=True)
class Case:
    """What speaks for and against one model as the champion of a stock."""

    ticker: str
    model: str
    version: str
    champion: str
    """The model it would replace; persistence where nothing stands."""
    champion_version: str
    source: str
    """Which forecasts the losses and the coverage are of, in words."""
    audit: str
    """Empty if the leak audit is clean for this data and code, else why not."""
    difference: Interval | None
    """Of absolute errors of log returns; missing where nothing can be paired."""
    coverage: float | None
    """Share that the intervals of nine in ten held; missing where there were none."""
    age: int | None
    """Weekdays since the last session the model was fitted on."""


def loss_interval(
    difference: pd.Series, *, ahead: int, confidence: float
) -> Interval | None:
    """Return the mean of daily loss differences with a normal interval.

    Parameters
    ----------
    difference : Series of shape (n_sessions,)
        Candidate's loss less champion's, one a session in order, none missing.
    ahead : int
        Sessions a forecast reaches: neighbours lean on each other over one fewer.
    confidence : float
        Of the two-sided interval.

    Returns
    -------
    Interval
        Missing where there are not more sessions than ``ahead``.
    """
    values = difference.to_numpy(float)
    if len(values) <= ahead:
        return None
    variance = long_run_variance(values, lags=ahead - 1, kernel="bartlett")
    error = float(np.sqrt(max(variance, 0.0) / (len(values) - 1)))
    reach, mean = float(norm.ppf((1 + confidence) / 2)) * error, float(values.mean())
    return Interval(mean, mean - reach, mean + reach, len(values))


def find_refusals(case: Case, limits: Deployment) -> list[str]:
    """Return why a model may not be champion, a sentence a reason; none if it may."""
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
    """Return a case as plain values, the same for the same evidence."""
    return asdict(case)


def _refuse_persistence(case: Case) -> list[str]:
    gap = case.difference
    if gap is None or gap.lower <= 0:
        return []
    return [
        f"{case.champion} has been better than persistence on {case.ticker}: its mean "
        f"absolute error is smaller by {gap.mean:.6f} ({_bounds(gap)})."
    ]


def _refuse_loss(case: Case, limits: Deployment) -> str:
    gap = case.difference
    if gap is None or gap.n < limits.min_sessions:
        return (
            f"Its loss was compared with {case.champion}'s on {gap.n if gap else 0} "
            f"sessions of {case.source}; {limits.min_sessions} are needed."
        )
    if gap.upper < 0:
        return ""
    return (
        f"Its mean absolute error may be no smaller than {case.champion}'s: the "
        f"difference is {gap.mean:+.6f} ({_bounds(gap)}, of {case.source})."
    )


def _refuse_coverage(case: Case, limits: Deployment) -> str:
    low, high = limits.coverage
    if case.coverage is None:
        return f"No interval of {case.source} could be scored."
    if low <= case.coverage <= high:
        return ""
    return (
        f"Its intervals of nine in ten held {case.coverage:.1%} of what came in "
        f"{case.source}; {low:.0%} to {high:.0%} are allowed."
    )


def _refuse_age(case: Case, limits: Deployment) -> str:
    if case.age is None:
        return "It does not say through which session it was fitted."
    if case.age <= limits.max_model_age:
        return ""
    return (
        f"It was fitted {case.age} weekdays before the last session; "
        f"{limits.max_model_age} are allowed."
    )


def _bounds(gap: Interval) -> str:
    return f"from {gap.lower:+.6f} to {gap.upper:+.6f} over {gap.n} sessions"
