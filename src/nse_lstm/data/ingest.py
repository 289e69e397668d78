"""Reader of raw price and sector files: rows of printed text with file and line.

Each file is recognised by its header and checked line by line for damage. Three columns
are dropped. ``12m Low`` and ``12m High`` are a snapshot of the day the site was read,
copied to every row, so they look years ahead. ``Change%`` lost its sign in most files
and follows from the prices.
"""

import bisect
import codecs
import csv
import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from nse_lstm.errors import DataError
from nse_lstm.paths import csv_paths

# Names of a price file's 13 columns, by position; columns without a name are dropped.
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

NEWLINE, CARRIAGE_RETURN = b"\n\r"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SAVE_AS = "save it as CSV UTF-8 (comma delimited)"
FOREIGN_BEGINNINGS = {
    b"PK\x03\x04": f"a spreadsheet or an archive, whatever its name; {SAVE_AS}",
    b"\xd0\xcf\x11\xe0": f"an old spreadsheet, whatever its name; {SAVE_AS}",
    b"\x1f\x8b": "a compressed file; name it .csv.gz",
    b"<": "a page of the web; download the data, not the page that links to it",
    b"PAR1": "a parquet file; export it as CSV",
}
"""Kinds of file by their first bytes."""
BLANK_LINE = re.compile(rb"\n,*\r?(?=\n)")
BEGINNINGS_OF_BLANK = np.frombuffer(b",\r\n", np.uint8)
FIELD_OR_COMMA = re.compile(rb'"(?:[^"]|"")*"|[^,"]+|,|"')

SEPARATORS = {b";": "semicolons", b"\t": "tabs", b"|": "bars"}

CODES = pa.dictionary(pa.int32(), pa.string())
"""Columns are read as distinct texts and one code per row, a tenth of the bytes."""

MAX_BLOCK = 1 << 30
"""Bytes per block. Each block has its own distinct texts, which are unified later."""


@dataclass(frozen=True)
class RawFiles:
    """Printed rows of a folder's price and sector files.

    ``rows`` holds the price rows (date, ticker, name, low, high, price, previous,
    change, volume, adjust: text, Arrow dictionaries) and ``sectors`` the sector rows
    (sector, ticker, name: text), both with ``source_file`` (categorical) and
    ``source_line``, the physical line (the header is line 1). ``blanks`` lists the
    price files' comma-only lines, which hold no row.
    """

    rows: pd.DataFrame
    sectors: pd.DataFrame
    blanks: pd.DataFrame
    price_files: tuple[str, ...]


@dataclass(frozen=True)
class _Sheet:
    """One file: its body without blank lines, and the physical lines of both."""

    is_price: bool
    body: bytes
    lines: np.ndarray
    blank_lines: np.ndarray


def read_raw(folder: Path) -> RawFiles:
    """Read every CSV file of a folder as printed text.

    Parameters
    ----------
    folder : Path
        Each of its CSV files (``paths.csv_paths``) has the header of a price or sector
        file.

    Raises
    ------
    DataError
        If the folder or a file is missing, empty or unreadable, holds NUL bytes or
        bytes that are not UTF-8, has an unknown header, or a line whose fields do not
        match the header. Names file and line.

    Notes
    -----
    A line break inside quotes is refused as damage, so ``source_line`` is the physical
    line.
    """
    contents = {path.name: _read_bytes(path) for path in _source_paths(Path(folder))}
    sheets = {name: _read_sheet(name, data) for name, data in contents.items()}
    prices = {name: sheet for name, sheet in sheets.items() if sheet.is_price}
    if not any(len(sheet.lines) for sheet in prices.values()):
        raise DataError(
            f"Expected at least one price file with rows in {folder}. "
            f"Received: {sorted(sheets)}"
        )
    sectors = {name: sheet for name, sheet in sheets.items() if not sheet.is_price}
    return RawFiles(
        rows=_parse(prices, is_price=True),
        sectors=_parse(sectors, is_price=False).astype(
            dict.fromkeys(SECTOR_COLUMNS, "str")
        ),
        blanks=_places({n: s.blank_lines for n, s in prices.items()}),
        price_files=tuple(prices),
    )


