"""The ledger of trials: every strategy whose score was seen, counted by the code.

It holds statistics only. That of a real market is committed, so that a clean clone
counts the same trials. One line per strategy and seed holds its pooled session returns
over cash, in millionths; another file holds each calendar once.
"""

import hashlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.errors import ArtefactError
from nse_lstm.evaluation.portfolio_rules import TILTS
from nse_lstm.evaluation.significance import moments_of
from nse_lstm.evaluation.strategies import FORECAST_RULES
from nse_lstm.evaluation.verdict import pooled_excess
from nse_lstm.study.core.ledger import append_lines, identity, read_lines
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.core.workspace import Workspace

LEDGER = "trials.jsonl"
CALENDARS = "calendars.jsonl"
TRIAL = ["data", "study", "model", "rule"]
SAME = ["model", "rule", "seed", "series"]
"""Equal returns to the millionth on the same sessions are the same strategy."""
MILLION = 1_000_000


def record_trials(
    data: StudyData,
    returns: pd.DataFrame,
    *,
    cost_bps: int,
    study: str = "",
    made_by: tuple[str, ...] = (),
) -> None:
    """Append every new strategy with its pooled session returns in excess of cash.

    A trial is a distinct strategy: data, study, code, model and rule. Each seed has a
    line of its own, and their mean is the trial's return. Every strategy on a forecast
    counts, a network's or a baseline's, since each could have been picked once its
    score was seen. Benchmarks fixed beforehand do not count: holding, equal weight, the
    index, random positions. A model that is only scored by rank IC does not either.

    Parameters
    ----------
    data : StudyData
    returns : DataFrame
        STRATEGY_RETURNS of the walk-forward years, or PORTFOLIO_RETURNS with ``ticker``
        and ``seed``, whose start days are averaged.
    cost_bps : int
        Cost level whose returns are kept.
    study : str
        Name of the frozen study; ``ledger.identity`` without its seed if empty.
    made_by : tuple of str
        Modules that make the forecasts or trades, beside those of Phase 4.
    """
    at_cost = returns[returns["cost_bps"] == cost_bps]
    chosen = at_cost[at_cost["rule"].isin([*FORECAST_RULES, *TILTS])]
    about = {
        "data": data.facts.digest,
        "study": study
        or identity(data.study, data.facts.test_year, seeded=False, made_by=made_by),
        "seed": data.study.seed,
        "cost_bps": cost_bps,
    }
    lines, calendars = [], []
    for (model, rule), rows in chosen.groupby(["model", "rule"]):
        # A strategy that never trades has no score that could have been picked.
        if rows["turnover"].any():
            series, calendar = _series(pooled_excess(rows))
            lines.append({**about, "model": model, "rule": rule, **series})
            calendars.append(calendar)
    folder = data.paths.ledger
    append_lines(folder / CALENDARS, calendars, key=["calendar"])
    append_lines(folder / LEDGER, lines, key=[*TRIAL, "seed"], or_key=SAME)


def read_trials(
    workspace: Workspace, *, judged: "pd.Series[float] | None" = None
) -> pd.DataFrame:
    """Return one row per trial: model, rule, sessions, Sharpe over cash per session.

    Parameters
    ----------
    workspace : Workspace
    judged : Series, optional
        The judged strategy's ``pooled_excess``. The column ``own`` says which trial has
        these returns, by any of its seeds.
    """
    same = None if judged is None else _series(judged)[0]["series"]
    rows = [
        {
            "model": lines[0]["model"],
            "rule": lines[0]["rule"],
            "n": len(_excess(lines)),
            "sharpe": moments_of(_excess(lines)).sharpe,
            "own": any(same == line.get("series", "") for line in lines),
        }
        for lines in _trials(workspace)
    ]
    return pd.DataFrame(rows, columns=["model", "rule", "n", "sharpe", "own"])


def read_trial_matrix(workspace: Workspace, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the ledger's session returns over cash of every trial, side by side.

    Parameters
    ----------
    workspace : Workspace
    sessions : DatetimeIndex
        Sessions of the verdict.

    Returns
    -------
    DataFrame of shape (n_sessions, n_columns)
        One column per trial with a return on all of ``sessions``, named by model, rule
        and place in the ledger. Trials of other years only count.

    Raises
    ------
    ArtefactError
        If a trial's calendar is not in the ledger.
    """
    calendars = {
        line["calendar"]: _sessions(line)
        for line in read_lines(workspace.paths.ledger / CALENDARS)
    }
    columns: dict[str, pd.Series] = {}
    for place, lines in enumerate(_trials(workspace), start=1):
        about = lines[0]
        if not about.get("calendar"):
            continue  # written before calendars were kept
        if about["calendar"] not in calendars:
            raise ArtefactError(
                f"Expected the calendar of trial {place} in {CALENDARS}. Received: no "
                f"line {about['calendar']!r} ({workspace.paths.ledger})"
            )
        excess = pd.Series(_excess(lines), index=calendars[about["calendar"]])
        if sessions.isin(excess.index).all():
            columns[f"{about['model']} {about['rule']} #{place}"] = excess[sessions]
    return pd.DataFrame(columns, index=sessions)


def _trials(workspace: Workspace) -> list[list[dict[str, Any]]]:
    """Return each trial's lines, one per seed, trials in the order of the ledger.

    A seed that happened to see other sessions than the first is left out of the mean.
    """
    trials: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for line in read_lines(workspace.paths.ledger / LEDGER):
        seen = trials.setdefault(tuple(line[name] for name in TRIAL), [])
        if not seen or seen[0].get("calendar") == line.get("calendar"):
            seen.append(line)
    return list(trials.values())


def _excess(lines: list[dict[str, Any]]) -> NDArray[np.float64]:
    """Return a trial's returns over cash: the mean over its seeds."""
    if "excess_returns" in lines[0]:  # as the ledger's first lines have them
        return np.array(lines[0]["excess_returns"], float)
    series = [np.array(line["excess_ppm"].split(), float) for line in lines]
    return np.asarray(np.mean(series, axis=0) / MILLION)


def _series(pooled: pd.Series) -> tuple[dict[str, str], dict[str, str]]:
    """Return a trial's series in millionths, and its calendar in days."""
    sessions = pd.DatetimeIndex(pooled.index)
    gaps = np.diff(sessions.to_numpy()).astype("timedelta64[D]").astype(int)
    calendar = {
        "first": str(sessions[0].date()),
        "days_after": " ".join(map(str, gaps)),
    }
    name = _digest(*calendar.values())
    excess = " ".join(str(round(value * MILLION)) for value in pooled)
    series = {
        "first": calendar["first"],
        "last": str(sessions[-1].date()),
        "calendar": name,
        "excess_ppm": excess,
        "series": _digest(name, excess),
    }
    return series, {"calendar": name, **calendar}


def _sessions(line: dict[str, Any]) -> pd.DatetimeIndex:
    days = np.cumsum([0, *map(int, line["days_after"].split())])
    return pd.DatetimeIndex(pd.Timestamp(line["first"]) + pd.to_timedelta(days, "D"))


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
