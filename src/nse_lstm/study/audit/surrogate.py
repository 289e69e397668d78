"""A fast linear model that takes a network's place where many walks are needed.

It is fitted on the same windows, scaled by the same scaler, stops by the same
validation span (which chooses its penalty) and leaves the same files, so that every
check reads it like a network's bundle.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Study
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import with_returns
from nse_lstm.features.scaling import (
    fit_min_max,
    scale,
    scaler_document,
    scaler_from_document,
    unscale,
)
from nse_lstm.features.windows import Windows
from nse_lstm.json_files import read_json
from nse_lstm.models.baselines import forecast_baselines, forecast_rows
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.paths import write_text
from nse_lstm.study.core import jobs
from nse_lstm.study.core.phase_tables import ALL_STOCKS, read_recommended
from nse_lstm.study.core.workspace import Workspace

PENALTIES = (1e-3, 1e-1, 1e1)
Numbers = NDArray[np.float64]


def fit_surrogate(job: TrainingJob, study: Study, folder: Path) -> None:
    """Fit a job's linear model and leave it as a bundle's files."""
    scaler = fit_min_max(np.append(job.train.X, job.train.y))
    X, y = scale(scaler, job.train.X), scale(scaler, job.train.y)
    weights = [_ridge(X, y, penalty) for penalty in PENALTIES]
    losses = [0.0, 1.0, 2.0]
    if job.architecture != "v1":
        held = scale(scaler, job.validation.X), scale(scaler, job.validation.y)
        losses = [_loss(predict(w, held[0]) - held[1]) for w in weights]
    best = int(np.argmin(losses))
    files = {
        "model.keras": json.dumps(weights[best].tolist()),
        "scaler.json": json.dumps(scaler_document(scaler)),
        "history.csv": "\n".join(["val_huber", *map(repr, losses), ""]),
    }
    digests = {n: hashlib.sha256(t.encode()).hexdigest() for n, t in files.items()}
    about: dict[str, Any] = {"best_epoch": best + 1, "validation_loss": losses[best]}
    metadata = {"digests": digests, "version": job.version, **about}
    for name, text in {**files, "metadata.json": json.dumps(metadata)}.items():
        write_text(folder / name, text)


def predict(weights: Numbers, X: Numbers) -> Numbers:
    """Apply the linear model to scaled windows, each on its own to the last bit."""
    return weights[0] + (np.ascontiguousarray(X) * weights[1:]).sum(axis=1)


def forecast_fold(
    workspace: Workspace, panel: pd.DataFrame, fold: Fold
) -> pd.DataFrame:
    """Forecast a fold as ``validate.forecast_fold`` does, with the stand-ins."""
    prices, blocks = with_returns(panel), []
    for ticker in read_recommended(workspace)[fold.year]:
        split = jobs.split_stock(workspace, prices, ticker, fold)
        names = {"v2": ticker, "v1": ALL_STOCKS}
        for model, name in names.items():
            folder = jobs.bundle_folder(workspace, name, fold.year)
            rows = forecast_rows(
                split.forecast,
                _forecast(folder, split.forecast),
                ticker=ticker,
                model=model,
                seed=workspace.study.seed,
                year=fold.year,
                horizon=1,
            )
            blocks.append(rows)
        blocks.append(
            forecast_baselines(split, ticker=ticker, year=fold.year, horizon=1)
        )
    return pd.concat(blocks, ignore_index=True)


def _forecast(folder: Path, windows: Windows) -> Numbers:
    scaler = scaler_from_document(read_json(folder / "scaler.json"))
    weights = np.array(read_json(folder / "model.keras"))
    return unscale(scaler, predict(weights, scale(scaler, windows.X)))


def _ridge(X: Numbers, y: Numbers, penalty: float) -> Numbers:
    design = np.column_stack([np.ones(len(X)), X])
    root = np.sqrt(penalty) * np.eye(design.shape[1])
    root[0] = 0.0
    target = np.append(y, np.zeros(len(root)))
    solution, *_ = np.linalg.lstsq(np.vstack([design, root]), target, rcond=None)
    return np.asarray(solution, np.float64)


def _loss(error: Numbers) -> float:
    size = np.abs(error)
    return float(np.where(size <= 1, error**2 / 2, size - 0.5).mean())
