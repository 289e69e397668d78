"""The audit's own power: which defects it catches, and how often it cries wolf."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.study.audit.checks import Examination, examine, scratch_folder
from nse_lstm.study.audit.defects import Defect
from nse_lstm.study.audit.defects_data import DATA_DEFECTS
from nse_lstm.study.audit.defects_ranking import RANKING_DEFECTS
from nse_lstm.study.audit.defects_study import STUDY_DEFECTS

DEFECTS: tuple[Defect, ...] = (
    *DATA_DEFECTS,
    *STUDY_DEFECTS,
    *RANKING_DEFECTS,
)
"""Every defect that is tried, each alone."""

DEFECT_SEED = 7
"""Market on which defects are tried first; what each fakes is read against it."""

Progress = Callable[[str], None]


def measure_power(
    study: Study, *, seed: int = DEFECT_SEED, progress: Progress = print
) -> list[dict[str, Any]]:
    """Try every defect alone, beside a clean walk of the same market.

    Returns
    -------
    list of dict
        One a defect: ``name``, ``what``, ``learner``, ``caught_by`` (the checks that
        alarmed; empty where none did), ``n_alarms``, and the declared model's
        ``sharpe`` and ``r_squared`` in the test year with the defect and
        ``sharpe_clean``, ``r_squared_clean`` without; see ``faked``.
    """
    clean = {}
    for learner in sorted({defect.learner for defect in DEFECTS}):
        with scratch_folder() as root:
            found = examine(
                study, root, seed=seed, learner=learner, futures="test year"
            )
            clean[learner] = faked(found)
        progress(f"clean, {learner}: {len(found.alarms)} alarms")
    rows = []
    for number, defect in enumerate(DEFECTS, start=1):
        row = try_defect(study, defect, seed=seed)
        before = {f"{name}_clean": v for name, v in clean[defect.learner].items()}
        rows.append({**row, **before})
        caught = ", ".join(row["caught_by"]) or "NOT CAUGHT"
        progress(f"[{number}/{len(DEFECTS)}] {defect.name}: {caught}")
    return rows


def try_defect(
    study: Study, defect: Defect, *, seed: int = DEFECT_SEED
) -> dict[str, Any]:
    """Examine a market with one defect in place, by the shorter list of checks."""
    with scratch_folder() as root, defect.patch():
        found = examine(
            study, root, seed=seed, learner=defect.learner, futures="test year"
        )
    return {
        "name": defect.name,
        "what": defect.what,
        "learner": defect.learner,
        "caught_by": sorted({alarm.check for alarm in found.alarms}),
        "n_alarms": len(found.alarms),
        **faked(found),
    }


def clean_runs(
    study: Study, seeds: range, *, learner: str = "stand-in", progress: Progress = print
) -> list[dict[str, Any]]:
    """Examine clean markets, one a seed: every alarm is a false one."""
    rows = []
    for seed in seeds:
        with scratch_folder() as root:
            found = examine(study, root, seed=seed, learner=learner)
        checks = sorted({alarm.check for alarm in found.alarms})
        rows.append({"seed": seed, "learner": learner, "alarms": checks})
        progress(f"clean {seed}, {learner}: {checks or 'no alarm'}")
    return rows


def faked(found: Examination) -> dict[str, float | None]:
    """Return what the study would have printed of v2 in the test year.

    ``sharpe`` is over zero, of the sign rule without costs; ``r_squared`` is on log
    returns against no change (``metrics.skill``). None where the walk was refused.
    """
    if found.walk is None:
        return {"sharpe": None, "r_squared": None}
    scores = found.walk.scores
    test = scores[
        (scores["ticker"] == "ALL")
        & (scores["model"] == "v2")
        & (scores["fold"] == found.walk.folds[-1].year)
    ]
    sign = test[(test["rule"] == "sign") & (test["cost_bps"] == 0)]
    return {
        "sharpe": _value(sign, "sharpe_ratio"),
        "r_squared": _value(test[test["rule"] == "none"], "skill"),
    }


def _value(scores: pd.DataFrame, metric: str) -> float | None:
    values = scores.loc[scores["metric"] == metric, "value"].dropna()
    return float(values.iloc[0]) if len(values) else None
