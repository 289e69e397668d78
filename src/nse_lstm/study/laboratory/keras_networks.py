"""Any Keras model in the laboratory: under the study's folds, seal, ledger and scores.

Inputs and target are those of the stock LSTM: channels up to the origin, and the next
log return in units of the stock's volatility. Keras trains, so it is slower than the
engine. The model is fitted anew in each run, since what a function does cannot be read
from its name: its evaluation is named by the bytes of the trained model.
"""

from functools import partial
from pathlib import Path
from time import monotonic

import numpy as np
import pandas as pd

from nse_lstm.errors import ConfigurationError, DataError
from nse_lstm.features.stock_channels import StockChannels
from nse_lstm.features.windows import Windows, select_windows
from nse_lstm.json_files import to_json
from nse_lstm.models.baselines import forecast_rows
from nse_lstm.models.jobs import TrainedModel, job_seed
from nse_lstm.models.keras_models import (
    Build,
    KerasFit,
    KerasTraining,
    fit_keras,
    predict_alone,
    read_keras,
)
from nse_lstm.models.progress import Progress
from nse_lstm.models.samples import Samples
from nse_lstm.models.stock_lstm import stock_samples
from nse_lstm.models.versions import artefact_version
from nse_lstm.paths import write_folder
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.stock_lstm_jobs import StockFold
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.laboratory.stock_networks import (
    channels_of_year,
    distinct_channels,
    open_pool,
)
from nse_lstm.study.laboratory.task import Fitted, Forecaster, Task

FILE = "network.keras"
SLOWER = (
    "Keras trained this model in {seconds:.0f} s on {n:,} windows, slower than the "
    "engine of the study's own networks.",
    "What the function saw besides its windows is its author's word.",
)


def keras_network(build: Build, *, name: str, pooled: bool) -> Forecaster:
    """Return the forecaster of a function that builds a compiled Keras model.

    Parameters
    ----------
    build : callable
        From (lookback, channels) to a model of one output.
    name : str
        Of the model in tables.
    pooled : bool
        Whether it is trained on the windows of the whole pool, not of the stock alone.
        The stock's own validation windows stop the training either way.
    """
    return partial(_fit_and_forecast, build, name, pooled)


def _fit_and_forecast(
    build: Build, name: str, pooled: bool, task: Task, progress: Progress
) -> Fitted:
    study, started = task.workspace.study, monotonic()
    part = open_pool(open_study_data(task.workspace), task)
    train, validation = _samples(task, part, pooled=pooled)
    lookback, training = study.stock_lstm.lookback, study.training
    if len(train) < training.batch_size:
        raise DataError(
            f"Expected at least one batch of {training.batch_size} training windows of "
            f"{task.ticker} before {task.fold.year}. Received: {len(train)}"
        )
    progress(f"{name}: Keras trains on {len(train):,} windows")
    fit = fit_keras(
        build,
        train,
        validation,
        lookback=lookback,
        seed=job_seed(study.seed, task.ticker, task.fold.year, architecture=name),
        training=KerasTraining(
            training.max_epochs, training.batch_size, training.stopping_patience
        ),
    )
    version = _version(task, fit)
    folder = task.folder(name, version)
    seconds = monotonic() - started
    model = _store(task, fit, folder / "model", name, version, seconds)
    progress(
        f"{name} {task.ticker} {task.fold.year}: {model.epochs} epochs (best "
        f"{fit.best_epoch}), validation loss {model.validation_loss:.5f}, "
        f"{seconds:.0f} s"
    )
    return Fitted(
        forecasts=_forecasts(task, name, fit.content),
        name=name,
        folder=folder,
        model=model,
        n_parameters=fit.n_parameters,
        history=_history(fit),
        loss="the model's own loss",
        distinct=f"{fit.described} {distinct_channels(task)} {pooled}",
        notes=tuple(_notes(fit, seconds, len(train))),
    )


