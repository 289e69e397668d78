"""What the readers of a simulated market read, and that it is what was planted."""

from dataclasses import replace

import pandas as pd
import pytest

from nse_lstm.config import CrossSection, Market, Simulation, Study
from nse_lstm.data.simulate import SimulatedMarket, simulate_market
from nse_lstm.study.experiments.explanation.signal_recovery import (
    BENCHMARKS,
    KINDS,
    MEMORIES,
    measure_market,
    read_memories,
)

SECTION = CrossSection(size=10, liquidity_sessions=60, horizons=(1,))
YEAR = 2015


@pytest.fixture(scope="module")
def market() -> SimulatedMarket:
    simulation = Simulation(
        last_year=YEAR, n_ordinary=14, signal=0.3, signal_parts=(1.0, 0.0, 0.0)
    )
    return simulate_market(simulation, seed=1)


def test_another_future_moves_no_memory(market: SimulatedMarket) -> None:
    panel = market.panel[market.panel["session"] < pd.Timestamp(2014, 6, 1)]
    cut = pd.Timestamp(2014, 1, 1)
    later = panel["session"] >= cut
    other = panel.copy()
    for column in ("price", "volume"):
        other.loc[later, column] *= 1 + panel.loc[later, "session"].dt.day
    one, two = (read_memories(given, cross_section=SECTION) for given in (panel, other))
    early = one["session"] < cut
    pd.testing.assert_frame_equal(one[early], two[early], check_exact=True)
    assert not one[~early].equals(two[~early])
    assert one.loc[early, list(MEMORIES)].notna().any().all()


@pytest.mark.slow
def test_the_reader_of_the_memories_finds_nearly_all_of_a_linear_market(
    market: SimulatedMarket,
) -> None:
    study = Study(
        market=Market(name="simulated", label="a test"), cross_section=SECTION
    )
    table = measure_market(market, study=study, year=YEAR, models=("ridge",))
    share = table.set_index("model")["share"]
    assert set(share.index) == {"ridge", *BENCHMARKS}
    assert share["ridge_memories"] > 0.9
    assert share["ridge_memories"] > share["ridge"] + 0.05


def test_every_kind_is_a_market_that_can_be_drawn() -> None:
    for name, kind in KINDS.items():
        simulation = kind.simulation(last_year=2014, n_ordinary=10)
        assert (simulation.signal == 0) == (name == "none")
        assert replace(simulation, faults=False).n_ordinary == 10
