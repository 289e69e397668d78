"""The audit's power: the checks that catch each defect, and alarms on clean markets."""

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from audit_power.defects import Defect
from audit_power.defects_data import DATA_DEFECTS
from audit_power.defects_money import MONEY_DEFECTS
from audit_power.defects_ranking import RANKING_DEFECTS
from audit_power.defects_study import STUDY_DEFECTS
from audit_power.defects_walk import WALK_DEFECTS
from nse_lstm.config import load_study
from nse_lstm.paths import find_root
from nse_lstm.study.audit.examine import Examination, examine, scratch_folder
from nse_lstm.study.audit.markets import open_audit, shrink_study, write_small_market
from nse_lstm.study.audit.pipeline_run import run_pipeline
from nse_lstm.study.audit.recount import recount
from nse_lstm.study.audit.reference_cache import compute_reference

STUDY = load_study(find_root(Path(__file__)) / "study.toml")
DEFECTS: tuple[Defect, ...] = (
    *DATA_DEFECTS,
    *STUDY_DEFECTS,
    *MONEY_DEFECTS,
    *RANKING_DEFECTS,
    *WALK_DEFECTS,
)
DEFECT_SEED = 7
"""Market on which every defect is tried."""
LINEAR = "surrogate"
FUTURES = {"surrogate": "few", "network": "fits"}
"""The small audit's other futures, by learner."""


def try_defect(defect: Defect) -> dict[str, Any]:
    """Examine a market with one defect in place, by the shorter list of checks.

    Returns
    -------
    dict
        ``name``, ``caught_by`` (the checks that alarmed), and v2's ``sharpe`` and
        ``r_squared`` in the test year; see ``v2_figures``.
    """
    futures = defect.futures or FUTURES[defect.learner]
    with scratch_folder() as root, defect.patch():
        found = examine(
            STUDY, root, seed=DEFECT_SEED, learner=defect.learner, futures=futures
        )
    caught_by = sorted({alarm.check for alarm in found.alarms})
    return {"name": defect.name, "caught_by": caught_by, **v2_figures(found)}


def try_published(defect: Defect) -> dict[str, Any]:
    """Publish a market's results with one defect in place, and recount them.

    Returns
    -------
    dict
        ``name``, ``caught_by`` (the files with a number that plain code does not find),
        ``n`` such numbers, and ``effect``, the first of them in words.
    """
    small = shrink_study(STUDY)
    with scratch_folder() as root:
        write_small_market(root / "raw", DEFECT_SEED)
        with defect.patch():
            run = run_pipeline(open_audit(small, root / "base", root / "raw"), LINEAR)
            market = compute_reference(run.workspace, [], pooled=False).market
            alarms = recount(run.workspace, market).alarms
    first = f"{alarms[0].where}: {alarms[0].detail}" if alarms else ""
    caught_by = sorted({alarm.check for alarm in alarms})
    return {
        "name": defect.name,
        "caught_by": caught_by,
        "n": len(alarms),
        "effect": first,
    }


@cache
def clean_figures(learner: str) -> dict[str, float | None]:
    """Return v2's figures on the same market without a defect."""
    with scratch_folder() as root:
        found = examine(STUDY, root, seed=DEFECT_SEED, learner=learner, futures="none")
    figures = v2_figures(found)
    return {f"{name}_clean": value for name, value in figures.items()}


def try_clean_market(seed: int) -> dict[str, Any]:
    """Examine a clean market by every check: each alarm is a false one."""
    with scratch_folder() as root:
        found = examine(STUDY, root, seed=seed, learner="surrogate")
    return {"seed": seed, "alarms": sorted({alarm.check for alarm in found.alarms})}


def v2_figures(found: Examination) -> dict[str, float | None]:
    """Return the figures that the study would have printed of v2 in the test year.

    ``sharpe`` is over zero, of the sign rule without costs. ``r_squared`` is of log
    returns against no change (``metrics.skill``). None where the library refused the
    run, three decimals otherwise.
    """
    if found.run is None:
        return {"sharpe": None, "r_squared": None}
    scores = found.run.scores
    test = scores[
        (scores["ticker"] == "ALL")
        & (scores["model"] == "v2")
        & (scores["fold"] == found.run.folds[-1].year)
    ]
    sign = test[(test["rule"] == "sign") & (test["cost_bps"] == 0)]
    return {
        "sharpe": _value(sign, "sharpe_ratio"),
        "r_squared": _value(test[test["rule"] == "none"], "skill"),
    }


def _value(scores: pd.DataFrame, metric: str) -> float | None:
    values = scores.loc[scores["metric"] == metric, "value"].dropna()
    return round(float(values.iloc[0]), 3) if len(values) else None
