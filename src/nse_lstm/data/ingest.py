"""Raw files to rows of printed text: the first step, where nothing is judged yet.

A folder holds price files and sector files in the exchange's dialects. Each is known by
its header, checked line by line for damage, and read as text with its file and physical
line kept. Three printed columns are dropped at the door: ``12m Low`` and ``12m High``
are a snapshot of the day the site was read, copied to every row, so they look years
ahead; ``Change%`` lost its sign in most files and follows from the prices anyway.
"""

import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from nse_lstm.errors import DataError
from nse_lstm.paths import csv_paths

__all__ = ["RawFiles", "read_raw", "years_named"]

# Our names of a price file's 13 columns, by position; empty ones stay at the door.
PRICE_COLUMNS = {
    "date": "date",
    "code": "ticker",
    "name": "name",
    "12m low": "",
    "12m high": "",
    "day low": "low",
    "day high": "high",
    "day price": "price",
    "previous": "previous",
    "change": "change",
    "change%": "",
    "volume": "volume",
    "adjust": "adjust",
}
SECTOR_COLUMNS = ("sector", "ticker", "name")

YEAR = re.compile("(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")

NEWLINE, CARRIAGE_RETURN, QUOTE, COMMA = b'\n\r",'
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class RawFiles:
    """All rows of a folder as printed.

    ``rows`` holds the price rows (date, ticker, name, low, high, price, previous,
    change, volume, adjust: text) and ``sectors`` the sector rows (sector, ticker, name:
    text), both with ``source_file`` (categorical) and ``source_line``, the physical
    line, the header being line 1. ``blanks`` names the price files' comma-only lines,
    which hold no row.
    """

    rows: pd.DataFrame
    sectors: pd.DataFrame
    blanks: pd.DataFrame
    price_files: tuple[str, ...]
    digest: str
    """SHA-256 over the names and bytes of all files read, in the order of names."""


@dataclass(frozen=True)
class _Sheet:
    """One file: its rows as text, and the physical lines of its rows and blanks."""

    is_price: bool
    rows: pd.DataFrame
    lines: np.ndarray
    blank_lines: np.ndarray


def read_raw(folder: Path) -> RawFiles:
    """Read every CSV file of a folder as printed.

    Parameters
    ----------
    folder : Path
        Its CSV files (``paths.csv_paths``) each have the header of a price or a
        sector file.

    Raises
    ------
    DataError
        If the folder or a file is missing, empty or unreadable, holds NUL bytes or
        bytes that are no UTF-8, has an unknown header, or a line whose fields do not
        match the header's. Names file and line.

    Notes
    -----
    A quoted field never spans lines here, so a line break inside quotes is damage; that
    is what lets ``source_line`` be the physical line.
    """
    contents = {path.name: _read_bytes(path) for path in _source_paths(Path(folder))}
    sheets = {name: _read_sheet(name, data) for name, data in contents.items()}
    prices = {name: sheet for name, sheet in sheets.items() if sheet.is_price}
    if not any(len(sheet.rows) for sheet in prices.values()):
        raise DataError(
            f"Expected at least one price file with rows in {folder}. "
            f"Received: {sorted(sheets)}"
        )
    sectors = {name: sheet for name, sheet in sheets.items() if not sheet.is_price}
    return RawFiles(
        rows=_joined(prices).join(_places({n: s.lines for n, s in prices.items()})),
        sectors=_joined(sectors).join(
            _places({n: s.lines for n, s in sectors.items()})
        ),
        blanks=_places({n: s.blank_lines for n, s in prices.items()}),
        price_files=tuple(prices),
        digest=_digest(contents),
    )


def _joined(sheets: dict[str, _Sheet]) -> pd.DataFrame:
    if not sheets:
        return pd.DataFrame(columns=list(SECTOR_COLUMNS), dtype="str")
    return pd.concat([sheet.rows for sheet in sheets.values()], ignore_index=True)


def _places(lines: dict[str, np.ndarray]) -> pd.DataFrame:
    """Name file and line of every row; a category costs a byte where text costs 40."""
    codes = np.repeat(np.arange(len(lines)), [len(part) for part in lines.values()])
    none = np.array([], np.int64)
    return pd.DataFrame(
        {
            "source_file": pd.Categorical.from_codes(
                codes, categories=pd.Index(list(lines))
            ),
            "source_line": np.concatenate([none, *lines.values()]),
        }
    )


def _source_paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"Expected a folder of price files. Received: {folder}")
    paths = csv_paths(folder)
    if not paths:
        raise DataError(f"Expected CSV files in {folder}. Received: none")
    return paths


def years_named(file: str) -> list[int]:
    """Return the years in a file's name, ascending.

    Examples
    --------
    >>> years_named("NSE_data_stock_market_sectors_2023_2024.csv")
    [2023, 2024]
    """
    return sorted({int(year) for year in YEAR.findall(file)})


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"Cannot read: {error}", file=path.name) from None


