"""A real Dask cluster: scheduler and workers as processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

DASK = Path(sys.executable).with_name("dask")


@dataclass
class Cluster:
    folder: Path
    processes: list[subprocess.Popen] = field(default_factory=list)
    address: str = ""

    def start(self, kind: str, *options: str) -> subprocess.Popen:
        # No dashboard: its port may be another cluster's.
        shared = ("--scheduler-file", str(self.folder / "scheduler.json"))
        with (self.folder / f"{kind}_{len(self.processes)}.log").open("w") as log:
            process = subprocess.Popen(
                [str(DASK), kind, *shared, "--no-dashboard", *options],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_scheduler(self) -> subprocess.Popen:
        process = self.start("scheduler", "--host", "127.0.0.1", "--port", "0")
        where, until = self.folder / "scheduler.json", time.monotonic() + 60
        while not where.is_file() or not where.read_text():
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        self.address = json.loads(where.read_text())["address"]
        return process

    def start_worker(self) -> subprocess.Popen:
        return self.start("worker", "--nthreads", "1", "--nworkers", "1")


@contextmanager
def dask_cluster(folder: Path) -> Iterator[Cluster]:
    """Start a scheduler; whatever was started ends with the block."""
    cluster = Cluster(folder)
    try:
        cluster.start_scheduler()
        yield cluster
    finally:
        for process in cluster.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
