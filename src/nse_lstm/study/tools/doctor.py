"""Check environment, data and artefacts of a study, and advise what to do.

Nothing is built or repaired. TensorFlow is not started, so the checks take seconds.
"""

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from typing import Literal, NamedTuple

import pandas as pd

from nse_lstm.data.impossible_values import IMPOSSIBLE
from nse_lstm.errors import StudyError
from nse_lstm.paths import csv_paths, find_root, unread_paths
from nse_lstm.study.core.fitting import is_trained
from nse_lstm.study.core.jobs import training_jobs
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.jump_review import new_jumps
from nse_lstm.study.tools.make_command import make_command, parameters_of
from nse_lstm.tables import REPAIRS, read_table

Result = Literal["ok", "warning", "failed"]

OK: Result = "ok"
WARNING: Result = "warning"
FAILED: Result = "failed"

PYTHONS = ((3, 11), (3, 14))
"""Supported versions: from the first on, below the second."""
MEMORY_PER_WORKER = 1.0
"""GiB: a training process holds TensorFlow and one stock's windows."""
DISK = 2.0
"""GiB: a whole build, with a reserve."""
TOOLS = {
    "chromium": "tests of the pages and of JupyterLab",
    "psql": "tests of the forecast store on PostgreSQL",
    "wrk": "benchmark of the service under load",
}
"""Programs that only some tests and benchmarks use."""
GIB = 2**30

BUILD, TRAIN = VERBS = ("all", "train")
"""Advised targets of Make, which get the study's variables as arguments."""


class Finding(NamedTuple):
    """The result of one check."""

    area: str
    check: str
    result: Result
    found: str
    do: str = ""
    """Advice, empty where nothing has to be done."""


def examine(workspace: Workspace, *, study_file: str = "study.toml") -> pd.DataFrame:
    """Check environment, data, artefacts and tools.

    Parameters
    ----------
    workspace : Workspace
    study_file : str
        Its study file, for the commands that are advised.

    Returns
    -------
    DataFrame
        One row per check: ``area``, ``check``, ``result``, ``found``, ``do``. The
        result is "failed" where the study cannot run, and "warning" where something
        is missing that can be built or is optional.
    """
    checks: list[Callable[[Workspace], Iterator[Finding]]] = [
        _python,
        _packages,
        _machine,
        _raw_files,
        _unread_files,
        _panel,
        _jumps,
        _impossible,
        _models,
        _verdict,
        _tools,
    ]
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check(workspace)
        except StudyError as error:
            name = check.__name__.strip("_").replace("_", " ")
            findings.append(Finding("study", name, FAILED, str(error)))
    table = pd.DataFrame(findings, columns=list(Finding._fields))
    given = parameters_of(workspace, study_file)
    commands = {verb: make_command(verb, given) for verb in VERBS}
    table["do"] = table["do"].replace(commands)
    return table


def _python(workspace: Workspace) -> Iterator[Finding]:
    first, end = PYTHONS
    fits = first <= sys.version_info[:2] < end
    yield Finding(
        "environment",
        "Python",
        OK if fits else FAILED,
        platform.python_version(),
        "" if fits else "rm -rf .venv; make test PYTHON=python3.11",
    )


def _packages(workspace: Workspace) -> Iterator[Finding]:
    """Compare installed packages with the lock, where markers may give two pins."""
    pins = _locked((find_root() / "requirements.lock").read_text(encoding="utf-8"))
    installed = {
        _plain(each.name): each.version for each in distributions() if each.name
    }
    other = [
        f"{name} {found} (locked: {' or '.join(sorted(pins[name]))})"
        for name, found in sorted(installed.items())
        if name in pins and found not in pins[name]
    ]
    missing = sorted(_required() - set(installed))
    found = f"{len(installed)} packages, {len(pins)} in requirements.lock"
    problems = [*other, *(f"{name} missing" for name in missing)]
    yield Finding(
        "environment",
        "packages",
        FAILED if problems else OK,
        ", ".join(problems[:5]) + (" …" if len(problems) > 5 else "") or found,
        "touch requirements.lock; make test" if problems else "",
    )


def _locked(text: str) -> dict[str, set[str]]:
    """Return the versions of each package in a lock."""
    pins: dict[str, set[str]] = {}
    for name, pinned in re.findall(r"^([\w.-]+)(?:\[.*?\])?==([^\s;\\]+)", text, re.M):
        pins.setdefault(_plain(name), set()).add(pinned)
    return pins


