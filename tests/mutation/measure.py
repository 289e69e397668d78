"""A sample of mutants against the tests that execute the mutated line."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path

from mutation.mutants import (
    Mutant,
    changed_lines,
    draw_sample,
    find_mutants,
    function_lines,
    mutated,
)
from mutation.report import KILLED, judged
from mutation.tests_of_lines import (
    TestFile,
    TestRun,
    map_lines,
    preload,
    run_audit,
    run_tests,
)

SURVIVED, NOT_RUN = "survived", "not executed"
LONGEST = 5
"""Multiple of the unchanged tests' time after which a mutant counts as killed."""


@dataclass
class Result:
    """A mutant and what became of it."""

    stratum: str
    module: str
    line: int
    operator: str
    occurrence: int
    before: str
    after: str
    first: str
    """Result of the first run, before any test was written for it."""
    latest: str
    """Result of the last run."""
    failed: str
    """The first test that failed, and its error."""
    seconds: float
    audit: str = ""
    """Checks of the leak audit that alarm; empty where it was not tried."""

    @property
    def key(self) -> str:
        """Name of the mutant."""
        return f"{self.module}:{self.line}:{self.operator}:{self.occurrence}"


FIRST_PASS = 40
"""Seconds of unchanged tests per mutant. What survives is run against all of them."""
KEPT = "unchanged.json"
"""The changed module as it was, while a mutant is tried."""
AUDIT_TIME = 600
"""Seconds after which the audit of a mutant counts as an alarm."""


def copy_project(root: Path, folder: Path) -> Path:
    """Copy the files that git knows or does not ignore; return the copy's place.

    A copy that is there already is brought up to date. Compiled modules are named by
    their text, so a mutant is never hidden by the module compiled before it.
    """
    tree = folder / "tree"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    shutil.rmtree(tree, ignore_errors=True)
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, tree / name)
    compiled = ["-m", "compileall", "-q", "--invalidation-mode", "checked-hash"]
    subprocess.run([sys.executable, *compiled, "src", "tests"], cwd=tree, check=True)
    return tree


def measure(folder: Path, *, size: int, seed: int, limit: int | None = None) -> None:
    """Run the sample; results that are in the folder already are kept.

    Parameters
    ----------
    folder : Path
        Where the project's copy lies, and the results are written.
    size, seed : int
        Of the sample.
    limit : int, optional
        Mutants of the sample to run at most.
    """
    tree = folder / "tree"
    _take_out(folder)
    preload()
    tests = map_lines(tree)
    done = {result.key for result in read_results(folder)}
    sample = draw_sample(tree / "src" / "nse_lstm", size=size, seed=seed)
    print(f"{len(sample)} mutants, {len(done)} of them done", flush=True)
    for number, mutant in enumerate(sample[:limit]):
        if mutant.key not in done:
            result = try_mutant(tree, mutant, tests, longest=FIRST_PASS)
            with (folder / "results.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(result)) + "\n")
            print(f"{number + 1} of {len(sample)}: {_told(result)}", flush=True)


def measure_again(folder: Path, *, longest: float = float("inf")) -> None:
    """Run the mutants that were not killed against the tests as they are now.

    Parameters
    ----------
    folder : Path
        With the results of ``measure``, and a new copy of the project.
    longest : float
        As for ``try_mutant``.
    """
    tree = folder / "tree"
    _take_out(folder)
    preload()
    tests = map_lines(tree)
    results = read_results(folder)
    for result in results:
        if result.latest == KILLED or judged(asdict(result))["found"] == "equivalent":
            continue
        mutant = _same_change(tree / "src" / "nse_lstm", result)
        if mutant is None:
            print(f"No longer in the code: {_told(result)}", flush=True)
            continue
        again = try_mutant(tree, mutant, tests, longest=longest)
        result.latest, result.failed = again.latest, again.failed
        result.line, result.occurrence = again.line, again.occurrence
        _write_results(folder, results)
        print(_told(result), flush=True)


def audit_survivors(folder: Path) -> None:
    """Let the leak audit examine each mutant that no fast test killed at first."""
    tree = folder / "tree"
    _take_out(folder)
    preload()
    results = read_results(folder)
    clean = run_audit(tree, timeout=AUDIT_TIME)
    if clean.code:
        raise RuntimeError(f"The audit alarms on the unchanged library. {clean.output}")
    for result in results:
        if result.latest == KILLED or result.audit:
            continue
        mutant = _same_change(tree / "src" / "nse_lstm", result)
        if mutant is None:
            continue
        with _changed(tree, mutant):
            run = run_audit(tree, timeout=AUDIT_TIME)
        alarms = re.search(r"^ALARMS (.*)$", run.output, re.M)
        result.audit = "none"
        if run.code:
            result.audit = alarms.group(1) if alarms else f"exit code {run.code}"
        _write_results(folder, results)
        print(
            f"audit: {result.audit} in {run.seconds:.0f} s: {_told(result)}", flush=True
        )


def _same_change(source: Path, result: Result) -> Mutant | None:
    """Return the mutant that changes the same text in the same way, wherever it is."""
    path = source / result.module
    if not path.is_file():
        return None
    mutants = [
        mutant
        for mutant in find_mutants(source, path, result.stratum)
        if mutant.operator == result.operator
    ]
    text = path.read_text(encoding="utf-8")
    for mutant in sorted(mutants, key=lambda m: abs(m.line - result.line)):
        changed = mutated(source, mutant)
        if changed and changed_lines(text, changed) == (result.before, result.after):
            return mutant
    return None


def read_results(folder: Path) -> list[Result]:
    """Return the results so far."""
    path = folder / "results.jsonl"
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Result(**json.loads(line)) for line in lines]


