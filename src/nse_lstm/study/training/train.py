"""Phases 2 and 3: the study's training jobs fitted, and a summary of each model.

Phase 2 fits two jobs and shows one network closely. Phase 3 fits all that are missing.
"""

from dataclasses import dataclass
from itertools import islice

import pandas as pd

from nse_lstm.features.folds import Fold
from nse_lstm.features.stock_channels import build_stock_channels
from nse_lstm.features.windows import FoldSplit, Windows
from nse_lstm.models.baselines import persistence
from nse_lstm.models.bundles import load_bundle, read_history
from nse_lstm.models.executors import keep_processes
from nse_lstm.models.forecasting import forecast
from nse_lstm.models.inference import StoredNetwork
from nse_lstm.models.jobs import TrainedModel
from nse_lstm.models.progress import Progress, show_progress
from nse_lstm.models.stock_lstm import STOCK_LSTM, forecast_stock_lstm
from nse_lstm.study.core.fitting import expected_time
from nse_lstm.study.core.jobs import (
    bundle_folder,
    split_stock,
    training_jobs,
    v1_job,
    v2_job,
)
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.training.stock_lstm import (
    fit_bundles,
    summarise_fit,
    train_stock_lstm,
)
from nse_lstm.tables import write_csv

PREFERRED = "SCOM"
"""The stock the original status page was about."""
KERAS_LAYERS = {
    "lstm": ("LSTM", 3),
    "batch_norm": ("BatchNormalization", 4),
    "layer_norm": ("LayerNormalization", 2),
    "dropout": ("Dropout", 0),
    "dense": ("Dense", 2),
}
"""Keras's class of each kind of layer, and how many arrays of weights it has."""


@dataclass(frozen=True)
class Exploration:
    """One v2 network in detail, beside v1, on the last walk-forward year."""

    ticker: str
    year: int
    model: TrainedModel
    n_parameters: int
    layers: pd.DataFrame
    history: pd.DataFrame
    """Per epoch: loss with the penalty, Huber term in training and validation."""
    forecasts: pd.DataFrame
    """FORECASTS of v1, v2, persistence and, if it is trained, the stock LSTM, on the
    same origins."""
    split: FoldSplit


def explore_architecture(
    workspace: Workspace, *, progress: Progress | None = None
) -> Exploration:
    """Phase 2: train v1, and v2 on one liquid stock; forecast a walk-forward year.

    The stock is SCOM where it is recommended, else the first recommended one.

    Parameters
    ----------
    workspace : Workspace
    progress : callable, optional
        Receives one line at a time, instead of ``progress.show_progress``.
    """
    data = open_study_data(workspace)
    fold, prices = data.walk_forward[-1], data.prices
    names = data.recommended[fold.year]
    ticker = PREFERRED if PREFERRED in names else names[0]
    split = split_stock(data.study, prices, ticker, fold)
    jobs = [v2_job(data, prices, ticker, fold), v1_job(data, prices, fold)]
    with keep_processes(data.study):
        model, original = fit_bundles(data, jobs, progress)
        if data.study.stock_lstm.trained:
            train_stock_lstm(data, [fold], names=[ticker], progress=progress)
    bundle, v1 = load_bundle(model.folder), load_bundle(original.folder)
    horizon = data.study.v2.horizon
    forecasts = [
        forecast(bundle, split.forecast, year=fold.year),
        forecast(v1, split.forecast, year=fold.year, ticker=ticker),
        persistence(split.forecast, ticker=ticker, year=fold.year, horizon=horizon),
    ]
    if data.study.stock_lstm.trained:
        forecasts.append(_forecast_stock_lstm(data, split.forecast, ticker, fold))
    return Exploration(
        ticker=ticker,
        year=fold.year,
        model=model,
        n_parameters=bundle.metadata["n_parameters"],
        layers=_layers(bundle.model),
        history=read_history(model.folder),
        forecasts=pd.concat(forecasts, ignore_index=True),
        split=split,
    )


def train_all(
    workspace: Workspace, stocks: str = "", *, progress: Progress | None = None
) -> pd.DataFrame:
    """Phase 3: train every model of the study that is missing.

    The expected time is told first. Writes ``training_summary.csv`` beside the models;
    it holds seconds, so it is outside every digest.

    Parameters
    ----------
    workspace : Workspace
    stocks : str
        As in ``phase_tables.read_recommended``; the recommended ones if empty.
    progress : callable, optional
        Receives one line at a time, instead of ``progress.show_progress``.

    Returns
    -------
    DataFrame
        One row per model: ticker, model, year, version, epochs, losses, number of
        windows, and the seconds that fitting took when it was done.

    Raises
    ------
    ArtefactError
        If a model could not be fitted; the others are kept.
    """
    data = open_study_data(workspace, stocks=stocks)
    jobs = training_jobs(data)
    progress = progress or show_progress()
    progress(expected_time(data, jobs))
    with keep_processes(data.study):
        models = fit_bundles(data, jobs, progress)
        summary = pd.DataFrame(
            [summarise_fit(job, model) for job, model in zip(jobs, models, strict=True)]
        )
        if data.study.stock_lstm.trained:
            more = train_stock_lstm(data, data.folds, progress=progress)
            summary = pd.concat([summary, more], ignore_index=True)
    write_csv(summary, data.paths.v2 / "training_summary.csv")
    return summary


def _forecast_stock_lstm(
    data: StudyData, windows: Windows, ticker: str, fold: Fold
) -> pd.DataFrame:
    """Forecast one stock and fold by the mean of the stock LSTM's members."""
    study = data.study
    channels = build_stock_channels(
        data.panel[data.panel["session"] < fold.end],
        cross_section=study.cross_section,
        lookback=study.stock_lstm.lookback,
    )
    bundle = load_bundle(bundle_folder(data, ticker, fold.year, STOCK_LSTM))
    return forecast_stock_lstm(bundle, channels, windows, year=fold.year)


def _layers(network: StoredNetwork) -> pd.DataFrame:
    """Return a network's layers as Keras names and counts them, without Keras."""
    rest = iter(network.weights)
    rows = []
    for layer in network.architecture.layers:
        kind, n_arrays = KERAS_LAYERS[layer.kind]
        parameters = sum(weight.size for weight in islice(rest, n_arrays))
        rows.append({"layer": layer.name, "kind": kind, "parameters": parameters})
    return pd.DataFrame(rows)
