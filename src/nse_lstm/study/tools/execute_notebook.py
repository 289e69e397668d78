"""Execute a notebook for Make: parameters checked, output streamed, target whole."""

import logging
import os
import platform
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nse_lstm.config import configuration_hash
from nse_lstm.errors import ConfigurationError, StudyError
from nse_lstm.paths import find_root
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.tools.build_costs import peak_memory
from nse_lstm.study.tools.notebook_errors import explain_death, explain_failure

PACKAGES = ("tensorflow", "keras", "numpy", "pandas", "scikit-learn")


def execute_notebook(
    source: Path,
    target: Path,
    *,
    workspace: Workspace,
    parameters: dict[str, Any],
    quiet: bool = False,
    verbose: bool = False,
) -> None:
    """Execute a notebook with Papermill, its printed output streamed to the terminal.

    It is written under ``running/`` beside the target and renamed on success. A failed
    notebook stays under ``running/``, where it can be opened.

    Parameters
    ----------
    source, target : Path
    workspace : Workspace
        Its identity is written into the executed notebook.
    parameters : dict
        Values by name, declared in the notebook's ``parameters`` cell.
    quiet : bool
        Print nothing.
    verbose : bool
        Print Papermill's own log too: every cell, and what each shows.

    Raises
    ------
    ConfigurationError
        If there is no such notebook or a parameter is not declared.
    StudyError
        If a cell fails, with its traceback and the file to open.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError

    if not source.is_file():
        raise ConfigurationError(f"Expected a notebook. Received: no file {source}")
    declared = papermill.inspect_notebook(str(source))
    unknown = sorted(set(parameters) - set(declared))
    if unknown:
        raise ConfigurationError(
            f"{source.name} declares the parameters {sorted(declared)}. "
            f"Received: {', '.join(unknown)}"
        )
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    streams = {} if quiet or verbose else {"stdout": sys.stdout, "stderr": sys.stderr}
    if not quiet:
        print(_heading(source), flush=True)
    running = target.parent / "running" / target.name
    running.parent.mkdir(parents=True, exist_ok=True)
    try:
        notebook = papermill.execute_notebook(
            str(source),
            str(running),
            parameters=parameters,
            kernel_name="python3",
            progress_bar=False,
            log_output=verbose,
            **{f"{name}_file": stream for name, stream in streams.items()},
            cwd=str(source.parent),
            # Hide remarks on loopback connections and on its own shutdown.
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        )
    except papermill.PapermillExecutionError as error:
        raise StudyError(
            f"{error}\n{explain_failure(error, source, running, parameters)}"
        ) from None
    except DeadKernelError:
        raise StudyError(explain_death(source, running, parameters)) from None
    _stamp(notebook, running, workspace)
    os.replace(running, target)
    if not quiet:
        print(f"Done in {notebook.metadata.papermill.duration:.0f} s: {target}")


def provenance(workspace: Workspace) -> dict[str, str]:
    """Return a page's provenance: commit, hashes, seed, packages."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return {
        "test year": str(read_facts(workspace).test_year),
        "commit": _commit(),
        "configuration": configuration_hash(workspace.study)[:12],
        "data": read_facts(workspace).digest[:12],
        "seed": str(workspace.study.seed),
        "packages": f"Python {platform.python_version()}, {packages}",
    }


def page_metadata(workspace: Workspace) -> dict[str, Any]:
    """Return what every page of a study shows: market, citation, provenance."""
    market = workspace.study.market
    return {
        "label": market.label,
        "simulated": market.simulated,
        "citation": market.citation,
        "provenance": provenance(workspace),
    }


def _heading(source: Path) -> str:
    """Return a notebook's title and its question, or its name without them."""
    from nse_lstm.reporting.notebook_format import nbformat

    cells = nbformat.read(source, as_version=4).cells
    text = cells[0].source if cells and cells[0].cell_type == "markdown" else ""
    lines = [line.strip("#* ") for line in text.splitlines() if line.strip("#* ")]
    return ": ".join(lines[:2]) or source.name


def _stamp(notebook: Any, path: Path, workspace: Workspace) -> None:
    from nse_lstm.reporting.notebook_format import nbformat

    metadata = page_metadata(workspace)
    seconds = notebook.metadata.papermill.duration
    metadata["provenance"]["duration"] = f"{seconds:.0f} s"
    notebook.metadata["nse_lstm"] = metadata
    notebook.metadata["nse_lstm"]["resources"] = {
        "seconds": round(seconds, 1),
        "peak_mib": peak_memory(),
    }
    nbformat.write(notebook, path)


def _commit() -> str:
    """Return the commit of the sources, marked where they were changed since.

    A copy of the project inside another repository has no commit of its own.
    """
    root = find_root()
    try:
        if Path(_git(root, "rev-parse", "--show-toplevel")).resolve() != root:
            return "not under git"
        return _git(root, "describe", "--always", "--dirty", "--abbrev=12")
    except (OSError, subprocess.CalledProcessError):
        return "not under git"


def _git(folder: Path, *words: str) -> str:
    # GIT_DIR and its like would answer for another repository.
    kept = {name: each for name, each in os.environ.items() if name[:4] != "GIT_"}
    done = subprocess.run(
        ["git", *words],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def parse_parameters(pairs: list[str]) -> dict[str, Any]:
    """Parse ``name=value`` pairs, where a value is a TOML literal or else text.

    Raises
    ------
    ConfigurationError
        If a pair has no equals sign.

    Examples
    --------
    >>> parse_parameters(["seed=3", "market=nse"])
    {'seed': 3, 'market': 'nse'}
    """
    split = [pair.partition("=") for pair in pairs]
    wrong = [pair for pair, (_, sign, _) in zip(pairs, split, strict=True) if not sign]
    if wrong:
        raise ConfigurationError(f"Expected name=value. Received: {wrong[0]!r}")
    return {name: _literal(value) for name, _, value in split}


def _literal(text: str) -> Any:
    """Parse a TOML literal. Anything else is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