def try_mutant(
    tree: Path, mutant: Mutant, tests: list[TestFile], *, longest: float = float("inf")
) -> Result:
    """Put the change into the copy, run the tests that execute it, take it out.

    The module's examples are run first.

    Parameters
    ----------
    tree : Path
        Copy of the project.
    mutant : Mutant
    tests : list of TestFile
        From ``map_lines``.
    longest : float
        Seconds of unchanged tests that are run at most.
    """
    source = tree / "src" / "nse_lstm"
    text = (source / mutant.module).read_text(encoding="utf-8")
    chosen = _tests_of(mutant, tests, function_lines(text), longest)
    files = [test.path for test in chosen]
    if ">>> " in text:
        files.insert(0, f"src/nse_lstm/{mutant.module}")
    run = TestRun(0, "", 0.0)
    if files:
        with _changed(tree, mutant):
            timeout = LONGEST * (10 + sum(test.seconds for test in chosen))
            run = run_tests(tree, files, timeout=timeout)
    state = KILLED if run.code else SURVIVED if chosen else NOT_RUN
    before, after = changed_lines(text, mutated(source, mutant) or text)
    return Result(
        mutant.stratum,
        mutant.module,
        mutant.line,
        mutant.operator,
        mutant.occurrence,
        before,
        after,
        state,
        state,
        _first_failure(run) if state == KILLED else "",
        round(run.seconds, 1),
    )


@contextmanager
def _changed(tree: Path, mutant: Mutant) -> Iterator[None]:
    """Put a change into the copy of the project, and take it out."""
    source = tree / "src" / "nse_lstm"
    path = source / mutant.module
    text, changed = path.read_text(encoding="utf-8"), mutated(source, mutant)
    if changed is None:
        raise ValueError(f"Expected a change. Received: {mutant.key}")
    kept = tree.parent / KEPT
    kept.write_text(json.dumps({"path": str(path), "text": text}), encoding="utf-8")
    path.write_text(changed, encoding="utf-8")
    try:
        yield
    finally:
        _take_out(tree.parent)


def _take_out(folder: Path) -> None:
    """Undo a change, also one that a run which was killed left behind."""
    kept = folder / KEPT
    if kept.exists():
        before = json.loads(kept.read_text(encoding="utf-8"))
        Path(before["path"]).write_text(before["text"], encoding="utf-8")
        kept.unlink()


def _tests_of(
    mutant: Mutant, tests: list[TestFile], within: frozenset[int], longest: float
) -> list[TestFile]:
    """Return the test files that execute the statement, the module's own first.

    Any import of the module executes a statement outside its functions, ``within``.
    There, files count that execute one of its functions.
    """
    lines = frozenset(range(mutant.first, mutant.last + 1)) if mutant.inside else within
    stem = Path(mutant.module).stem
    found = [test for test in tests if lines & test.lines.get(mutant.module, set())]
    found.sort(key=lambda test: (stem not in test.path, test.seconds))
    sums = accumulate(test.seconds for test in found)
    return [
        test
        for place, (test, total) in enumerate(zip(found, sums, strict=True))
        if place == 0 or total <= longest
    ]


def _first_failure(run: TestRun) -> str:
    if run.code < 0:
        return "ended after the time" if run.code == -1 else f"signal {-run.code}"
    found = re.search(r"^(?:FAILED|ERROR) (.*)$", run.output, re.M)
    return found.group(1)[:200] if found else f"exit code {run.code}"


def _told(result: Result) -> str:
    change = f"{result.before!r} -> {result.after!r}"
    return (
        f"{result.latest} in {result.seconds} s: {result.module}:{result.line} "
        f"{change} {result.failed}"
    )


def _write_results(folder: Path, results: list[Result]) -> None:
    lines = [json.dumps(asdict(result)) + "\n" for result in results]
    (folder / "results.jsonl").write_text("".join(lines), encoding="utf-8")
