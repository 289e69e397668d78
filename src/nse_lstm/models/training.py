"""Train many networks at once, each in a process of one thread.

The process that asks for training never imports TensorFlow: it hands jobs to workers,
of this machine or of a cluster (``executors``), which fit, write the bundle and answer
with a ``TrainedModel``. A job's result depends on the job and the study only: not on
its position in the queue, on the worker, or on the jobs before it.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from nse_lstm.config import Study, Training
from nse_lstm.errors import ArtefactError
from nse_lstm.models.executors import fit_locally
from nse_lstm.models.job_checks import find_fault
from nse_lstm.models.jobs import Executor, Job, TrainedModel, Waiting
from nse_lstm.models.outcomes import failed_model, find_model, name_job
from nse_lstm.models.progress import Progress, show_progress


def train(
    jobs: Sequence[Job],
    *,
    study: Study,
    folder_of: Callable[[Job], Path],
    progress: Progress | None = None,
    log: Path | None = None,
    locks: Path | None = None,
) -> list[TrainedModel]:
    """Fit every job that has no bundle of its version yet.

    A job whose windows cannot be used fails before any is fitted. A killed run resumes:
    a bundle is written whole when its job is done, and a job whose bundle has its
    version and passes its digests is not fitted again; so at most one job per worker
    is fitted twice.

    Parameters
    ----------
    jobs : sequence of TrainingJob or SampleJob
        Their folders must differ.
    study : Study
        ``study.v2`` and ``study.training.train`` decide; of the latter ``workers`` (0:
        one per core) and ``engine`` change the time only.
    folder_of : callable
        Where a job's bundle belongs.
    progress : callable, optional
        Is given one line for every job done, with the pace and the time left, instead
        of ``progress.show_progress``.
    log : Path, optional
        A file of JSON lines that gets one more for every job done.
    locks : Path, optional
        Folder of lock files that keep two runs on this machine from fitting the same
        job: the second waits and takes the first one's bundle.

    Returns
    -------
    list of TrainedModel
        In the order of the jobs. One whose loss was no longer finite, or whose windows
        could not be used, says so in ``failure`` and has no bundle; the others are not
        concerned.

    Raises
    ------
    ArtefactError
        If two jobs share a folder, or a worker process or the cluster died; what was
        finished is kept.
    ConfigurationError
        If the cluster cannot be used.
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
            tell(place, failed_model(job, folder, fault), "refused")
        elif found := find_model(job, folder):
            tell(place, found, "resumed")
    waiting = {
        place: (jobs[place], folders[place])
        for place in range(len(jobs))
        if place not in done
    }
    for place, model, pace in _fit(waiting, study, locks):
        tell(place, model, f"{model.seconds:.0f} s; {pace}")
    return [done[place] for place in range(len(jobs))]


def choose_executor(training: Training, locks: Path | None = None) -> Executor:
    """Return the function that fits jobs where ``training.engine`` says.

    Parameters
    ----------
    training : Training
    locks : Path, optional
        As in ``train``; a cluster needs none.
    """
    if training.engine == "dask":
        from nse_lstm.models.cluster.client import fit_on_cluster

        return fit_on_cluster
    return partial(fit_locally, locks=locks)


def _fit(
    waiting: Waiting, study: Study, locks: Path | None
) -> Iterator[tuple[int, TrainedModel, str]]:
    """Give each job as it is done, with the pace of all so far."""
    if not waiting:
        return
    fit = choose_executor(study.training, locks)
    started, n_epochs = time.monotonic(), 0
    for n_done, (place, model) in enumerate(fit(waiting, study), start=1):
        n_epochs += model.epochs
        passed = time.monotonic() - started
        left = passed / n_done * (len(waiting) - n_done)
        yield place, model, f"{n_epochs / passed:.1f} epochs/s{_about(left)}"


def _line(model: TrainedModel, *, count: str, note: str) -> str:
    """Return a job's outcome in one line, the same for fitted and resumed ones."""
    if model.failure:
        return f"[{count}] failed: {model.failure}"
    which, loss = "validation", model.validation_loss
    if math.isnan(loss):
        which, loss = "training", model.train_loss
    return (
        f"[{count}] {name_job(model)}: {model.epochs} epochs "
        f"(best {model.best_epoch}), {which} Huber {loss:.5f}, {note}"
    )


def _about(seconds: float) -> str:
    if seconds < 1:
        return ""
    if seconds < 90:
        return f", about {seconds:.0f} s left"
    return f", about {seconds / 60:.0f} min left"


def _append(log: Path, model: TrainedModel, note: str) -> None:
    """Add a job's outcome to a log that outlives the run."""
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
