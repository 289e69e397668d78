"""Whether two builds of the same study are the same, artefact by artefact."""

import hashlib
import shutil
from pathlib import Path

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.paths import Paths
from nse_lstm.study.tools.artefact_diff import comparable, first_difference

TIMED = ("run.json", "log.jsonl", "training_summary.csv", "previous.json")
"""Files that hold times or history; nothing else may differ between two builds."""

ARTEFACTS = (
    *("data/**/*", "trained_models/**/*", "reports/**/*"),
    # Of the scratch folder what was executed.
    *("build/*/*.ipynb", "build/*/stocks/*.ipynb"),
)
BESIDE = frozenset({"ledger", "store"})
"""Folders of history and of evenings."""
DIFFERENT = "different"


def artefact_digests(root: Path) -> dict[str, str]:
    """Return the SHA-256 of every model, table, executed notebook and page of a root.

    Of notebooks and pages it is of what they say but for durations, see ``comparable``.
    Run records, the ledger of looks and stores of an evening's work are left out.

    Raises
    ------
    ArtefactError
        If there is none.
    """
    files = [
        path
        for pattern in ARTEFACTS
        for path in sorted(root.glob(pattern))
        if path.is_file() and _is_artefact(path.relative_to(root))
    ]
    if not files:
        raise ArtefactError(
            f"Expected a finished build in {root}. Received: no artefact"
        )
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(comparable(path)).hexdigest()
        for path in files
    }


def compare_builds(first: Path, second: Path) -> pd.DataFrame:
    """Return one row an artefact: its digest in the first build, and the result.

    ``result`` is equal, different, or missing in one of the builds; ``first`` says
    where the two differ first.
    """
    one, two = artefact_digests(first), artefact_digests(second)
    return pd.DataFrame(
        [
            {
                "artefact": name,
                "sha256": (one.get(name) or two[name])[:16],
                "result": (result := _compare(one.get(name), two.get(name))),
                "first": (
                    first_difference(first / name, second / name)
                    if result == DIFFERENT
                    else ""
                ),
            }
            for name in sorted(one | two)
        ]
    )


def copy_ledger(first: Path, second: Path, market: str) -> None:
    """Give a second build the first one's looks and trials, if it has any.

    The deflated Sharpe counts all trials ever seen, so equal builds need equal history.
    """
    source, target = Paths(first, market).ledger, Paths(second, market).ledger
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


def _is_artefact(path: Path) -> bool:
    """Leave out what holds times or history, and what a killed write left aside."""
    hidden = any(part.startswith(".") for part in path.parts[-3:])
    beside = not BESIDE.isdisjoint(path.parts)
    return path.name not in TIMED and not hidden and not beside


def _compare(one: str | None, two: str | None) -> str:
    if one is None:
        return "missing in the first"
    if two is None:
        return "missing in the second"
    return "equal" if one == two else DIFFERENT
