"""A failed notebook in words: which cell, what probably caused it, how to go on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

CAUSES = {
    "ArtefactError": "a file of an earlier phase is missing, stale or changed",
    "ConfigurationError": "a setting of the study file or a parameter cannot be used",
    "DataError": "a source file says something that cannot be trusted",
    "TableError": "a table breaks its schema: the code that makes it has a fault",
    "FetchError": "a download is not whole",
    "ModuleNotFoundError": "the environment lacks a package: make doctor",
    "MemoryError": "not enough memory: fewer `workers` under [training]",
    "KeyboardInterrupt": "it was interrupted",
    "OSError": "a file could not be read or written: make doctor looks at the disk",
}
"""By the name of the exception; anything else is a fault of the code in the cell."""

SWITCHES = {
    "root": ("ROOT", ""),
    "study": ("STUDY", "study.toml"),
    "market": ("MARKET", "simulated"),
    "raw": ("RAW", ""),
    "test_year": ("TEST_YEAR", 0),
}
"""Make's name of each parameter, and the value that need not be told."""


def explain_failure(
    error: Any, source: Path, left: Path, parameters: Mapping[str, Any]
) -> str:
    """Say which cell failed, why probably, what to open and how to resume.

    Parameters
    ----------
    error : papermill.PapermillExecutionError
    source, left : Path
        The notebook, and what is left of its run.
    parameters : mapping
        What it ran with.
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
    """Say the same of a kernel that died, which names no cell."""
    return "\n".join(
        [
            f"Failed: {source.name}: its kernel died",
            "Likely cause: the system ended it for want of memory; fewer `workers` "
            "under [training], or fewer programs beside it",
            *_what_next(left, parameters),
        ]
    )


def resume_command(parameters: Mapping[str, Any]) -> str:
    """Return the command that goes on with this very study.

    Examples
    --------
    >>> resume_command({"market": "nse", "raw": "../nse", "root": ".", "seed": 0})
    'make reports MARKET=nse RAW=../nse'
    """
    told = [
        f"{name}={parameters[parameter]}"
        for parameter, (name, usual) in SWITCHES.items()
        if parameters.get(parameter, usual) not in (usual, ".")
    ]
    return " ".join(["make reports", *told])


def _what_next(left: Path, parameters: Mapping[str, Any]) -> list[str]:
    return [
        f"Look: open {left} in JupyterLab (make lab); the failed cell is marked",
        f"Resume: {resume_command(parameters)}   (what is done is kept)",
    ]


def _heading(source: Path, code: str) -> str:
    """Return the heading above a cell; the parameters' own cell has none."""
    heading = ""
    for cell in nbformat.read(source, as_version=4).cells:
        if cell.cell_type == "markdown":
            titles = [line for line in cell.source.splitlines() if line[:1] == "#"]
            heading = titles[-1].lstrip("# ") if titles else heading
        elif cell.source == code:
            return heading
    return ""
