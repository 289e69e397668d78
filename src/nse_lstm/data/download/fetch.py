"""Download of public data sets to ``data/raw/<market>``, checked and attributed.

A file takes its name only after its checksum matched. The checksum comes from the
catalogue, else from the last fetch, else from the server. A file without any is trusted
at its first fetch and pinned, so that it cannot change unnoticed later.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pooch
from tqdm import tqdm

from nse_lstm.data.download.catalogue import Catalogue, Dataset
from nse_lstm.data.download.listing import (
    RemoteFile,
    downloader,
    read_listing,
    read_versions,
)
from nse_lstm.errors import FetchError
from nse_lstm.paths import write_text

LOCK = "fetched.json"
SOURCES = "SOURCES.md"
STAGE = ".fetching"
"""Folder below the data's own for files that are not complete yet."""

Entry = dict[str, Any]
Tell = Callable[[str], None]


def fetch_datasets(
    catalogue: Catalogue,
    datasets: tuple[Dataset, ...],
    folder: Path,
    *,
    tell: Tell = print,
) -> int:
    """Download every CSV file of the data sets into a folder and check it.

    Complete files are not downloaded again. If all of a data set's are complete, the
    server is asked only for newer versions. Beside the files lie ``SOURCES.md``
    (citation and licence) and ``fetched.json`` (version, SHA-256 and its source).

    Parameters
    ----------
    catalogue : Catalogue
    datasets : tuple of Dataset
        Of the catalogue.
    folder : Path
        Created if missing. Other files in it are left alone.
    tell : callable
        Receives each line of progress.

    Returns
    -------
    int
        Number of files downloaded.

    Raises
    ------
    FetchError
        If a server cannot be reached or gives an unexpected answer, or a file is
        truncated, changed or not CSV. Files fetched before stay; none is partial.
    """
    pooch.get_logger().setLevel("WARNING")
    lock = _read_lock(folder / LOCK)
    write_text(folder / SOURCES, _sources_text(catalogue, datasets, folder))
    stage = folder / STAGE
    n_fetched = 0
    try:
        for dataset in datasets:
            tell(f"{dataset.citation} ({dataset.licence})")
            n_fetched += _fetch_dataset(
                catalogue, dataset, folder, lock=lock, tell=tell
            )
    except OSError as error:
        raise FetchError(_by_hand(catalogue, dataset, folder, error)) from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return n_fetched


def _fetch_dataset(
    catalogue: Catalogue, dataset: Dataset, folder: Path, *, lock: Entry, tell: Tell
) -> int:
    """Fetch the missing files of one data set and record them in the lock."""
    held = _held(lock, dataset)
    is_complete = bool(held) and all(
        _digest(folder / name) == file["sha256"] for name, file in held.items()
    )
    _compare_versions(catalogue, dataset, is_complete=is_complete, tell=tell)
    if is_complete:
        tell(f"  {len(held)} files are there and unchanged")
        return 0
    known = _known(catalogue, lock, dataset)
    files: Entry = {}
    n_fetched = 0
    for file in read_listing(catalogue, dataset):
        expected, whose = known.get(file.name) or (file.sha256, "the server")
        path = folder / file.name
        is_changed = path.is_file() and bool(expected) and _digest(path) != expected
        if is_changed:
            tell(f"  {file.name}: not as {whose} has it; fetched anew")
        if is_changed or not path.is_file():
            _fetch_file(file, path, expected=expected, whose=whose)
            n_fetched += 1
        if not expected:
            whose = "first fetch"
            tell(f"  {file.name}: no checksum is known; pinned as received")
        files[file.name] = {"sha256": _digest(path), "by": whose}
    lock[dataset.id] = {"version": dataset.version, "files": files}
    write_text(folder / LOCK, json.dumps(lock, indent=1, sort_keys=True) + "\n")
    tell(f"  {len(files)} files, {n_fetched} of them downloaded")
    return n_fetched


