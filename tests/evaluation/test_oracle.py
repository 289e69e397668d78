"""The share of the oracle's rank IC that a model finds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import Simulation, Verdict
from nse_lstm.data.simulate import simulate_market
from nse_lstm.errors import ArtefactError, TableError
from nse_lstm.evaluation.oracle import (
    read_oracle,
    recovered_table,
    share_recovered,
    summarise_recovered,
)
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.paths import Paths

VERDICT = Verdict(bootstrap_reps=100)
SMALL = Simulation(first_year=2013, last_year=2014, n_ordinary=12, signal=0.3)


@pytest.fixture(scope="module")
def market():
    return simulate_market(SMALL)


@pytest.fixture(scope="module")
def nearest(market):
    return market.oracle[market.oracle["horizon"] == 1]


def measure(forecasts, market, oracle=None):
    known = market.oracle if oracle is None else oracle
    return share_recovered(forecasts, known, market.panel, verdict=VERDICT, seed=1)


def test_the_oracle_recovers_all_of_itself(market, nearest):
    found = measure(nearest.assign(model="same"), market)
    assert (found.share, found.lower, found.upper) == (1, 1, 1)
    assert found.model_ic == found.oracle_ic > 0


def test_the_opposite_forecast_recovers_less_than_nothing(market, nearest):
    found = measure(nearest.assign(y_hat=-nearest["y_hat"]), market)
    assert found.share == pytest.approx(-1)


def test_a_noisier_forecast_recovers_a_part(market, nearest):
    generator = np.random.default_rng(0)
    noise = generator.normal(0, nearest["y_hat"].std(), len(nearest))
    found = measure(nearest.assign(y_hat=nearest["y_hat"] + noise), market)
    # Equal parts of signal and noise correlate with the signal by 1 / sqrt(2).
    assert 0.4 < found.share < 1
    assert found.lower < found.share < found.upper


def test_both_are_measured_on_the_same_stocks_and_sessions(market, nearest):
    few = nearest[nearest["ticker"].isin(nearest["ticker"].unique()[:5])]
    alone = daily_rank_ic(few, market.panel)["rank_ic"]
    found = measure(few.assign(model="few"), market)
    assert found.oracle_ic == pytest.approx(alone.mean())
    assert found.n == len(alone)


def test_seeds_of_one_model_are_averaged(market, nearest):
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 1, len(nearest))
    seeds = [
        nearest.assign(seed=seed, y_hat=nearest["y_hat"] + sign * noise)
        for seed, sign in ((1, 1), (2, -1))
    ]
    assert measure(pd.concat(seeds), market).share == pytest.approx(1)


def test_forecasts_of_two_horizons_are_refused(market):
    with pytest.raises(TableError, match="one model, delay and horizon"):
        measure(market.oracle, market)


def test_a_market_without_a_signal_has_nothing_to_recover(market, nearest):
    silent = market.oracle.assign(y_hat=0.0)
    with pytest.raises(TableError, match="rank the same stocks"):
        measure(nearest, market, silent)


def test_a_market_without_an_oracle_says_so(tmp_path):
    with pytest.raises(ArtefactError, match="No forecasts table"):
        read_oracle(Paths(root=tmp_path, market="nse"))


def test_rank_ic_is_spearmans_by_hand(tiny_panel):
    days = tiny_panel["session"].unique()
    # The panel's first three returns give the order of three stocks.
    prices = tiny_panel.pivot(index="session", columns="ticker", values="price")
    y = np.log(prices.iloc[2] / prices.iloc[1])
    forecasts = pd.DataFrame(
        {
            "ticker": y.index, "model": "m", "seed": 1, "fold": 2020, "origin": days[0],
            "delay": 1, "horizon": 1, "entry_date": days[1], "target_date": days[2],
        }
    )  # fmt: skip
    swapped = y.rank().map({1.0: 1.0, 2.0: 3.0, 3.0: 2.0}).to_numpy()
    ics = daily_rank_ic(forecasts.assign(y_hat=swapped), tiny_panel)["rank_ic"]
    # 1 - 6 (0 + 1 + 1) / (3 (9 - 1))
    assert ics.tolist() == pytest.approx([0.5])


def test_a_table_has_every_model_and_horizon(market):
    both = market.oracle[market.oracle["horizon"] <= 5]
    forecasts = pd.concat(
        [
            both.assign(model="same"),
            both.assign(model="opposite", y_hat=-both["y_hat"]),
        ]
    )
    table = recovered_table(forecasts, market, verdict=VERDICT, seed=1)
    found = table.set_index(["model", "horizon"])
    assert found["share"].to_dict() == pytest.approx(
        {("same", 1): 1, ("same", 5): 1, ("opposite", 1): -1, ("opposite", 5): -1}
    )
    same = found.loc[("same", 5)]
    assert same["rank_ic"] == pytest.approx(same["oracle_ic"])


def test_without_a_signal_a_table_has_rank_ics_only(market, nearest):
    silent = replace(market, oracle=market.oracle.assign(y_hat=0.0))
    table = recovered_table(
        nearest.assign(model="same"), silent, verdict=VERDICT, seed=1
    )
    assert table["rank_ic"].notna().all()
    assert table[["oracle_ic", "share"]].isna().all(axis=None)


def test_markets_are_the_observations_of_a_mean():
    rows = [("linear", "ridge", 1, market, 0.1 * market) for market in (1, 2, 3)]
    columns = ["kind", "model", "horizon", "market", "share"]
    table = pd.DataFrame(rows, columns=columns).assign(rank_ic=0.1, oracle_ic=0.2)
    (found,) = summarise_recovered(table).to_dict("records")
    # .1 .2 .3: mean .2, deviation .1, over the root of 3.
    assert found["share"] == pytest.approx(0.2)
    assert found["share_error"] == pytest.approx(0.1 / 3**0.5)
    assert (found["rank_ic_error"], found["n_markets"]) == (0, 3)
