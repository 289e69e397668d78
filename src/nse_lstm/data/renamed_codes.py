"""Renamed codes: the code that a stock had when an old file was printed.

The exchange's later files print every stock under today's code, older files under the
code of their time. A sourced table maps the latter, up to its last session.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from nse_lstm.data.sourced import DAY, NOTE, SOURCE, Field, read_rows

# A code names folders later, so any other text is refused.
TICKER = r"^\^?[A-Z0-9]{1,12}(-[A-Z0-9]{1,6})?$"

FIELDS = {
    "printed": Field("a code without spaces as printed", lambda text: _code(text)),
    "ticker": Field(
        "a stock code as ticker", lambda text: text if re.match(TICKER, text) else None
    ),
    "until": DAY,
    "source": SOURCE,
    "note": NOTE,
}


@dataclass(frozen=True)
class RenamedCode:
    """A code of its time and today's code of the same stock."""

    printed: str
    ticker: str
    until: date
    """Last day on which the files print the old code. Later it is a code of its own."""


def read_renamed(path: Path | None) -> list[RenamedCode]:
    """Read the sourced table of a market's renamed codes.

    Parameters
    ----------
    path : Path or None
        CSV file with ``printed``, ``ticker``, ``until``, ``source`` and ``note``.

    Raises
    ------
    DataError
        For the first line that is invalid, repeats a code or renames to itself; names
        file and line.
    """
    rows = read_rows(path, FIELDS, key=["printed"], one="line per printed code")
    for row in rows:
        if row.cells["printed"] == row.cells["ticker"]:
            row.refuse("another code than the printed one", row.cells["ticker"])
    names = ("printed", "ticker", "until")
    return [RenamedCode(**{name: row.cells[name] for name in names}) for row in rows]


def _code(text: str) -> str | None:
    return text if re.fullmatch(r"[A-Z0-9&.-]{1,12}", text) else None