def _required() -> set[str]:
    """Return the packages that the library needs without its extras."""
    try:
        version("nse-lstm")
    except PackageNotFoundError:
        return set()
    lines = [line for line in requires("nse-lstm") or [] if "extra ==" not in line]
    return {_plain(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in lines}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _machine(workspace: Workspace) -> Iterator[Finding]:
    cores = os.cpu_count() or 1
    workers = workspace.study.training.workers or cores
    yield Finding("environment", "processor", OK, f"{cores} cores, {workers} workers")
    if hasattr(os, "sysconf"):
        gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
        enough = gib >= workers * MEMORY_PER_WORKER
        yield Finding(
            "environment",
            "memory",
            OK if enough else WARNING,
            f"{gib:.1f} GiB",
            ""
            if enough
            else f"workers = {max(1, int(gib / MEMORY_PER_WORKER))} under [training]",
        )
    root = workspace.paths.root
    existing = next(path for path in (root, *root.parents) if path.exists())
    free = shutil.disk_usage(existing).free / GIB
    yield Finding(
        "environment",
        "disk",
        OK if free >= DISK else FAILED,
        f"{free:.1f} GiB free",
        "" if free >= DISK else f"free at least {DISK:g} GiB, or another ROOT=",
    )


def _raw_files(workspace: Workspace) -> Iterator[Finding]:
    paths, market = workspace.paths, workspace.study.market
    files = csv_paths(paths.raw)
    if files:
        named = {int(y) for f in files for y in re.findall(r"(?:19|20)\d\d", f.name)}
        found = f"{len(files)} in {paths.raw}, named {_spans(named)}"
        yield Finding("data", "source files", OK, found)
    elif market.simulated:
        yield Finding("data", "source files", OK, "none: the build makes them")
    else:
        do = f"make fetch, or RAW=folder MARKET={market.name}"
        yield Finding("data", "source files", FAILED, f"none in {paths.raw}", do)


def _unread_files(workspace: Workspace) -> Iterator[Finding]:
    for path, what in unread_paths(workspace.paths.raw).items():
        yield Finding("data", "unread file", WARNING, str(path), what)


def _spans(years: set[int]) -> str:
    """Write consecutive years as one span."""
    starts = sorted(year for year in years if year - 1 not in years)
    ends = sorted(year for year in years if year + 1 not in years)
    spans = [
        f"{start} to {end}" if end > start else str(start)
        for start, end in zip(starts, ends, strict=True)
    ]
    return ", ".join(spans) or "without a year"


def _panel(workspace: Workspace) -> Iterator[Finding]:
    if not _phase_1_ran(workspace):
        yield Finding("data", "panel", WARNING, "not built", BUILD)
        return
    facts = read_facts(workspace)
    yield Finding(
        "data",
        "panel",
        OK,
        f"{facts.n_rows:,} rows of {facts.n_tickers} codes, {facts.first_session} to "
        f"{facts.last_session}, test year {facts.test_year}",
    )


def _jumps(workspace: Workspace) -> Iterator[Finding]:
    if not _phase_1_ran(workspace):
        return
    n_new, limit = len(new_jumps(workspace)), workspace.study.review.max_new_jumps
    yield Finding(
        "data",
        "price jumps on no list",
        OK if n_new <= limit else WARNING,
        f"{n_new}, {limit} allowed",
        "" if n_new <= limit else "nse-lstm review",
    )


def _impossible(workspace: Workspace) -> Iterator[Finding]:
    """Count the values that cannot be, by kind; the page of Phase 1 lists them."""
    if not _phase_1_ran(workspace):
        return
    repairs = read_table(REPAIRS, workspace.paths.processed / "repairs.parquet")
    for reason in IMPOSSIBLE:
        own = repairs[repairs["reason"] == reason]
        if len(own):
            places = own["source_file"] + ", line " + own["source_line"].astype("str")
            do = "compare with the exchange's list; Phase 1's page names each"
            found = f"{len(own)}, the first in {places.iloc[0]}"
            yield Finding("data", reason, WARNING, found, do)


def _models(workspace: Workspace) -> Iterator[Finding]:
    if not _phase_1_ran(workspace):
        return
    data = open_study_data(workspace)
    if not {fold.year for fold in data.folds} <= set(data.recommended):
        found = "Phase 1 belongs to a study of other years"
        yield Finding("artefacts", "trained models", WARNING, found, TRAIN)
        return
    jobs = training_jobs(data)
    n_done = sum(is_trained(data, job) for job in jobs)
    yield Finding(
        "artefacts",
        "trained models",
        OK if n_done == len(jobs) else WARNING,
        f"{n_done} of {len(jobs)} have today's data, settings and sources",
        "" if n_done == len(jobs) else TRAIN,
    )


def _verdict(workspace: Workspace) -> Iterator[Finding]:
    there = (workspace.paths.evaluation / "verdict.json").is_file()
    yield Finding(
        "artefacts",
        "verdict",
        OK if there else WARNING,
        "there" if there else "none yet",
        "" if there else BUILD,
    )


def _tools(workspace: Workspace) -> Iterator[Finding]:
    for name, purpose in TOOLS.items():
        where = shutil.which(name)
        yield Finding(
            "tools",
            name,
            OK if where else WARNING,
            where or "not there",
            "" if where else f"needed only for {purpose}",
        )


def _phase_1_ran(workspace: Workspace) -> bool:
    return (workspace.paths.processed / "market.json").is_file()
