"""Latency of a stored model's forecasts, measured on one machine, in no digest."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.forecasting import predict
from nse_lstm.models.samples import Samples


@dataclass(frozen=True)
class Latency:
    """Milliseconds per forecast of one stock, on one thread."""

    first_ms: float
    """From files: load, check every digest, forecast."""
    next_ms: float
    """Median of later forecasts by the loaded model."""


def measure_latency(folder: Path, *, n_calls: int = 5) -> Latency:
    """Measure the latency of a stored model's first and later forecasts.

    Parameters
    ----------
    folder : Path
        A model bundle.
    n_calls : int
        Calls of the loaded model, one window each.

    Raises
    ------
    ArtefactError
        If the bundle is missing or was changed.
    """
    start = time.perf_counter()
    network = load_bundle(folder).model
    outline = network.architecture
    # Mid-range prices: the time does not depend on them.
    window = Samples(
        table=np.full((outline.lookback, outline.channels), 0.5, np.float32),
        last=np.array([outline.lookback - 1]),
        y=np.empty((1, outline.n_outputs)),
    )
    times = [start]
    for _ in range(n_calls + 1):
        predict(network, window)
        times.append(time.perf_counter())
    seconds = np.diff(times)
    return Latency(
        first_ms=float(seconds[0]) * 1e3,
        next_ms=statistics.median(seconds[1:].tolist()) * 1e3,
    )
