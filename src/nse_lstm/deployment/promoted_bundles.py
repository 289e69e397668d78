"""The registry's own copy of every bundle that was ever promoted, by its digest.

A retrained folder, or one that `make` rebuilds, cannot change what serves; and the same
bytes lie here once, whatever stages they stand in.
"""

import os
import shutil
from pathlib import Path

from nse_lstm.deployment.registry_entry import RegistryEntry
from nse_lstm.errors import ArtefactError
from nse_lstm.models.bundles import bundle_digest, read_metadata


def keep_bundle(folder: Path, source: Path) -> Path:
    """Copy a bundle under the registry; return where it lies, named by its digest.

    Parameters
    ----------
    folder : Path
        The registry's.
    source : Path
        The bundle; checked before and after it is copied.

    Raises
    ------
    ArtefactError
        If it is missing or changed, or its copy of an earlier promotion is changed.
    """
    digest = bundle_digest(source)
    kept = _place(folder, digest)
    if not kept.exists():
        aside = kept.with_name(f".{digest}.{os.getpid()}.aside")
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(source, aside)
        read_metadata(aside, digest=digest)
        _put(aside, kept)
    read_metadata(kept, digest=digest)
    return kept


def is_kept(folder: Path, source: Path) -> bool:
    """Say whether the registry has a copy of a bundle, from an earlier promotion."""
    return _place(folder, bundle_digest(source)).exists()


def check_bundle(entry: RegistryEntry, models: Path) -> None:
    """Refuse an entry whose bundle is not, to the byte, the one that was promoted.

    Parameters
    ----------
    entry : Entry
        Of persistence there is nothing to check.
    models : Path
        The models' folder, which ``entry.bundle`` is relative to.

    Raises
    ------
    ArtefactError
        Naming the stock, the stage and the file.
    """
    if not entry.bundle:
        return
    try:
        about = read_metadata(models / entry.bundle, digest=entry.digest)
    except ArtefactError as error:
        raise ArtefactError(
            f"The {entry.stage} of {entry.ticker} is not the model that was promoted: "
            f"{error}"
        ) from None
    if about.get("version") != entry.version:
        raise ArtefactError(
            f"Expected version {entry.version} as the {entry.stage} of {entry.ticker}. "
            f"Received: {about.get('version')} in {models / entry.bundle}"
        )


def _place(folder: Path, digest: str) -> Path:
    return folder / "bundles" / digest


def _put(aside: Path, kept: Path) -> None:
    try:
        aside.rename(kept)
    except OSError:
        # Another process was first; its copy is checked like our own.
        shutil.rmtree(aside)
        if not kept.exists():
            raise
