"""Training jobs fitted, all of them or an error; nothing here changes their bytes."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from nse_lstm.config import Study
from nse_lstm.errors import ArtefactError
from nse_lstm.models.jobs import Job, TrainedModel, TrainingJob
from nse_lstm.models.outcomes import find_model
from nse_lstm.models.progress import Progress
from nse_lstm.models.training import train
from nse_lstm.study.core.jobs import bundle_folder
from nse_lstm.study.core.study_data import StudyData

STEPS_PER_SECOND = 200_000
"""Windows times sessions that one thread fits a second at least; 350,000 if quiet."""


def fit_models(
    jobs: Sequence[Job],
    *,
    study: Study,
    folder_of: Callable[[Job], Path],
    progress: Progress | None = None,
    log: Path | None = None,
    locks: Path | None = None,
) -> list[TrainedModel]:
    """Fit every job that has no bundle of its version yet; an error if one fails.

    Parameters
    ----------
    jobs : sequence of TrainingJob or SampleJob
        Their folders must differ.
    study : Study
    folder_of : callable
        Returns the folder of a job's bundle.
    progress, log, locks : optional
        As in ``models.training.train``. With ``Paths.locks``, phases that run at once
        never fit the same job twice.

    Raises
    ------
    ArtefactError
        If a network could not be fitted; the others are kept.
    """
    models = train(
        jobs,
        study=study,
        folder_of=folder_of,
        progress=progress,
        log=log,
        locks=locks,
    )
    if failures := [model.failure for model in models if model.failure]:
        raise ArtefactError(
            f"Expected {len(jobs)} trained models. Received: {len(failures)} failures; "
            "the others are kept:\n" + "\n".join(failures)
        )
    return models


def expected_time(data: StudyData, jobs: list[TrainingJob]) -> str:
    """Say how many models wait and how long they will take at most.

    Parameters
    ----------
    data : StudyData
    jobs : list of TrainingJob
        Fitted ones too.
    """
    study = data.study
    waiting = [job for job in jobs if not is_trained(data, job)]
    epochs = {"v1": study.v1.max_epochs}
    n_windows = sum(
        len(job.train) * epochs.get(job.architecture, study.training.max_epochs)
        for job in waiting
    )
    n_workers = study.training.workers or os.cpu_count() or 1
    seconds = n_windows * study.v2.lookback / STEPS_PER_SECOND / n_workers
    return (
        f"{len(jobs)} models, {len(jobs) - len(waiting)} of them there already; "
        f"the rest takes at most about {seconds / 60:.0f} min on {n_workers} cores"
    )


def is_trained(data: StudyData, job: TrainingJob) -> bool:
    """Say whether a job's model is there under today's version.

    Parameters
    ----------
    data : StudyData
    job : TrainingJob
    """
    folder = bundle_folder(data, job.ticker, job.year, job.architecture)
    return find_model(job, folder) is not None
