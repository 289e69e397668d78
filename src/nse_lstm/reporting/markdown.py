"""Write Markdown tables and text, with text from data escaped."""

import re

import numpy as np
import pandas as pd

from nse_lstm.reporting.format import DASH

SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def markdown_text(text: object) -> str:
    r"""Escape Markdown and HTML markup; line ends become spaces.

    Examples
    --------
    >>> print(markdown_text("a|b <i>"))
    a\|b \<i\>
    """
    return SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def markdown_table(table: pd.DataFrame) -> str:
    """Write a table of text, booleans and whole numbers as Markdown, without index.

    A missing value is a dash. Numbers with decimals must come as text, because the
    caller knows how many decimals are significant.

    Examples
    --------
    >>> print(markdown_table(pd.DataFrame({"n": [1], "met": [True]})))
    | n | met |
    | --- | --- |
    | 1 | yes |
    """
    lines = [list(map(markdown_text, table.columns)), ["---"] * table.shape[1]]
    for row in table.itertuples(index=False, name=None):
        lines.append([_cell(value) for value in row])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    missing = value is None or value is pd.NaT or value is pd.NA
    if missing or (isinstance(value, float) and value != value):
        return DASH
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return markdown_text(value)
