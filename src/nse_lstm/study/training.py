"""Phases 2 and 3: the list of training jobs, and what came of them.

Phase 2 trains one job of that very list and looks at it closely; Phase 3 trains all of
it, resuming what is there.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nse_lstm.config import study_document
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import with_returns
from nse_lstm.features.windows import FoldSplit, make_windows, split_fold
from nse_lstm.models.baselines import persistence
from nse_lstm.models.bundles import (
    Bundle,
    load_bundle,
    read_history,
    read_metadata,
)
from nse_lstm.models.forecasting import forecast
from nse_lstm.models.training import TrainedModel, TrainingJob, train
from nse_lstm.models.versions import artefact_version
from nse_lstm.paths import write_aside
from nse_lstm.study.inputs import (
    market_sessions,
    read_facts,
    read_recommended,
    read_sealed_panel,
    study_folds,
)
from nse_lstm.study.workspace import Workspace

__all__ = [
    "Exploration",
    "bundle_folder",
    "explore_architecture",
    "split_stock",
    "train_all",
    "training_jobs",
]

Progress = Callable[[str], None]

STEPS_PER_SECOND = 90_000
"""Windows times sessions fitted a second by one thread, forward and backward, v2."""

PREFERRED = "SCOM"
"""The stock the original status page was about."""


@dataclass(frozen=True)
class Exploration:
    """One v2 network looked at closely, on the last walk-forward year."""

    ticker: str
    year: int
    model: TrainedModel
    n_parameters: int
    layers: pd.DataFrame
    history: pd.DataFrame
    """Per epoch: loss with the penalty, Huber term in training and validation."""
    forecasts: pd.DataFrame
    """FORECASTS of v2 and of persistence on the same origins."""
    split: FoldSplit


def split_stock(
    workspace: Workspace, panel: pd.DataFrame, ticker: str, fold: Fold
) -> FoldSplit:
    """Cut one ticker's history into train, validation and forecast windows of a fold.

    Parameters
    ----------
    panel : DataFrame
        PANEL with ``with_returns`` columns, as far as it may be seen.
    """
    v2 = workspace.study.v2
    windows = make_windows(
        panel[panel["ticker"] == ticker],
        market_sessions(panel),
        lookback=v2.lookback,
        horizon=v2.horizon,
    )
    return split_fold(
        windows,
        fold,
        validation_share=workspace.study.folds.validation_share,
        purge=v2.horizon,
    )


def bundle_folder(workspace: Workspace, ticker: str, year: int) -> Path:
    """Return where a trained v2 model lies; the test year's is the stock's own."""
    if year == read_facts(workspace).test_year:
        return workspace.paths.v2 / ticker
    return workspace.paths.v2_walk_forward / str(year) / ticker


def training_jobs(workspace: Workspace, stocks: str = "") -> list[TrainingJob]:
    """List every model the study needs: each fold's recommended stocks, in fold order.

    Only the sealed panel is read, so that no job can hold a test session.

    Parameters
    ----------
    stocks : str
        As in ``inputs.read_recommended``: a number, ``all`` or names; the recommended
        ones if empty.

    Raises
    ------
    ConfigurationError
        If a stock has too little history for a fold; it names both.
    """
    panel = with_returns(read_sealed_panel(workspace))
    recommended = read_recommended(workspace, stocks)
    return [
        _job(workspace, panel, ticker, fold)
        for fold in study_folds(workspace)
        for ticker in recommended[fold.year]
    ]


def explore_architecture(
    workspace: Workspace, *, progress: Progress = print
) -> Exploration:
    """Phase 2: train v2 on one liquid stock and forecast the last walk-forward year.

    The stock is SCOM where it is recommended, else the first recommended one.
    """
    fold = study_folds(workspace)[-2]
    names = read_recommended(workspace)[fold.year]
    ticker = PREFERRED if PREFERRED in names else names[0]
    panel = with_returns(read_sealed_panel(workspace))
    split = split_stock(workspace, panel, ticker, fold)
    (model,) = _train(workspace, [_job(workspace, panel, ticker, fold)], progress)
    bundle = load_bundle(model.folder)
    horizon = workspace.study.v2.horizon
    naive = persistence(split.forecast, ticker=ticker, year=fold.year, horizon=horizon)
    return Exploration(
        ticker=ticker,
        year=fold.year,
        model=model,
        n_parameters=bundle.metadata["n_parameters"],
        layers=_layers(bundle),
        history=read_history(model.folder),
        forecasts=pd.concat(
            [forecast(bundle, split.forecast, year=fold.year), naive],
            ignore_index=True,
        ),
        split=split,
    )


def train_all(
    workspace: Workspace, stocks: str = "", *, progress: Progress = print
) -> pd.DataFrame:
    """Phase 3: train every model of the study, resuming what is there.

    The expected time is told first. Writes ``training_summary.csv`` beside the models;
    it holds seconds, so it is outside every digest.

    Parameters
    ----------
    stocks : str
        As in ``training_jobs``.
    progress : callable
        Is given one line at a time.

    Returns
    -------
    DataFrame
        One row a model: ticker, year, version, epochs, losses, number of windows, and
        the seconds that fitting took when it was done.
    """
    jobs = training_jobs(workspace, stocks)
    progress(_expectation(workspace, jobs))
    models = _train(workspace, jobs, progress)
    summary = pd.DataFrame(
        [_summarise(job, model) for job, model in zip(jobs, models, strict=True)]
    )
    with write_aside(workspace.paths.v2 / "training_summary.csv") as aside:
        summary.to_csv(aside, index=False, lineterminator="\n")
    return summary


def _train(
    workspace: Workspace, jobs: list[TrainingJob], progress: Progress
) -> list[TrainedModel]:
    models = train(
        jobs,
        study=workspace.study,
        folder_of=lambda job: bundle_folder(workspace, job.ticker, job.year),
        progress=progress,
        log=workspace.paths.v2 / "log.jsonl",
    )
    failures = [model.failure for model in models if model.failure]
    if failures:
        raise ArtefactError(
            f"Expected {len(jobs)} trained models. Received: {len(failures)} failures; "
            "the others are kept:\n" + "\n".join(failures)
        )
    return models


def _job(
    workspace: Workspace, panel: pd.DataFrame, ticker: str, fold: Fold
) -> TrainingJob:
    study = workspace.study
    split = split_stock(workspace, panel, ticker, fold)
    if not len(split.train.origin) or not len(split.validation.origin):
        raise ConfigurationError(
            f"Expected training and validation windows before {fold.year}. Received: "
            f"{len(split.train.origin)} and {len(split.validation.origin)} "
            f"(ticker {ticker}, fold {fold.year})"
        )
    version = artefact_version(
        read_facts(workspace).digest,
        _fit_document(workspace),
        study.seed,
        ticker=ticker,
        year=fold.year,
    )
    return TrainingJob(
        ticker=ticker,
        year=fold.year,
        seed=study.seed,
        architecture="v2",
        train=split.train,
        validation=split.validation,
        version=version,
    )


def _expectation(workspace: Workspace, jobs: list[TrainingJob]) -> str:
    """Say how many models wait and how long they will take at most."""
    waiting = [job for job in jobs if not _is_done(workspace, job)]
    n_windows = sum(len(job.train) for job in waiting)
    n_workers = workspace.study.training.workers or os.cpu_count() or 1
    steps = (
        n_windows * workspace.study.v2.lookback * workspace.study.training.max_epochs
    )
    minutes = steps / STEPS_PER_SECOND / min(n_workers, max(len(waiting), 1)) / 60
    return (
        f"{len(jobs)} models, {len(jobs) - len(waiting)} of them done before; the rest "
        f"takes {max(minutes, 0):.0f} min at most on {n_workers} cores"
    )


def _is_done(workspace: Workspace, job: TrainingJob) -> bool:
    try:
        metadata = read_metadata(bundle_folder(workspace, job.ticker, job.year))
    except ArtefactError:
        return False
    return bool(metadata["version"] == job.version)


def _fit_document(workspace: Workspace) -> dict[str, object]:
    """Return what a fit depends on: dealing and verdict never retrain a model."""
    document = study_document(workspace.study)
    return {
        "v2": document["v2"],
        "training": document["training"],
        "validation_share": document["folds"]["validation_share"],
    }


def _layers(bundle: Bundle) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "layer": layer.name,
                "kind": type(layer).__name__,
                "parameters": layer.count_params(),
            }
            for layer in bundle.model.layers
        ]
    )


def _summarise(job: TrainingJob, model: TrainedModel) -> dict[str, object]:
    return {
        "ticker": job.ticker,
        "year": job.year,
        "version": model.version,
        "epochs": model.epochs,
        "best_epoch": model.best_epoch,
        "train_loss": model.train_loss,
        "validation_loss": model.validation_loss,
        "n_train": len(job.train.origin),
        "n_validation": len(job.validation.origin),
        "seconds": model.seconds,
    }
