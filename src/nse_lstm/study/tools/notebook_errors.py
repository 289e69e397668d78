"""Explain a failed notebook: the cell, the probable cause, the next command."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nse_lstm.reporting.notebook_format import nbformat
from nse_lstm.study.tools.make_command import make_command

CAUSES = {
    "ArtefactError": "a file of an earlier phase is missing, stale or changed",
    "ConfigurationError": "a setting of the study file or a parameter cannot be used",
    "DataError": "a source file holds invalid data",
    "TableError": "a table breaks its schema: a fault in the code that writes it",
    "FetchError": "a download is incomplete",
    "ModuleNotFoundError": "the environment lacks a package: make doctor",
    "MemoryError": "not enough memory: fewer `workers` under [training]",
    "KeyboardInterrupt": "the run was interrupted",
    "OSError": "a file could not be read or written: make doctor looks at the disk",
}
"""Probable cause by name of the exception, else a fault of the code in the cell."""


def explain_failure(
    error: Any, source: Path, left: Path, parameters: Mapping[str, Any]
) -> str:
    """Explain which cell failed, the probable cause, and how to resume.

    Parameters
    ----------
    error : papermill.PapermillExecutionError
    source, left : Path
        The notebook, and its partial execution.
    parameters : mapping
        Its parameters.
    """
    cause = CAUSES.get(error.ename, "a fault of the code that this cell calls")
    heading = _heading(source, error.source)
    section = f', in "{heading}"' if heading else ""
    first = error.source.strip().splitlines()[0]
    return "\n".join(
        [
            f"Failed: {source.name}, cell [{error.exec_count}]{section}: {first}",
            f"Why: {error.ename}: {error.evalue}",
            f"Likely cause: {cause}",
            *_what_next(left, parameters),
        ]
    )


def explain_death(source: Path, left: Path, parameters: Mapping[str, Any]) -> str:
    """Explain the death of a kernel, which names no cell.

    Parameters
    ----------
    source, left, parameters
        As for ``explain_failure``.
    """
    return "\n".join(
        [
            f"Failed: {source.name}: its kernel died",
            "Likely cause: not enough memory: fewer `workers` under [training], or "
            "fewer other programs",
            *_what_next(left, parameters),
        ]
    )


def _what_next(left: Path, parameters: Mapping[str, Any]) -> list[str]:
    return [
        f"Open: {left} in JupyterLab (make lab); the failed cell is marked",
        f"Resume: {make_command('reports', parameters)}   (finished work is kept)",
    ]


def _heading(source: Path, code: str) -> str:
    """Return the heading above a cell, empty for the cell of parameters."""
    heading = ""
    for cell in nbformat.read(source, as_version=4).cells:
        if cell.cell_type == "markdown":
            titles = [line for line in cell.source.splitlines() if line[:1] == "#"]
            heading = titles[-1].lstrip("# ") if titles else heading
        elif cell.source == code:
            return heading
    return ""
