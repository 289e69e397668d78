"""Small folders of price files, damaged in every way a transfer or a hand can."""

import codecs
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.data.panel import MarketData, build_panel
from nse_lstm.errors import DataError
from support.raw_files import Row, random_rows, write_folder, write_rows

Mutation = Callable[[bytes, np.random.Generator], bytes]

BASE = pd.bdate_range("2020-01-01", periods=4)
HOSTILE = (
    b'=cmd|"/C calc"!A0',
    b"<script>alert(1)</script>",
    b"@SUM(1+1)*cmd",
    b"'; DROP TABLE panel;--",
    b"../../etc/passwd",
    "Söhne & Cie \U0001f4b8".encode(),
    "Söhne".encode("latin-1"),
    "Prices".encode("utf-16"),
    b"\xef\xbb\xbf",
    b"\x00",
    b'"',
    b'""',
    b"\r",
    b"\n",
    b"\xe2\x80\xa8",
    b"1e999",
    b"NaN",
    b"-",
    b"",
    b" ",
    b"9" * 400,
    b"x" * 70_000,
    b"0.000000000000001",
    b"29-Feb-2021",
    b"31-Dec-9999",
    b"01-Jan-00",
    b"1/2/2019",
    b"31/12/2019",
    b"2/30/2019",
    b"C&G",
)


def make_folder(folder: Path) -> Path:
    """Write the sound folder: three dialects, an index, a quoted name, sectors."""
    rows = random_rows(BASE, seed=1, tickers=("AAA", "BBB", "^IDX"))
    odd = Row(BASE[-1], "CCC", 1234.5, volume=1_000_000, name="C, and Sons")
    later = random_rows(BASE + pd.DateOffset(years=1), seed=2, tickers=("AAA", "BBB"))
    days = pd.bdate_range("2019-01-01", periods=4)
    early = random_rows(days, seed=3, tickers=("AAA", "BBB", "^IDX"))
    name = "NSE_data_all_stocks_2019.csv"
    write_rows(write_folder(folder, [*rows, odd, *later]) / name, early, "first")
    return folder


def damage(folder: Path, seed: int) -> Path:
    """Damage one file of a sound folder in one to three ways; return its path."""
    generator = np.random.default_rng(seed)
    paths = sorted(folder.iterdir())
    path = paths[int(generator.integers(len(paths)))]
    data = path.read_bytes()
    for _ in range(int(generator.integers(1, 4))):
        data = MUTATIONS[int(generator.integers(len(MUTATIONS)))](data, generator)
    path.write_bytes(data)
    return path


def load(folder: Path, damaged: Path) -> MarketData | DataError:
    """Load a damaged folder: a market whose ledger closes, or an error that helps.

    Such an error names file, line and the value that was received.

    Raises
    ------
    ValueError
        If it is neither.
    """
    try:
        market = build_panel(folder)
    except DataError as error:
        if not _has_place(error, folder, damaged) or "Received: " not in str(error):
            raise ValueError(f"no place or value in: {error}") from error
        return error
    counts = market.row_counts.groupby("action")["n_rows"].sum()
    n_lines = sum(
        _n_lines(folder / name) for name in market.row_counts["source_file"].unique()
    )
    if counts.sum() != n_lines or counts.drop("dropped", errors="ignore").sum() != len(
        market.panel
    ):
        raise ValueError(f"the ledger does not close: {counts.to_dict()}, {n_lines}")
    return market


def _has_place(error: DataError, folder: Path, damaged: Path) -> bool:
    """Return whether an error names a file of the folder and one of its lines."""
    path = folder / (error.file or "")
    if not path.is_file():
        return False
    # Nothing but blank bytes has no line to name.
    return (
        not damaged.read_bytes().strip()
        if error.line is None
        else 1 <= error.line <= _n_lines(path) + 1
    )


def _n_lines(path: Path) -> int:
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", errors="replace").encode()
    return data.count(b"\n") + (not data.endswith(b"\n")) - 1


def _place(data: bytes, generator: np.random.Generator) -> int:
    return int(generator.integers(len(data) + 1))


def _flip(data: bytes, generator: np.random.Generator) -> bytes:
    at = _place(data, generator)
    return data[:at] + bytes([int(generator.integers(256))]) + data[at + 1 :]


def _cut(data: bytes, generator: np.random.Generator) -> bytes:
    return data[: _place(data, generator)]


def _drop(data: bytes, generator: np.random.Generator) -> bytes:
    at = _place(data, generator)
    return data[:at] + data[at + int(generator.integers(1, 60)) :]


def _insert(data: bytes, generator: np.random.Generator) -> bytes:
    at = _place(data, generator)
    return data[:at] + HOSTILE[int(generator.integers(len(HOSTILE)))] + data[at:]


def _field(data: bytes, generator: np.random.Generator) -> bytes:
    """Put something hostile in place of one field."""
    lines = data.split(b"\n")
    number = int(generator.integers(len(lines)))
    fields = lines[number].split(b",")
    text = HOSTILE[int(generator.integers(len(HOSTILE)))]
    fields[int(generator.integers(len(fields)))] = text
    lines[number] = b",".join(fields)
    return b"\n".join(lines)


def _move_columns(data: bytes, generator: np.random.Generator) -> bytes:
    lines = [line.split(b",") for line in data.split(b"\n")]
    left, right = (int(n) for n in generator.integers(0, 13, 2))
    start = int(generator.integers(2))
    for fields in lines[start:]:
        if len(fields) > max(left, right):
            fields[left], fields[right] = fields[right], fields[left]
    return b"\n".join(b",".join(fields) for fields in lines)


def _lines(data: bytes, generator: np.random.Generator) -> bytes:
    """Repeat, drop or move a line; the header too."""
    lines = data.split(b"\n")
    one, other = (int(n) for n in generator.integers(0, len(lines), 2))
    line = lines[one]
    if generator.random() < 0.5:
        del lines[one]
    if generator.random() < 0.7:
        lines.insert(other, line)
    return b"\n".join(lines)


def _ends(data: bytes, generator: np.random.Generator) -> bytes:
    """Mix the line ends, or put blank lines between."""
    unix = data.replace(b"\r\n", b"\n").split(b"\n")
    ends = (b"\n", b"\r\n", b"\n\n", b"\r\n,,,\r\n", b"\n,,,,,,,,,,,,\n", b"\r")
    share = [0.45, 0.45, 0.04, 0.03, 0.02, 0.01]
    drawn = generator.choice(len(ends), len(unix), p=share)
    return b"".join(line + ends[n] for line, n in zip(unix, drawn, strict=True))


def _encode(data: bytes, generator: np.random.Generator) -> bytes:
    codes = ("utf-16", "utf-8-sig", "latin-1", "cp037")
    text = data.decode("utf-8", errors="replace")
    encoding = codes[int(generator.integers(len(codes)))]
    return text.encode(encoding, errors="replace")


MUTATIONS: tuple[Mutation, ...] = (
    *(_flip, _flip, _cut, _drop, _insert, _insert, _field, _field, _field),
    *(_move_columns, _lines, _lines, _ends, _encode),
)
