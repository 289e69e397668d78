"""Note every file below a folder that this process opens; Python runs this at start.

On the path of a process, with ``TRACED_ROOT`` and ``TRACED_FILES`` in its environment,
it appends a line per file opened: ``r`` or ``w``, and the path.
"""

import os
import sys
from typing import Any


def watch(root: str, target: str) -> None:
    """Append a line to ``target`` for each file that is opened below ``root``."""
    lines = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], str | bytes):
            path = os.fsdecode(args[0])
            if path.startswith(root):
                written = args[2] & (os.O_WRONLY | os.O_RDWR)
                os.write(lines, f"{'w' if written else 'r'} {path}\n".encode())

    sys.addaudithook(note)


if "TRACED_FILES" in os.environ:
    watch(os.environ["TRACED_ROOT"], os.environ["TRACED_FILES"])
