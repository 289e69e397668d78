"""Compare two files of two builds: their comparable bytes and first difference.

Durations, a page's footer and the build's own folder are left out of pages and executed
notebooks. Everything else has to be equal to the byte.
"""

import json
import re
from itertools import zip_longest
from pathlib import Path

import pandas as pd

TIMES = re.compile(
    # A number of seconds, milliseconds or minutes, and the name of the slowest model.
    r"\d[\d,.]*\s*(?:ms|s|min|minutes|seconds)\b(?: \([A-Z0-9-]+\))?"
    # A table's cell in a column of durations.
    r'|class="number measured"[^>]*>[^<]*'
    # The build's own folder, in a command to type.
    r"|\bROOT=[^\s<]+"
    # Papermill gives its cell of parameters a random identifier.
    r'|(?<=id="cell-id=)[^"]*'
)
FOOT = re.compile(r"<footer>.*?</footer>", re.DOTALL)
TAG = re.compile(r"(?<=>)(?=<)|\n")
SHOWN = 60
"""Characters shown of each side of a difference."""


def comparable_bytes(path: Path) -> bytes:
    """Return a file's content without durations, footer and the build's folder."""
    if path.suffix in (".html", ".md"):
        text = FOOT.sub("", path.read_text(encoding="utf-8"))
        return TIMES.sub("#", text).encode()
    if path.suffix == ".ipynb":
        return TIMES.sub("#", "\n".join(_outputs(path))).encode()
    return path.read_bytes()


def first_difference(one: Path, two: Path) -> str:
    """Find the first difference between two files that are not equal.

    Parameters
    ----------
    one, two : Path
        The same artefact of two builds.

    Returns
    -------
    str
        Row and column of a table, line of a text, else the byte, with both values.
    """
    if one.suffix == ".parquet":
        return _in_tables(pd.read_parquet(one), pd.read_parquet(two))
    mine, theirs = comparable_bytes(one), comparable_bytes(two)
    try:
        lines = [TAG.split(content.decode()) for content in (mine, theirs)]
    except UnicodeDecodeError:
        same = _n_equal(mine, theirs)
        return f"byte {same}: {mine[same:][:1]!r} | {theirs[same:][:1]!r}"
    pairs = enumerate(zip_longest(*lines, fillvalue=""), start=1)
    line, (a, b) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
    start = max(_n_equal(a, b) - SHOWN // 4, 0)
    return f"line {line}: {a[start:][:SHOWN]!r} | {b[start:][:SHOWN]!r}"


def _n_equal(one: str | bytes, two: str | bytes) -> int:
    """Return the length of the common beginning, in characters or bytes."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(two)))


def _outputs(path: Path) -> list[str]:
    """Return source and displayed output of a notebook's cells, without streams."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        _text(shown)
        for cell in cells
        if cell["cell_type"] == "code" and "injected-parameters" not in _tags(cell)
        for output in cell["outputs"]
        if output["output_type"] != "stream"
        for shown in (cell["source"], *output.get("data", {}).values())
    ]


def _text(stored: str | list[str]) -> str:
    """Return a text that a notebook may store as a list of lines."""
    return stored if isinstance(stored, str) else "".join(stored)


def _tags(cell: dict[str, dict[str, list[str]]]) -> list[str]:
    return cell["metadata"].get("tags", [])


def _in_tables(one: pd.DataFrame, two: pd.DataFrame) -> str:
    if list(one.columns) != list(two.columns):
        return f"columns: {list(one.columns)} | {list(two.columns)}"
    if len(one) != len(two):
        return f"rows: {len(one):,} | {len(two):,}"
    for name in one.columns:
        differs = (one[name] != two[name]) & ~(one[name].isna() & two[name].isna())
        if differs.any():
            row = int(differs.to_numpy().argmax())
            return f"row {row}, {name}: {one[name][row]} | {two[name][row]}"
    return "the same table in other bytes"