def _digest(contents: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in contents.items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def _read_sheet(file: str, data: bytes) -> _Sheet:
    """Check one file's bytes and read its rows."""
    data = _checked_bytes(data, file)
    header, _, body = data.partition(b"\n")
    is_price, columns = _layout(header, file)
    n_fields, is_blank = _count_fields(body, file)
    ragged = ~is_blank & (n_fields != len(columns))
    if ragged.any():
        first = int(ragged.argmax())
        raise DataError(
            f"Expected {len(columns)} fields. Received: {n_fields[first]}",
            file=file,
            line=first + 2,
        )
    if is_blank.any():
        lines = body.split(b"\n")[:-1]
        kept = [line for line, blank in zip(lines, is_blank, strict=True) if not blank]
        body = b"".join(line + b"\n" for line in kept)
    table = _parse(body, columns, file)
    numbers = np.arange(2, len(is_blank) + 2)
    if len(table) != (~is_blank).sum():
        raise DataError("Expected one row a line: the quotes do not match", file=file)
    return _Sheet(is_price, table, numbers[~is_blank], numbers[is_blank])


def _checked_bytes(data: bytes, file: str) -> bytes:
    """Return the bytes without byte-order mark, ending in a line break."""
    data = data.removeprefix(BYTE_ORDER_MARK)
    if not data.strip():
        raise DataError("Expected a header. Received: an empty file", file=file)
    _refuse_byte(data, data.find(b"\0"), "a NUL byte", file)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"bytes that are no UTF-8: {data[error.start : error.end]!r}"
        _refuse_byte(data, error.start, what, file)
    if data.count(b"\r") != data.count(b"\r\n"):
        unix = data.replace(b"\r\n", b"\n\n")
        _refuse_byte(data, unix.find(b"\r"), "a carriage return inside a line", file)
    return data if data.endswith(b"\n") else data + b"\n"


def _refuse_byte(data: bytes, position: int, what: str, file: str) -> None:
    if position >= 0:
        line = data.count(b"\n", 0, position) + 1
        raise DataError(f"Expected text. Received: {what}", file=file, line=line)


def _layout(header: bytes, file: str) -> tuple[bool, list[str]]:
    """Tell a price from a sector file; return our names of its columns."""
    printed = next(csv.reader([header.decode("utf-8").strip()]), [])
    names = [name.strip().lower() for name in printed]
    if names[-1:] == ["adjusted price"]:
        names[-1] = "adjust"
    if names == list(PRICE_COLUMNS):
        return True, [ours or theirs for theirs, ours in PRICE_COLUMNS.items()]
    if len(names) == 3 and all(map(str.count, names, ("sector", "code", "name"))):
        return False, list(SECTOR_COLUMNS)
    raise DataError(
        "Expected the header of a price file (Date, Code, Name, 12m Low, 12m High, Day "
        "Low, Day High, Day Price, Previous, Change, Change%, Volume, Adjust) or of a "
        f"sector file (Sector, Code, Name). Received: {', '.join(printed)[:200]!r}",
        file=file,
        line=1,
    )


def _count_fields(body: bytes, file: str) -> tuple[np.ndarray, np.ndarray]:
    """Count each line's fields; tell which lines hold nothing but commas."""
    codes = np.frombuffer(body, np.uint8)
    ends = np.flatnonzero(codes == NEWLINE)
    inside = np.bitwise_xor.accumulate((codes == QUOTE).view(np.uint8)).view(bool)
    if inside[ends].any():
        line = int(inside[ends].argmax()) + 2
        raise DataError(
            "Expected quotes to close on their line. Received: an open quote",
            file=file,
            line=line,
        )
    is_comma = codes == COMMA
    n_separators = _per_line(is_comma & ~inside, ends)
    n_other = _per_line(~is_comma & (codes != CARRIAGE_RETURN), ends) - 1
    return n_separators + 1, n_other == 0


def _per_line(marks: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Count the marked bytes of each line, its line break included."""
    return np.diff(np.cumsum(marks, dtype=np.int64)[ends], prepend=0)


def _parse(body: bytes, columns: list[str], file: str) -> pd.DataFrame:
    """Split a checked body into columns of text."""
    kept = [name for name in columns if PRICE_COLUMNS.get(name, name)]
    if not body:
        return pd.DataFrame(columns=kept, dtype="str")
    text = pa.string()
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(body),
            pa_csv.ReadOptions(column_names=columns, use_threads=False),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, text), include_columns=kept
            ),
        )
    except pa.ArrowInvalid as error:
        raise DataError(f"Expected comma-separated text: {error}", file=file) from None
    return table.to_pandas(types_mapper={text: pd.StringDtype(na_value=np.nan)}.get)