def read_file(path: Path) -> pd.DataFrame:
    """Read one price or sector file as printed text.

    Parameters
    ----------
    path : Path

    Returns
    -------
    DataFrame
        As ``rows`` or ``sectors`` of ``RawFiles``.

    Raises
    ------
    DataError
        As ``read_raw``.
    """
    sheet = _read_sheet(path.name, _read_bytes(path))
    return _parse({path.name: sheet}, is_price=sheet.is_price)


def _parse(sheets: dict[str, _Sheet], *, is_price: bool) -> pd.DataFrame:
    """Split the bodies of one kind of file into columns of text, one row per line.

    All files are split together, so that each distinct text is stored once.
    """
    columns = list(SECTOR_COLUMNS)
    if is_price:
        columns = [ours or theirs for theirs, ours in PRICE_COLUMNS.items()]
    places = _places({name: sheet.lines for name, sheet in sheets.items()})
    kept = [name for name in columns if PRICE_COLUMNS.get(name, name)]
    if places.empty:
        return pd.DataFrame(columns=kept, dtype="str").join(places)
    body = b"".join(sheet.body for sheet in sheets.values())
    table = _split(body, columns, kept)
    if table is None or table.num_rows != len(places):
        _refuse_line(body, columns, places)
    texts = table.unify_dictionaries().combine_chunks()
    return texts.to_pandas(types_mapper=pd.ArrowDtype).join(places)


