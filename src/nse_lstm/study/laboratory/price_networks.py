"""Networks that the engine trains on one stock's scaled prices: v2, or one's own."""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.features.scaling import (
    fit_min_max,
    scaler_document,
    scaler_from_document,
)
from nse_lstm.models.architectures import Architecture, describe_v2
from nse_lstm.models.bundles import load_bundle, read_history
from nse_lstm.models.jobs import SampleJob
from nse_lstm.models.progress import Progress
from nse_lstm.models.samples import scale_windows
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.fitting import fit_models
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.laboratory.task import Fitted, Forecaster, Task


def price_network(network: Architecture | None = None) -> Forecaster:
    """Return the forecaster of a described network; of v2 if none is given.

    Parameters
    ----------
    network : Architecture, optional
        Of one channel and one output: prices in, a price out.
    """
    return partial(_fit_and_forecast, network)


def _fit_and_forecast(
    network: Architecture | None, task: Task, progress: Progress
) -> Fitted:
    job = _job(task, network or describe_v2(task.workspace.study.v2))
    folder = task.folder(job.architecture, job.version)
    (model,) = fit_models(
        [job],
        study=task.workspace.study,
        folder_of=lambda _: folder / "model",
        progress=progress,
        locks=task.workspace.paths.locks,
    )
    return Fitted(
        forecasts=_forecasts(task, model.folder),
        name=job.architecture,
        folder=folder,
        model=model,
        n_parameters=load_bundle(model.folder).metadata["n_parameters"],
        history=read_history(model.folder),
        distinct=repr(network) if network else "",
    )


def _job(task: Task, network: Architecture) -> SampleJob:
    """Describe the fit, whose weights are the study's under the study's settings."""
    study, split = task.workspace.study, task.split
    scaler = fit_min_max(np.append(split.train.X, split.train.y))
    training = asdict(study.training)
    del training["workers"]
    depends_on = {
        "network": repr(network),
        "training": training,
        "validation_share": study.folds.validation_share,
        "horizon": study.v2.horizon,
    }
    return SampleJob(
        ticker=task.ticker,
        year=task.fold.year,
        seed=study.seed,
        network=network,
        training=study.training,
        train=scale_windows(scaler, split.train),
        validation=scale_windows(scaler, split.validation),
        version=artefact_version(
            read_facts(task.workspace).digest,
            depends_on,
            study.seed,
            ticker=task.ticker,
            year=task.fold.year,
            made_by=(__name__, "models.fitting"),
        ),
        about={
            "horizon": study.v2.horizon,
            "scaler": scaler_document(scaler),
        },
    )


def _forecasts(task: Task, folder: Path) -> pd.DataFrame:
    from nse_lstm.models.forecasting import forecast

    bundle = load_bundle(folder)
    own = replace(bundle, scaler=scaler_from_document(bundle.metadata["scaler"]))
    return forecast(own, task.split.forecast, year=task.fold.year)
