"""The foot of a notebook's page: files it reads and writes, objects by section."""

import ast
import html
import re
from collections.abc import Iterator, Sequence
from typing import Any

FILES = re.compile(r"\n\| \| \|\n\| --- \| --- \|\n(?P<rows>(?:\|.*\|\n?)+)")
"""The table of files below a notebook's question."""
HEADING = re.compile(r"^##+ (.+)$", re.MULTILINE)
TICKS = re.compile(r"`([^`]*)`")
BETWEEN = {"workspace", "page", "display"}
"""Names that hold no result of their own."""


def move_files(first: Any) -> list[tuple[str, str]]:
    """Take the table of files out of a notebook's first cell.

    Parameters
    ----------
    first : NotebookNode
        Its source is changed.

    Returns
    -------
    list of tuple of str
        What is done ("Reads"), and the files.
    """
    found = FILES.search(first.source)
    if not found:
        return []
    first.source = FILES.sub("\n", first.source, count=1)
    rows = [row.strip("| ") for row in found["rows"].splitlines()]
    pairs = [row.partition(" | ") for row in rows]
    return [(name.strip(), files.strip()) for name, _, files in pairs]


def section_objects(cells: Sequence[Any]) -> list[tuple[str, list[str]]]:
    """List the objects that stand behind each section of a notebook.

    They are what its cells show of the names that earlier cells assigned, such as
    ``analysis.row_counts``. A section that shows none is left out.

    Parameters
    ----------
    cells : sequence of NotebookNode
    """
    title, assigned = "", set[str]()
    found: dict[str, list[str]] = {}
    for cell in cells:
        if cell.cell_type == "markdown":
            title = ([title, *HEADING.findall(cell.source)])[-1]
            continue
        if "parameters" in cell.metadata.get("tags", []):
            continue
        tree = ast.parse(cell.source)
        assigned |= set(_assigned(tree)) - BETWEEN
        if title:
            found.setdefault(title, []).extend(_chains(tree, assigned))
    found = {title: list(dict.fromkeys(own)) for title, own in found.items()}
    return [(title, objects) for title, objects in found.items() if objects]


def page_foot(
    files: Sequence[tuple[str, str]], objects: Sequence[tuple[str, Sequence[str]]]
) -> str:
    """Return the foot as HTML: folded tables of files and of objects.

    Parameters
    ----------
    files : sequence
        As from ``move_files``.
    objects : sequence
        As from ``section_objects``.
    """
    named = [(title, ", ".join(f"`{each}`" for each in own)) for title, own in objects]
    return _folded("Files of this phase", files) + _folded(
        "Objects of the notebook by section", named
    )


def _folded(summary: str, rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    body = "".join(
        f'<tr><th scope="row">{_code(name)}</th><td>{_code(text)}</td></tr>'
        for name, text in rows
    )
    label = html.escape(summary)
    return (
        f"<details><summary>{label}</summary>"
        f'<div class="table" tabindex="0" role="region" aria-label="{label}">'
        f"<table><tbody>{body}</tbody></table></div></details>"
    )


def _code(text: str) -> str:
    return TICKS.sub(r"<code>\1</code>", html.escape(text))


def _assigned(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _chains(node: ast.AST, names: set[str]) -> Iterator[str]:
    """Yield names, with the attributes behind them but without a method's call."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from _chains(node.func.value, names)
        for each in [*node.args, *node.keywords]:
            yield from _chains(each, names)
        return
    if isinstance(node, ast.Attribute | ast.Name):
        inner = node
        while isinstance(inner, ast.Attribute):
            inner = inner.value  # type: ignore[assignment]
        if isinstance(inner, ast.Name):
            loads = isinstance(inner.ctx, ast.Load)
            if loads and inner.id in names:
                yield ast.unparse(node)
            return
    for child in ast.iter_child_nodes(node):
        yield from _chains(child, names)
