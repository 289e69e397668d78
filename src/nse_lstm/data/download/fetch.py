"""Download of public data sets to ``data/raw/<market>``, checked and attributed.

A file takes its name only after it was checked. A file that the catalogue knows must
hold the catalogue's rows, whatever its bytes are. Other files are checked by checksum,
from the last fetch, else from the server. A file without any is trusted at its first
fetch and pinned, so that it cannot change unnoticed later.
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

from nse_lstm.data.download.catalogue import Catalogue, Dataset, datasets_of
from nse_lstm.data.download.listing import (
    RemoteFile,
    downloader,
    read_listing,
    read_versions,
)
from nse_lstm.data.ingest import years_named
from nse_lstm.data.row_digest import digest_file
from nse_lstm.errors import DataError, FetchError
from nse_lstm.paths import FETCHED, write_text

SOURCES = "SOURCES.md"
STAGE = ".fetching"
"""Folder below the data's own for files that are not complete yet."""

Entry = dict[str, Any]
Tell = Callable[[str], None]


def fetch_years(
    catalogue: Catalogue, years: tuple[int, int], folder: Path, *, tell: Tell = print
) -> int:
    """Download every CSV file of some years into a folder and check it.

    A file with other years in its name is left out. Complete files are not downloaded
    again. If all of a data set's are complete, the server is asked only for newer
    versions. Beside the files lie ``SOURCES.md`` (citation and licence) and
    ``fetched.json`` (version, years, SHA-256 of each file and who vouches for it).

    Parameters
    ----------
    catalogue : Catalogue
    years : (int, int)
        First and last year.
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
    lock = _read_lock(folder / FETCHED)
    datasets = datasets_of(catalogue, years)
    write_text(folder / SOURCES, _sources_text(catalogue, datasets, folder))
    stage = folder / STAGE
    n_fetched = 0
    try:
        for dataset in datasets:
            tell(f"{dataset.citation} ({dataset.licence})")
            n_fetched += _fetch_dataset(
                catalogue, dataset, folder, years=years, lock=lock, tell=tell
            )
    except OSError as error:
        raise FetchError(_by_hand(catalogue, dataset, folder, error)) from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return n_fetched


def _fetch_dataset(
    catalogue: Catalogue,
    dataset: Dataset,
    folder: Path,
    *,
    years: tuple[int, int],
    lock: Entry,
    tell: Tell,
) -> int:
    """Fetch the missing files of one data set and record them in the lock."""
    held = _held(lock, dataset)
    first, last = max(years[0], dataset.years[0]), min(years[1], dataset.years[1])
    asked = set(range(first, last + 1))
    known_years = set(lock.get(dataset.id, {}).get("years", ())) if held else set()
    is_complete = asked <= known_years and all(
        _digest(folder / name) == file["sha256"] for name, file in held.items()
    )
    _compare_versions(catalogue, dataset, is_complete=is_complete, tell=tell)
    if is_complete:
        tell(f"  {len(held)} files are there and unchanged")
        return 0
    pinned = _pinned(lock, dataset)
    files: Entry = dict(held)
    fetched = []
    listed = [f for f in read_listing(catalogue, dataset) if _is_asked(f.name, asked)]
    for file in listed:
        rows = catalogue.rows.get(file.name, "")
        known = (file.sha256, "the server")
        if not rows:
            known = pinned.get(file.name) or known
        if _must_fetch(folder / file.name, rows=rows, known=known, tell=tell):
            _fetch_file(file, folder / file.name, rows=rows, known=known)
            fetched.append(file.name)
        whose = "the catalogue" if rows else known[1] if known[0] else "first fetch"
        if not rows and not known[0]:
            tell(f"  {file.name}: no checksum is known; pinned as received")
        files[file.name] = {"sha256": _digest(folder / file.name), "by": whose}
    lock[dataset.id] = {
        "version": dataset.version,
        "years": sorted(asked | known_years),
        "files": files,
    }
    write_text(folder / FETCHED, json.dumps(lock, indent=1, sort_keys=True) + "\n")
    tell(f"  {len(listed)} files, {len(fetched)} of them downloaded")
    return len(fetched)


def _is_asked(name: str, years: set[int]) -> bool:
    """Return whether a file is of the years; sector files serve all of them."""
    named = years_named(name)
    return not named or "sector" in name.lower() or bool(years.intersection(named))


def _must_fetch(path: Path, *, rows: str, known: tuple[str, str], tell: Tell) -> bool:
    """Return whether a file is missing or not what it should be."""
    if not path.is_file():
        return True
    if rows:
        is_changed, whose = _rows_of(path) != rows, "the catalogue"
    else:
        is_changed, whose = bool(known[0]) and _digest(path) != known[0], known[1]
    if is_changed:
        tell(f"  {path.name}: not as {whose} has it; fetched anew")
    return is_changed


def _rows_of(path: Path) -> str:
    """Return the digest of a file's rows, a reason if it has none."""
    try:
        return digest_file(path)
    except DataError as error:
        return str(error)


def _fetch_file(
    file: RemoteFile, path: Path, *, rows: str, known: tuple[str, str]
) -> None:
    """Download one file aside, check it, and only then give it its name."""
    expected, whose = known
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
    if rows and (received := _rows_of(Path(staged))) != rows:
        raise FetchError(
            f"Expected the rows of {file.name} that data/catalogue.toml names, "
            f"{rows}. Received from {file.address}: {received}. They are other data "
            "and were removed; to study them, take the file's line out of the catalogue"
        )
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


def _pinned(lock: Entry, dataset: Dataset) -> dict[str, tuple[str, str]]:
    """Return the SHA-256 of each file of an earlier fetch."""
    others = {name: entry for name, entry in lock.items() if name != dataset.id}
    blocks = [entry["files"] for entry in others.values()] + [_held(lock, dataset)]
    return {
        name: (file["sha256"], "an earlier fetch")
        for block in blocks
        for name, file in block.items()
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
    lock = _read_lock(folder / FETCHED)
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
