"""Stored models taken apart: fitted again, and asked again along another path."""

import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nse_lstm.models.bundles import load_keras
from nse_lstm.study.audit import surrogate
from nse_lstm.study.audit.alarms import Alarm
from nse_lstm.study.audit.differences import Differences, apart, array_of, is_near
from nse_lstm.study.audit.pipeline_run import FILES, LEARNERS, PipelineRun
from nse_lstm.study.audit.reference.windows import PlainWindow
from nse_lstm.study.audit.reference_cache import ReferenceCache
from nse_lstm.study.audit.table_rows import blocks_of
from nse_lstm.study.core.jobs import bundle_folder
from nse_lstm.study.core.phase_tables import ALL_STOCKS

SINGLE = 2e-4
"""Of the scaled price: single precision, summed in another order."""

Numbers = NDArray[np.float64]


def check_refits(
    walk: PipelineRun, learner: str, *, hand: ReferenceCache, scratch: Path
) -> list[Alarm]:
    """Fit the last stock's model again, and recompute what stored models say.

    Returns
    -------
    list of Alarm
        "refit: bytes" where the same job gives other bytes; "refit: forecasts" where
        stored weights, windows and scaler by hand give another forecast; "refit:
        stopping" where the kept epoch's loss is not that of the validation span.
    """
    parts = {
        "bytes": _fit_again(walk, learner, scratch),
        "forecasts": compare_forecasts(walk, learner, hand),
        "stopping": _stopping(walk, learner, hand),
    }
    return [
        Alarm(f"refit: {name}", where, detail)
        for name, found in parts.items()
        for where, detail in found
    ]


def compare_forecasts(
    walk: PipelineRun, learner: str, hand: ReferenceCache
) -> Differences:
    """Compare v1, v2, drift and AR(1) with the same from windows cut by hand."""
    for ticker, year, model, rows in blocks_of(walk.forecasts):
        parts = hand.splits[ticker, year]
        if len(rows) != len(parts["forecast"]):
            continue  # said by "recount: forecasts"
        shares = [
            hand.market.stocks[ticker][w.origin].shares for w in parts["forecast"]
        ]
        where = f"{model} {ticker} {year}"
        if model in ("drift", "ar1"):
            mine, least = _by_formula(model, parts), 1e-9
        elif model in ("v1", "v2"):
            name = ticker if model == "v2" else ALL_STOCKS
            folder = bundle_folder(walk.workspace, name, year)
            low, high = _range(folder)
            scaled = outputs_of(folder, learner, parts["forecast"], (low, high))
            mine, least = scaled * (high - low) + low, SINGLE * (high - low)
        else:
            continue
        priced = mine / array_of(shares)
        yield from apart(
            rows["price_hat"], priced, where=where, tolerance=1e-9, least=least
        )


def outputs_of(
    folder: Path,
    learner: str,
    windows: list[PlainWindow],
    scale: tuple[float, float],
) -> Numbers:
    """Return a stored model's scaled outputs for windows cut by hand."""
    low, high = scale
    X = (np.array([w.inputs for w in windows]) - low) / (high - low)
    if learner == "network":
        model = load_keras(folder)
        outputs = model(X.astype(np.float32)[..., np.newaxis], training=False)
        return np.asarray(outputs, float).ravel()
    weights = np.array(json.loads((folder / "model.keras").read_text()))
    return surrogate.predict(weights, X)


def _fit_again(walk: PipelineRun, learner: str, scratch: Path) -> Differences:
    job = walk.jobs[-1]
    LEARNERS[learner](job, walk.workspace.study, scratch / "again")
    for name in FILES:
        again = (scratch / "again" / name).read_bytes()
        if again != walk.bundles[job.ticker, job.year][name]:
            yield f"{job.ticker} {job.year}", f"{name} is another when fitted again"


def _stopping(walk: PipelineRun, learner: str, hand: ReferenceCache) -> Differences:
    """Recompute the validation loss that chose the stored weights."""
    for job in walk.jobs:
        if job.ticker == ALL_STOCKS:
            continue
        folder = bundle_folder(walk.workspace, job.ticker, job.year)
        stored = json.loads((folder / "metadata.json").read_text())["validation_loss"]
        held = hand.splits[job.ticker, job.year]["validation"]
        low, high = _range(folder)
        y = (array_of([w.y for w in held]) - low) / (high - low)
        error = np.abs(outputs_of(folder, learner, held, (low, high)) - y)
        loss = float(np.where(error <= 1, error**2 / 2, error - 0.5).mean())
        if not is_near(float(stored), loss, tolerance=2e-3):
            where = f"{job.ticker} {job.year}"
            yield where, f"validation loss {stored:.6g}, of its own span {loss:.6g}"


def _range(folder: Path) -> tuple[float, float]:
    document = json.loads((folder / "scaler.json").read_text())
    return float(document["minimum"]), float(document["maximum"])


def _by_formula(model: str, parts: dict[str, list[PlainWindow]]) -> Numbers:
    """Forecast adjusted prices by drift, or by AR(1) from its normal equations."""
    came = [math.log(w.y / w.inputs[-1]) for w in parts["train"]]
    last = array_of([w.inputs[-1] for w in parts["forecast"]])
    mean = sum(came) / len(came)
    if model == "drift":
        return last * math.exp(mean)
    before = [math.log(w.inputs[-1] / w.inputs[-2]) for w in parts["train"]]
    centre = sum(before) / len(before)
    slope = sum((b - centre) * c for b, c in zip(before, came, strict=True))
    slope /= sum((b - centre) ** 2 for b in before)
    moves = [math.log(w.inputs[-1] / w.inputs[-2]) for w in parts["forecast"]]
    return last * np.exp(mean + slope * (array_of(moves) - centre))
