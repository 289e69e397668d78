"""The audit's result on disk, and what it is valid for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.json_files import read_json
from nse_lstm.models.versions import code_version
from nse_lstm.paths import find_root
from nse_lstm.study.core.ledger import EVALUATION, identity
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.workspace import Workspace

AUDITED = (
    *EVALUATION,
    *("study.audit.run", "study.validation.portfolios"),
)
"""Modules that a result of the audit depends on, with all that they import."""

CHECKS: tuple[tuple[str, str], ...] = (
    ("pipeline", "a small market runs from raw files to a verdict"),
    ("futures: panel", "prices, flags and returns up to the origin"),
    ("futures: universe", "recommended and tradable stocks"),
    ("futures: windows", "training and validation windows"),
    ("futures: scalers", "scalers, byte by byte"),
    ("futures: weights", "weights and training history, byte by byte"),
    ("futures: forecasts", "every model's forecasts, bit by bit"),
    ("futures: quantiles", "the stock LSTM's distribution, bit by bit"),
    ("futures: positions", "positions, turnover and returns"),
    ("futures: choices", "scores, selection and verdict before the test year"),
    ("futures: features", "the tabular models' features, bit by bit"),
    ("futures: targets", "the tabular models' labels"),
    ("futures: tabular", "the tabular models' forecasts, bit by bit"),
    ("futures: rank samples", "the rank LSTM's samples and its teacher's targets"),
    ("futures: blend weights", "the rank ensemble's weights"),
    ("futures: rankings", "forecasts of every ranking model and blend, bit by bit"),
    ("futures: rank LSTM", "forecasts of the stored rank LSTMs, bit by bit"),
    ("futures: portfolios", "accounts of the portfolio rules and their benchmarks"),
    ("futures: rank summaries", "rank IC and order savings before the test year"),
    ("futures: search", "what a search of settings finds"),
    ("repeated walk", "a root that another study used gives the bytes of a fresh one"),
    ("trace", "all code that makes published artefacts ran under another future"),
    ("acts", "every rule trades, every cost is paid, every kind of origin is there"),
    ("reference: panel", "every stock's rows from the raw text, by plain Python"),
    ("reference: universe", "recommendations as of each fold's start"),
    ("reference: windows", "inputs, labels and spans"),
    ("reference: scalers", "each scaler's range is that of its training windows"),
    ("reference: targets", "ranked returns of every horizon, entry and target dates"),
    ("reference: teacher", "rows that teach the rank LSTM's soft targets"),
    ("reference: stock samples", "the stock LSTM's training rows and labels"),
    ("early sessions", "features and labels of a panel that ends early, bit by bit"),
    ("reference: forecasts", "origins, targets and starting prices"),
    ("recount", "every published number, read from disk: accounts, scores, verdict"),
    ("refit: bytes", "the same job gives the same bytes again"),
    ("refit: forecasts", "stored weights give the same forecasts on another path"),
    ("refit: stopping", "the validation span's loss stopped the training"),
    ("rule", "columns, seal, spans, costs, positions, both sides' returns, ledger"),
    ("placebo", "no skill on random directions, with true and with permuted labels"),
    ("market: panel", "this market's own panel from its raw text"),
    ("market: universe", "its recommendations"),
    ("market: windows", "sampled stocks' windows"),
    ("market: scalers", "sampled stocks' stored scalers"),
)
"""Each check and the property that it tests, for the table."""


def audit_path(workspace: Workspace) -> Path:
    """Return where the result lies."""
    return workspace.paths.models / "audit" / "audit.json"


def audit_identity(workspace: Workspace) -> dict[str, str]:
    """Name the inputs that a result is valid for: data, configuration and code.

    The code is that of the audit and of all that feeds the verdict, the trials of the
    ranking models among it, since the deflated Sharpe ratio counts them.
    """
    facts = read_facts(workspace)
    return {
        "data": facts.digest,
        "study": identity(workspace.study, facts.test_year),
        "code": code_version(*AUDITED),
    }


@dataclass(frozen=True)
class AuditOutcome:
    """Result of the audit for one study."""

    clean: bool | None
    """Whether this very study passed; None without a result, and with one of other
    data, configuration or code."""
    words: str
    """Its finding in a sentence, or why there is none."""


def read_audit(workspace: Workspace) -> AuditOutcome:
    """Read whether this very study passed the audit, and its finding in a sentence."""
    found = _read(workspace)
    if found is None:
        words = "The leak audit was not run on this study: run `make audit`."
        return AuditOutcome(None, words)
    mine = audit_identity(workspace)
    clean = bool(found["clean"]) if found["identity"] == mine else None
    return AuditOutcome(clean, _finding(found, mine))


def _finding(found: dict[str, Any], mine: dict[str, str]) -> str:
    names = {"data": "data", "study": "configuration or code", "code": "code"}
    other = [names[key] for key in names if found["identity"].get(key) != mine[key]]
    if other:
        which = " and ".join(dict.fromkeys(other))
        return f"The leak audit is out of date: it was of other {which}."
    n = len(found["alarms"])
    if n:
        checks = sorted({alarm["check"] for alarm in found["alarms"]})
        return f"The leak audit found {n} leaks or faults: {', '.join(checks)}."
    return (
        f"The leak audit ({found['size']}) is clean: {len(found['changes'])} other "
        f"futures, {found['n_placebos']} placebos, every figure computed twice."
    )


def audit_table(workspace: Workspace) -> pd.DataFrame:
    """Return one row per check: the property it tests, and its alarms.

    Raises
    ------
    ArtefactError
        If the audit has not been run.
    """
    found = _read(workspace)
    if found is None:
        raise ArtefactError(f"No audit at {audit_path(workspace)}: run nse-lstm audit")
    names = [alarm["check"] for alarm in found["alarms"]]
    rows = [
        {
            "check": check,
            "property": tested,
            "alarms": sum(
                name == check or name.startswith(f"{check}: ") for name in names
            )
            if check in ("rule", "placebo", "recount")
            else names.count(check),
        }
        for check, tested in CHECKS
    ]
    return pd.DataFrame(rows)


def power_path() -> Path:
    """Return where the committed table of the audit's measured power lies."""
    return find_root(Path(__file__)) / "docs" / "audit_power.json"


def power_table() -> pd.DataFrame:
    """Return one row per injected defect: the checks that caught it, v2's figures."""
    rows = read_json(power_path())["defects"] if power_path().is_file() else []
    columns = ["defect", "caught by", "Sharpe", "clean", "R² of returns", "clean R²"]
    return pd.DataFrame(
        [
            (
                row["name"],
                ", ".join(row["caught_by"]) or "not caught",
                row["sharpe"],
                row["sharpe_clean"],
                row["r_squared"],
                row["r_squared_clean"],
            )
            for row in rows
        ],
        columns=columns,
    )


def _read(workspace: Workspace) -> dict[str, Any] | None:
    path = audit_path(workspace)
    return dict(read_json(path)) if path.is_file() else None
