"""The store that client and workers of a cluster share: windows in, bundles out.

The store is a folder or a bucket, by fsspec. Inputs are named by the
SHA-256 of their content, so that the seeds of a network share theirs. A file appears
only when it is whole. Nothing in it is ever unpickled.
"""

import hashlib
import io
import tempfile
import uuid
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.paths import write_folder

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


Array = NDArray[Any]


def absolute_url(url: str) -> str:
    """Return the store's URL as an absolute one, the same for every machine.

    Raises
    ------
    ConfigurationError
        If fsspec is missing, or knows no such place.
    """
    system, root = _open(url)
    return str(system.unstrip_protocol(root))


def has_file(url: str, name: str) -> bool:
    """Tell whether a file is there, and so is whole.

    Parameters
    ----------
    url : str
        Of the store.
    name : str
        Path of the file in it.
    """
    system, root = _open(url)
    return bool(system.isfile(f"{root}/{name}"))


def read_file(url: str, name: str) -> bytes:
    """Return a file's content.

    Parameters
    ----------
    url : str
        Of the store.
    name : str
        Path of the file in it.

    Raises
    ------
    ArtefactError
        If it is missing.
    """
    system, root = _open(url)
    try:
        return bytes(system.cat_file(f"{root}/{name}"))
    except FileNotFoundError:
        raise ArtefactError(
            f"Expected {name} in the store {url}. Received: no such file; client and "
            "workers must reach the same one"
        ) from None


def write_file(url: str, name: str, content: bytes) -> None:
    """Write a file whole or not at all; of several writers the last one wins.

    Parameters
    ----------
    url : str
        Of the store.
    name : str
        Path of the file in it.
    content : bytes
    """
    system, root = _open(url)
    path = f"{root}/{name}"
    folder, _, own = path.rpartition("/")
    # Another writer may be on another machine: a process number is not unique.
    aside = f"{folder}/.{own}.{uuid.uuid4().hex}.aside"
    system.makedirs(folder, exist_ok=True)
    try:
        system.pipe_file(aside, content)
        system.mv(aside, path)
    finally:
        if system.exists(aside):
            system.rm_file(aside)


def local_path(url: str, name: str) -> Path:
    """Return a file of the store as one of this machine, fetched once per process.

    Parameters
    ----------
    url : str
        Of the store.
    name : str
        Path of the file in it.
    """
    system, root = _open(url)
    if "file" in _protocols(system):
        return Path(root) / name
    path = Path(_scratch().name) / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read_file(url, name))
    return path


def array_digest(arrays: dict[str, Array]) -> str:
    """Return the SHA-256 of arrays with their names, types and shapes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def write_arrays(url: str, name: str, arrays: dict[str, Array]) -> None:
    """Write arrays as one compressed ``.npz``, unless it is there.

    Parameters
    ----------
    url : str
        Of the store.
    name : str
        Path of the file in it.
    arrays : dict
        Of any shapes, none of objects.
    """
    if not has_file(url, name):
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        write_file(url, name, buffer.getvalue())


def read_arrays(url: str, name: str) -> dict[str, Array]:
    """Return the arrays of an ``.npz``.

    Parameters
    ----------
    url : str
        Of the store.
    name : str
        Path of the file in it.
    """
    with np.load(io.BytesIO(read_file(url, name)), allow_pickle=False) as archive:
        return {member: archive[member] for member in archive.files}


def write_array(url: str, name: str, array: Array) -> None:
    """Write one array as a ``.npy`` that can be mapped, unless it is there.

    Parameters
    ----------
    url : str
        Of the store.
    name : str
        Path of the file in it.
    array : array
        Of any shape, not of objects.
    """
    if not has_file(url, name):
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        write_file(url, name, buffer.getvalue())


def pack_folder(folder: Path) -> bytes:
    """Return a folder's files as one archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return buffer.getvalue()


def unpack_folder(content: bytes, folder: Path) -> None:
    """Write an archive's files as a folder, whole or not at all, replacing an older.

    Parameters
    ----------
    content : bytes
        From ``pack_folder``.
    folder : Path
        Becomes the folder.

    Raises
    ------
    ArtefactError
        If it is no archive of plain files.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if strange := [name for name in names if Path(name).name != name]:
                raise zipfile.BadZipFile(f"{strange[0]} is no plain name")
            files = {name: archive.read(name) for name in names}
    except zipfile.BadZipFile as error:
        raise ArtefactError(
            f"Expected an archive of a bundle for {folder}. Received: {error}"
        ) from None
    write_folder(folder, files)


def _open(url: str) -> tuple["AbstractFileSystem", str]:
    """Return the file system and the path in it; fsspec keeps those it has opened."""
    try:
        from fsspec.core import url_to_fs

        system, root = url_to_fs(url)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"Expected the extra `scale` for a shared store: pip install "
            f"'nse-lstm[scale]', and for {url} the packages that fsspec names. "
            f"Received: {error}"
        ) from None
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"Expected `training.store` to be a folder or a URL that fsspec can open. "
            f"Received: {url!r}: {error}"
        ) from None
    return system, root.rstrip("/")


def _protocols(system: "AbstractFileSystem") -> tuple[str, ...]:
    protocol = system.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


@lru_cache(maxsize=1)
def _scratch() -> "tempfile.TemporaryDirectory[str]":
    """Make a folder that goes when this process ends."""
    return tempfile.TemporaryDirectory(prefix="nse-lstm-")
