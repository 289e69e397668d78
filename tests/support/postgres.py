"""A PostgreSQL of one's own, from Debian's package: made, asked and thrown away."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SERVER_USER = "postgres"
"""The package makes it; the server refuses to run as root."""


def find_binaries() -> Path:
    """Return the newest version's folder, or skip with the reason."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL under /usr/lib/postgresql: apt install postgresql")
    return found[-1].parent


@contextmanager
def running_cluster() -> Iterator[str]:
    """Run a server on a Unix socket only; give the URL of its first database."""
    binaries = find_binaries()
    # Not pytest's own folder, which another user may not enter; and sockets' names
    # are short.
    folder = Path(tempfile.mkdtemp(prefix="nse-lstm-pg-"))
    identity = {}
    if os.geteuid() == 0:
        shutil.chown(folder, SERVER_USER, SERVER_USER)
        identity = {"user": SERVER_USER, "group": SERVER_USER, "extra_groups": []}

    def call(name: str, *arguments: str) -> None:
        command = [str(binaries / name), "-D", str(folder / "data"), *arguments]
        subprocess.run(
            command,
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            **identity,
        )

    try:
        call("initdb", "-U", SERVER_USER, "-A", "trust", "-N", "-E", "UTF8")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        log = str(folder / "log")
        call("pg_ctl", "-w", "-l", log, "-o", options, "start")
        try:
            yield f"postgresql+psycopg://{SERVER_USER}@/postgres?host={folder}"
        finally:
            call("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