def _places(lines: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return file and line of every row; the file is a category to save memory."""
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
    """Return the years in a file's name in ascending order.

    Examples
    --------
    >>> years_named("NSE_data_stock_market_sectors_2023_2024.csv")
    [2023, 2024]
    """
    return sorted({int(year) for year in YEAR.findall(file)})


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        is_packed = path.name.lower().endswith(".gz")
        return gzip.decompress(data) if is_packed else data
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"Cannot read: {error}", file=path.name) from None


def _read_sheet(file: str, data: bytes) -> _Sheet:
    """Check one file's bytes and find its lines."""
    data = _checked_bytes(data, file)
    codes = np.frombuffer(data, np.uint8)
    breaks = np.flatnonzero(codes == NEWLINE)
    is_price = _is_price(data[: breaks[0]], file)
    # Few lines begin like a blank one; only those are matched as text.
    is_blank = np.isin(codes[breaks[:-1] + 1], BEGINNINGS_OF_BLANK)
    for place in np.flatnonzero(is_blank):
        is_blank[place] = BLANK_LINE.match(data, breaks[place]) is not None
    if is_blank.any():
        # The header's line break is kept for the match, then cut off.
        body = BLANK_LINE.sub(b"", data[breaks[0] :])[1:]
    else:
        body = data[breaks[0] + 1 :]
    lines = np.arange(2, len(breaks) + 1)
    return _Sheet(is_price, body, lines[~is_blank], lines[is_blank])


def _checked_bytes(data: bytes, file: str) -> bytes:
    """Return the bytes without byte-order mark, ending with a line break."""
    for beginning, what in FOREIGN_BEGINNINGS.items():
        if data.startswith(beginning):
            message = f"Expected CSV text. Received: {what}"
            raise DataError(message, file=file, line=1)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = _from_utf16(data, file)
    data = data.removeprefix(BYTE_ORDER_MARK)
    if not data or data.isspace():
        message = "Expected a header. Received: an empty file"
        raise DataError(message, file=file, line=1)
    _refuse_byte(data, data.find(b"\0"), "a NUL byte", file)
    try:
        data.isascii() or data.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = data[error.start : error.end]
        what = f"bytes that are not UTF-8: {wrong!r}; {SAVE_AS}"
        _refuse_byte(data, error.start, what, file)
    data = data if data.endswith(b"\n") else data + b"\n"
    codes = np.frombuffer(data, np.uint8)
    alone = (codes[:-1] == CARRIAGE_RETURN) & (codes[1:] != NEWLINE)
    if alone.any():
        what = "a carriage return inside a line"
        _refuse_byte(data, int(alone.argmax()), what, file)
    return data


def _from_utf16(data: bytes, file: str) -> bytes:
    try:
        return data.decode("utf-16").encode("utf-8")
    except UnicodeDecodeError as error:
        n_lines = data[: error.start].decode("utf-16", "ignore").count("\n")
        message = "Expected UTF-16, as its first bytes say. Received: other bytes"
        raise DataError(message, file=file, line=n_lines + 1) from None


def _refuse_byte(data: bytes, position: int, what: str, file: str) -> None:
    if position >= 0:
        line = data.count(b"\n", 0, position) + 1
        raise DataError(f"Expected text. Received: {what}", file=file, line=line)


def _is_price(header: bytes, file: str) -> bool:
    """Return whether a header is a price file's; raise if it is neither kind's."""
    try:
        printed = next(csv.reader([header.decode("utf-8").strip()]), [])
    except csv.Error as error:
        message = f"Expected a header. Received: {error}"
        raise DataError(message, file=file, line=1) from None
    names = [" ".join(re.split(r"[\s_]+", name.strip().lower())) for name in printed]
    if names[-1:] in (["adjusted"], ["adjusted price"]):
        names[-1] = "adjust"
    if names == list(PRICE_COLUMNS):
        return True
    if len(names) == 3 and all(map(str.count, names, ("sector", "code", "name"))):
        return False
    separator = next((each for each in SEPARATORS if header.count(each) > 1), None)
    if len(printed) == 1 and separator:
        raise DataError(
            f"Expected commas between the names of the header. Received: "
            f"{SEPARATORS[separator]}; export with commas, or use nse-lstm import",
            file=file,
            line=1,
        )
    raise DataError(
        "Expected the header of a price file (Date, Code, Name, 12m Low, 12m High, Day "
        "Low, Day High, Day Price, Previous, Change, Change%, Volume, Adjust) or of a "
        f"sector file (Sector, Code, Name). Received: {', '.join(printed)[:200]!r}",
        file=file,
        line=1,
    )


def _split(body: bytes, columns: list[str], kept: list[str]) -> pa.Table | None:
    """Return the kept columns, or None if the fields do not match the header."""
    try:
        return pa_csv.read_csv(
            pa.BufferReader(body),
            pa_csv.ReadOptions(
                column_names=columns,
                block_size=min(len(body) + 1, MAX_BLOCK),
                # One block is one thread's work.
                use_threads=False,
            ),
            convert_options=pa_csv.ConvertOptions(
                # `_checked_bytes` has checked that the bytes are UTF-8.
                check_utf8=False,
                column_types=dict.fromkeys(columns, CODES),
                include_columns=kept,
            ),
        )
    except pa.ArrowInvalid:
        return None


def _refuse_line(body: bytes, columns: list[str], places: pd.DataFrame) -> NoReturn:
    """Raise an error for the first damaged line, found by bisection."""
    printed = body.splitlines(keepends=True)

    def is_damaged(n_lines: int) -> bool:
        table = _split(b"".join(printed[:n_lines]), columns, columns[:1])
        return table is None or table.num_rows != n_lines

    place = bisect.bisect_left(range(1, len(places)), True, key=is_damaged)
    parts = FIELD_OR_COMMA.findall(printed[place])
    if b'"' in parts:
        expected, received = "quotes to close on their line", "an open quote"
    else:
        expected, received = f"{len(columns)} fields", str(parts.count(b",") + 1)
    raise DataError(
        f"Expected {expected}. Received: {received}",
        file=str(places["source_file"].iloc[place]),
        line=int(places["source_line"].iloc[place]),
    )
