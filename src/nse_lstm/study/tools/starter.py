"""Write the starter notebook of the laboratory from the tutorial's own words."""

import re
from pathlib import Path
from typing import Any

from nse_lstm.errors import ConfigurationError
from nse_lstm.paths import find_root, write_text

FENCE = re.compile(r"^```python\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!http|#)")
FIRST, LAST = "## 2. ", "## 6. "
"""Headings of the tutorial between which its Python stands."""
OPENING = """# Start here: your own experiments

From the [tutorial](../docs/tutorial.md): run the cells in order, then change them.
This folder is yours: it is not tracked, and no build removes it.

"""


def write_starter(path: Path) -> bool:
    """Write the starter notebook, unless it is there: it may hold a user's work.

    Parameters
    ----------
    path : Path
        In a folder directly below the project, where the links of the prose lead.

    Returns
    -------
    bool
        Whether it was written.
    """
    from nse_lstm.reporting.notebook_format import nbformat

    if path.exists():
        return False
    source = find_root() / "docs" / "tutorial.md"
    cells = starter_cells(source.read_text(encoding="utf-8"))
    notebook = nbformat.v4.new_notebook(cells=cells)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"start-{number}"  # The same notebook everywhere.
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    write_text(path, nbformat.writes(notebook) + "\n")
    return True


def starter_cells(tutorial: str) -> list[Any]:
    """Return the notebook's cells: prose as Markdown, Python as code.

    Parameters
    ----------
    tutorial : str
        Text of ``docs/tutorial.md``.

    Raises
    ------
    ConfigurationError
        If its headings are not there.
    """
    from nse_lstm.reporting.notebook_format import nbformat

    if FIRST not in tutorial or LAST not in tutorial:
        raise ConfigurationError(
            f"Expected the headings {FIRST!r} and {LAST!r} in docs/tutorial.md. "
            "Received: a text without them"
        )
    taken = tutorial[tutorial.index(FIRST) : tutorial.index(LAST)]
    new = (nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell)
    parts = [OPENING, *FENCE.split(LINK.sub("](../docs/", taken))]
    parts[:2] = ["".join(parts[:2])]
    return [
        new[place % 2](text.strip()) for place, text in enumerate(parts) if text.strip()
    ]
