"""What `nse-lstm audit` runs: a small market, this market's tables, on demand all.

The result is written whatever came; a study with an alarm can never be judged useful.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from nse_lstm.json_files import write_json
from nse_lstm.study.audit.alarms import Alarm, refused
from nse_lstm.study.audit.checks import Examination, examine, scratch_folder
from nse_lstm.study.audit.lag1_copy_check import lag1_copies
from nse_lstm.study.audit.market_checks import check_futures, check_tables
from nse_lstm.study.audit.placebos import LEVEL
from nse_lstm.study.audit.power import clean_runs, measure_power
from nse_lstm.study.core.audit_result import audit_identity, audit_path
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import PANEL

Progress = Callable[[str], None]


def run_audit(
    workspace: Workspace, *, full: bool = False, progress: Progress = print
) -> list[Alarm]:
    """Audit a study after its Phase 3 and write ``audit.json``.

    Small: the study's code walks a small market, with stand-ins under every change and
    all placebos, and once with networks, which are fitted again and asked again by
    hand; this market's own tables are held against the same by hand. Full: networks
    under every change too, and this market's own files rewritten in every fold.

    Returns
    -------
    list of Alarm
        Empty for a clean study.
    """
    seed, runs = workspace.study.seed, []
    futures = {"network": "all" if full else "none", "stand-in": "all"}
    for learner, which in futures.items():
        with scratch_folder() as root:
            found = examine(
                workspace.study, root, seed=seed, learner=learner, futures=which
            )
        runs.append(found)
        progress(f"small market, {learner}: {len(found.alarms)} alarms")
    alarms = [alarm for run in runs for alarm in run.alarms]
    changes = [change for run in runs for change in run.changes]
    tables, failed = refused("own market", lambda: check_tables(workspace))
    alarms += [*(tables or []), *failed]
    progress(f"own market, tables: {len(tables or failed)} alarms")
    if full:
        with scratch_folder() as root:
            found_there, failed = refused(
                "futures", lambda: check_futures(workspace, root)
            )
        moved, labels = found_there or ([], [])
        alarms += [*moved, *failed]
        changes += labels
        progress(f"own market, other futures: {len(moved) + len(failed)} alarms")
    _write(workspace, runs, alarms, changes, "full" if full else "small")
    return alarms


def run_power(
    workspace: Workspace, *, n_clean: int, progress: Progress = print
) -> dict[str, Any]:
    """Measure the audit's power and its false alarms, and write ``power.json``."""
    study = workspace.study
    document = {
        "defects": measure_power(study, progress=progress),
        "clean_runs": clean_runs(study, range(101, 101 + n_clean), progress=progress),
    }
    write_json(audit_path(workspace).with_name("power.json"), document)
    return document


def _write(
    workspace: Workspace,
    runs: list[Examination],
    alarms: list[Alarm],
    changes: list[str],
    size: str,
) -> None:
    placebos = [test for run in runs for test in run.placebos]
    document = {
        "identity": audit_identity(workspace),
        "size": size,
        "clean": not alarms,
        "alarms": [asdict(alarm) for alarm in alarms],
        "changes": changes,
        "n_placebos": len(placebos),
        "placebo_level": LEVEL,
        "smallest_p_value": min((test.p_value for test in placebos), default=None),
        "lag1_copies": _look_alikes(runs[0]),
    }
    write_json(audit_path(workspace), document)


def _look_alikes(run: Examination) -> list[dict[str, Any]]:
    """Say of the small market's models which copy the last price: no alarm."""
    if run.walk is None:
        return []
    walk = run.walk
    table = lag1_copies(walk.forecasts, walk.prices[list(PANEL.columns)])
    rows = table.to_dict(orient="records")
    return [{str(name): value for name, value in row.items()} for row in rows]
