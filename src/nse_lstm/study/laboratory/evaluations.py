"""Count every laboratory run whose score was seen, in a ledger of its own.

An evaluation of a year that the study is judged on also enters the trial ledger, and
with it the verdict's deflated Sharpe ratio.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from nse_lstm.study.core.ledger import append_lines, identity, read_lines
from nse_lstm.study.core.market_scope import can_rank
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.trials import record_trials
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.ranking.tabular_models import ranking_folds

LEDGER = "laboratory.jsonl"
KEY = ["data", "version", "ticker", "year"]


def record_evaluation(
    workspace: Workspace,
    returns: pd.DataFrame,
    *,
    ticker: str,
    year: int,
    model: str,
    version: str,
    settings: Mapping[str, Any],
    counted: bool,
    own: Collection[str] = (),
    distinct: str = "",
) -> int:
    """Record a run's evaluation once, and return the year's number of evaluations.

    Parameters
    ----------
    workspace : Workspace
        With the run's own settings.
    returns : DataFrame
        ``STRATEGY_RETURNS`` that are scored.
    ticker, year, model, version, settings
        Identity of the run, as the ledger keeps it.
    counted : bool
        Whether the study is judged on that year. Then each strategy is a trial.
    own : collection of str
        The run's own models in ``returns``; the others are baselines.
    distinct : str
        What makes the run's own strategies others than those of the same name, beside
        the settings of the study: layers, channels. Seeds are one trial.
    """
    if counted:
        data = open_study_data(workspace)
        named = identity(data.study, data.facts.test_year, seeded=False)
        named = f"laboratory {ticker} {named}"
        more = f"{named} {hashlib.sha256(distinct.encode()).hexdigest()[:16]}"
        is_own = returns["model"].isin(list(own))
        for rows, study in (
            (returns[~is_own], named),
            (returns[is_own], more if distinct else named),
        ):
            record_trials(
                data,
                rows,
                cost_bps=workspace.study.backtest.headline_cost_bps,
                study=study,
            )
    line = {
        "data": read_facts(workspace).digest,
        "ticker": ticker,
        "year": year,
        "model": model,
        "seed": workspace.study.seed,
        "settings": json.dumps(dict(settings), sort_keys=True, default=str),
        "version": version,
    }
    append_lines(workspace.paths.ledger / LEDGER, [line], key=KEY)
    return count_evaluations(workspace)[year]


def first_counted(workspace: Workspace) -> int:
    """Return the first year on which any model of the study is judged."""
    data = open_study_data(workspace)
    first = data.folds[0].year
    return min(ranking_folds(data)[0].year, first) if can_rank(data) else first


def count_evaluations(workspace: Workspace) -> Counter[int]:
    """Count the distinct runs that were evaluated on each year of these data."""
    digest = read_facts(workspace).digest
    lines = read_lines(workspace.paths.ledger / LEDGER)
    return Counter(int(line["year"]) for line in lines if line["data"] == digest)
