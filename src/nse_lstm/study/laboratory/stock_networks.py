"""The stock LSTM in the laboratory: with other settings, channels, stocks and years."""

from dataclasses import replace
from pathlib import Path

from nse_lstm.data.universe import ranked, stock_statistics
from nse_lstm.features.stock_channels import (
    STOCK_CHANNELS,
    StockChannels,
    build_stock_channels,
    select_channels,
)
from nse_lstm.models.bundles import load_bundle, read_history
from nse_lstm.models.jobs import SampleJob, TrainedModel
from nse_lstm.models.progress import Progress
from nse_lstm.models.stock_lstm import STOCK_LSTM, forecast_stock_lstm
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.fitting import fit_models
from nse_lstm.study.core.phase_tables import read_instruments
from nse_lstm.study.core.stock_lstm_jobs import (
    MADE_BY,
    StockFold,
    fine_tuning_jobs,
    open_stock_fold,
    stock_pool_job,
)
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.laboratory.task import Fitted, Task


def fit_stock_lstm(task: Task, progress: Progress) -> Fitted:
    """Pretrain on the pool as of the year's start, fine-tune, and forecast the year.

    Parameters
    ----------
    task : Task
    progress : callable
        Receives one line per network.

    Raises
    ------
    ArtefactError
        If a network could not be fitted.
    """
    data = open_study_data(task.workspace)
    part = open_pool(data, task)
    pool = _versioned(task, stock_pool_job(data, part))
    place = task.workspace.paths.laboratory
    pool_folder = place / f"pool-{task.fold.year}-{pool.version[:12]}" / "model"
    _fit(task, pool, pool_folder, progress)
    (tuning,) = fine_tuning_jobs(data, part, pool_folder)
    job = _versioned(task, tuning)
    folder = task.folder(STOCK_LSTM, job.version)
    model = _fit(task, job, folder / "model", progress)
    bundle = load_bundle(model.folder)
    forecasts = forecast_stock_lstm(
        bundle, channels_of_year(task), task.split.forecast, year=task.fold.year
    )
    n_pool = len(part.splits)
    return Fitted(
        forecasts=forecasts,
        name=STOCK_LSTM,
        folder=folder,
        model=model,
        n_parameters=bundle.metadata["n_parameters"],
        history=read_history(model.folder),
        distinct=distinct_channels(task),
        notes=(f"Pretrained on {n_pool} stock{'s' * (n_pool != 1)}.",),
    )


def open_pool(data: StudyData, task: Task) -> StockFold:
    """Open the pool of a year with the channels of the task.

    Phase 1 recommends stocks for the judged years only, so the pool is chosen here by
    the same rule from the sessions before the year.

    Parameters
    ----------
    data : StudyData
    task : Task
    """
    study, before = task.workspace.study, task.before
    statistics = stock_statistics(
        before,
        read_instruments(task.workspace),
        before=task.fold.start,
        universe=study.universe,
    )
    n_pool = max(study.stock_lstm.n_pool, study.universe.n_recommended)
    part = open_stock_fold(
        data, before, task.fold, [task.ticker], beside=ranked(statistics)[:n_pool]
    )
    return replace(part, channels=select_channels(part.channels, task.channels))


def channels_of_year(task: Task) -> StockChannels:
    """Return the channels to the end of the year: each as known at its session.

    Parameters
    ----------
    task : Task
    """
    study = task.workspace.study
    channels = build_stock_channels(
        task.panel,
        cross_section=study.cross_section,
        lookback=study.stock_lstm.lookback,
    )
    return select_channels(channels, task.channels)


def distinct_channels(task: Task) -> str:
    """Name the channels of a task where they are not all of them.

    Parameters
    ----------
    task : Task
    """
    return "" if task.channels == STOCK_CHANNELS else ", ".join(task.channels)


def _versioned(task: Task, job: SampleJob) -> SampleJob:
    """Name a job by the channels too."""
    version = artefact_version(
        job.version,
        {"channels": list(task.channels)},
        job.seed,
        ticker=job.ticker,
        year=job.year,
        made_by=(__name__, *MADE_BY),
    )
    return replace(job, version=version)


def _fit(task: Task, job: SampleJob, folder: Path, progress: Progress) -> TrainedModel:
    (model,) = fit_models(
        [job],
        study=task.workspace.study,
        folder_of=lambda _: folder,
        progress=progress,
        locks=task.workspace.paths.locks,
    )
    return model
