"""Many networks fitted at once, each in a process of one thread.

The process that asks for training never imports TensorFlow: it hands jobs to workers,
which fit, write the bundle and answer with a ``TrainedModel``. What a job gives depends
on the job and the study only: not on its place in the queue, on the number of workers,
or on what a worker did before.
"""

import json
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

from nse_lstm.config import Study
from nse_lstm.errors import ArtefactError, StudyError
from nse_lstm.models.bundles import bundle_digest, read_metadata, read_run
from nse_lstm.models.checks import find_fault
from nse_lstm.models.jobs import Job, SampleJob, TrainedModel, TrainingJob, job_seed
from nse_lstm.models.pinning import pinned_environment
from nse_lstm.models.progress import Progress, show_progress

__all__ = [
    "SampleJob",
    "TrainedModel",
    "TrainingJob",
    "job_seed",
    "set_seeds",
    "train",
]


def set_seeds(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and make TensorFlow's operations repeatable.

    Parameters
    ----------
    seed : int
        From 0 to 2**31 - 1.
    """
    from nse_lstm.models.runtime import keras, tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def train(
    jobs: Sequence[Job],
    *,
    study: Study,
    folder_of: Callable[[Job], Path],
    progress: Progress | None = None,
    log: Path | None = None,
) -> list[TrainedModel]:
    """Fit every job that has no bundle of its version yet.

    A job whose windows cannot be used fails before any is fitted. A killed run resumes:
    a bundle is written whole when its job is done, and a job whose bundle has its
    version and passes its digests is not fitted again; so at most the jobs in hand, one
    a worker, are fitted twice.

    Parameters
    ----------
    jobs : sequence of TrainingJob or SampleJob
        Their folders must differ.
    study : Study
        ``study.v2`` and ``study.training`` decide; ``study.training.workers`` (0: one a
        core) changes the time only.
    folder_of : callable
        Where a job's bundle belongs.
    progress : callable, optional
        Is given one line for every job done, with the pace and the time left, instead
        of ``progress.show_progress``.
    log : Path, optional
        A file of JSON lines that gets one more for every job done.

    Returns
    -------
    list of TrainedModel
        In the order of the jobs. One whose loss was no longer finite, or whose windows
        could not be used, says so in ``failure`` and has no bundle; the others are not
        concerned.

    Raises
    ------
    ArtefactError
        If two jobs share a folder, or a worker process died; what was finished is kept.
    """
    folders = [Path(folder_of(job)) for job in jobs]
    if len(set(folders)) < len(folders):
        raise ArtefactError(
            f"Expected a folder of its own for each of {len(jobs)} jobs. "
            f"Received: {len(set(folders))} folders"
        )
    done: dict[int, TrainedModel] = {}
    show = progress or show_progress()

    def tell(place: int, model: TrainedModel, note: str) -> None:
        done[place] = model
        show(_line(model, count=f"{len(done)}/{len(jobs)}", note=note))
        if log is not None:
            _append(log, model, note)

    for place, (job, folder) in enumerate(zip(jobs, folders, strict=True)):
        if fault := find_fault(job, study):
            tell(place, _failed(job, folder, fault), "refused")
        elif found := _find(job, folder):
            tell(place, found, "resumed")
    waiting = {
        place: (jobs[place], study, folders[place])
        for place in range(len(jobs))
        if place not in done
    }
    for place, model, pace in _fit(waiting, study.training.workers or _cores()):
        tell(place, model, f"{model.seconds:.0f} s; {pace}")
    return [done[place] for place in range(len(jobs))]


def _fit(
    waiting: dict[int, tuple[Job, Study, Path]], workers: int
) -> Iterator[tuple[int, TrainedModel, str]]:
    """Fit jobs in processes, giving each as it is done with the pace of all so far.

    Fresh processes are spawned, because TensorFlow does not survive a fork.
    """
    if not waiting:
        return
    workers = min(workers, len(waiting))
    executor = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
    )
    try:
        with pinned_environment():
            futures = {executor.submit(_fit_job, *job): p for p, job in waiting.items()}
        started, n_epochs = time.monotonic(), 0
        for n_done, future in enumerate(as_completed(futures), start=1):
            model = _result(future)
            n_epochs += model.epochs
            passed = time.monotonic() - started
            left = passed / n_done * (len(waiting) - n_done)
            yield (
                futures[future],
                model,
                f"{n_epochs / passed:.1f} epochs/s{_about(left)}",
            )
    finally:
        executor.shutdown(cancel_futures=True)


def _cores() -> int:
    return os.cpu_count() or 1


def _start_worker() -> None:
    """Start TensorFlow with one thread before the first job needs it."""
    import nse_lstm.models.runtime  # noqa: F401


def _fit_job(job: Job, study: Study, folder: Path) -> TrainedModel:
    """Fit one job in a worker; a job that fails is an answer, not a crash."""
    from nse_lstm.models.fitting import fit_bundle

    try:
        fit_bundle(job, study=study, folder=folder)
    except StudyError as error:
        return _failed(job, folder, str(error))
    return _describe(job, folder)


def _failed(job: Job, folder: Path, why: str) -> TrainedModel:
    return replace(_unfitted(job, folder), failure=f"{_name(job)}: {why}")


def _unfitted(job: Job, folder: Path) -> TrainedModel:
    return TrainedModel(
        ticker=job.ticker,
        year=job.year,
        seed=job.seed,
        architecture=job.architecture,
        version=job.version,
        folder=folder,
    )


def _describe(job: Job, folder: Path) -> TrainedModel:
    """Read back from its bundle what became of a job."""
    metadata = read_metadata(folder)
    return replace(
        _unfitted(job, folder),
        version=metadata["version"],
        epochs=metadata["epochs"],
        best_epoch=metadata["best_epoch"],
        train_loss=metadata["train_loss"],
        validation_loss=_or_nan(metadata["validation_loss"]),
        digest=bundle_digest(folder),
        seconds=read_run(folder)["seconds"],
    )


def _find(job: Job, folder: Path) -> TrainedModel | None:
    """Return the job's model if it is there already, whole and of its version."""
    try:
        model = _describe(job, folder)
    except (ArtefactError, KeyError):
        return None
    return model if model.version == job.version else None


def _result(future: "Future[TrainedModel]") -> TrainedModel:
    try:
        return future.result()
    except BrokenProcessPool:
        raise ArtefactError(
            "Expected every training process to live until its job is done. Received: "
            "one died, perhaps for lack of memory. What was finished is kept: run "
            "again to resume, with fewer `workers` if need be"
        ) from None


def _name(job: Job | TrainedModel) -> str:
    return f"{job.ticker} {job.year}"


def _line(model: TrainedModel, *, count: str, note: str) -> str:
    """Say what became of a job: one line, the same for fitted and resumed ones."""
    if model.failure:
        return f"[{count}] failed: {model.failure}"
    which, loss = "validation", model.validation_loss
    if math.isnan(loss):
        which, loss = "training", model.train_loss
    return (
        f"[{count}] {_name(model)}: {model.epochs} epochs (best {model.best_epoch}), "
        f"{which} Huber {loss:.5f}, {note}"
    )


def _about(seconds: float) -> str:
    if seconds < 1:
        return ""
    if seconds < 90:
        return f", about {seconds:.0f} s left"
    return f", about {seconds / 60:.0f} min left"


def _append(log: Path, model: TrainedModel, note: str) -> None:
    """Add what became of a job to a log that outlives the run."""
    known = {
        each.name: getattr(model, each.name)
        for each in fields(model)
        if each.name not in ("folder", "failure")
    }
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        **{name: None if value != value else value for name, value in known.items()},
        "failure": model.failure,
        "note": note,
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(entry) + "\n")


def _or_nan(value: float | None) -> float:
    """JSON has no NaN; a loss that nobody measured is null there."""
    return math.nan if value is None else value
