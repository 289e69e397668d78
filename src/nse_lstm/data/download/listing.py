"""Versions and files of a data set, as its server lists them.

Answers must have one of the two shapes below. Any other answer is refused and shown,
because a guess could fetch the wrong file unnoticed.

- ``/public-api/datasets/<id>/versions``: a list of objects with a whole number
  ``version`` and, maybe, ``available``.
- ``/public-api/datasets/<id>/files?folder_id=root&version=<n>``: a list of objects with
  a text ``filename`` and an object ``content_details``, in which ``download_url`` is
  text and ``sha256_hash`` and ``size`` may stand.

The shapes are those that other public code reads. The server itself could not be
reached when this was written.
"""

import io
import json
import re
from dataclasses import dataclass
from typing import Any

import pooch

from nse_lstm.data.download.catalogue import Catalogue, Dataset
from nse_lstm.errors import FetchError

TIMEOUT = 60
"""Seconds without a byte after which a request fails."""
CLIENT = {"User-Agent": "nse-lstm"}
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()-]{0,150}")
DIGEST = re.compile(r"[0-9a-f]{64}")
SHOWN = 120
"""Characters of an unexpected answer in its error message."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of the server."""

    name: str
    address: str
    sha256: str
    """From the server; empty if it has none."""
    size: int
    """Bytes; -1 if the server does not state it."""


def downloader(**options: Any) -> pooch.HTTPDownloader:
    """Return an HTTP downloader with a client name, which some servers require."""
    return pooch.HTTPDownloader(timeout=TIMEOUT, headers=CLIENT, **options)


def read_versions(catalogue: Catalogue, dataset: Dataset) -> list[int]:
    """Return the versions of a data set on the server, in ascending order.

    Parameters
    ----------
    catalogue, dataset : Catalogue, Dataset
        The server's address and the data set's identifier.

    Raises
    ------
    FetchError
        If the answer has another shape.
    OSError
        If there is no answer.
    """
    address = f"{_api(catalogue, dataset)}/versions"
    versions = []
    for row in _read_list(address):
        number = row.get("version")
        if not isinstance(number, int):
            raise _unexpected("a whole number `version`", row, address)
        if row.get("available", True):
            versions.append(number)
    return sorted(versions)


def read_listing(catalogue: Catalogue, dataset: Dataset) -> list[RemoteFile]:
    """Return the CSV files of the data set's pinned version, by name.

    Parameters
    ----------
    catalogue, dataset : Catalogue, Dataset
        The server's address, the data set's identifier and version.

    Raises
    ------
    FetchError
        If the answer has another shape, no CSV file, a repeated or unsafe file name, or
        an address on another server.
    OSError
        If there is no answer.
    """
    address = (
        f"{_api(catalogue, dataset)}/files?folder_id=root&version={dataset.version}"
    )
    files = [
        _remote_file(row, catalogue=catalogue, dataset=dataset, address=address)
        for row in _read_list(address)
    ]
    named = {file.name: file for file in files if file.name.lower().endswith(".csv")}
    if not named or len({file.name.lower() for file in files}) < len(files):
        names = [file.name for file in files]
        raise _unexpected("CSV files, each name once", names, address)
    return [named[name] for name in sorted(named)]


def _remote_file(
    row: dict[str, Any], *, catalogue: Catalogue, dataset: Dataset, address: str
) -> RemoteFile:
    name, details = row.get("filename"), row.get("content_details")
    # The name becomes a file name here, so a path is refused.
    if not isinstance(name, str) or not PLAIN_NAME.fullmatch(name):
        raise _unexpected("a plain file name as `filename`", row, address)
    if not isinstance(details, dict):
        raise _unexpected("an object `content_details`", row, address)
    place = details.get("download_url")
    own = f"{catalogue.address}/public-files/datasets/{dataset.id}/"
    if not isinstance(place, str) or not place.startswith(own):
        raise _unexpected(f"a `download_url` below {own}", row, address)
    digest, size = details.get("sha256_hash"), details.get("size")
    is_digest = isinstance(digest, str) and DIGEST.fullmatch(digest)
    return RemoteFile(
        name=name,
        address=place,
        sha256=str(digest) if is_digest else "",
        size=size if isinstance(size, int) else -1,
    )


def _read_list(address: str) -> list[dict[str, Any]]:
    stream = io.BytesIO()
    downloader()(address, stream, None)
    text = stream.getvalue().decode("utf-8", errors="replace")
    try:
        rows = json.loads(text)
    except ValueError:
        raise _unexpected("JSON", text, address) from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unexpected("a list of objects", rows, address)
    return rows


def _api(catalogue: Catalogue, dataset: Dataset) -> str:
    return f"{catalogue.address}/public-api/datasets/{dataset.id}"


def _unexpected(expected: str, came: object, address: str) -> FetchError:
    shown = came if isinstance(came, str) else repr(came)
    cut = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
    return FetchError(f"Expected {expected} from {address}. Received: {cut}")
