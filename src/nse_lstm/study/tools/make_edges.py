"""Write the prerequisites of Make's targets as they follow from the code.

``python -m nse_lstm.study.tools.make_edges FILE`` writes lines that the Makefile
includes: of each phase the sources in the import closure of its notebook, and the
phases that write what it reads. Only the standard library is used.
"""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from nse_lstm.fingerprint import FOLDER, closure, read_imports, source_path
from nse_lstm.study.core.phases import PHASES, needed_phases

SHOWN = {
    "$(BUILD)/raw.txt": ("data.simulate",),
    "$(BUILD)/stocks.txt": ("notebooks/90_stock.ipynb", "pages.stock_pages"),
    "$(REPORTS)/status.html": ("pages.status",),
    "$(REPORTS)/index.html": ("pages.index",),
}
"""Targets that are no phase, by what makes them."""

PAGE = ("reporting.pages",)
"""What renders an executed notebook."""


def make_edges(project: Path) -> str:
    """Return the lines that the Makefile includes.

    Parameters
    ----------
    project : Path
        Folder that holds the Makefile and the notebooks; sources are named from it.
    """
    lines = ["# Written by nse_lstm.study.tools.make_edges from the code's imports."]
    for phase in PHASES:
        sources = sources_of([phase.source], project)
        phases = [f"$(BUILD)/{each.target}" for each in needed_phases(phase)]
        lines.append(_rule(f"$(BUILD)/{phase.target}", [*phases, *sources]))
    for target, made_by in SHOWN.items():
        lines.append(_rule(target, sources_of(made_by, project)))
    lines.append(f"RENDERING := {' '.join(sources_of(PAGE, project))}")
    return "\n".join(lines) + "\n"


def sources_of(made_by: Iterable[str], project: Path) -> list[str]:
    """Return the files of the library that notebooks or modules run, from the project.

    Parameters
    ----------
    made_by : iterable of str
        Paths of notebooks from the project, and names of modules.
    project : Path
    """
    modules: list[str] = []
    for name in made_by:
        is_notebook = name.endswith(".ipynb")
        modules += notebook_imports(project / name) if is_notebook else [name]
    paths = {source_path(module) for module in closure(*modules)}
    return sorted(path.relative_to(project).as_posix() for path in paths)


def notebook_imports(path: Path) -> list[str]:
    """Return the modules of the library that a notebook's cells import.

    Parameters
    ----------
    path : Path
        A notebook, committed or executed.
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    found = {each.module for text in code for each in read_imports(text)}
    return sorted(name for name in found if name.split(".")[0] == "nse_lstm")


def _rule(target: str, prerequisites: Iterable[str]) -> str:
    return f"{target}: {' '.join(prerequisites)}"


def main(target: Path) -> None:
    """Write the lines to a file that Make includes, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}.aside")
    aside.write_text(make_edges(FOLDER.parents[1]), encoding="utf-8")
    os.replace(aside, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
