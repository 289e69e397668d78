"""Fit a stored model again, and recompute stored models' forecasts on another path."""

import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nse_lstm.models.bundles import load_keras
from nse_lstm.study.audit import surrogate
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.differences import (
    Differences,
    column_differences,
    is_close,
    to_array,
)
from nse_lstm.study.audit.learners import LEARNERS
from nse_lstm.study.audit.pipeline_run import FILES, PipelineRun
from nse_lstm.study.audit.reference.windows import ReferenceWindow
from nse_lstm.study.audit.reference_cache import ReferenceCache
from nse_lstm.study.audit.table_rows import blocks_by_model
from nse_lstm.study.core.jobs import bundle_folder
from nse_lstm.study.core.phase_tables import ALL_STOCKS
from nse_lstm.study.core.study_data import open_study_data

SINGLE = 2e-4
"""Absolute tolerance in scaled prices: single precision, another order of sums."""

Numbers = NDArray[np.float64]


def check_refits(
    run: PipelineRun, learner: str, *, reference: ReferenceCache, scratch: Path
) -> list[AuditAlarm]:
    """Fit the last job again, and recompute forecasts and losses of stored models.

    Parameters
    ----------
    run : PipelineRun
        With its stored bundles.
    learner : str
        The one of ``pipeline_run.LEARNERS`` that fitted them.
    reference : ReferenceCache
        Windows of the same run.
    scratch : Path
        Folder for the second fit.

    Returns
    -------
    list of AuditAlarm
        "refit: bytes" where the same job gives other bytes. "refit: forecasts" where
        the stored weights and scaler give another forecast from the reference's
        windows. "refit: stopping" where the stored validation loss is not that of the
        reference's validation windows.
    """
    parts = {
        "bytes": _fit_again(run, learner, scratch),
        "forecasts": compare_forecasts(run, learner, reference),
        "stopping": _stopping(run, learner, reference),
    }
    return [
        AuditAlarm(f"refit: {name}", where, detail)
        for name, found in parts.items()
        for where, detail in found
    ]


def compare_forecasts(
    run: PipelineRun, learner: str, reference: ReferenceCache
) -> Differences:
    """Compare forecasts of v1, v2, drift and AR(1) with those of reference windows.

    Parameters
    ----------
    run : PipelineRun
        With its stored bundles.
    learner : str
        The one of ``pipeline_run.LEARNERS`` that fitted them.
    reference : ReferenceCache
        Windows of the same run.
    """
    data = open_study_data(run.workspace)
    for ticker, year, model, rows in blocks_by_model(run.forecasts):
        parts = reference.splits[ticker, year]
        if len(rows) != len(parts["forecast"]):
            continue  # "reference: forecasts" alarms
        shares = [
            reference.market.stocks[ticker][w.origin].shares for w in parts["forecast"]
        ]
        where = f"{model} {ticker} {year}"
        if model in ("drift", "ar1"):
            prices, least = _baseline_prices(model, parts), 1e-9
        elif model in ("v1", "v2"):
            name = ticker if model == "v2" else ALL_STOCKS
            folder = bundle_folder(data, name, year)
            low, high = _range(folder)
            scaled = outputs_of(folder, learner, parts["forecast"], (low, high))
            prices, least = scaled * (high - low) + low, SINGLE * (high - low)
        else:
            continue
        expected = prices / to_array(shares)
        yield from column_differences(
            rows["price_hat"], expected, where=where, tolerance=1e-9, least=least
        )


def outputs_of(
    folder: Path,
    learner: str,
    windows: list[ReferenceWindow],
    scale: tuple[float, float],
) -> Numbers:
    """Return a stored model's scaled outputs for reference windows.

    Parameters
    ----------
    folder : Path
        The model's bundle.
    learner : str
        The one of ``pipeline_run.LEARNERS`` that fitted it.
    windows : list of ReferenceWindow
        n of them.
    scale : tuple of float
        The scaler's minimum and maximum, KES.

    Returns
    -------
    array of shape (n,)
    """
    low, high = scale
    X = (np.array([w.inputs for w in windows]) - low) / (high - low)
    if learner == "network":
        model = _keras_model(folder)
        outputs = model(X.astype(np.float32)[..., np.newaxis], training=False)
        return np.asarray(outputs, float).ravel()
    weights = np.array(json.loads((folder / "model.keras").read_text()))
    return surrogate.predict(weights, X)


@lru_cache(maxsize=16)
def _keras_model(folder: Path) -> Any:
    """Load a network once for all stocks and spans that it forecasts."""
    return load_keras(folder)


def _fit_again(run: PipelineRun, learner: str, scratch: Path) -> Differences:
    job = run.jobs[-1]
    LEARNERS[learner](job, run.workspace.study, scratch / "again")
    for name in FILES:
        again = (scratch / "again" / name).read_bytes()
        if again != run.bundles[job.ticker, job.year][name]:
            yield (
                f"{job.ticker} {job.year}",
                f"{name} has other bytes when fitted again",
            )


def _stopping(run: PipelineRun, learner: str, reference: ReferenceCache) -> Differences:
    """Recompute the validation loss that chose the stored weights."""
    data = open_study_data(run.workspace)
    for job in run.jobs:
        if job.ticker == ALL_STOCKS:
            continue
        folder = bundle_folder(data, job.ticker, job.year)
        stored = json.loads((folder / "metadata.json").read_text())["validation_loss"]
        held = reference.splits[job.ticker, job.year]["validation"]
        low, high = _range(folder)
        y = (to_array([w.y for w in held]) - low) / (high - low)
        error = np.abs(outputs_of(folder, learner, held, (low, high)) - y)
        loss = float(np.where(error <= 1, error**2 / 2, error - 0.5).mean())
        if not is_close(float(stored), loss, tolerance=2e-3):
            where = f"{job.ticker} {job.year}"
            yield (
                where,
                f"validation loss {stored:.6g}, of the reference windows {loss:.6g}",
            )


def _range(folder: Path) -> tuple[float, float]:
    document = json.loads((folder / "scaler.json").read_text())
    return float(document["minimum"]), float(document["maximum"])


def _baseline_prices(model: str, parts: dict[str, list[ReferenceWindow]]) -> Numbers:
    """Forecast adjusted prices by drift, or by AR(1) from its normal equations."""
    returns = [math.log(w.y / w.inputs[-1]) for w in parts["train"]]
    last = to_array([w.inputs[-1] for w in parts["forecast"]])
    mean = sum(returns) / len(returns)
    if model == "drift":
        return last * math.exp(mean)
    before = [math.log(w.inputs[-1] / w.inputs[-2]) for w in parts["train"]]
    centre = sum(before) / len(before)
    slope = sum((b - centre) * c for b, c in zip(before, returns, strict=True))
    slope /= sum((b - centre) ** 2 for b in before)
    latest = [math.log(w.inputs[-1] / w.inputs[-2]) for w in parts["forecast"]]
    return last * np.exp(mean + slope * (to_array(latest) - centre))
