"""The tables of tests and intervals, from forecasts and returns of a small panel."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import Backtest, Verdict
from nse_lstm.evaluation.scoring import realised
from nse_lstm.evaluation.strategies import strategy_returns
from nse_lstm.evaluation.verdict import pooled_excess
from nse_lstm.features.returns import with_returns
from nse_lstm.study.validation import evidence
from nse_lstm.tables import COVERAGE, EVIDENCE, FORECASTS, check

BACKTEST = Backtest()


def forecast_table(panel: pd.DataFrame) -> pd.DataFrame:
    rows = with_returns(panel)
    rows["target_date"] = rows.groupby("ticker")["session"].shift(-1)
    rows = rows[rows["target_date"].dt.year == 2020].assign(
        origin=lambda r: r["session"], entry_date=lambda r: r["session"]
    )
    parts = [
        rows.assign(
            model=model,
            seed=0,
            fold=2020,
            delay=0,
            horizon=1,
            price_hat=rows["price"],
            y_hat=np.sign(rows["log_return"]).fillna(1.0) * size,
            lower=np.nan,
            upper=np.nan,
        )
        for model, size in {"v2": 0.03, "persistence": 0.0, "ar1": 0.001}.items()
    ]
    return pd.concat(parts)[list(FORECASTS.columns)].reset_index(drop=True)


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    panel = make_tiny_panel(120, start="2019-11-04")
    forecasts = forecast_table(panel)
    trials = pd.DataFrame({"sharpe": [0.01, -0.2, np.nan], "own": [True, False, False]})
    monkeypatch.setattr(
        evidence,
        "read_trial_matrix",
        lambda data, sessions: pd.DataFrame(index=sessions),
    )
    verdict = replace(Verdict(), bootstrap_reps=50, model="v2", rule="sign")
    returns = strategy_returns(forecasts, panel, backtest=BACKTEST)
    return SimpleNamespace(
        joined=realised(forecasts, panel),
        trials=trials,
        excess=pooled_excess(
            returns[
                (returns["model"] == "v2")
                & (returns["rule"] == "sign")
                & (returns["cost_bps"] == BACKTEST.headline_cost_bps)
            ]
        ),
        data=SimpleNamespace(
            study=SimpleNamespace(verdict=verdict, backtest=BACKTEST, seed=1),
            panel=panel,
        ),
    )


def test_every_test_is_run_on_the_next_sessions_price_alone(study) -> None:
    other = study.joined.assign(delay=1, model="direct")
    table = evidence.gather_evidence(
        study.data, pd.concat([study.joined, other]), study.excess, study.trials
    )
    check(table, EVIDENCE)
    assert "direct" not in set(table["model"])
    tests = set(table.loc[table["model"] == "v2", "test"])
    assert {"Diebold-Mariano", "Clark-West", "direction", "Sharpe ratio"} <= tests
    assert {"artefact of averaged prices", "deflated Sharpe ratio"} <= tests
    luck = table[table["test"] == "deflated Sharpe ratio"]["says"].item()
    assert "best of 2 trials" in luck  # the one that never traded is no trial


def test_intervals_are_scored_for_every_model(study) -> None:
    table = check(evidence.gather_coverage(study.data.study, study.joined), COVERAGE)
    assert set(table["model"]) == {"v2", "persistence", "ar1"}
    assert table["quarter"].str.startswith("2020Q").all()
