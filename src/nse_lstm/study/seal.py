"""The seal of the test year and the ledger of trials.

``open_test_year`` is the only function that reads past the start of the test year. It
writes a line the first time a frozen configuration looks at given data; the label says
how much that look can prove. ``record_trials`` counts every strategy whose score was
seen. Both files are append-only and outlive `make clean`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from nse_lstm.config import configuration_hash
from nse_lstm.evaluation.strategies import FORECAST_RULES
from nse_lstm.paths import write_text
from nse_lstm.study.inputs import read_facts
from nse_lstm.study.workspace import Workspace
from nse_lstm.tables import PANEL, read_table

__all__ = ["Look", "open_test_year", "read_trials", "record_trials"]

Label = Literal["confirmatory", "replication", "exploratory"]

MEANING = {
    "confirmatory": "first look at this year with a frozen configuration",
    "replication": "results that cover this year were known before the study",
    "exploratory": "this year had been looked at before with another configuration",
}


@dataclass(frozen=True)
class Look:
    """One look at the test year."""

    test_year: int
    label: Label
    n_configurations: int
    """Distinct configurations that have looked at this data and year, this one too."""

    @property
    def meaning(self) -> str:
        """What the label says about the evidence, in words."""
        return MEANING[self.label]


def open_test_year(
    workspace: Workspace, *, sources: str, now: datetime | None = None
) -> tuple[pd.DataFrame, Look]:
    """Break the seal: return the panel with the test year, and write down the look.

    Parameters
    ----------
    workspace : Workspace
    sources : str
        Digest of the sources that make the forecasts; part of the configuration.
    now : datetime, optional
        Time written into the ledger.

    Returns
    -------
    panel : DataFrame
        All sessions up to the last one of the data.
    look : Look
        Its label: ``replication`` where results on that year were known beforehand,
        else ``confirmatory`` for the first configuration that looks at this data, and
        ``exploratory`` for any other after it. The same configuration looking again
        is the same look.
    """
    facts = read_facts(workspace)
    configuration = f"{configuration_hash(workspace.study)}:{sources}"
    path = workspace.paths.ledger / "test_year_looks.jsonl"
    lines = [
        line
        for line in _read_lines(path)
        if line["data"] == facts.digest and line["test_year"] == facts.test_year
    ]
    mine = [line for line in lines if line["configuration"] == configuration]
    if not mine:
        mine = [
            {
                "when": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
                "data": facts.digest,
                "test_year": facts.test_year,
                "configuration": configuration,
                "label": _label(workspace, facts.test_year, first=not lines),
            }
        ]
        lines += mine
        _append_lines(path, mine)
    look = Look(facts.test_year, mine[0]["label"], len(lines))
    return read_table(PANEL, workspace.paths.processed / "panel.parquet"), look


def record_trials(
    workspace: Workspace, returns: pd.DataFrame, *, sources: str, cost_bps: int
) -> int:
    """Append every strategy not seen before, with its pooled daily net returns.

    A trial is a distinct strategy configuration: data, study, sources, model and rule.
    Whatever acts on a forecast counts, the network's or a baseline's, since any of them
    could have been picked once its score was seen. What is fixed beforehand to measure
    against does not: holding, equal weight, the index, random positions.

    Parameters
    ----------
    returns : DataFrame
        STRATEGY_RETURNS of the walk-forward years.
    sources : str
        Digest of the sources that made them.
    cost_bps : int
        Cost level whose returns are kept.

    Returns
    -------
    int
        Number of distinct trials in the ledger.
    """
    data = read_facts(workspace).digest
    configuration = f"{configuration_hash(workspace.study)}:{sources}"
    path = workspace.paths.ledger / "trials.jsonl"
    seen = {
        (line["data"], line["configuration"], line["model"], line["rule"])
        for line in _read_lines(path)
    }
    at_cost = returns[returns["cost_bps"] == cost_bps]
    chosen = at_cost[at_cost["rule"].isin(FORECAST_RULES)]
    new = []
    for (model, rule), rows in chosen.groupby(["model", "rule"]):
        pooled = rows.groupby("session")["net_return"].mean()
        # A strategy that never deals has no score that could have been picked.
        if (data, configuration, model, rule) in seen or not rows["turnover"].any():
            continue
        new.append(
            {
                "data": data,
                "configuration": configuration,
                "model": model,
                "rule": rule,
                "cost_bps": cost_bps,
                "first": str(pooled.index.min().date()),
                "last": str(pooled.index.max().date()),
                "net_returns": [round(value, 8) for value in pooled],
            }
        )
    _append_lines(path, new)
    return len(seen) + len(new)


def read_trials(workspace: Workspace) -> pd.DataFrame:
    """Return one row a trial on this data: model, rule, length, Sharpe per session."""
    data = read_facts(workspace).digest
    rows = [
        {
            "model": line["model"],
            "rule": line["rule"],
            "n": len(line["net_returns"]),
            "sharpe": _sharpe(line["net_returns"]),
        }
        for line in _read_lines(workspace.paths.ledger / "trials.jsonl")
        if line["data"] == data
    ]
    return pd.DataFrame(rows, columns=["model", "rule", "n", "sharpe"])


def _sharpe(returns: list[float]) -> float:
    spread = float(np.std(returns, ddof=1)) if len(returns) > 1 else 0.0
    return float(np.mean(returns)) / spread if spread > 0 else float("nan")


def _label(workspace: Workspace, test_year: int, *, first: bool) -> Label:
    if test_year <= workspace.study.market.results_known_through:
        return "replication"
    return "confirmatory" if first else "exploratory"


def _read_lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _append_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    added = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)
    if added:
        # Rewritten whole: a kill in the middle must not leave half a line.
        before = path.read_text("utf-8") if path.is_file() else ""
        write_text(path, before + added)
