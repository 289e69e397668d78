"""A surrogate of the network: a ridge regression that is fitted in milliseconds.

It uses the same windows, scaler and validation span (which chooses its penalty), and
leaves the same files. So every check reads it like a network's bundle.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Study
from nse_lstm.features.scaling import (
    MinMaxScaler,
    fit_min_max,
    scale,
    scaler_document,
    scaler_from_document,
    unscale,
)
from nse_lstm.features.windows import Windows
from nse_lstm.json_files import read_json
from nse_lstm.models.baselines import forecast_rows
from nse_lstm.models.bundles import DIGESTED, Bundle, load_bundle, read_metadata
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.models.tabular_models import fit_ridge
from nse_lstm.paths import write_folder

PENALTIES = (1e-3, 1e-1, 1e1)
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A stored ridge regression with its scaler and metadata."""

    weights: Numbers
    scaler: MinMaxScaler
    metadata: dict[str, Any]


def fit_surrogate(job: TrainingJob, study: Study, folder: Path) -> None:
    """Fit a job's ridge regression and write a bundle's files.

    Parameters
    ----------
    job : TrainingJob
        Windows to fit and to validate on.
    study : Study
        Its horizon goes into the metadata.
    folder : Path
        Of the bundle.
    """
    scaler = fit_min_max(np.append(job.train.X, job.train.y))
    X, y = scale(scaler, job.train.X), scale(scaler, job.train.y)
    fits = [fit_ridge(X, y, alpha=penalty) for penalty in PENALTIES]
    weights = [np.append(constant, coefficients) for coefficients, constant in fits]
    losses = [0.0, 1.0, 2.0]
    if job.architecture != "v1":
        held = scale(scaler, job.validation.X), scale(scaler, job.validation.y)
        losses = [_loss(predict(w, held[0]) - held[1]) for w in weights]
    best = int(np.argmin(losses))
    files = dict.fromkeys(DIGESTED, "") | {
        "model.keras": json.dumps(weights[best].tolist()),
        "scaler.json": json.dumps(scaler_document(scaler)),
        "history.csv": "\n".join(["val_huber", *map(repr, losses), ""]),
    }
    digests = {n: hashlib.sha256(t.encode()).hexdigest() for n, t in files.items()}
    metadata = {
        "ticker": job.ticker,
        "seed": job.seed,
        "architecture": job.architecture,
        "version": job.version,
        "surrogate": True,
        "lookback": job.train.lookback,
        "horizon": study.v2.horizon,
        "epochs": len(losses),
        "best_epoch": best + 1,
        "train_loss": losses[best],
        "validation_loss": losses[best],
        "digests": digests,
    }
    files["metadata.json"] = json.dumps(metadata)
    files["run.json"] = json.dumps({"seconds": 0.0})
    write_folder(folder, {name: text.encode() for name, text in files.items()})


def load_stored(folder: Path) -> Surrogate | Bundle:
    """Load a fitted surrogate, or the network where the folder holds one."""
    metadata = read_metadata(folder)
    if not metadata.get("surrogate"):
        return load_bundle(folder)
    return Surrogate(
        weights=np.array(read_json(folder / "model.keras")),
        scaler=scaler_from_document(read_json(folder / "scaler.json")),
        metadata=metadata,
    )


def predict(weights: Numbers, X: Numbers) -> Numbers:
    """Forecast scaled windows, each independent of the others to the last bit.

    Parameters
    ----------
    weights : array of shape (1 + lookback,)
        The constant first.
    X : array of shape (n, lookback)
        Scaled inputs.
    """
    return weights[0] + (np.ascontiguousarray(X) * weights[1:]).sum(axis=1)


def forecast_windows(
    model: Surrogate, windows: Windows, *, year: int, ticker: str = ""
) -> pd.DataFrame:
    """Forecast the target's price from each window, as ``forecasting.forecast`` does.

    Parameters
    ----------
    model : Surrogate
    windows : Windows
        Of the model's stock and lookback, unscaled.
    year : int
        The fold that the rows belong to.
    ticker : str
        The windows' stock, for a model of all stocks.
    """
    about = model.metadata
    scaled = predict(model.weights, scale(model.scaler, windows.X))
    return forecast_rows(
        windows,
        unscale(model.scaler, scaled),
        ticker=ticker or about["ticker"],
        model=about["architecture"],
        seed=about["seed"],
        year=year,
        horizon=about["horizon"],
    )


def _loss(error: Numbers) -> float:
    """Return the mean Huber loss with delta 1."""
    size = np.abs(error)
    return float(np.where(size <= 1, error**2 / 2, size - 0.5).mean())
