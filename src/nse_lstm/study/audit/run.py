"""The command `nse-lstm audit`: a small market, then this market's own tables.

The result is written in any case. A study with an alarm can never be judged useful.
"""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from nse_lstm.config import Study
from nse_lstm.json_files import write_json
from nse_lstm.study.audit.alarms import AuditAlarm, run_guarded
from nse_lstm.study.audit.compare_reference import recount_summary
from nse_lstm.study.audit.examine import Examination, examine, scratch_folder
from nse_lstm.study.audit.lag1_copy_check import lag1_copies
from nse_lstm.study.audit.market_checks import check_futures, check_tables
from nse_lstm.study.audit.placebos import LEVEL, Placebo
from nse_lstm.study.audit.step_log import AuditStep, Progress, StepLog, Work
from nse_lstm.study.audit.walk_trace import FULL_ONLY, LEFT_OUT, find_unwalked
from nse_lstm.study.core.audit_result import audit_identity, audit_path
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import PANEL


@dataclass(frozen=True)
class Walk:
    """One small market to walk."""

    learner: str
    """One of ``learners.LEARNERS``."""
    futures: str
    """As for ``examine.examine``."""
    seed: int


@dataclass(frozen=True)
class Walked:
    """Findings of a walk beside its alarms, in plain values."""

    steps: dict[str, AuditStep]
    splices: list[str]
    placebos: list[Placebo]
    recount: dict[str, Any] | None
    """``recount_summary``."""
    lag1_copies: list[dict[str, Any]]


def run_audit(
    workspace: Workspace,
    *,
    full: bool = False,
    workers: int = 1,
    progress: Progress = print,
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
    workers : int
        Processes that walk the small markets; 1 walks them in this one, 0 is one per
        core.
    progress : callable
        Receives one line per step, of other processes printed there.

    Returns
    -------
    list of AuditAlarm
        Empty for a clean study.
    """
    size = "full" if full else "small"
    kept = _kept_path(workspace, size)
    walks = _walks(workspace.study.seed, full=full)
    walked = _walk_all(workspace, walks, kept, workers=workers, progress=progress)
    log = StepLog(kept, progress)
    for each in walked:
        log.take(each.steps)
    log.run("market: tables", _guarded("market", lambda: check_tables(workspace)))
    splices = [splice for each in walked for splice in each.splices]
    if full:
        taken = log.run("market: other futures", lambda: _market_futures(workspace))
        splices += taken.about["splices"]
    log.run("trace", lambda: (find_unwalked(log.executed, full=full), {}))
    _write(workspace, walked, log.alarms, splices, size)
    for path in kept.parent.glob(f"{kept.stem}*"):
        path.unlink()
    return log.alarms


def _walks(seed: int, *, full: bool) -> list[Walk]:
    """Return the small markets, the one that tells lag-1 copies first."""
    if full:
        return [
            Walk("network", "all", seed),
            Walk("surrogate", "all", seed),
            Walk("surrogate", "few", seed + 1),
        ]
    return [Walk("network", "fits", seed), Walk("surrogate", "few", seed)]


def _walk_all(
    workspace: Workspace,
    walks: list[Walk],
    kept: Path,
    *,
    workers: int,
    progress: Progress,
) -> list[Walked]:
    """Walk every small market, side by side where there are several processes."""
    paths = [kept.with_name(f"{kept.stem}-{n}.jsonl") for n in range(len(walks))]
    workers = min(workers or os.cpu_count() or 1, len(walks))
    if workers < 2:
        return [
            _walk(workspace.study, walk, path, progress)
            for walk, path in zip(walks, paths, strict=True)
        ]
    speak = partial(print, flush=True)
    # A spawned process inherits no state, so the findings are those of this one.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        started = [
            pool.submit(_walk, workspace.study, walk, path, speak)
            for walk, path in zip(walks, paths, strict=True)
        ]
        return [each.result() for each in started]


def _walk(study: Study, walk: Walk, kept: Path, progress: Progress) -> Walked:
    log = StepLog(kept, progress)
    with scratch_folder() as root:
        found = examine(
            study,
            root,
            seed=walk.seed,
            learner=walk.learner,
            futures=walk.futures,
            log=log,
        )
        return Walked(
            steps=log.steps,
            splices=found.splices,
            placebos=found.placebos,
            recount=recount_summary([found.run]),
            lag1_copies=_lag1_copies(found),
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
    walked: list[Walked],
    alarms: list[AuditAlarm],
    splices: list[str],
    size: str,
) -> None:
    placebos = [test for each in walked for test in each.placebos]
    recounts = [each.recount for each in walked if each.recount]
    document = {
        "identity": audit_identity(workspace),
        "recount": max(recounts, key=lambda each: each["n"], default=None),
        "size": size,
        "clean": not alarms,
        "alarms": [asdict(alarm) for alarm in alarms],
        "changes": splices,
        "n_placebos": len(placebos),
        "placebo_level": LEVEL,
        "smallest_p_value": min((test.p_value for test in placebos), default=None),
        "lag1_copies": walked[0].lag1_copies,
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
