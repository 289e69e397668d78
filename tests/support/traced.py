"""Which folders of a study a notebook opened, and how."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nse_lstm.study.core.workspace import Workspace


def trace_path(workspace: Workspace, name: str) -> Path:
    """Return where the files opened by a notebook are listed."""
    return workspace.paths.build / "traces" / f"{name}.txt"


@contextmanager
def traced(workspace: Workspace, name: str) -> Iterator[None]:
    """List the files that processes started meanwhile open below the root."""
    target = trace_path(workspace, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    trace = str(Path(__file__).with_name("trace"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", trace, prepend=os.pathsep)
        patch.setenv("TRACED_ROOT", str(workspace.paths.root))
        patch.setenv("TRACED_FILES", str(target))
        yield


def opened_folders(workspace: Workspace, name: str, *, how: str) -> set[str]:
    """Return the artefact folders that a notebook opened files in.

    Parameters
    ----------
    workspace : Workspace
    name : str
        As given to ``traced``.
    how : {"r", "w"}

    Returns
    -------
    set of str
        Such as ``trained_models/<market>/ledger``; two levels below ``data``.
    """
    found = set()
    for line in trace_path(workspace, name).read_text().splitlines():
        mode, path = line.split(" ", 1)
        parts = Path(path).relative_to(workspace.paths.root).parts
        if mode == how and parts[0] in ("data", "trained_models") and len(parts) > 3:
            named = [parts[0], *parts[1:3]]
            market = workspace.paths.market
            found.add(
                "/".join("<market>" if part == market else part for part in named)
            )
    return found
