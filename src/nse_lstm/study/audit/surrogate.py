"""A surrogate of the network: a ridge regression that is fitted in milliseconds.

It uses the same windows, scaler and validation span (which chooses its penalty), and
leaves the same files. So every check reads it like a network's bundle.
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
from nse_lstm.models.bundles import DIGESTED
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.models.tabular_models import fit_ridge
from nse_lstm.paths import write_text
from nse_lstm.study.core import jobs
from nse_lstm.study.core.phase_tables import ALL_STOCKS
from nse_lstm.study.core.study_data import StudyData

PENALTIES = (1e-3, 1e-1, 1e1)
Numbers = NDArray[np.float64]


def fit_surrogate(job: TrainingJob, study: Study, folder: Path) -> None:
    """Fit a job's ridge regression and write a bundle's files.

    Parameters
    ----------
    job : TrainingJob
        Windows to fit and to validate on.
    study : Study
        Unused; networks are fitted by the same signature.
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
    about: dict[str, Any] = {"best_epoch": best + 1, "validation_loss": losses[best]}
    metadata = {"digests": digests, "version": job.version, **about}
    for name, text in {**files, "metadata.json": json.dumps(metadata)}.items():
        write_text(folder / name, text)


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


def forecast_fold(data: StudyData, panel: pd.DataFrame, fold: Fold) -> pd.DataFrame:
    """Forecast a fold with the surrogates, as ``validate.forecast_fold`` does.

    Parameters
    ----------
    data : StudyData
        With fitted surrogates.
    panel : DataFrame
        ``PANEL``, the fold's year included.
    fold : Fold
        To forecast.
    """
    prices, blocks = with_returns(panel), []
    for ticker in data.recommended[fold.year]:
        split = jobs.split_stock(data.study, prices, ticker, fold)
        names = {"v2": ticker, "v1": ALL_STOCKS}
        for model, name in names.items():
            folder = jobs.bundle_folder(data, name, fold.year)
            rows = forecast_rows(
                split.forecast,
                _forecast(folder, split.forecast),
                ticker=ticker,
                model=model,
                seed=data.study.seed,
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


def _loss(error: Numbers) -> float:
    """Return the mean Huber loss with delta 1."""
    size = np.abs(error)
    return float(np.where(size <= 1, error**2 / 2, size - 0.5).mean())
