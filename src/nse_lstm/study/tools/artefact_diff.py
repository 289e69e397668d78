"""What two builds of one study must agree on, file by file, and where they differ.

A page and an executed notebook say how long things took; those words, and the foot of a
page, are left out. Everything else counts to the letter.
"""

import json
import re
from itertools import zip_longest
from pathlib import Path

import pandas as pd

TIMES = re.compile(
    # A number of seconds, milliseconds or minutes; and which model was the slowest.
    r"\d[\d,.]*\s*(?:ms|s|min|minutes|seconds)\b(?: \([A-Z0-9-]+\))?"
    # A cell of a table's column of such numbers.
    r'|(?<=<td class="number measured">)[^<]*'
    # Papermill's cell of parameters has a name by chance.
    r'|(?<=id="cell-id=)[^"]*'
)
FOOT = re.compile(r"<footer>.*?</footer>", re.DOTALL)
TAG = re.compile(r"(?<=>)(?=<)|\n")
SHOWN = 60
"""Characters of a difference that are shown of either side."""


def comparable(path: Path) -> bytes:
    """Return a file's content as far as two builds must agree on it."""
    if path.suffix in (".html", ".md"):
        text = FOOT.sub("", path.read_text(encoding="utf-8"))
        return TIMES.sub("#", text).encode()
    if path.suffix == ".ipynb":
        return TIMES.sub("#", "\n".join(_outputs(path))).encode()
    return path.read_bytes()


def first_difference(one: Path, two: Path) -> str:
    """Say where two files that are not the same differ first.

    Returns
    -------
    str
        Of a table the row and column, of text the line, else the byte; with what stands
        there in either.
    """
    if one.suffix == ".parquet":
        return _in_tables(pd.read_parquet(one), pd.read_parquet(two))
    mine, theirs = comparable(one), comparable(two)
    try:
        lines = [TAG.split(content.decode()) for content in (mine, theirs)]
    except UnicodeDecodeError:
        same = _alike(mine, theirs)
        return f"byte {same}: {mine[same:][:1]!r} | {theirs[same:][:1]!r}"
    pairs = enumerate(zip_longest(*lines, fillvalue=""), start=1)
    place, (a, b) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
    start = max(_alike(a, b) - SHOWN // 4, 0)
    return f"line {place}: {a[start:][:SHOWN]!r} | {b[start:][:SHOWN]!r}"


def _alike(one: str | bytes, two: str | bytes) -> int:
    """Return how many characters or bytes two begin with alike."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(two)))


def _outputs(path: Path) -> list[str]:
    """Return what a notebook's cells show; what they print on the way is left out."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        _text(said)
        for cell in cells
        if cell["cell_type"] == "code" and "injected-parameters" not in _tags(cell)
        for output in cell["outputs"]
        if output["output_type"] != "stream"
        for said in (cell["source"], *output.get("data", {}).values())
    ]


def _text(said: str | list[str]) -> str:
    """Return what a notebook may keep line by line."""
    return said if isinstance(said, str) else "".join(said)


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
