"""Small training jobs of the tiny panel."""

import numpy as np
import pandas as pd
from conftest import make_tiny_panel

from nse_lstm.config import V2, Market, Study, Training
from nse_lstm.features.folds import make_folds
from nse_lstm.features.returns import with_returns
from nse_lstm.features.windows import make_windows, split_fold
from nse_lstm.models.architectures import Architecture, Dense, Dropout, Lstm
from nse_lstm.models.jobs import SampleJob, TrainingJob
from nse_lstm.models.samples import Samples

LOOKBACK = 10


def make_study(*, workers: int = 1, **training: float) -> Study:
    return Study(
        market=Market(name="tiny", label="Tiny"),
        v2=V2(lookback=LOOKBACK, units=8, dense_units=4),
        training=Training(**{"max_epochs": 2, "workers": workers} | training),
    )


def make_jobs(tickers: str = "AB", version: str = "1") -> list[TrainingJob]:
    """Make jobs for AAA, BBB and CCC, the last with fewer windows."""
    table = with_returns(make_tiny_panel(280))
    sessions = pd.DatetimeIndex(table["session"].unique())
    jobs = []
    for letter in tickers:
        stock = table[table["ticker"] == 3 * letter]
        windows = make_windows(stock, sessions, lookback=LOOKBACK, horizon=1)
        fold = make_folds(2021, 0)[0]
        split = split_fold(windows, fold, validation_share=0.15, purge=1)
        jobs.append(
            TrainingJob(
                ticker=3 * letter,
                year=2021,
                seed=1,
                train=split.train,
                validation=split.validation,
                version=version,
            )
        )
    return jobs


def make_pooled_job(**fields: object) -> SampleJob:
    """Make a job of two stocks below each other: four features, three targets.

    The first target is the mean of a window's last session's features and can be
    learned; of the others a third is missing.
    """
    generator = np.random.default_rng(0)
    table = generator.normal(0, 1, (80, 4)).astype(np.float32)
    # Two stocks of 40 sessions: no window of 6 reaches from one into the other.
    last = np.concatenate([np.arange(5, 40), np.arange(45, 80)])
    y = np.repeat(table[last].mean(axis=1, keepdims=True), 3, axis=1)
    y[::3, 1:] = np.nan
    network = Architecture(
        name="rank_lstm",
        lookback=6,
        channels=4,
        layers=(
            Lstm("lstm_1", 8, sequences=True),
            Dropout("dropout_1", 0.1),
            Lstm("lstm_2", 8, sequences=False),
            Dense("returns", 3),
        ),
        loss="huber",
    )
    train = Samples(table, last[:60], y[:60])
    given = {
        "ticker": "POOL",
        "year": 2021,
        "seed": 1,
        "network": network,
        "training": Training(max_epochs=20, batch_size=16, learning_rate=0.01),
        "train": train,
        "validation": Samples(table, last[60:], y[60:]),
        "version": "1",
        "about": {"features": ["a", "b", "c", "d"]},
    }
    return SampleJob(**{**given, **fields})
