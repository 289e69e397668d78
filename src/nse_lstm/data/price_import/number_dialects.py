"""Numbers of other people's files: decimal mark, grouping, K, M and B."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from nse_lstm.errors import DataError

MISSING = frozenset(
    ("", "-", "--", "\u2013", "\u2014", ".", "n/a", "na", "nan", "null", "none", "#n/a")
)
CURRENCY = "$\u20ac\xa3\u20b9\xa5"
SUFFIXES = {"k": 3, "m": 6, "b": 9}
"""Powers of ten; only volumes have them."""
SPACE = re.compile("(?<=[0-9])[ \xa0\u202f\u2009'](?=[0-9]{3}(?![0-9]))")
"""Space or apostrophe between groups of three digits."""
# Groups of three digits, or groups of two before the last three, as in 1,00,000.
GROUPED = r"[0-9]{{1,3}}(?:{g}[0-9]{{3}})+|[0-9]{{1,2}}(?:{g}[0-9]{{2}})+{g}[0-9]{{3}}"
PLAIN = r"[0-9]{1,15}"
EXPONENT = re.compile(r"[+-]?[0-9](?:\.[0-9]{1,17})?[eE][+-]?[0-9]{1,2}")
MARKS = (".", ",")
PROOFS = {
    mark: re.compile(
        # A mark followed by other than three digits, or after the other mark's groups,
        # or repeats of the other mark.
        rf"[+-]?(?:[0-9]*\{mark}(?:[0-9]{{1,2}}|[0-9]{{4,}})"
        rf"|[0-9]{{1,3}}(?:\{other}[0-9]{{2,3}})+\{mark}[0-9]+"
        rf"|0\{mark}[0-9]+|[0-9]{{4,}}\{mark}[0-9]+"
        rf"|[0-9]{{1,3}}(?:\{other}[0-9]{{2,3}}){{2,}})%?[kKmMbB]?"
    )
    for mark, other in zip(MARKS, reversed(MARKS), strict=True)
}
"""Texts that only make sense with this decimal mark."""


def find_decimal_mark(
    cells: Iterable[tuple[str, int]], file: str, given: str = ""
) -> tuple[str, str]:
    """Find the decimal mark of a file's numbers, and on what grounds.

    Parameters
    ----------
    cells : iterable of (str, int)
        Printed numbers and their lines.
    file : str
        Name of the file.
    given : str
        The user's word: ``point``, ``comma``, or empty.

    Returns
    -------
    mark : str
        Point or comma.
    why : str
        In words.

    Raises
    ------
    DataError
        If the numbers contradict each other or the user, or nothing decides.
    """
    proofs: dict[str, tuple[str, int]] = {}
    doubt: tuple[str, int] | None = None
    for text, line in cells:
        bare = _bare(text)
        if not set(bare) & set(MARKS):
            continue
        for mark in MARKS:
            if mark not in proofs and PROOFS[mark].fullmatch(bare):
                proofs[mark] = (text, line)
        doubt = doubt or (text, line)
    wanted = {"point": ".", "comma": ","}.get(given, "")
    for mark in MARKS:
        others = [proof for name, proof in proofs.items() if name != mark]
        if (mark in proofs or mark == wanted) and others:
            text, line = others[0]
            ground = "--decimal says" if wanted else f"in {proofs[mark][0]!r}"
            raise DataError(
                f"Expected {mark!r} as decimal mark, as {ground}. Received: {text!r}",
                file=file,
                line=line,
            )
    if proofs:
        ((mark, (text, line)),) = proofs.items()
        return mark, f"decimal mark {mark!r}, as line {line} shows: {text}"
    if wanted:
        return wanted, f"decimal mark {wanted!r}, as --decimal says"
    if doubt is None:
        return ".", "whole numbers"
    raise DataError(
        "Expected a number that shows whether point or comma is the decimal mark. "
        f"Received: none in the file, such as {doubt[0]!r}. Say --decimal point or "
        "comma",
        file=file,
        line=doubt[1],
    )


@lru_cache(maxsize=100_000)
def read_number(text: str, mark: str, *, suffixed: bool = False) -> Decimal | None:
    """Read a printed number exactly; None where it is missing.

    Parameters
    ----------
    text : str
        As printed.
    mark : str
        Decimal mark of the file.
    suffixed : bool
        Whether K, M or B may follow.

    Raises
    ------
    ValueError
        If the text is no number.

    Examples
    --------
    >>> read_number("1,00,000", "."), read_number("3.24M", ".", suffixed=True)
    (Decimal('100000'), Decimal('3.24E+6'))
    """
    bare = _bare(text)
    if bare.lower() in MISSING:
        return None
    power = SUFFIXES.get(bare[-1].lower(), 0) if suffixed else 0
    if power:
        bare = bare[:-1].rstrip()
    if EXPONENT.fullmatch(bare) and not power:
        return Decimal(bare)
    if not _pattern(mark).fullmatch(bare):
        raise ValueError(text)
    group = "," if mark == "." else "."
    plain = bare.replace(group, "").replace(mark, ".")
    try:
        return Decimal(plain).scaleb(power)
    except InvalidOperation:
        raise ValueError(text) from None


def _bare(text: str) -> str:
    """Return a number without currency sign and without spaces between groups."""
    return SPACE.sub("", text.lstrip(CURRENCY).strip())


@lru_cache(maxsize=2)
def _pattern(mark: str) -> re.Pattern[str]:
    group = re.escape("," if mark == "." else ".")
    whole = f"{PLAIN}|{GROUPED.format(g=group)}"
    decimals = f"{re.escape(mark)}[0-9]{{1,20}}"
    return re.compile(f"[+-]?(?:(?:{whole})(?:{decimals})?|{decimals})")
