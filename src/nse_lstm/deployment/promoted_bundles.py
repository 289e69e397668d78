"""The registry's own copies of all promoted bundles, named by digest.

Retraining or rebuilding a model's folder thus cannot change the model in service.
Equal bytes are stored once, whatever their stages.
"""

import os
import shutil
from pathlib import Path

from nse_lstm.deployment.registry_entry import RegistryEntry
from nse_lstm.errors import ArtefactError
from nse_lstm.models.bundles import bundle_digest, read_metadata


def keep_bundle(folder: Path, source: Path) -> Path:
    """Copy a bundle into the registry and return the copy's folder.

    Parameters
    ----------
    folder : Path
        The registry's folder.
    source : Path
        The bundle; checked before and after it is copied.

    Raises
    ------
    ArtefactError
        If the bundle, or its copy from an earlier promotion, is missing or changed.
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
    """Say whether the registry has a copy of a bundle from an earlier promotion.

    Parameters
    ----------
    folder : Path
        The registry's folder.
    source : Path
        The bundle.
    """
    return _place(folder, bundle_digest(source)).exists()


def check_bundle(entry: RegistryEntry, models: Path) -> None:
    """Refuse an entry whose bundle differs from the promoted one in any byte.

    Parameters
    ----------
    entry : RegistryEntry
        Persistence has no bundle and always passes.
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
        # Another process copied it first; the caller checks either copy.
        shutil.rmtree(aside)
        if not kept.exists():
            raise
