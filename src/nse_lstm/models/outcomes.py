"""The outcome of a job, read back from its bundle: the same wherever it was fitted."""

import math
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from nse_lstm.config import Study
from nse_lstm.errors import ArtefactError, StudyError
from nse_lstm.models.bundles import bundle_digest, read_metadata, read_run
from nse_lstm.models.jobs import Job, TrainedModel


def fit_job(
    job: Job, study: Study, folder: Path, lock: Path | None = None
) -> TrainedModel:
    """Fit one job in this process; a job that fails is an answer, not a crash.

    Parameters
    ----------
    job : TrainingJob or SampleJob
    study : Study
    folder : Path
        Of the bundle.
    lock : Path, optional
        File that is locked meanwhile: of two processes with the same job the second
        waits, and then finds the bundle of the first.
    """
    if lock is None:
        return _fit(job, study, folder)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        return find_model(job, folder) or _fit(job, study, folder)


def _fit(job: Job, study: Study, folder: Path) -> TrainedModel:
    from nse_lstm.models.fitting import fit_bundle

    try:
        fit_bundle(job, study=study, folder=folder)
    except StudyError as error:
        return failed_model(job, folder, str(error))
    return describe_model(job, folder)


def describe_model(job: Job, folder: Path) -> TrainedModel:
    """Return the outcome of a job from its bundle.

    Parameters
    ----------
    job : TrainingJob or SampleJob
    folder : Path
        Of its bundle.

    Raises
    ------
    ArtefactError
        If the bundle is missing or changed.
    """
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


def find_model(job: Job, folder: Path) -> TrainedModel | None:
    """Return the job's model if it is there already, whole and of its version.

    Parameters
    ----------
    job : TrainingJob or SampleJob
    folder : Path
        Of its bundle.
    """
    try:
        model = describe_model(job, folder)
    except (ArtefactError, KeyError):
        return None
    return model if model.version == job.version else None


def failed_model(job: Job, folder: Path, why: str) -> TrainedModel:
    """Return the outcome of a job that failed.

    Parameters
    ----------
    job : TrainingJob or SampleJob
    folder : Path
        Where its bundle would be.
    why : str
        In words, for the user.
    """
    return replace(_unfitted(job, folder), failure=f"{name_job(job)}: {why}")


def name_job(job: Job | TrainedModel) -> str:
    """Return a job's name for a line that users read."""
    return f"{job.ticker} {job.year}"


def _unfitted(job: Job, folder: Path) -> TrainedModel:
    return TrainedModel(
        ticker=job.ticker,
        year=job.year,
        seed=job.seed,
        architecture=job.architecture,
        version=job.version,
        folder=folder,
    )


def _or_nan(value: float | None) -> float:
    """JSON has no NaN; a loss that nobody measured is null there."""
    return math.nan if value is None else value
