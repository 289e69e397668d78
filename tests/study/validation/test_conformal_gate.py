"""The gate behind a band: what it enters, what it waits for, and what it may know."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import Backtest, Study, Verdict
from nse_lstm.evaluation.backtest import to_signals
from nse_lstm.evaluation.conformal import add_intervals
from nse_lstm.evaluation.scoring import realised
from nse_lstm.features.returns import with_returns
from nse_lstm.pages.score_tables import banded_table
from nse_lstm.study.validation.conformal_gate import backtest_conformal_gate, banded
from nse_lstm.tables import FORECASTS

MODEL = "v2"


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return make_tiny_panel(160, start="2019-11-04")


@pytest.fixture(scope="module")
def forecasts(panel: pd.DataFrame) -> pd.DataFrame:
    """Forecast the next session's return, blurred."""
    rows = with_returns(panel)
    rows["target_date"] = rows.groupby("ticker")["session"].shift(-1)
    nearly = rows.groupby("ticker")["log_return"].shift(-1).fillna(0.0)
    blur = np.random.default_rng(0).normal(0, 0.001, len(rows))
    table = rows.assign(
        model=MODEL, seed=1, fold=2020, delay=0, horizon=1, price_hat=rows["price"],
        y_hat=nearly + blur, lower=np.nan, upper=np.nan,
        origin=rows["session"], entry_date=rows["session"],
    )  # fmt: skip
    table = table[table["target_date"].dt.year == 2020]
    types = {name: str(column.dtype) for name, column in FORECASTS.columns.items()}
    return table[list(types)].astype(types).reset_index(drop=True)


def bands_of(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    return add_intervals(realised(forecasts, panel), alpha=0.2, window=30)


def test_a_forecast_lies_amid_its_band(
    forecasts: pd.DataFrame, panel: pd.DataFrame
) -> None:
    table = bands_of(forecasts, panel)
    known = table.dropna(subset="lower")
    # A miss in five needs four errors: the fifth origin has them.
    assert len(known) > 0.8 * len(table)
    middle = (known["lower"] + known["upper"]) / 2
    np.testing.assert_allclose(middle, known["y_hat"], atol=1e-12)
    assert (known["upper"] > known["lower"]).all()


def test_another_future_moves_no_band(
    forecasts: pd.DataFrame, panel: pd.DataFrame
) -> None:
    cut = panel["session"].sort_values().iloc[len(panel) * 2 // 3]
    later = panel["session"] > cut
    other = panel.copy()
    for column in ("price", "low", "high"):
        other.loc[later, column] *= 1 + panel.loc[later, "session"].dt.day / 50
    one, two = (bands_of(forecasts, given) for given in (panel, other))
    early = one["origin"] <= cut
    pd.testing.assert_frame_equal(one[early], two[early], check_exact=True)
    assert not one.loc[~early, "lower"].equals(two.loc[~early, "lower"])


def test_the_gate_enters_by_the_band_and_leaves_by_the_forecast() -> None:
    rows = pd.DataFrame(
        {
            "model": MODEL,
            "y_hat": [0.05, 0.05, 0.05, 0.05, -0.01, np.nan],
            "lower": [0.02, 0.01, -0.01, np.nan, -0.05, np.nan],
        }
    )
    table = banded(rows)
    assert set(table["model"]) == {"v2_banded"}
    signals = to_signals(table["y_hat"], rule="gate", backtest=Backtest(), cost_bps=66)
    # Twice the cost is 0.0132: only the first lower end is above it.
    expected = [1, np.nan, np.nan, np.nan, 0, 0]
    np.testing.assert_array_equal(signals, expected)
    bare = to_signals(rows["y_hat"], rule="gate", backtest=Backtest(), cost_bps=66)
    np.testing.assert_array_equal(bare, [1, 1, 1, 1, 0, 0])


def test_it_is_traded_beside_the_gate_at_every_cost(
    forecasts: pd.DataFrame, panel: pd.DataFrame
) -> None:
    study = SimpleNamespace(
        backtest=Backtest(), verdict=Verdict(bootstrap_reps=50, model=MODEL), seed=1
    )
    joined = realised(forecasts, panel)
    found = backtest_conformal_gate(cast(Study, study), joined, panel)
    at_cost = found.returns[found.returns["cost_bps"] == 66]
    strategies = at_cost[["model", "rule"]].drop_duplicates()
    traded = set(strategies.itertuples(index=False, name=None))
    assert traded == {
        ("v2", "gate"),
        ("v2_banded", "gate"),
        ("buy_and_hold", "hold"),
    }
    held = found.returns.groupby("model")["position"].mean()
    assert held["v2_banded"] < held["v2"]
    table = banded_table(found.judgements)
    assert table["strategy"].tolist() == ["v2 LSTM", "v2 LSTM, conformal gate"]
    gate, by_band = found.judgements["v2"], found.judgements["v2_banded"]
    assert table["exposure"].tolist() == [gate.exposure, by_band.exposure]
    assert by_band.exposure < gate.exposure
    # Cash earns what it earns: the excess is what was invested less that.
    own = found.returns.query("model == 'v2_banded' and cost_bps == 66")
    daily = (own["net_return"] - own["cash_return"]).groupby(own["session"]).mean()
    assert by_band.excess_over_cash.mean == pytest.approx(250 * daily.mean())
