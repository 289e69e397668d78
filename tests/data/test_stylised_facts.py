"""The measures by hand, and the simulated market beside the real one's measures."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import Simulation
from nse_lstm.data.simulate import simulate_market
from nse_lstm.data.stylised_facts import FACTS, stylised_facts

# The exchange, 2013 to 2023 (docs/simulated_market.md), and how far two short
# markets may be.
REAL = {
    "volatility": (0.0265, 0.20),
    "volatility_liquid": (0.0170, 0.20),
    "kurtosis_liquid": (7.96, 0.35),
    # Falls on ex-dividend days lower it by a fifth.
    "clustering": (0.281, 0.30),
    "no_volume": (0.208, 0.20),
    "unchanged": (0.377, 0.20),
    "unchanged_liquid": (0.218, 0.35),
    "autocorrelation_liquid": (0.242, 0.35),
    "autocorrelation_thin": (-0.099, 0.35),
    "pairwise": (0.067, 0.35),
    "market_correlation": (0.107, 0.30),
    "market_volatility": (0.0050, 0.20),
    "market_lag_1": (0.269, 0.35),
    "market_lag_2": (0.166, 0.50),
    "small_after_big": (0.160, 0.40),
    "at_limit": (0.0121, 0.25),
    "beyond_limit": (0.0010, 0.40),
    "top_1": (0.333, 0.10),
    "top_5": (0.758, 0.10),
    "top_25": (0.969, 0.03),
}


@pytest.fixture(scope="module")
def simulated():
    # Years on both sides of the change of ticks, which sets how often a price stays.
    simulation = Simulation(first_year=2017, last_year=2019)
    facts = [stylised_facts(simulate_market(simulation, seed=k).panel) for k in (1, 2)]
    return pd.concat(facts, axis=1).mean(axis=1)


@pytest.mark.parametrize("name", REAL)
def test_the_simulated_market_is_near_the_real_one(simulated, name):
    real, tolerance = REAL[name]
    assert simulated[name] == pytest.approx(real, rel=tolerance)


def test_every_fact_is_measured(simulated):
    assert list(simulated.index) == list(FACTS)
    assert simulated.notna().all()


def test_shares_and_returns_are_counted_by_hand(tiny_panel):
    panel = tiny_panel.assign(volume=100.0)
    first = panel["ticker"] == "AAA"
    days = panel["session"].unique()
    panel.loc[first & (panel["session"] == days[7]), "volume"] = np.nan
    # AAA: flat but for one move of 9.8 % and one of 20 %.
    price = pd.Series(100.0, index=days)
    price.iloc[20:] = 109.8
    price.iloc[40:] = 109.8 * 1.2
    panel.loc[first, "price"] = price.to_numpy()
    panel.loc[first, "previous"] = price.shift().to_numpy()
    facts = stylised_facts(panel)
    assert facts["no_volume"] == pytest.approx(1 / 180)
    # One row of AAA has no volume, and three first rows have no price before.
    dealt = 3 * 59 - 1
    other = panel[~first & panel["previous"].notna()]
    moves = (other["price"] * other["factor"] / other["previous"] - 1).abs()
    n_at = ((moves >= 0.095) & (moves <= 0.1005)).sum() + 1
    assert facts["at_limit"] == pytest.approx(n_at / dealt)
    assert facts["beyond_limit"] == pytest.approx(((moves > 0.1005).sum() + 1) / dealt)
    turnover = (panel["price"] * panel["volume"]).groupby(panel["ticker"]).sum()
    assert facts["top_1"] == pytest.approx(turnover.max() / turnover.sum())
    assert facts["top_5"] == pytest.approx(1)
