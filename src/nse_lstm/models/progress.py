"""Progress of training, shown in a terminal, in JupyterLab or in a log."""

import os
import sys
import time
from collections.abc import Callable

PAUSE = 10.0
"""Seconds at least between two lines of a log."""

Progress = Callable[[str], None]


def show_progress() -> Progress:
    """Return a function that prints progress, on one live line where it can.

    That is in a terminal and in JupyterLab. Elsewhere, as under Papermill, lines stay,
    so there are few of them: a line is dropped if it comes within ``PAUSE`` seconds of
    the last one, unless it tells a failure or that all is done.
    """
    # JupyterLab names its notebook to the kernel; Papermill does not.
    live = sys.stdout.isatty() or "JPY_SESSION_NAME" in os.environ
    return _show_live if live else _Log()


def _show_live(line: str) -> None:
    # To the line's start; the rest of a longer line before it is cleared.
    ends = "\n" if _stays(line) else ""
    print(f"\r{line}\x1b[K", end=ends, flush=True)


class _Log:
    """Lines that stay, not too many of them."""

    def __init__(self) -> None:
        self.last = -PAUSE

    def __call__(self, line: str) -> None:
        now = time.monotonic()
        if _stays(line) or now - self.last >= PAUSE:
            self.last = now
            print(line, flush=True)


def _stays(line: str) -> bool:
    """Say whether a line is no mere step: not "[3/10] ...", or the last one, or bad."""
    count, bracket, rest = line.removeprefix("[").partition("]")
    done, slash, total = count.partition("/")
    is_step = line.startswith("[") and bool(bracket and slash)
    return not is_step or done == total or rest.startswith(" failed")
