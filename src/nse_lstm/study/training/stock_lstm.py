"""Phases 2 and 3: the stock LSTM, pretrained on a fold's pool and then fine-tuned."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from nse_lstm.features.folds import Fold
from nse_lstm.models.jobs import Job, TrainedModel
from nse_lstm.models.progress import Progress
from nse_lstm.models.stock_lstm import POOL, STOCK_LSTM
from nse_lstm.study.core.fitting import fit_models
from nse_lstm.study.core.jobs import bundle_folder
from nse_lstm.study.core.stock_lstm_jobs import (
    fine_tuning_jobs,
    open_stock_fold,
    stock_pool_job,
)
from nse_lstm.study.core.study_data import StudyData


def train_stock_lstm(
    data: StudyData,
    folds: Sequence[Fold],
    *,
    names: Sequence[str] = (),
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Train the pools of some folds and every stock's network, where missing.

    Only the sealed panel is read, so that no job can hold a test session.

    Parameters
    ----------
    data : StudyData
    folds : sequence of Fold
    names : sequence of str
        Stocks to fine-tune in each fold; the recommended ones if empty.
    progress : callable, optional
        Receives one line at a time, instead of ``progress.show_progress``.

    Returns
    -------
    DataFrame
        One row per network, a fold's pool ("ALL") before its stocks: ticker, model,
        year, version, epochs, losses, number of windows, and seconds of the fit.

    Raises
    ------
    ArtefactError
        If a network could not be fitted; the others are kept.
    DataError
        If a stock has too little history.
    """
    parts = [open_stock_fold(data, data.panel, fold, names) for fold in folds]
    pools: list[Job] = [stock_pool_job(data, part) for part in parts]
    trained = dict(zip(pools, fit_bundles(data, pools, progress), strict=True))
    jobs: list[Job] = [
        job
        for part in parts
        for job in fine_tuning_jobs(
            data, part, bundle_folder(data, POOL, part.fold.year, STOCK_LSTM)
        )
    ]
    trained |= dict(zip(jobs, fit_bundles(data, jobs, progress), strict=True))
    ordered = sorted(trained, key=lambda job: job.year)
    return pd.DataFrame([summarise_fit(job, trained[job]) for job in ordered])


def fit_bundles(
    data: StudyData, jobs: Sequence[Job], progress: Progress | None
) -> list[TrainedModel]:
    """Fit jobs whose bundles are missing, each into its own folder.

    Parameters
    ----------
    data : StudyData
    jobs : sequence of Job
    progress : callable, optional
        Receives one line at a time, instead of ``progress.show_progress``.

    Returns
    -------
    list of TrainedModel
        In the order of the jobs.

    Raises
    ------
    ArtefactError
        If a network could not be fitted; the others are kept.
    """

    def folder_of(job: Job) -> Path:
        return bundle_folder(data, job.ticker, job.year, job.architecture)

    return fit_models(
        jobs,
        study=data.study,
        folder_of=folder_of,
        progress=progress,
        log=data.paths.build / "training_log.jsonl",
        locks=data.paths.locks,
    )


def summarise_fit(job: Job, model: TrainedModel) -> dict[str, object]:
    """Return the row of a summary: what was fitted, its losses, windows and seconds.

    Parameters
    ----------
    job : Job
    model : TrainedModel
        The job's result.
    """
    validation = None if job.architecture == "v1" else job.validation
    return {
        "ticker": job.ticker,
        "model": job.architecture,
        "year": job.year,
        "version": model.version,
        "epochs": model.epochs,
        "best_epoch": model.best_epoch,
        "train_loss": model.train_loss,
        "validation_loss": model.validation_loss,
        "n_train": len(job.train),
        "n_validation": 0 if validation is None else len(validation),
        "seconds": model.seconds,
    }
