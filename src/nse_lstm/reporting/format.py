"""Format numbers, intervals and lists of words the same way on every page."""

import re
from collections.abc import Iterable

import pandas as pd

DASH = "–"
"""In place of a number that is not defined."""
MINUS = "−"
HYPHEN = re.compile(r"(?<![\w.-])-(?=\d)")
"""A hyphen before a number, but not within a date or a name."""


def format_number(value: float | None, specification: str) -> str:
    """Format a number with a typographic minus sign, a missing one as a dash.

    Parameters
    ----------
    value : float or None
    specification : str
        A format specification such as ``+.1%``.

    Examples
    --------
    >>> format_number(0.123, "+.1%"), format_number(None, ".2f") == DASH
    ('+12.3%', True)
    """
    if value is None or pd.isna(value):
        return DASH
    return format(value, specification).replace("-", MINUS)


def format_interval(
    value: float, lower: float, upper: float, specification: str
) -> str:
    """Format a value with its interval, as in "0.10 (0.05 to 0.15)".

    Parameters
    ----------
    value, lower, upper : float
        A missing one is a dash.
    specification : str
        Of all three.
    """
    middle, low, high = (
        format_number(number, specification) for number in (value, lower, upper)
    )
    return f"{middle} ({low} to {high})"


def format_bounds(value: float, lower: float, upper: float, specification: str) -> str:
    """Format a value with its interval for a table cell, as in "+0.1 [+0.0, +0.3]".

    Parameters
    ----------
    value, lower, upper : float
        A missing one is a dash.
    specification : str
        Of all three.
    """
    middle, low, high = (
        format_number(number, specification) for number in (value, lower, upper)
    )
    return f"{middle} [{low}, {high}]"


def typeset_minus(text: str) -> str:
    """Write a minus sign for every hyphen before a number; dates and names stay.

    Examples
    --------
    >>> typeset_minus("-4 on 2020-01-02") == f"{MINUS}4 on 2020-01-02"
    True
    """
    return HYPHEN.sub(MINUS, text)


def join_words(words: Iterable[str]) -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> join_words(["a", "b", "c"]), join_words(["a"]), join_words([])
    ('a, b and c', 'a', 'none')
    """
    *first, last = [*words] or ["none"]
    return f"{', '.join(first)} and {last}" if first else last
