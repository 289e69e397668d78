"""Whether two builds of the same study are the same, artefact by artefact."""

import hashlib
import shutil
from pathlib import Path

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.paths import Paths

__all__ = ["artefact_digests", "compare_builds", "copy_ledger"]

TIMED = ("run.json", "log.jsonl", "training_summary.csv", "previous.json")
"""Files that hold times or history; nothing else may differ between two builds."""


def artefact_digests(root: Path) -> dict[str, str]:
    """Return the SHA-256 of every model and table below a study root.

    Pages and executed notebooks carry durations and are left out, as are run records
    and the ledger of looks.

    Raises
    ------
    ArtefactError
        If there is none.
    """
    files = [
        path
        for folder in ("data", "trained_models")
        for path in sorted((root / folder).rglob("*"))
        if path.is_file() and _is_artefact(path)
    ]
    if not files:
        raise ArtefactError(
            f"Expected a finished build in {root}. Received: no artefact"
        )
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def compare_builds(first: Path, second: Path) -> pd.DataFrame:
    """Return one row an artefact: its digest in the first build, and the result.

    ``result`` is equal, different, or missing in one of the builds.
    """
    one, two = artefact_digests(first), artefact_digests(second)
    return pd.DataFrame(
        [
            {
                "artefact": name,
                "sha256": (one.get(name) or two[name])[:16],
                "result": _compare(one.get(name), two.get(name)),
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
    return path.name not in TIMED and path.parent.name != "ledger" and not hidden


def _compare(one: str | None, two: str | None) -> str:
    if one is None:
        return "missing in the first"
    if two is None:
        return "missing in the second"
    return "equal" if one == two else "different"
