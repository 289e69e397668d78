"""Text of a price file in any common encoding, split into fields with their lines."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nse_lstm.errors import DataError

ENDINGS = (".csv", ".txt", ".tsv")
DELIMITERS = (",", ";", "\t", "|")
MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
"""Byte-order marks; a longer one stands before the shorter that begins it."""
OTHER_KINDS = (
    (b"PK\x03\x04", "a spreadsheet or an archive"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet"),
    (b"%PDF", "a PDF file"),
    (b"<", "a web page"),
)
ADVICE = "export it as CSV in UTF-8 and import that"
SPACES = " \t\xa0\u202f\u2009"


@dataclass(frozen=True)
class Fields:
    """One file's lines as fields, without blank lines."""

    file: str
    delimiter: str
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    """Physical line of every row."""
    n_blank: int


def is_price_file(path: Path) -> bool:
    """Return whether a file's name ends like text or compressed text.

    Parameters
    ----------
    path : Path
        Of a file.
    """
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(ENDINGS) and not name.startswith(".")


def stem_of(file: str) -> str:
    """Return a file's name without its endings, such as ``.csv.gz``."""
    stem = file[:-3] if file.lower().endswith(".gz") else file
    return stem.rpartition(".")[0] or stem


def read_text(path: Path) -> str:
    """Read a file as text, each line ended by one line feed.

    UTF-8, UTF-16 and UTF-32 are read, with or without a byte-order mark, and gzip.

    Parameters
    ----------
    path : Path
        Of the file.

    Raises
    ------
    DataError
        If the file is empty, is no text, or has bytes of another encoding.
    """
    data = _read_bytes(path)
    for beginning, kind in OTHER_KINDS:
        if data.lstrip().startswith(beginning):
            message = f"Expected text. Received: {kind}; {ADVICE}"
            raise DataError(message, file=path.name, line=1)
    text = _decode(data, path.name)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        message = "Expected rows of prices. Received: an empty file"
        raise DataError(message, file=path.name, line=1)
    place = text.find("\0")
    if place >= 0:
        line = text.count("\n", 0, place) + 1
        message = f"Expected text. Received: a NUL character; {ADVICE}"
        raise DataError(message, file=path.name, line=line)
    return text


def split_fields(text: str, file: str, delimiter: str) -> Fields:
    """Split text into fields, one row per physical line.

    Parameters
    ----------
    text : str
        ``read_text``.
    file : str
        Name of the file, for errors.
    delimiter : str
        One of ``DELIMITERS``.

    Raises
    ------
    DataError
        If quotes do not close on their line, or a row has another number of fields than
        the first row.
    """
    rows: list[tuple[str, ...]] = []
    lines, n_blank = [], 0
    for line, fields in _split_lines(text.rstrip("\n"), file, delimiter):
        if not any(fields):
            n_blank += 1
            continue
        if rows and len(fields) != len(rows[0]):
            message = f"Expected {len(rows[0])} fields. Received: {len(fields)}, "
            message += repr(delimiter.join(fields)[:80])
            raise DataError(message, file=file, line=line)
        rows.append(fields)
        lines.append(line)
    if not rows:
        message = "Expected rows of prices. Received: blank lines only"
        raise DataError(message, file=file, line=1)
    return Fields(file, delimiter, tuple(rows), tuple(lines), n_blank)


def first_fields(text: str, delimiter: str) -> tuple[str, ...]:
    """Return the fields of the first line that is not blank; none if damaged.

    Parameters
    ----------
    text : str
        ``read_text``.
    delimiter : str
        One of ``DELIMITERS``.
    """
    try:
        return next(
            fields for _, fields in _split_lines(text, "", delimiter) if any(fields)
        )
    except (DataError, StopIteration):
        return ()


def named_delimiter(text: str) -> tuple[str, str]:
    """Return the delimiter of a spreadsheet's ``sep=`` line, and the text without it.

    The line becomes blank, so that later lines keep their numbers.

    Parameters
    ----------
    text : str
        ``read_text``.
    """
    first, _, rest = text.partition("\n")
    named = first.strip(SPACES + '"')
    if len(named) == 5 and named.startswith("sep=") and named[4] in DELIMITERS:
        return named[4], "\n" + rest
    return "", text


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix.lower() == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"Cannot read: {error}", file=path.name, line=1) from None


def _decode(data: bytes, file: str) -> str:
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "")
    # Text of the Latin alphabet has a NUL in every second byte of UTF-16.
    if not encoding and len(data) > 1:
        half = len(data) // 2
        if data[1::2].count(0) == half:
            encoding = "utf-16-le"
        elif data[0::2].count(0) >= half:
            encoding = "utf-16-be"
    try:
        return data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = data[error.start : error.start + 8]
        raise DataError(
            f"Expected text in UTF-8. Received: the bytes {found!r}; {ADVICE}",
            file=file,
            line=line,
        ) from None


def _split_lines(
    text: str, file: str, delimiter: str
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the number and the fields of each line."""
    # A quote that stays open may swallow the next line: the reader tells by its count.
    reader = csv.reader(
        text.split("\n"), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    line = 0
    try:
        for fields in reader:
            line += 1
            if reader.line_num != line:
                message = "Expected quotes to close on their line. Received: open ones"
                raise DataError(message, file=file, line=line)
            yield line, tuple(field.strip(SPACES) for field in fields)
    except csv.Error as error:
        message = f"Expected fields between {delimiter!r}. Received: {error}"
        raise DataError(message, file=file, line=line + 1) from None
