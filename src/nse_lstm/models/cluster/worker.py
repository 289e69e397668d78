"""A cluster's worker: it shows that it equals the client, and has a process fit.

That process is one of ``executors``, pinned from its first moment as those of a local
run are. Dask's own threads stay outside: they draw from Python's random numbers, which
would change the seeds of a network's first weights.
"""

import multiprocessing
import platform
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distributed import Worker, get_worker

from nse_lstm.errors import ArtefactError, StudyError
from nse_lstm.fingerprint import code_digest
from nse_lstm.models.bundles import read_metadata
from nse_lstm.models.cluster.messages import JobMessage, restore_job
from nse_lstm.models.cluster.shared_store import (
    has_file,
    pack_folder,
    read_file,
    unpack_folder,
    write_file,
)
from nse_lstm.models.executors import start_processes
from nse_lstm.models.pinning import pinned_environment

PACKAGES = ("tensorflow", "keras", "numpy", "h5py", "nse-lstm")
ATTEMPTS = 3


@lru_cache(maxsize=1)
def own_facts() -> dict[str, Any]:
    """Return the facts of this installation that a bundle's bytes depend on."""
    return {
        "sources": code_digest("models.fitting")[:12],
        "Python": platform.python_version(),
        "processor": platform.machine(),
        **{f"{name}'s version": version(name) for name in PACKAGES},
    }


def worker_facts(dask_worker: Worker) -> dict[str, Any]:
    """Return the facts of a worker's installation, and its number of threads.

    Parameters
    ----------
    dask_worker : Worker
        Dask passes it, by this name, to a function that it runs on every worker.
    """
    return {**own_facts(), "threads": dask_worker.state.nthreads}


def fit_message(message: JobMessage) -> str:
    """Fit a message's job in a worker's process; return "", or why it failed.

    A process that dies is started again, ``ATTEMPTS`` times in all.

    Raises
    ------
    ArtefactError
        If this worker may not fit, or the store does not hold the job's windows.
    """
    worker = get_worker()
    if faults := differences(message.expected, worker_facts(worker)):
        raise ArtefactError(f"Expected a worker that fits: {worker.address}: {faults}")
    for _ in range(ATTEMPTS):
        try:
            with pinned_environment():
                future = _process().submit(_fit, message)
            return future.result()
        except BrokenProcessPool:
            _process.cache_clear()
    return f"its process died {ATTEMPTS} times, perhaps for lack of memory"


def differences(expected: Mapping[str, Any], received: Mapping[str, Any]) -> str:
    """Return in words which facts differ; "" if none does.

    Parameters
    ----------
    expected, received : mapping
        Facts by name. Names that are only in ``received`` do not count.
    """
    return "; ".join(
        f"{name} {expected[name]} expected, {received.get(name)} received"
        for name in expected
        if received.get(name) != expected[name]
    )


@lru_cache(maxsize=1)
def _process() -> ProcessPoolExecutor:
    # A worker under a nanny is a daemon, which may have no children. This process ends
    # with its parent.
    multiprocessing.current_process().daemon = False
    return start_processes(1)


def _fit(message: JobMessage) -> str:
    """Fit in the process, and write the bundle into the store.

    A bundle that is there and whole is not fitted again: a worker may have died while
    it answered.
    """
    from nse_lstm.models.fitting import fit_bundle

    with tempfile.TemporaryDirectory(prefix="nse-lstm-") as scratch:
        folder = Path(scratch) / "bundle"
        if _is_done(message, folder):
            return ""
        job = restore_job(message)
        try:
            fit_bundle(job, study=message.study, folder=folder)
        except StudyError as error:
            return str(error)
        write_file(message.store, message.bundle, pack_folder(folder))
    return ""


def _is_done(message: JobMessage, folder: Path) -> bool:
    if not has_file(message.store, message.bundle):
        return False
    try:
        unpack_folder(read_file(message.store, message.bundle), folder)
        return bool(read_metadata(folder)["version"] == message.job.version)
    except ArtefactError:
        return False
