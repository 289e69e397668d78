"""Write the Make command that builds or resumes a study, so that it runs as printed."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nse_lstm.config import read_defaults
from nse_lstm.paths import find_root
from nse_lstm.study.core.workspace import Workspace

SWITCHES = {
    "root": ("ROOT", ""),
    "study": ("STUDY", "study.toml"),
    "market": ("MARKET", ""),
    "raw": ("RAW", ""),
    "test_year": ("TEST_YEAR", 0),
}
"""Make's variable for each parameter of a study, and its default. Those of market and
source folder are the study file's."""


def make_command(verb: str, parameters: Mapping[str, Any]) -> str:
    """Return a command for a shell, with the variables that are not at their default.

    Parameters
    ----------
    verb : str
        Make's target.
    parameters : mapping
        Values by the names in ``SWITCHES``; others are ignored.

    Examples
    --------
    >>> make_command("all", {"market": "nse", "raw": "../my files", "root": "."})
    "make all MARKET=nse 'RAW=../my files'"
    """
    usual = _usual(parameters)
    given = [
        # Make expands a dollar sign.
        shlex.quote(f"{name}={parameters[parameter]}".replace("$", "$$"))
        for parameter, (name, default) in SWITCHES.items()
        if parameters.get(parameter, default)
        not in (default, usual.get(parameter), ".")
    ]
    return " ".join(["make", verb, *given])


def parameters_of(workspace: Workspace, study_file: str) -> dict[str, Any]:
    """Return the parameters that open a workspace, paths inside the project short.

    Parameters
    ----------
    workspace : Workspace
    study_file : str
        Its study file.
    """
    paths, project = workspace.paths, find_root()
    return {
        "root": _short(paths.root, project),
        "study": study_file,
        "market": paths.market,
        "raw": _short(paths.raw_folder, project) if paths.raw_folder else "",
        "test_year": workspace.study.test_year,
    }


def _usual(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return market and source folder that the study file names by itself."""
    path = find_root() / str(parameters.get("study") or "study.toml")
    if not path.is_file():
        return {}
    defaults = read_defaults(path)
    market = str(parameters.get("market") or defaults.market)
    return {"market": defaults.market, "raw": defaults.raw.get(market, "")}


def _short(path: Path, project: Path) -> str:
    return str(path.relative_to(project) if path.is_relative_to(project) else path)
