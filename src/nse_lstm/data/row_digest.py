"""Digest of printed rows by value: the same data under other bytes is the same data.

A published file may come with other line ends, dates in another form, other thousands
separators or signs that no reader uses. Its rows decide whether it is the same data.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from nse_lstm.data.ingest import SECTOR_COLUMNS, RawFiles, read_file
from nse_lstm.data.parse import read_numbers, read_sessions

TEXTS = ("ticker", "name")
NUMBERS = ("low", "high", "price", "previous", "change", "volume", "adjust")


def digest_file(path: Path) -> str:
    """Return the SHA-256 over the rows of a price or sector file, in their order.

    Numbers count by value and dates by day. Columns that the loader drops do not count,
    nor do blank lines, the file's name, its header and its line ends.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataError
        If it is no such file, or a date in it cannot be read.
    """
    digest = hashlib.sha256()
    _add(digest, read_file(path))
    return digest.hexdigest()


def digest_files(raw: RawFiles) -> str:
    """Return the SHA-256 over the names and rows of a folder's files.

    Parameters
    ----------
    raw : RawFiles
        ``ingest.read_raw`` of the folder.

    Raises
    ------
    DataError
        If a date cannot be read.
    """
    digest = hashlib.sha256()
    for rows in (raw.rows, raw.sectors):
        files = rows["source_file"].cat
        counts = np.bincount(files.codes, minlength=len(files.categories))
        for name, n_rows in zip(files.categories, counts, strict=True):
            digest.update(f"{name}\0{n_rows}\0".encode())
        _add(digest, rows)
    return digest.hexdigest()


def _add(digest: Any, printed: pd.DataFrame) -> None:
    """Add the rows of price or of sector files, column by column."""
    is_price = "date" in printed
    if is_price:
        days = read_sessions(printed).astype("datetime64[D]").astype("<i8")
        digest.update(days.tobytes())
    for name in TEXTS if is_price else SECTOR_COLUMNS:
        column = _distinct(printed, name)
        texts = np.array(column.dictionary.to_pylist(), object)
        place = np.argsort(np.argsort(texts))
        _add_texts(digest, texts.tolist())
        digest.update(place[column.indices.to_numpy()].astype("<i4").tobytes())
    for name in NUMBERS if is_price else ():
        column = _distinct(printed, name)
        values, is_read = read_numbers(column.dictionary)
        codes = column.indices.to_numpy()
        digest.update(np.where(np.isnan(values), np.nan, values)[codes].tobytes())
        # A text that is no number is an error of the loader, and no number here.
        _add_texts(digest, column.dictionary.filter(pa.array(~is_read)).to_pylist())


def _distinct(printed: pd.DataFrame, name: str) -> pa.DictionaryArray:
    """Return a column as distinct texts and one code per row."""
    column = pa.array(printed[name].array)
    is_encoded = pa.types.is_dictionary(column.type)
    return column if is_encoded else column.dictionary_encode()


def _add_texts(digest: Any, texts: list[str]) -> None:
    digest.update("\0".join([str(len(texts)), *sorted(texts)]).encode())
