"""Jobs fitted by processes of this machine.

Models are given as they are done, in whatever order. No job depends on another, so the
process that fits a job changes no byte.
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from nse_lstm.config import Study
from nse_lstm.errors import ArtefactError
from nse_lstm.models.jobs import TrainedModel, Waiting
from nse_lstm.models.outcomes import fit_job
from nse_lstm.models.pinning import pinned_environment


def fit_locally(
    waiting: Waiting, study: Study, *, locks: Path | None = None
) -> Iterator[tuple[int, TrainedModel]]:
    """Fit jobs in processes of one thread each.

    Parameters
    ----------
    waiting : mapping
        Jobs and the folders of their bundles, by place.
    study : Study
        ``training.workers`` processes, or one per core if 0.
    locks : Path, optional
        Folder of a lock file per job, so that two runs fit no job twice.

    Raises
    ------
    ArtefactError
        If a process died; finished models are kept.
    """
    with _processes(study, len(waiting)) as executor:
        with pinned_environment():
            futures = {
                executor.submit(
                    fit_job, job, study, folder, _lock(locks, folder)
                ): place
                for place, (job, folder) in waiting.items()
            }
        for future in as_completed(futures):
            yield futures[future], _result(future)


@contextmanager
def keep_processes(study: Study) -> Iterator[ProcessPoolExecutor]:
    """Let the fits inside share processes: each starts TensorFlow once.

    A process starts when a job finds none idle. They end with the block, so that code
    which is edited between two calls never meets an old process. A block inside another
    one shares its processes.

    Parameters
    ----------
    study : Study
        As in ``fit_locally``.
    """
    if _kept:
        yield _kept[0]
        return
    _kept.append(start_processes(_at_most(study)))
    try:
        yield _kept[0]
    finally:
        _kept.pop().shutdown(cancel_futures=True)


_kept: list[ProcessPoolExecutor] = []
"""The executor of ``keep_processes``; none outside its block."""


@contextmanager
def _processes(study: Study, n_jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Give the kept executor, or one that ends with the block."""
    if _kept:
        yield _kept[0]
        return
    executor = start_processes(min(_at_most(study), n_jobs))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _at_most(study: Study) -> int:
    return study.training.workers or os.cpu_count() or 1


def _lock(locks: Path | None, folder: Path) -> Path | None:
    """Return the lock file of a bundle's folder, named by its last three parts."""
    return locks and locks / ("-".join(folder.parts[-3:]) + ".lock")


def start_processes(n: int) -> ProcessPoolExecutor:
    """Return an executor of processes with one thread each.

    Fresh ones are spawned, because TensorFlow does not survive a fork. They start when
    something is submitted, which has to be done in a ``pinned_environment``, and end
    with the process that started them, even if that is killed.
    """
    return ProcessPoolExecutor(
        n, mp_context=multiprocessing.get_context("spawn"), initializer=_start
    )


def _start() -> None:
    """Start TensorFlow with one thread before the first job needs it."""
    Thread(target=_end_with_parent, daemon=True).start()
    import nse_lstm.models.runtime  # noqa: F401


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _result(future: "Future[TrainedModel]") -> TrainedModel:
    try:
        return future.result()
    except BrokenProcessPool:
        raise ArtefactError(
            "Expected every training process to live until its job is done. Received: "
            "one died, perhaps for lack of memory. Finished models are kept: run "
            "again to resume, with fewer `workers` if need be"
        ) from None
