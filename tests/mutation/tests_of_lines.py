"""Test files run in a process each, and the lines of the library that they execute."""

import gc
import hashlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PRELOADED = (
    *("arch.bootstrap", "hypothesis", "keras", "matplotlib.pyplot", "nbformat"),
    *("optuna", "pandas", "pandera.pandas", "pyarrow.parquet", "pydantic", "sklearn"),
    *("scipy.stats", "sklearn.ensemble", "sqlalchemy", "statsmodels.api", "typer"),
    *("schemathesis", "fastapi", "statsmodels.stats.multitest"),
)
"""Packages imported once, before a process is forked per mutant."""
AUDITED_SEED = 3
"""Of the audit's small market."""
NOT_FAST = ("tests/browser", "tests/audit_power", "tests/mutation")


@dataclass(frozen=True)
class TestRun:
    """What became of some test files."""

    code: int
    """Pytest's exit code; −1 after a timeout."""
    output: str
    seconds: float


@dataclass(frozen=True)
class TestFile:
    """A test file, its time, and the lines that it executes by module."""

    path: str
    seconds: float
    lines: dict[str, frozenset[int]]


def preload() -> None:
    """Import the packages that most tests need, and nothing of the library."""
    from importlib import import_module

    for name in PRELOADED:
        import_module(name)
    gc.freeze()
    if any(name.partition(".")[0] == "nse_lstm" for name in sys.modules):
        raise RuntimeError("The library is imported already: mutants would not be seen")


def run_tests(
    tree: Path, files: list[str], *, timeout: float, traced: Path | None = None
) -> TestRun:
    """Run test files in a process of their own, until the first failure.

    Parameters
    ----------
    tree : Path
        Copy of the project, whose tests and library are run.
    files : list of str
        In the order in which they are run.
    timeout : float
        Seconds after which the process and its children are ended.
    traced : Path, optional
        Where to write the executed lines by module.
    """
    return _in_a_process(tree, lambda: _pytest(files, tree, traced), timeout)


def run_audit(tree: Path, *, timeout: float) -> TestRun:
    """Run the leak audit's small market with surrogates; code 1 where it alarms."""
    return _in_a_process(tree, lambda: _audit(tree), timeout)


def _in_a_process(tree: Path, work: Callable[[], int], timeout: float) -> TestRun:
    """Do work in a process of its own, which sees the tree's library."""
    log, begun = tree.parent / f"tests_{os.getpid()}.txt", time.monotonic()
    child = os.fork()
    if child == 0:
        _work_here(tree, work, log)
    code = _wait(child, timeout)
    output = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    log.unlink(missing_ok=True)
    return TestRun(code, output, time.monotonic() - begun)


def map_lines(tree: Path, *, timeout: float = 300) -> list[TestFile]:
    """Return the lines that each fast test file executes; each is run alone.

    The map is kept beside the tree. A file is run again when it, the library or the
    tests' support changed.
    """
    kept = tree.parent / "tests_of_lines.json"
    rows = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else []
    known = {row["digest"]: row for row in rows}
    shared = _digest(
        *tree.glob("src/**/*.py"), *tree.glob("tests/support/**/*.py"),
        *tree.glob("tests/**/conftest.py"),
    )  # fmt: skip
    rows = []
    for path in _test_files(tree):
        digest = _digest(tree / path) + shared
        row = known.get(digest) or _traced(tree, path, timeout)
        rows.append({**row, "path": path, "digest": digest})
        kept.write_text(json.dumps(rows), encoding="utf-8")
    return [
        TestFile(
            row["path"],
            row["seconds"],
            {module: frozenset(lines) for module, lines in row["lines"].items()},
        )
        for row in rows
    ]


def _digest(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _traced(tree: Path, path: str, timeout: float) -> dict[str, Any]:
    traced = tree.parent / "traced.json"
    traced.unlink(missing_ok=True)
    run = run_tests(tree, [path], timeout=timeout, traced=traced)
    print(f"{path}: {run.seconds:.1f} s, code {run.code}", flush=True)
    lines = {}
    if run.code == pytest.ExitCode.OK:
        lines = json.loads(traced.read_text(encoding="utf-8"))
    elif run.code != pytest.ExitCode.NO_TESTS_COLLECTED:
        print(f"{path} fails unchanged and is left out.\n{run.output}", flush=True)
    return {"seconds": run.seconds, "lines": lines}


def _test_files(tree: Path) -> list[str]:
    """Return the files with fast tests, relative to the tree."""
    tests = [
        path.relative_to(tree).as_posix() for path in tree.glob("tests/**/test_*.py")
    ]
    return sorted(path for path in tests if not path.startswith(NOT_FAST))


def _work_here(tree: Path, work: Callable[[], int], log: Path) -> None:
    """Do the work in this forked process, which does not return."""
    code = 3
    try:
        os.setsid()
        os.chdir(tree)
        sys.path[:0] = [str(tree / "src"), str(tree / "tests")]
        os.environ |= {
            "PYTHONPATH": str(tree / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        with log.open("w", encoding="utf-8") as text:
            os.dup2(text.fileno(), 1)
            os.dup2(text.fileno(), 2)
            with redirect_stdout(text), redirect_stderr(text):
                try:
                    code = int(work())
                except Exception:
                    traceback.print_exc()
    finally:
        os._exit(code)


def _audit(tree: Path) -> int:
    from nse_lstm.config import load_study
    from nse_lstm.study.audit.examine import examine, scratch_folder

    with scratch_folder() as root:
        study = load_study(tree / "study.toml")
        found = examine(study, root, seed=AUDITED_SEED, futures="test year")
    checks = sorted({alarm.check for alarm in found.alarms})
    print("ALARMS", ", ".join(checks))
    return 1 if checks else 0


def _pytest(files: list[str], tree: Path, traced: Path | None) -> int:
    arguments = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    arguments += ["-p", "_hypothesis_pytestplugin"]
    # The plugin is imported before the fork, so that its own asserts stay bare.
    arguments += ["-W", "ignore::pytest.PytestAssertRewriteWarning", *files]
    if traced is None:
        return pytest.main(arguments)
    from coverage import Coverage

    source = tree / "src" / "nse_lstm"
    coverage = Coverage(data_file=None, config_file=False, source=[str(source)])
    coverage.start()
    code = pytest.main(arguments)
    coverage.stop()
    data = coverage.get_data()
    lines = {
        Path(path).relative_to(source).as_posix(): data.lines(path)
        for path in data.measured_files()
    }
    traced.write_text(json.dumps(lines), encoding="utf-8")
    return code


def _wait(child: int, timeout: float) -> int:
    """Return the exit code of a child, which is ended after the time."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1
