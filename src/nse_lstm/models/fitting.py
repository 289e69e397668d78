"""Fit one network and store its bundle, as each worker of ``training`` does."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nse_lstm.config import Study, Training
from nse_lstm.features.scaling import MinMaxScaler, fit_min_max
from nse_lstm.features.windows import Windows
from nse_lstm.models.architectures import (
    Architecture,
    build,
    count_parameters,
    describe_v1,
    describe_v2,
    give_weights,
    take_weights,
)
from nse_lstm.models.bundles import save_bundle
from nse_lstm.models.engine.loop import fit
from nse_lstm.models.jobs import Job, SampleJob, TrainingJob, job_seed
from nse_lstm.models.runtime import keras, set_seeds
from nse_lstm.models.samples import Samples, scale_windows

PACKAGES = ("tensorflow", "keras", "numpy")

UNSCALED = MinMaxScaler(0.0, 1.0)
"""The scaler of samples: it changes nothing."""

History = list[dict[str, float]]


@dataclass(frozen=True, eq=False)
class Plan:
    """A job as the engine takes it: network, scaled samples and settings."""

    network: Architecture
    training: Training
    train: Samples
    validation: Samples | None
    scaler: MinMaxScaler
    about: dict[str, Any]
    """Metadata of this kind of job, beside those of every bundle."""


def fit_bundle(job: Job, *, study: Study, folder: Path) -> None:
    """Fit a job's network from its own seed and write its bundle.

    The initial weights are those of the plain Keras network under the job's seed, or
    those that a SampleJob starts from. The network is stored with the weights of the
    best epoch.

    Parameters
    ----------
    job : TrainingJob or SampleJob
    study : Study
        Sizes and training of v1 and v2; a SampleJob has its own.
    folder : Path
        Becomes the bundle.

    Raises
    ------
    DataError
        If the training windows give no scaler.
    ArtefactError
        If a loss is not finite.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    plan = _plan_samples(job) if isinstance(job, SampleJob) else _plan(job, study)
    seed = job_seed(job.seed, job.ticker, job.year, architecture=job.architecture)
    set_seeds(seed)
    model = build(plan.network)
    weights, history = fit(
        plan.network,
        _start(job) or take_weights(model, plan.network),
        plan.train,
        validation=plan.validation,
        training=plan.training,
        seed=seed,
    )
    give_weights(model, plan.network, weights)
    save_bundle(
        folder,
        model,
        architecture=plan.network,
        scaler=plan.scaler,
        metadata=_metadata(job, plan, model, history),
        history=history,
        run={
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - clock, 3),
        },
    )


def _start(job: Job) -> list[NDArray[np.floating]]:
    return list(job.start) if isinstance(job, SampleJob) else []


def _plan(job: TrainingJob, study: Study) -> Plan:
    """Scale a stock's prices by its training windows."""
    network, training = describe_v2(study.v2), study.training
    if job.architecture == "v1":
        network = describe_v1(study.v2.lookback)
        training = Training(
            batch_size=32, max_epochs=study.v1.max_epochs, learning_rate=1e-3
        )
    validates = job.architecture != "v1"
    scaler = fit_min_max(np.append(job.train.X, job.train.y))
    return Plan(
        network=network,
        training=training,
        train=scale_windows(scaler, job.train),
        validation=scale_windows(scaler, job.validation) if validates else None,
        scaler=scaler,
        about={
            "horizon": study.v2.horizon,
            "train": _span(job.train),
            "validation": _span(job.validation) if validates else None,
        },
    )


def _plan_samples(job: SampleJob) -> Plan:
    about: dict[str, Any] = {"train": {"n_windows": len(job.train)}, "validation": None}
    if job.validation is not None:
        about["validation"] = {"n_windows": len(job.validation)}
    return Plan(
        network=job.network,
        training=job.training,
        train=job.train,
        validation=job.validation,
        scaler=UNSCALED,
        about={**about, **job.about},
    )


def _metadata(
    job: Job, plan: Plan, model: "keras.Model", history: History
) -> dict[str, Any]:
    """Describe the model: everything here repeats when it is trained again."""
    best = history[-1]
    if plan.validation is not None:
        best = min(history, key=lambda row: row["val_huber"])
    return {
        "ticker": job.ticker,
        "year": job.year,
        "seed": job.seed,
        "architecture": job.architecture,
        "version": job.version,
        "lookback": plan.network.lookback,
        "epochs": sum(row["epoch"] > 0 for row in history),
        "best_epoch": int(best["epoch"]),
        "train_loss": best["huber"],
        "validation_loss": None if plan.validation is None else best["val_huber"],
        "n_parameters": count_parameters(model),
        "packages": {name: version(name) for name in PACKAGES},
        **plan.about,
    }


def _span(windows: Windows) -> dict[str, Any]:
    return {
        "first_origin": str(windows.origin[0])[:10],
        "last_origin": str(windows.origin[-1])[:10],
        "last_target": str(windows.target_date[-1])[:10],
        "n_windows": len(windows),
        "dropped": windows.dropped,
    }
