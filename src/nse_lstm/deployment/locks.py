"""One writer at a time in a folder, by a lock that does not outlive its holder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from nse_lstm.errors import ArtefactError

LOCK = ".lock"
"""Hidden, so that comparisons of two builds leave it out; it stays when released."""
LOCK_SECONDS = 10.0
"""How long to wait for another process, which writes for milliseconds."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder for one process or thread, which others wait for.

    The operating system frees the lock of a process that ends or is killed.

    Parameters
    ----------
    folder : Path
        Made if it is missing.

    Raises
    ------
    ArtefactError
        If another process holds the folder for too long.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(folder / LOCK).acquire(LOCK_SECONDS, poll_interval=0.02)
    except Timeout:
        raise ArtefactError(
            f"Expected to be alone in {folder} within {LOCK_SECONDS:g} s. "
            f"Received: {folder / LOCK}, held by another process"
        ) from None
    with held:
        yield
