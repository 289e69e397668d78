"""One network fitted and stored: what a worker of ``training`` does."""

import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nse_lstm.config import Study, Training
from nse_lstm.features.scaling import MinMaxScaler, fit_min_max, scale
from nse_lstm.features.windows import Windows
from nse_lstm.models.architectures import (
    Architecture,
    build,
    count_parameters,
    describe_v1,
    describe_v2,
)
from nse_lstm.models.bundles import save_bundle
from nse_lstm.models.engine.loop import fit
from nse_lstm.models.runtime import keras
from nse_lstm.models.training import TrainingJob, job_seed, set_seeds

__all__ = ["fit_bundle"]

PACKAGES = ("tensorflow", "keras", "numpy")

History = list[dict[str, float]]
Numbers = NDArray[np.float32]


def fit_bundle(job: TrainingJob, *, study: Study, folder: Path) -> None:
    """Fit a job's network from its own seed and write its bundle.

    The initial weights are those of the plain Keras network under the job's seed, and
    that network, with the weights of the best epoch, is what is stored.

    Raises
    ------
    DataError
        If the training windows give no scaler.
    ArtefactError
        If a loss is not finite.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    architecture, training = _plan(job, study)
    scaler = fit_min_max(np.append(job.train.X, job.train.y))
    seed = job_seed(job.seed, job.ticker, job.year, architecture=job.architecture)
    set_seeds(seed)
    model = build(architecture)
    weights, history = fit(
        architecture,
        model.get_weights(),
        _scaled(scaler, job.train),
        validation=_scaled(scaler, job.validation) if _validates(job) else None,
        training=training,
        seed=seed,
    )
    model.set_weights(weights)
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


def _plan(job: TrainingJob, study: Study) -> tuple[Architecture, Training]:
    if job.architecture == "v1":
        training = Training(
            batch_size=32, max_epochs=study.v1.max_epochs, learning_rate=1e-3
        )
        return describe_v1(study.v2.lookback), training
    return describe_v2(study.v2), study.training


def _validates(job: TrainingJob) -> bool:
    return job.architecture != "v1"


def _scaled(scaler: MinMaxScaler, windows: Windows) -> tuple[Numbers, Numbers]:
    """Scale windows and give inputs the channel axis that layers expect."""
    X = scale(scaler, windows.X).astype(np.float32)
    y = scale(scaler, windows.y).astype(np.float32)
    return X[..., np.newaxis], y


def _metadata(
    job: TrainingJob, study: Study, model: "keras.Model", history: History
) -> dict[str, Any]:
    """Say what the model is: everything here repeats when it is trained again."""
    best = history[-1]
    if _validates(job):
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
        "validation": _span(job.validation) if _validates(job) else None,
        "epochs": len(history),
        "best_epoch": int(best["epoch"]),
        "train_loss": best["huber"],
        "validation_loss": best["val_huber"] if _validates(job) else None,
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
