"""Reader of the sourced tables: small CSV files of facts, each row with its source.

They lie under version control, one folder per kind and one file per market
(``data/README.md``). A row that cannot be read is refused with file and line. A file
with nothing below its header holds no rows. Only the standard library is used, because
Make asks for a study's settings before anything heavy is imported.
"""

import csv
import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from nse_lstm.errors import DataError

MONTH = re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])")
PRINTED_DAY = re.compile(r"(19|20)\d\d-\d\d-\d\d")


@dataclass(frozen=True)
class Field:
    """One column of a sourced table: what it holds, and how its text is read."""

    expected: str
    """In words, for the error."""
    read: Callable[[str], Any]
    """Returns None for a text that is not expected."""


@dataclass(frozen=True)
class SourcedRow:
    """One row of a sourced table, with its place."""

    cells: dict[str, Any]
    file: str
    line: int

    def refuse(self, expected: str, received: object) -> NoReturn:
        """Raise an error that names the row's file and line.

        Parameters
        ----------
        expected : str
            In words.
        received : object
            What stands there.

        Raises
        ------
        DataError
            Always.
        """
        raise _refusal(expected, received, self.file, self.line)


def read_rows(
    path: Path | None,
    fields: Mapping[str, Field],
    *,
    key: Sequence[str],
    one: str,
) -> list[SourcedRow]:
    """Read and check a sourced table, in the order of its lines.

    Parameters
    ----------
    path : Path or None
        A CSV file. None or a missing file holds no rows.
    fields : mapping of str to Field
        All columns in order; their names are the header.
    key : sequence of str
        Columns that no two rows share.
    one : str
        What a key stands for, for the error: "event per ticker and date".

    Raises
    ------
    DataError
        For the first line that is invalid or repeats a key; names file and line.
    """
    rows: list[SourcedRow] = []
    seen: set[tuple[Any, ...]] = set()
    names = list(fields)
    lines = _lines(path) if path and path.is_file() else []
    for number, texts in enumerate(lines, start=1):
        file = path.name if path else ""
        if number == 1:
            if texts != names:
                raise _refusal(f"the header {','.join(names)}", texts, file, number)
            continue
        if not any(texts):
            continue
        if len(texts) != len(names):
            raise _refusal(f"{len(names)} fields", texts, file, number)
        values = {}
        for (name, field), text in zip(fields.items(), texts, strict=True):
            values[name] = field.read(text)
            if values[name] is None:
                raise _refusal(field.expected, text, file, number)
        identity = tuple(values[name] for name in key)
        if identity in seen:
            raise _refusal(f"one {one}", ",".join(map(str, identity)), file, number)
        seen.add(identity)
        rows.append(SourcedRow(values, file, number))
    return rows


def digest_with(digest: str, *paths: Path | None) -> str:
    """Return the digest of raw files and sourced tables together.

    Parameters
    ----------
    digest : str
        Of the raw files.
    *paths : Path or None
        Sourced tables. One that does not exist leaves the digest as it is.
    """
    for path in paths:
        if path is not None and path.is_file():
            digest = hashlib.sha256(digest.encode() + path.read_bytes()).hexdigest()
    return digest


def read_day(text: str) -> date | None:
    """Return a date that is printed as 2020-08-04."""
    try:
        return date.fromisoformat(text) if PRINTED_DAY.fullmatch(text) else None
    except ValueError:
        return None


def read_year(text: str) -> int | None:
    """Return a year from 1900 to 2099."""
    return int(text) if re.fullmatch(r"(19|20)\d\d", text) else None


def read_number(text: str) -> float | None:
    """Return a positive number."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 < number < math.inf else None


def read_percent(text: str) -> float | None:
    """Return a number of percent, at least 0 and below 100."""
    try:
        percent = float(text)
    except ValueError:
        return None
    return percent if 0 <= percent < 100 else None


def one_of(*words: str) -> Callable[[str], str | None]:
    """Return a reader of texts that must be one of some words."""
    return lambda text: text if text in words else None


DAY = Field("a date as 2020-08-04", read_day)
PERCENT = Field("a number of percent, at least 0 and below 100", read_percent)
MONTH_FIELD = Field(
    "a month as 2020-08", lambda text: text if MONTH.fullmatch(text) else None
)
SOURCE = Field("where the row was read as source", lambda text: text or None)
NOTE = Field("a note", str)
"""A note may be empty."""


def _lines(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return [
            [field.strip() for field in row] for row in csv.reader(text.split("\n"))
        ]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"Cannot read: {error}", file=path.name) from None


def _refusal(expected: str, received: object, file: str, line: int) -> DataError:
    return DataError(
        f"Expected {expected}. Received: {received!r}", file=file, line=line
    )
