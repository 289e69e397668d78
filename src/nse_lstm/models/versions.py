"""An artefact's version: the hash of all that its bytes depend on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PACKAGES = ("data", "features", "models")


def sources_digest(
    folder: Path | None = None, *, packages: Sequence[str] = PACKAGES
) -> str:
    """Return the SHA-256 of the sources that turn files into forecasts.

    Parameters
    ----------
    folder : Path, optional
        The library's folder, which holds the packages ``data``, ``features`` and
        ``models``; the installed one if not given.
    packages : sequence of str
        Those that count.
    """
    folder = Path(__file__).resolve().parents[1] if folder is None else folder
    files = {
        path.relative_to(folder).as_posix(): path
        for package in packages
        for path in (folder / package).rglob("*.py")
    }
    digest = hashlib.sha256()
    for name in sorted(files):
        # Line ends are the checkout's business, not the result's.
        source = files[name].read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name} {len(source)}\n".encode() + source)
    return digest.hexdigest()


def artefact_version(
    data_digest: str,
    configuration: Mapping[str, Any],
    seed: int,
    *,
    ticker: str,
    year: int,
) -> str:
    """Return the SHA-256 that names a model before it is trained.

    Parameters
    ----------
    data_digest : str
        Of the raw files.
    configuration : mapping
        Plain values, such as those of ``config.study_document``.
    seed : int
        The study's seed.
    ticker, year
        The stock, and the fold that the model forecasts.
    """
    document = {
        "configuration": dict(configuration),
        "data": data_digest,
        "seed": seed,
        "sources": sources_digest(),
        "ticker": ticker,
        "year": year,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
