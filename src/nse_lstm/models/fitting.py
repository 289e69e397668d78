"""One network fitted and stored: what a worker of ``training`` does.

Training stops, and its learning rate falls, by the Huber loss of the validation span
without the L2 penalty: the penalty starts far above the loss and falls for as long as
one cares to train, so a sum of both would only track weight decay.
"""

import math
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nse_lstm.config import Study, Training
from nse_lstm.errors import ArtefactError
from nse_lstm.features.scaling import MinMaxScaler, fit_min_max, scale
from nse_lstm.features.windows import Windows
from nse_lstm.models.architectures import build_v2, count_parameters
from nse_lstm.models.bundles import HISTORY_COLUMNS, save_bundle
from nse_lstm.models.runtime import keras
from nse_lstm.models.training import TrainingJob, job_seed, set_seeds

__all__ = ["fit_bundle", "fit_network"]

PACKAGES = ("tensorflow", "keras", "numpy")

History = list[dict[str, float]]
Numbers = NDArray[np.float32]


def fit_bundle(job: TrainingJob, *, study: Study, folder: Path) -> None:
    """Fit a job's network from its own seed and write its bundle.

    Raises
    ------
    DataError
        If the training windows give no scaler.
    ArtefactError
        If the architecture is unknown or a loss is not finite.
    """
    if job.architecture != "v2":
        raise ArtefactError(
            f"`architecture` must be 'v2'. Received: {job.architecture!r}"
        )
    started, clock = datetime.now(UTC), time.monotonic()
    scaler = fit_min_max(np.append(job.train.X, job.train.y))
    keras.backend.clear_session()
    set_seeds(job_seed(job.seed, job.ticker, job.year, architecture=job.architecture))
    model = build_v2(study.v2.lookback, study.v2)
    history = fit_network(
        model,
        _scaled(scaler, job.train),
        validation=_scaled(scaler, job.validation),
        training=study.training,
    )
    save_bundle(
        folder,
        model,
        scaler=scaler,
        metadata=_metadata(job, study, model, history),
        history=history,
        run={
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - clock, 3),
        },
    )


def fit_network(
    model: "keras.Model",
    train: tuple[Numbers, Numbers],
    *,
    validation: tuple[Numbers, Numbers],
    training: Training,
) -> History:
    """Fit a network and leave the weights of its best epoch in it.

    Parameters
    ----------
    model : keras.Model
        Uncompiled; is compiled and fitted in place.
    train, validation : pair of arrays
        (n, lookback, 1) inputs and (n, 1) targets, scaled.
    training : Training
        Batch size, epochs, learning rate and when to stop or lower it.

    Returns
    -------
    list of dict
        One row an epoch with ``bundles.HISTORY_COLUMNS``.

    Raises
    ------
    ArtefactError
        If a loss is not finite.
    """
    model.compile(
        optimizer=keras.optimizers.Adam(training.learning_rate),
        loss=keras.losses.Huber(),
        metrics=[keras.metrics.MeanMetricWrapper(keras.losses.huber, name="huber")],
    )
    record = model.fit(
        *train,
        validation_data=validation,
        batch_size=training.batch_size,
        epochs=training.max_epochs,
        callbacks=_callbacks(training),
        verbose=0,
    )
    rows = _history(record.history)
    _check_finite(rows)
    return rows


def _callbacks(training: Training) -> list["keras.callbacks.Callback"]:
    """Stop, and lower the learning rate, by the validation Huber loss alone."""
    return [
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_huber",
            mode="min",
            factor=training.plateau_factor,
            patience=training.plateau_patience,
            min_lr=training.min_learning_rate,
            # Keras's 1e-4 is a tenth of the loss itself once the penalty is left out.
            min_delta=0.0,
        ),
        keras.callbacks.EarlyStopping(
            monitor="val_huber",
            mode="min",
            patience=training.stopping_patience,
            restore_best_weights=True,
        ),
    ]


def _history(columns: dict[str, list[float]]) -> History:
    """Turn Keras's columns into rows; a column that broke off is missing at the end."""
    n_epochs = len(columns.get("loss", []))
    whole = {
        name: [*columns.get(name, []), *[math.nan] * n_epochs][:n_epochs]
        for name in HISTORY_COLUMNS[1:]
    }
    return [
        {"epoch": row + 1, **{name: column[row] for name, column in whole.items()}}
        for row in range(n_epochs)
    ]


def _check_finite(history: History) -> None:
    for row in history:
        if not all(math.isfinite(value) for value in row.values()):
            raise ArtefactError(
                "Expected a finite loss in every epoch. Received: loss "
                f"{row['loss']}, val_huber {row['val_huber']} in epoch {row['epoch']}"
            )


def _scaled(scaler: MinMaxScaler, windows: Windows) -> tuple[Numbers, Numbers]:
    """Scale windows and give them the channel axis that layers expect."""
    X = scale(scaler, windows.X).astype(np.float32)
    y = scale(scaler, windows.y).astype(np.float32)
    return X[..., np.newaxis], y[:, np.newaxis]


def _metadata(
    job: TrainingJob, study: Study, model: "keras.Model", history: History
) -> dict[str, Any]:
    """Say what the model is: everything here repeats when it is trained again."""
    best = min(history, key=lambda row: row["val_huber"])
    return {
        "ticker": job.ticker,
        "year": job.year,
        "seed": job.seed,
        "architecture": job.architecture,
        "version": job.version,
        "lookback": study.v2.lookback,
        "horizon": study.v2.horizon,
        "delay": 0,
        "train": _span(job.train),
        "validation": _span(job.validation),
        "epochs": len(history),
        "best_epoch": int(best["epoch"]),
        "train_loss": best["huber"],
        "validation_loss": best["val_huber"],
        "n_parameters": count_parameters(model),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _span(windows: Windows) -> dict[str, Any]:
    return {
        "first_origin": str(windows.origin[0])[:10],
        "last_origin": str(windows.origin[-1])[:10],
        "last_target": str(windows.target_date[-1])[:10],
        "n_windows": len(windows),
        "dropped": windows.dropped,
    }
