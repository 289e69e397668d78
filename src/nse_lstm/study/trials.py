"""The ledger of trials: every strategy whose score was seen, counted by the code."""

import pandas as pd

from nse_lstm.evaluation.significance import moments_of
from nse_lstm.evaluation.strategies import FORECAST_RULES
from nse_lstm.evaluation.verdict import pooled_excess
from nse_lstm.study.inputs import read_facts
from nse_lstm.study.ledger import append_lines, identity, read_lines
from nse_lstm.study.workspace import Workspace

__all__ = ["read_trials", "record_trials"]

LEDGER = "trials.jsonl"
KEY = ["data", "study", "model", "rule"]


def record_trials(
    workspace: Workspace, returns: pd.DataFrame, *, cost_bps: int, study: str = ""
) -> int:
    """Append every strategy not seen before, with its pooled daily excess over cash.

    A trial is a distinct strategy: data, study, sources, model and rule. Whatever acts
    on a forecast counts, the network's or a baseline's, since any of them could have
    been picked once its score was seen. What is fixed beforehand to measure against
    does not: holding, equal weight, the index, random positions.

    Parameters
    ----------
    returns : DataFrame
        STRATEGY_RETURNS of the walk-forward years.
    cost_bps : int
        Cost level whose returns are kept.
    study : str
        What names the frozen study; ``ledger.identity`` if empty.

    Returns
    -------
    int
        Number of distinct trials in the ledger, whatever their data.
    """
    at_cost = returns[returns["cost_bps"] == cost_bps]
    chosen = at_cost[at_cost["rule"].isin(FORECAST_RULES)]
    about = {"data": read_facts(workspace).digest, "study": study}
    about["study"] = study or identity(workspace)
    lines = [
        {**about, "model": model, "rule": rule, "cost_bps": cost_bps, **_series(rows)}
        for (model, rule), rows in chosen.groupby(["model", "rule"])
        # A strategy that never deals has no score that could have been picked.
        if rows["turnover"].any()
    ]
    return append_lines(workspace.paths.ledger / LEDGER, lines, key=KEY)


def read_trials(workspace: Workspace) -> pd.DataFrame:
    """Return one row a trial: model, rule, sessions, Sharpe over cash per session."""
    rows = [
        {
            "model": line["model"],
            "rule": line["rule"],
            "n": len(line["excess_returns"]),
            "sharpe": moments_of(line["excess_returns"]).sharpe,
        }
        for line in read_lines(workspace.paths.ledger / LEDGER)
    ]
    return pd.DataFrame(rows, columns=["model", "rule", "n", "sharpe"])


def _series(rows: pd.DataFrame) -> dict[str, object]:
    pooled = pooled_excess(rows)
    return {
        "first": str(pooled.index.min().date()),
        "last": str(pooled.index.max().date()),
        "excess_returns": [round(value, 8) for value in pooled],
    }
