"""Walk twice in one root and demand the bytes of a fresh one.

A warm start, a resume that ignores the version, or a choice read from the last build
leaves something of the first walk in the second.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.markets import open_audit
from nse_lstm.study.audit.pipeline_run import PipelineRun, run_pipeline
from nse_lstm.study.core.phases import PHASES
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.trials import LEDGER, record_trials
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import STRATEGY_RETURNS, read_table

FOLDERS = tuple(dict.fromkeys(name for phase in PHASES for name in phase.writes))
TIMED = ("run.json",)
"""Files that say how long something took."""


def walk_again(base: PipelineRun, root: Path, learner: str) -> list[AuditAlarm]:
    """Walk another study in a root, then the base's own, and compare with a fresh root.

    The other study has the year before as its test year, another seed and another cost.
    Its file is the longer one: it holds a year after its test year.

    Parameters
    ----------
    base : PipelineRun
        Walked in a root of its own.
    root : Path
        An empty folder.
    learner : str
        The one of ``learners.LEARNERS`` that fitted the base's models.
    """
    study, raw = base.workspace.study, base.workspace.paths.raw
    cost = study.backtest.headline_cost_bps
    other = replace(
        _other_seed(study),
        test_year=base.folds[-1].year - 1,
        backtest=replace(
            study.backtest, cost_bps=(0, cost + 1), headline_cost_bps=cost + 1
        ),
    )
    rankings = base.ranking is not None
    run_pipeline(open_audit(other, root, raw), learner, rankings=rankings)
    used = open_audit(study, root, raw)
    earlier = used.paths.ledger.rename(root / "earlier ledger")
    run_pipeline(used, learner, rankings=rankings)
    return [*compare_roots(base.workspace, used), *forgotten_trials(used, earlier)]


def forgotten_trials(used: Workspace, earlier: Path) -> list[AuditAlarm]:
    """Return one alarm per trial that is not added to the ledger of another study.

    Parameters
    ----------
    used : Workspace
        After Phase 4, with a ledger of its own trials alone.
    earlier : Path
        A ledger of another study's trials of the same strategies, which takes the
        place of its own.
    """
    ledger, data = used.paths.ledger, open_study_data(used)
    table = read_table(STRATEGY_RETURNS, used.paths.evaluation / "returns.parquet")
    known = table[table["fold"] < data.facts.test_year]
    fresh = _trials(ledger)
    shutil.rmtree(ledger)
    earlier.rename(ledger)
    # With the earlier study's seed, so that the strategies have the same names.
    alike = replace(data, study=_other_seed(used.study))
    record_trials(alike, known, cost_bps=used.study.backtest.headline_cost_bps)
    models = set(known["model"])
    return [
        AuditAlarm("repeated walk", "ledger", f"{model} {rule} is no trial of its own")
        for study, model, rule in sorted(fresh - _trials(ledger))
        if model in models
    ]


def _other_seed(study: Study) -> Study:
    return replace(study, seed=study.seed + 1)


def _trials(ledger: Path) -> set[tuple[str, str, str]]:
    """Return study, model and rule of every line."""
    lines = (ledger / LEDGER).read_text("utf-8").splitlines()
    rows = map(json.loads, lines)
    return {(row["study"], row["model"], row["rule"]) for row in rows}


def resume_walk(base: PipelineRun, learner: str) -> list[AuditAlarm]:
    """Walk the base's study once more in its own root, where everything is there.

    Parameters
    ----------
    base : PipelineRun
    learner : str
        The one of ``learners.LEARNERS`` that fitted its models.
    """
    paths = published_files(base.workspace)
    before = {place: path.read_bytes() for place, path in paths.items()}
    run_pipeline(base.workspace, learner, rankings=base.ranking is not None)
    return [
        AuditAlarm("repeated walk", place, "has other bytes when it is resumed")
        for place, path in paths.items()
        if path.read_bytes() != before[place]
    ]


def published_files(workspace: Workspace) -> dict[str, Path]:
    """Return every file in the folders that a phase writes, by its place in the root.

    Parameters
    ----------
    workspace : Workspace
    """
    root, market = workspace.paths.root, workspace.study.market.name
    found = {}
    for name in FOLDERS:
        folder = root / name.replace("<market>", market)
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and path.name not in TIMED:
                found[path.relative_to(root).as_posix()] = path
    return found


def compare_roots(fresh: Workspace, used: Workspace) -> list[AuditAlarm]:
    """Return one alarm per published file that is another than in a fresh root.

    Parameters
    ----------
    fresh, used : Workspace
        The same study on the same files; ``used`` was walked before, and its ledger was
        set aside, since the ledger counts earlier walks on purpose.
    """
    return [
        AuditAlarm("repeated walk", place, detail)
        for place, detail in _differences(published_files(fresh), published_files(used))
    ]


def _differences(
    fresh: dict[str, Path], used: dict[str, Path]
) -> Iterator[tuple[str, str]]:
    for place in sorted(fresh):
        if place not in used:
            yield place, "is missing"
        elif fresh[place].read_bytes() != used[place].read_bytes():
            yield place, _first_difference(fresh[place], used[place])


def _first_difference(one: Path, two: Path) -> str:
    """Name the first column or key that differs."""
    if one.suffix == ".parquet":
        tables = [pd.read_parquet(path) for path in (one, two)]
        if len(tables[0]) != len(tables[1]):
            return f"{len(tables[1])} rows, fresh {len(tables[0])}"
        for name in tables[0].columns:
            if name not in tables[1] or not tables[0][name].equals(tables[1][name]):
                return f"column {name} is another than in a fresh root"
    if one.suffix == ".json":
        first, second = (json.loads(path.read_text("utf-8")) for path in (one, two))
        return f"{_first_key(first, second)} is another than in a fresh root"
    return "has other bytes than in a fresh root"


def _first_key(one: Any, two: Any) -> str:
    if isinstance(one, dict) and isinstance(two, dict):
        for name in one:
            if one[name] != two.get(name):
                return f"{name}.{_first_key(one[name], two.get(name))}".rstrip(".")
    return ""
