"""Train N v2 models, one epoch each: ``many_models.py N FOLDER [WINDOWS]``.

The last line printed is the memory in MiB that this process and its largest worker
took at most.
"""

import resource
import sys
from pathlib import Path

import numpy as np

from nse_lstm.config import Market, Study, Training
from nse_lstm.features.windows import Windows
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.models.training import train

LOOKBACK = 60


def make_windows(number: int, n: int) -> Windows:
    """Make windows of a random walk."""
    generator = np.random.default_rng(number)
    prices = 20 * np.exp(np.cumsum(generator.normal(0, 0.02, n + LOOKBACK)))
    dates = np.datetime64("2013-01-01", "us") + np.arange(n + LOOKBACK) * 86_400_000_000
    last = np.arange(LOOKBACK - 1, n + LOOKBACK - 1)
    return Windows(
        prices=prices,
        last=last,
        lookback=LOOKBACK,
        y=prices[LOOKBACK:],
        last_price=prices[last],
        shares=np.ones(n),
        origin=dates[LOOKBACK - 1 : -1],
        entry_date=dates[LOOKBACK - 1 : -1],
        target_date=dates[LOOKBACK:],
        dropped_target=dates[:0],
        dropped_reason=np.array([], str),
    )


def make_job(number: int, n_train: int) -> TrainingJob:
    """Make one stock's job, with a sixth as many windows to validate."""
    return TrainingJob(
        ticker=f"S{number:03d}",
        year=2024,
        seed=1,
        train=make_windows(2 * number, n_train),
        validation=make_windows(2 * number + 1, n_train * 3 // 17),
        version="1",
    )


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    n_train = int(sys.argv[3]) if len(sys.argv) > 3 else 2125
    models = train(
        [make_job(number, n_train) for number in range(int(sys.argv[1]))],
        study=Study(
            market=Market(name="none", label="None"), training=Training(max_epochs=1)
        ),
        folder_of=lambda job: folder / job.ticker,
        progress=lambda line: None,
    )
    peaks = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(*(round(peak) for peak in peaks))
    sys.exit(any(model.failure for model in models))
