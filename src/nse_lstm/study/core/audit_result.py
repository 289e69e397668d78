"""The audit's result on disk, and what it is valid for."""

from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.json_files import read_json
from nse_lstm.models.versions import code_version
from nse_lstm.study.core.ledger import EVALUATION, identity
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.workspace import Workspace

AUDITED = (*EVALUATION, "study.audit.run", "study.ranking.top_n_portfolio")
"""Modules that a result of the audit depends on, with all that they import."""

CHECKS: tuple[tuple[str, str], ...] = (
    ("walk", "the small market is walked from raw files to a verdict"),
    ("futures: panel", "prices, flags and returns up to the origin"),
    ("futures: universe", "recommended and tradable stocks"),
    ("futures: windows", "training and validation windows"),
    ("futures: scalers", "scalers, byte by byte"),
    ("futures: weights", "weights and training history, byte by byte"),
    ("futures: forecasts", "every model's forecasts, bit by bit"),
    ("futures: positions", "positions, turnover and returns"),
    ("futures: choices", "scores, selection and verdict before the test year"),
    ("futures: features", "the tabular models' features, bit by bit"),
    ("futures: targets", "what the tabular models are trained on"),
    ("futures: tabular", "the tabular models' forecasts, bit by bit"),
    ("recount: panel", "every share's rows from the raw text, by plain Python"),
    ("recount: universe", "recommendations as of each fold's start"),
    ("recount: windows", "inputs, labels and spans"),
    ("recount: scalers", "the range of the training windows and no more"),
    ("recount: forecasts", "origins, targets and the price they start from"),
    ("recount: money", "fills, costs, accounts, Sharpe ratios, accuracy, verdict"),
    ("recount: choices", "each stock's champion on walk-forward years"),
    ("refit: bytes", "a job fitted again gives the same bytes"),
    ("refit: forecasts", "stored weights asked along another path"),
    ("refit: stopping", "the loss that stopped training is the validation span's"),
    ("rule", "columns, seal, spans, costs, positions, annualisation, ledger"),
    ("placebo", "no skill where a coin decides, labels as they are and permuted"),
    ("own market: panel", "this market's own panel from its raw text"),
    ("own market: universe", "its recommendations"),
    ("own market: windows", "sampled stocks' windows"),
    ("own market: scalers", "sampled stocks' stored scalers"),
)
"""Families of checks and what each holds fast, for the table."""


def audit_path(workspace: Workspace) -> Path:
    """Return where the result lies."""
    return workspace.paths.models / "audit" / "audit.json"


def audit_identity(workspace: Workspace) -> dict[str, str]:
    """Name the inputs that a result is valid for: data, configuration and code.

    The code is that of the audit and of all that feeds the verdict, the trials of the
    ranking models among it, since the deflated Sharpe ratio counts them.
    """
    return {
        "data": read_facts(workspace).digest,
        "study": identity(workspace),
        "code": code_version(*AUDITED),
    }


def is_clean(workspace: Workspace) -> bool | None:
    """Say whether this very study passed the audit; None where that is not known.

    None without a result, and with one of other data, configuration or code.
    """
    found = _read(workspace)
    if found is None or found["identity"] != audit_identity(workspace):
        return None
    return bool(found["clean"])


def audit_words(workspace: Workspace) -> str:
    """Say in a sentence what the audit found, or why it says nothing."""
    found = _read(workspace)
    if found is None:
        return "The leak audit was not run on this study: run `make audit`."
    mine = audit_identity(workspace)
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
        f"futures, {found['n_placebos']} placebos, every figure counted twice."
    )


def audit_table(workspace: Workspace) -> pd.DataFrame:
    """Return one row a check: what it holds fast, and its alarms.

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
            "what": what,
            "alarms": sum(
                name == check or name.startswith(f"{check}: ") for name in names
            )
            if check in ("rule", "placebo")
            else names.count(check),
        }
        for check, what in CHECKS
    ]
    return pd.DataFrame(rows)


def power_table(workspace: Workspace) -> pd.DataFrame:
    """Return the defects, what caught each and what it fakes; empty if not measured."""
    path = audit_path(workspace).with_name("power.json")
    rows = read_json(path)["defects"] if path.is_file() else []
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
