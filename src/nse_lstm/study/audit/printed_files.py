"""Read and write source files as text, compressed ones too, by plain code."""

import codecs
import gzip
from pathlib import Path


def read_printed(path: Path) -> str:
    """Return a source file's text: UTF-8, or UTF-16 with a byte-order mark."""
    data = path.read_bytes()
    if path.name.lower().endswith(".gz"):
        data = gzip.decompress(data)
    is_wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return data.decode("utf-16" if is_wide else "utf-8-sig")


def write_printed(path: Path, text: str) -> None:
    """Write a source file in UTF-8, compressed if its name ends so.

    Parameters
    ----------
    path : Path
    text : str
    """
    data = text.encode("utf-8")
    is_packed = path.name.lower().endswith(".gz")
    path.write_bytes(gzip.compress(data, mtime=0) if is_packed else data)