def _fetch_file(file: RemoteFile, path: Path, *, expected: str, whose: str) -> None:
    """Download one file aside, check it, and only then give it its name."""
    # The downloader sets the real total, but ignores a bar whose total is 0.
    bar = tqdm(desc=f"  {file.name}", total=1, unit="B", unit_scale=True)
    try:
        staged = pooch.retrieve(
            file.address,
            known_hash=expected or None,
            fname=file.name,
            path=path.parent / STAGE,
            downloader=downloader(progressbar=bar),
        )
    except ValueError as error:
        raise FetchError(
            f"Expected the sha256 {expected} of {file.name} ({whose}'s word). Received "
            f"other bytes from {file.address}, which were removed: {error}"
        ) from None
    finally:
        bar.close()
    _check_content(Path(staged), file)
    os.replace(staged, path)


def _check_content(path: Path, file: RemoteFile) -> None:
    """Refuse a truncated file or an HTML page, for files without a checksum."""
    size = path.stat().st_size
    if file.size >= 0 and size != file.size:
        raise FetchError(
            f"Expected {file.size} bytes of {file.name} from {file.address}. Received: "
            f"{size}, which were removed; run the fetch again"
        )
    with path.open("rb") as stream:
        start = stream.read(200)
    if not start.strip() or start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise FetchError(
            f"Expected a CSV file as {file.name} from {file.address}. Received: "
            f"{start[:40]!r}, which was removed"
        )


def _compare_versions(
    catalogue: Catalogue, dataset: Dataset, *, is_complete: bool, tell: Tell
) -> None:
    """Report a newer version; refuse if the pinned one is gone.

    A complete data set needs no server.
    """
    try:
        versions = read_versions(catalogue, dataset)
    except (FetchError, OSError) as error:
        if not is_complete:
            raise
        tell(f"  newer versions are not known: {error}")
        return
    if dataset.version not in versions and not is_complete:
        raise FetchError(
            f"Expected version {dataset.version} of data set {dataset.id} at "
            f"{catalogue.address}. Received: versions {versions}; if another is to be "
            "studied, put it in data/catalogue.toml"
        )
    if versions and versions[-1] > dataset.version:
        tell(
            f"  version {dataset.version} is pinned, the server also has version "
            f"{versions[-1]}: not taken; to study it, put it in data/catalogue.toml"
        )


def _known(
    catalogue: Catalogue, lock: Entry, dataset: Dataset
) -> dict[str, tuple[str, str]]:
    """Return each file's SHA-256 and its source: the catalogue, else the lock."""
    others = {name: entry for name, entry in lock.items() if name != dataset.id}
    blocks = [entry["files"] for entry in others.values()] + [_held(lock, dataset)]
    pinned = {
        name: (file["sha256"], "an earlier fetch")
        for block in blocks
        for name, file in block.items()
    }
    return pinned | {
        name: (digest, "the catalogue") for name, digest in catalogue.sha256.items()
    }


def _held(lock: Entry, dataset: Dataset) -> Entry:
    """Return the lock's files of the data set, if of the same version."""
    entry = lock.get(dataset.id, {})
    files: Entry = entry["files"] if entry.get("version") == dataset.version else {}
    return files


def _read_lock(path: Path) -> Entry:
    if not path.is_file():
        return {}
    try:
        lock: Entry = json.loads(path.read_text(encoding="utf-8"))
        for entry in lock.values():
            _ = entry["version"], [file["sha256"] for file in entry["files"].values()]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FetchError(
            f"Expected the lock of an earlier fetch in {path}. Received: something "
            "else; remove it and fetch again"
        ) from None
    return lock


def _digest(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sources_text(
    catalogue: Catalogue, datasets: tuple[Dataset, ...], folder: Path
) -> str:
    """Return citation and licence of every data set fetched now or before."""
    lock = _read_lock(folder / LOCK)
    listed = [d for d in catalogue.datasets if d in datasets or d.id in lock]
    lines = [f"- {each.citation}. Licence: {each.licence}." for each in listed]
    head = "# Sources\n\nCite these wherever results on the files are shown.\n\n"
    return head + "\n".join(lines) + "\n"


def _by_hand(
    catalogue: Catalogue, dataset: Dataset, folder: Path, error: OSError
) -> str:
    return (
        f"Could not get data set {dataset.id} from {catalogue.address}: {error}. No "
        "partial file is left; run it again when the server can be reached, or by "
        f"hand: open doi:10.17632/{dataset.id} in a browser, download the CSV files of "
        f"version {dataset.version} and put them into {folder}"
    )
