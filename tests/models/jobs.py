"""Small training jobs of the tiny panel."""

import pandas as pd
from conftest import make_tiny_panel

from nse_lstm.config import V2, Market, Study, Training
from nse_lstm.features.folds import make_folds
from nse_lstm.features.returns import with_returns
from nse_lstm.features.windows import make_windows, split_fold
from nse_lstm.models.training import TrainingJob

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