def _samples(task: Task, part: StockFold, *, pooled: bool) -> tuple[Samples, Samples]:
    """Return training and validation samples, all targets before the year."""
    own, channels = part.splits[task.ticker], part.channels
    stocks: dict[str, Windows] = {task.ticker: own.train}
    if pooled:
        # The stock's validation span says when to stop, so no other stock trains on it.
        first = own.validation.origin[0]
        stocks = {
            ticker: select_windows(split.train, split.train.target_date < first)
            for ticker, split in part.splits.items()
        }
    parts = [stock_samples(channels, ticker, each) for ticker, each in stocks.items()]
    train = Samples(
        channels.sequences.table,
        np.concatenate([each.last for each in parts]),
        np.concatenate([each.y for each in parts]),
    )
    return train, stock_samples(channels, task.ticker, own.validation)


def _forecasts(task: Task, name: str, content: bytes) -> pd.DataFrame:
    """Forecast the year from the stored file, each window alone."""
    windows, channels = task.split.forecast, channels_of_year(task)
    sigma = channels.sigma_at(task.ticker, windows.origin)
    samples = _forecast_samples(channels, task.ticker, windows)
    study = task.workspace.study
    f = predict_alone(read_keras(content), samples, lookback=study.stock_lstm.lookback)
    with np.errstate(over="ignore"):
        prices = windows.last_price * np.exp(sigma * f)
    if not np.isfinite(prices).all():
        raise ConfigurationError(
            "Expected log returns in units of volatility, mostly between -3 and 3. "
            f"Received: forecasts up to {np.abs(f).max():.3g}"
        )
    return forecast_rows(
        windows,
        prices,
        ticker=task.ticker,
        model=name,
        seed=study.seed,
        year=task.fold.year,
        horizon=study.v2.horizon,
    )


def _forecast_samples(
    channels: StockChannels, ticker: str, windows: Windows
) -> Samples:
    tickers = pd.Series(ticker, index=range(len(windows)))
    last = channels.sequences.last(tickers, pd.Series(windows.origin))
    return Samples(channels.sequences.table, last, np.empty((len(windows), 1)))


def _version(task: Task, fit: KerasFit) -> str:
    study = task.workspace.study
    return artefact_version(
        read_facts(task.workspace).digest,
        {
            "network": fit.digest,
            "channels": list(task.channels),
            "lookback": study.stock_lstm.lookback,
        },
        study.seed,
        ticker=task.ticker,
        year=task.fold.year,
        made_by=(__name__,),
    )


def _store(
    task: Task, fit: KerasFit, folder: Path, name: str, version: str, seconds: float
) -> TrainedModel:
    best = fit.history[fit.best_epoch - 1]
    about = {
        "architecture": name,
        "ticker": task.ticker,
        "year": task.fold.year,
        "seed": task.workspace.study.seed,
        "channels": list(task.channels),
        "lookback": task.workspace.study.stock_lstm.lookback,
        "digest": fit.digest,
        "version": version,
        "own_classes": list(fit.own_classes),
    }
    files = {
        FILE: fit.content,
        "metadata.json": to_json(about).encode(),
        "history.csv": pd.DataFrame(fit.history)
        .to_csv(index=False, lineterminator="\n")
        .encode(),
    }
    write_folder(folder, files)
    return TrainedModel(
        ticker=task.ticker,
        year=task.fold.year,
        seed=task.workspace.study.seed,
        architecture=name,
        version=version,
        folder=folder,
        epochs=len(fit.history),
        best_epoch=fit.best_epoch,
        train_loss=best["loss"],
        validation_loss=best["val_loss"],
        digest=fit.digest,
        seconds=seconds,
    )


def _history(fit: KerasFit) -> pd.DataFrame:
    """Return the epochs with the columns of a bundle's history."""
    table = pd.DataFrame(fit.history)
    return table.assign(huber=table["loss"], val_huber=table["val_loss"])


def _notes(fit: KerasFit, seconds: float, n_windows: int) -> list[str]:
    notes = [text.format(seconds=seconds, n=n_windows) for text in SLOWER]
    if fit.own_classes:
        own = ", ".join(fit.own_classes)
        notes.append(f"To read its file, register the classes {own} first.")
    return notes
