"""The stock LSTM on markets whose predictability is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import CrossSection, StockLstm
from nse_lstm.errors import DataError
from nse_lstm.features.folds import make_folds
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.stock_channels import build_stock_channels
from nse_lstm.features.windows import FoldSplit, make_windows, split_fold
from nse_lstm.models.architectures import build, take_weights
from nse_lstm.models.engine.loop import fit
from nse_lstm.models.forecasting import predict
from nse_lstm.models.inference import StoredNetwork
from nse_lstm.models.jobs import SampleJob
from nse_lstm.models.runtime import set_seeds
from nse_lstm.models.stock_lstm import fine_tuning_job, pool_job, stock_samples

RULE = CrossSection(size=3, liquidity_sessions=20, min_traded_share=0.5)
SMALL = StockLstm(units=8, n_members=2, pool_epochs=6, max_epochs=3)
FOLD = make_folds(2023, 0)[0]


def market(*, pull: float) -> pd.DataFrame:
    """Four years of three stocks; a price low in its day's range rises by the pull."""
    panel = make_tiny_panel(1000, start="2020-01-06")
    generator = np.random.default_rng(3)
    blocks = []
    for number, (_, rows) in enumerate(panel.groupby("ticker")):
        place = generator.uniform(-0.01, 0.01, len(rows))
        noise = generator.normal(0, 0.012, len(rows))
        moves = noise - pull * np.append(0, place[:-1])
        price = 20.0 * (number + 1) * np.exp(np.cumsum(moves))
        middle = price * np.exp(-place)
        quoted = {
            "price": price,
            "low": middle * np.exp(-0.012),
            "high": middle * np.exp(0.012),
            "factor": 1.0,
            "suspended": False,
        }
        volume = 100.0 * generator.integers(10, 1000, len(rows))
        blocks.append(rows.assign(**quoted, volume=volume))
    return pd.concat(blocks, ignore_index=True)


def cut(panel: pd.DataFrame) -> dict[str, FoldSplit]:
    prices, sessions = with_returns(panel), market_sessions(panel)
    return {
        ticker: split_fold(
            make_windows(rows, sessions, lookback=20, horizon=1),
            FOLD,
            validation_share=0.15,
            purge=1,
        )
        for ticker, rows in prices.groupby("ticker")
    }


def fitted(job: SampleJob, start: list[np.ndarray]) -> list[np.ndarray]:
    weights, _ = fit(
        job.network,
        start,
        job.train,
        validation=job.validation,
        training=job.training,
        seed=1,
    )
    return weights


def permuted(job: SampleJob) -> SampleJob:
    generator = np.random.default_rng(9)
    train = replace(job.train, y=generator.permutation(job.train.y))
    if job.validation is None:
        return replace(job, train=train)
    held = replace(job.validation, y=generator.permutation(job.validation.y))
    return replace(job, train=train, validation=held)


def skill(panel: pd.DataFrame, *, shuffled: bool = False) -> tuple[float, float]:
    """Return the skill in the last year, and its standard error over sessions."""
    channels = build_stock_channels(panel, cross_section=RULE, lookback=20)
    splits = cut(panel)
    about = {"stock_lstm": SMALL, "year": 2023, "seed": 1, "version": "1"}
    pool = pool_job(channels, {t: s.train for t, s in splits.items()}, **about)
    pool = permuted(pool) if shuffled else pool
    set_seeds(1)
    weights = fitted(pool, take_weights(build(pool.network), pool.network))
    rows = []
    for ticker, split in splits.items():
        job = fine_tuning_job(
            channels,
            ticker,
            train=split.train,
            validation=split.validation,
            start=tuple(weights),
            horizon=1,
            **about,
        )
        job = permuted(job) if shuffled else job
        own = fitted(job, weights)
        ahead = stock_samples(channels, ticker, split.forecast)
        f = predict(StoredNetwork(job.network, tuple(own)), ahead)[:, 0]
        y = ahead.y[:, 0].astype(float)
        table = {"at": split.forecast.origin, "gain": y**2 - (y - f) ** 2, "y": y**2}
        rows.append(pd.DataFrame(table))
    by_session = pd.concat(rows).groupby("at").mean()
    gain, scale = by_session["gain"], by_session["y"].mean()
    error = gain.std(ddof=1) / np.sqrt(len(gain)) / scale
    return float(gain.mean() / scale), float(error)


@pytest.mark.slow
def test_a_random_walk_has_no_skill_and_neither_have_permuted_targets():
    # What is fitted to noise costs some skill: about 400 weights over 1,800 windows.
    walk, error = skill(market(pull=0.0))
    assert -0.05 < walk < 3 * error and error < 0.02
    shuffled, error = skill(market(pull=1.0), shuffled=True)
    assert -0.05 < shuffled < 3 * error and error < 0.02


@pytest.mark.slow
def test_a_planted_pull_is_found():
    # Variance of the pull's part: 0.01^2 / 3 of that plus 0.012^2: 0.19 at most.
    found, error = skill(market(pull=1.0))
    assert found > 5 * error and 0.05 < found < 0.19 + 3 * error


def test_a_pool_without_a_stock_is_refused():
    panel = make_tiny_panel(60)
    channels = build_stock_channels(panel, cross_section=RULE, lookback=20)
    with pytest.raises(DataError, match="stocks to pretrain on before 2023"):
        pool_job(channels, {}, stock_lstm=SMALL, year=2023, seed=1, version="1")
