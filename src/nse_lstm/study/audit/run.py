"""The command `nse-lstm audit`: a small market, then this market's own tables.

The result is written in any case. A study with an alarm can never be judged useful.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from nse_lstm.json_files import write_json
from nse_lstm.study.audit.alarms import AuditAlarm, run_guarded
from nse_lstm.study.audit.compare_reference import recount_summary
from nse_lstm.study.audit.examine import Examination, examine, scratch_folder
from nse_lstm.study.audit.lag1_copy_check import lag1_copies
from nse_lstm.study.audit.market_checks import check_futures, check_tables
from nse_lstm.study.audit.placebos import LEVEL
from nse_lstm.study.core.audit_result import audit_identity, audit_path
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import PANEL

Progress = Callable[[str], None]


def run_audit(
    workspace: Workspace, *, full: bool = False, progress: Progress = print
) -> list[AuditAlarm]:
    """Audit a study after its Phase 3 and write ``audit.json``.

    On a small market the surrogate goes through every check. The networks are compared
    with the reference there, and one is fitted again. This market's own tables are
    compared with the reference too.

    Parameters
    ----------
    workspace : Workspace
        With finished Phases 1 to 3.
    full : bool
        Whether networks go through every check too, and this market's own files are
        rewritten in every fold.
    progress : callable
        Receives one line per step.

    Returns
    -------
    list of AuditAlarm
        Empty for a clean study.
    """
    seed, runs = workspace.study.seed, []
    futures = {"network": "all" if full else "none", "surrogate": "all"}
    for learner, which in futures.items():
        with scratch_folder() as root:
            found = examine(
                workspace.study, root, seed=seed, learner=learner, futures=which
            )
        runs.append(found)
        progress(f"small market, {learner}: {len(found.alarms)} alarms")
    alarms = [alarm for run in runs for alarm in run.alarms]
    splices = [splice for run in runs for splice in run.splices]
    tables, failed = run_guarded("market", lambda: check_tables(workspace))
    alarms += [*(tables or []), *failed]
    progress(f"this market, tables: {len(tables or failed)} alarms")
    if full:
        with scratch_folder() as root:
            spliced, failed = run_guarded(
                "futures", lambda: check_futures(workspace, root)
            )
        moved, labels = spliced or ([], [])
        alarms += [*moved, *failed]
        splices += labels
        progress(f"this market, other futures: {len(moved) + len(failed)} alarms")
    _write(workspace, runs, alarms, splices, "full" if full else "small")
    return alarms


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
