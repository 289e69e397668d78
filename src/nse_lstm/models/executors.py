"""Jobs fitted by processes of this machine.

Models are given as they are done, in whatever order. No job depends on another, so the
process that fits a job changes no byte.
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
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
    n_workers = min(study.training.workers or os.cpu_count() or 1, len(waiting))
    executor = start_processes(n_workers)
    try:
        with pinned_environment():
            futures = {
                executor.submit(
                    fit_job, job, study, folder, _lock(locks, folder)
                ): place
                for place, (job, folder) in waiting.items()
            }
        for future in as_completed(futures):
            yield futures[future], _result(future)
    finally:
        executor.shutdown(cancel_futures=True)


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
