"""Verify reproducibility: compare two builds of one study, artefact by artefact."""

import hashlib
import shutil
from pathlib import Path

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.paths import Paths
from nse_lstm.study.tools.artefact_diff import comparable_bytes, first_difference

TIMED = ("run.json", "log.jsonl", "training_summary.csv", "previous.json")
"""Files that hold times or history. Nothing else may differ between two builds."""

ARTEFACTS = (
    *("data/**/*", "trained_models/**/*", "reports/**/*"),
    # Of the build folder the executed notebooks.
    *("build/*/*.ipynb", "build/*/stocks/*.ipynb"),
)
HISTORY = frozenset({"ledger", "store"})
"""Folders of trials, evaluations and daily operation."""
DIFFERENT = "different"


def artefact_digests(root: Path) -> dict[str, str]:
    """Return the SHA-256 of every model, table, executed notebook and page of a root.

    Durations are left out, as in ``artefact_diff.comparable_bytes``. So are run
    records, ledgers and forecast stores.

    Raises
    ------
    ArtefactError
        If there is no artefact.
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
        path.relative_to(root).as_posix(): hashlib.sha256(
            comparable_bytes(path)
        ).hexdigest()
        for path in files
    }


def compare_builds(first: Path, second: Path) -> pd.DataFrame:
    """Compare two builds of the same study artefact by artefact.

    Parameters
    ----------
    first, second : Path
        Roots of finished builds.

    Returns
    -------
    DataFrame
        One row per artefact: ``artefact``, ``sha256`` (of the first build that has
        it), ``result`` (equal, different or missing in one build) and ``first``, the
        first difference.
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
    """Copy one build's ledger of trials and evaluations to a second build.

    The deflated Sharpe ratio counts all trials ever scored, so equal builds need equal
    history.

    Parameters
    ----------
    first, second : Path
        Roots of the builds.
    market : str
    """
    source, target = Paths(first, market).ledger, Paths(second, market).ledger
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


def _is_artefact(path: Path) -> bool:
    """Leave out times, history and the temporary files of an interrupted write."""
    hidden = any(part.startswith(".") for part in path.parts[-3:])
    historic = not HISTORY.isdisjoint(path.parts)
    return path.name not in TIMED and not hidden and not historic


def _compare(one: str | None, two: str | None) -> str:
    if one is None:
        return "missing in the first"
    if two is None:
        return "missing in the second"
    return "equal" if one == two else DIFFERENT
