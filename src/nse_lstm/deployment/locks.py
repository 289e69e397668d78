"""One writer at a time in a folder, by a lock that does not outlive its holder."""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nse_lstm.errors import ArtefactError

LOCK, BREAKER = ".lock", ".lock.break"
LOCK_SECONDS = 10.0
"""How long to wait for another process, which writes for milliseconds."""
EMPTY_SECONDS = 2.0
"""A lock still without its holder's name after this long lost it while writing it."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder alone; of two processes or threads, one waits.

    The lock is a file that names its holder. One whose process is gone from this
    machine, as a kill leaves it, is broken; one of another machine never is.

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
    lock = folder / LOCK
    deadline = time.monotonic() + LOCK_SECONDS
    while not _take(lock):
        _break_if_abandoned(lock)
        if time.monotonic() > deadline:
            raise ArtefactError(
                f"Expected to be alone in {folder} within {LOCK_SECONDS:g} s. "
                f"Received: {lock}, held by another process; remove {LOCK}* there if "
                "none runs"
            )
        time.sleep(0.02)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _take(lock: Path) -> bool:
    try:
        handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    try:
        os.write(handle, f"{os.getpid()} {platform.node()}\n".encode())
    finally:
        os.close(handle)
    return True


def _break_if_abandoned(lock: Path) -> None:
    """Remove an abandoned lock, one breaker at a time.

    Two breakers at once could both see the dead holder, and the slower one would remove
    the lock that a third process has taken since.
    """
    if not _is_abandoned(lock):
        return
    breaker = lock.with_name(BREAKER)
    try:
        os.close(os.open(breaker, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return
    try:
        if _is_abandoned(lock):
            lock.unlink()
    finally:
        breaker.unlink()


def _is_abandoned(lock: Path) -> bool:
    """Say whether the process that a lock names is gone from this machine."""
    try:
        words = lock.read_text(encoding="utf-8", errors="replace").split()
        age = time.time() - lock.stat().st_mtime
    except FileNotFoundError:
        return False
    if not words:
        return age > EMPTY_SECONDS
    is_here = words[1:] in ([], [platform.node()])
    return is_here and words[0].isdecimal() and not _is_running(int(words[0]))


def _is_running(pid: int) -> bool:
    if os.name == "nt":  # There signal 0 is no question but Ctrl+C.
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
