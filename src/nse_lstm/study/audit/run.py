"""The command `nse-lstm audit`: a small market, then this market's own tables.

The result is written in any case. A study with an alarm can never be judged useful.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nse_lstm.json_files import write_json
from nse_lstm.study.audit.alarms import AuditAlarm, run_guarded
from nse_lstm.study.audit.compare_reference import recount_summary
from nse_lstm.study.audit.examine import Examination, examine, scratch_folder
from nse_lstm.study.audit.lag1_copy_check import lag1_copies
from nse_lstm.study.audit.market_checks import check_futures, check_tables
from nse_lstm.study.audit.placebos import LEVEL
from nse_lstm.study.audit.step_log import Progress, StepLog, Work
from nse_lstm.study.audit.walk_trace import FULL_ONLY, LEFT_OUT, find_unwalked
from nse_lstm.study.core.audit_result import audit_identity, audit_path
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import PANEL


def run_audit(
    workspace: Workspace, *, full: bool = False, progress: Progress = print
) -> list[AuditAlarm]:
    """Audit a study after its Phase 3 and write ``audit.json``.

    On a small market the surrogate goes through every check. The networks are compared
    with the reference there, and fitted again. This market's own tables are compared
    with the reference too. Each step is kept under ``build`` until the result is
    written, so that a killed audit resumes.

    Parameters
    ----------
    workspace : Workspace
        With finished Phases 1 to 3.
    full : bool
        Whether networks go through every check too, a second seed is walked, every kind
        of origin is tried, and this market's own files are rewritten in every fold.
    progress : callable
        Receives one line per step.

    Returns
    -------
    list of AuditAlarm
        Empty for a clean study.
    """
    size = "full" if full else "small"
    log = StepLog(_kept_path(workspace, size), progress)
    runs = [
        _examine(workspace, seed, learner, futures, log)
        for learner, futures, seed in _walks(workspace.study.seed, full=full)
    ]
    log.run("market: tables", _guarded("market", lambda: check_tables(workspace)))
    splices = [splice for run in runs for splice in run.splices]
    if full:
        taken = log.run("market: other futures", lambda: _market_futures(workspace))
        splices += taken.about["splices"]
    log.run("trace", lambda: (find_unwalked(log.executed, full=full), {}))
    _write(workspace, runs, log.alarms, splices, size)
    log.forget()
    return log.alarms


def _walks(seed: int, *, full: bool) -> list[tuple[str, str, int]]:
    """Return learner, futures and seed of each small market."""
    if full:
        return [
            ("network", "all", seed),
            ("surrogate", "all", seed),
            ("surrogate", "few", seed + 1),
        ]
    return [("network", "fits", seed), ("surrogate", "few", seed)]


def _examine(
    workspace: Workspace, seed: int, learner: str, futures: str, log: StepLog
) -> Examination:
    with scratch_folder() as root:
        return examine(
            workspace.study, root, seed=seed, learner=learner, futures=futures, log=log
        )


def _kept_path(workspace: Workspace, size: str) -> Path:
    """Return where steps of an audit of this very study are kept."""
    text = json.dumps(audit_identity(workspace), sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    return workspace.paths.build / "audit" / f"{size}-{name}.jsonl"


def _guarded(check: str, work: Callable[[], list[AuditAlarm]]) -> Work:
    def run() -> tuple[list[AuditAlarm], dict[str, Any]]:
        found, failed = run_guarded(check, work)
        return [*(found or []), *failed], {}

    return run


def _market_futures(workspace: Workspace) -> tuple[list[AuditAlarm], dict[str, Any]]:
    with scratch_folder() as root:
        spliced, failed = run_guarded("futures", lambda: check_futures(workspace, root))
    moved, labels = spliced or ([], [])
    return [*moved, *failed], {"splices": labels}


def _write(
    workspace: Workspace,
    runs: list[Examination],
    alarms: list[AuditAlarm],
    splices: list[str],
    size: str,
) -> None:
    placebos = [test for run in runs for test in run.placebos]
    document = {
        "identity": audit_identity(workspace),
        "recount": recount_summary(run.run for run in runs),
        "size": size,
        "clean": not alarms,
        "alarms": [asdict(alarm) for alarm in alarms],
        "changes": splices,
        "n_placebos": len(placebos),
        "placebo_level": LEVEL,
        "smallest_p_value": min((test.p_value for test in placebos), default=None),
        "lag1_copies": _lag1_copies(runs[0]),
        "not_walked": {**LEFT_OUT, **({} if size == "full" else FULL_ONLY)},
    }
    write_json(audit_path(workspace), document)


def _lag1_copies(found: Examination) -> list[dict[str, Any]]:
    """Return which of the small market's models copy the last price; never an alarm."""
    run = found.run
    if run is None:
        return []
    table = lag1_copies(run.forecasts, run.prices[list(PANEL.columns)])
    rows = table.to_dict(orient="records")
    return [{str(name): value for name, value in row.items()} for row in rows]
