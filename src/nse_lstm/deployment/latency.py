"""How long a stored model takes to answer: a time of one machine, in no digest."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nse_lstm.models.bundles import load_bundle

__all__ = ["Latency", "measure_latency"]


@dataclass(frozen=True)
class Latency:
    """Milliseconds for one stock's forecast, on one thread."""

    first_ms: float
    """From the files: load, check every digest, compile, forecast."""
    next_ms: float
    """The median of later forecasts by the model that stays loaded."""


def measure_latency(folder: Path, *, n_calls: int = 5) -> Latency:
    """Time a stored model's first forecast and the ones after it.

    Parameters
    ----------
    folder : Path
        Of a bundle.
    n_calls : int
        Calls of the loaded model, each of the batch size that forecasting uses.

    Raises
    ------
    ArtefactError
        If the bundle is missing or was changed.
    """
    from nse_lstm.models.forecasting import BATCH
    from nse_lstm.models.runtime import tf

    start = time.perf_counter()
    bundle = load_bundle(folder)
    call = tf.function(bundle.model)
    # Mid-range prices: the time does not depend on them.
    shape = (BATCH, bundle.metadata["lookback"], 1)
    windows = tf.constant(np.full(shape, 0.5, np.float32))
    moments = [start]
    for _ in range(n_calls + 1):
        call(windows, training=False).numpy()
        moments.append(time.perf_counter())
    seconds = np.diff(moments)
    return Latency(
        first_ms=float(seconds[0]) * 1e3,
        next_ms=statistics.median(seconds[1:].tolist()) * 1e3,
    )
