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

from nse_lstm.data.ingest import SECTOR_COLUMNS, read_file
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
    printed, digest = read_file(path), hashlib.sha256()
    if "date" not in printed:
        _add_sectors(digest, printed)
        return digest.hexdigest()
    _add_days(digest, read_sessions(printed))
    for name in TEXTS:
        _add_texts(digest, pd.Categorical(printed[name].astype("str")))
    for name in NUMBERS:
        column = pa.array(printed[name].array)
        values, is_read = read_numbers(column.dictionary)
        _add_numbers(digest, values[column.indices.to_numpy()])
        # A text that is no number is an error of the loader, and no number here.
        unread = column.dictionary.filter(pa.array(~is_read)).to_pylist()
        digest.update("\0".join(sorted(unread)).encode())
    return digest.hexdigest()


def digest_rows(rows: pd.DataFrame, sectors: pd.DataFrame) -> str:
    """Return the SHA-256 over the names and rows of a folder's files.

    Parameters
    ----------
    rows : DataFrame
        ``parse_rows``, in the files' order.
    sectors : DataFrame
        ``RawFiles.sectors``.
    """
    digest = hashlib.sha256()
    for table in (rows, sectors):
        files = table["source_file"].cat
        counts = np.bincount(files.codes, minlength=len(files.categories))
        for name, n_rows in zip(files.categories, counts, strict=True):
            digest.update(f"{name}\0{n_rows}\0".encode())
    _add_days(digest, rows["session"].to_numpy())
    for name in TEXTS:
        _add_texts(digest, rows[name].array)
    for name in NUMBERS:
        _add_numbers(digest, rows[name].to_numpy())
    _add_sectors(digest, sectors)
    return digest.hexdigest()


def _add_sectors(digest: Any, printed: pd.DataFrame) -> None:
    for name in SECTOR_COLUMNS:
        _add_texts(digest, pd.Categorical(printed[name].astype("str")))


def _add_days(digest: Any, sessions: np.ndarray) -> None:
    digest.update(sessions.astype("datetime64[D]").astype("<i4").tobytes())


def _add_texts(digest: Any, column: Any) -> None:
    """Add a categorical column; its categories are sorted."""
    texts = [str(len(column.categories)), *column.categories]
    digest.update("\0".join(texts).encode())
    digest.update(column.codes.astype("<i4").tobytes())


def _add_numbers(digest: Any, values: np.ndarray) -> None:
    # One pattern of bits for every missing number.
    digest.update(np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes())
