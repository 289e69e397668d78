"""Phase 4 with surrogate networks: what it publishes is counted a second time."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest

from nse_lstm.evaluation.report_card import report_card
from nse_lstm.evaluation.significance import (
    deflated_sharpe_ratio,
    moments_of,
    trial_variance,
)
from nse_lstm.evaluation.strategies import strategy_returns
from nse_lstm.evaluation.total_return import ReturnBasis
from nse_lstm.study.audit.learners import forecasting_with
from nse_lstm.study.audit.pipeline_run import fit_jobs, list_jobs
from nse_lstm.study.core.phase_tables import ALL_STOCKS
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.validation import validate
from nse_lstm.tables import (
    CAPACITY,
    COVERAGE,
    EVIDENCE,
    FORECASTS,
    PANEL,
    SCORES,
    STRATEGY_RETURNS,
    empty_table,
    read_table,
)

WALK_FORWARD, TEST_YEAR = 2023, 2024
COST = 66
YEAR = 250
"""Sessions."""
BASELINES = {"persistence", "drift", "ar1", "ar5", "ewma", "repeat_sign"}


@pytest.fixture(scope="module")
def phase(
    finished: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    """Phases 3 and 4 of the small study, at two costs."""
    root = tmp_path_factory.mktemp("validated") / "study"
    shutil.copytree(finished.paths.root, root)
    shutil.rmtree(root / "trained_models" / "simulated" / "evaluation")
    study = finished.study
    quick = replace(study.backtest, cost_bps=(0, COST), n_starts=2)
    study = replace(
        study,
        backtest=quick,
        verdict=replace(study.verdict, random_draws=20),
        stock_lstm=replace(study.stock_lstm, trained=False),
    )
    workspace = replace(finished, study=study, paths=replace(finished.paths, root=root))
    fit_jobs(workspace, list_jobs(workspace), "surrogate")
    given: dict[str, tuple[Any, ...]] = {}

    def gather(name: str, schema: pa.DataFrameSchema) -> Any:
        return lambda *inputs: given.setdefault(name, inputs) and empty_table(schema)

    with pytest.MonkeyPatch.context() as patch, forecasting_with("surrogate"):
        # Their tables have tests of their own.
        patch.setattr(validate, "gather_evidence", gather("evidence", EVIDENCE))
        patch.setattr(validate, "gather_coverage", gather("coverage", COVERAGE))
        outcome = validate.validate(workspace)
    folder = workspace.paths.evaluation
    return SimpleNamespace(
        workspace=workspace,
        outcome=outcome,
        given=given,
        forecasts=read_table(FORECASTS, folder / "forecasts.parquet"),
        returns=read_table(STRATEGY_RETURNS, folder / "returns.parquet"),
        scores=read_table(SCORES, folder / "scores.parquet"),
        capacity=read_table(CAPACITY, folder / "capacity.parquet"),
        verdict=json.loads((folder / "verdict.json").read_text()),
        card=pd.read_csv(folder / "report_card.csv", keep_default_na=False),
    )


def of(table: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Return a table's rows with the given values."""
    for name, value in wanted.items():
        table = table[table[name] == value]
    return table


def pooled(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over the stocks' accounts of each session."""
    columns = ["gross_return", "net_return", "cash_return", "position"]
    return rows.groupby("session")[columns].mean()


def score(phase: SimpleNamespace, metric: str, **wanted: object) -> float:
    return of(phase.scores, ticker="ALL", metric=metric, **wanted)["value"].item()


def test_both_years_are_published_and_choices_saw_the_first_alone(phase) -> None:
    recommended = open_study_data(phase.workspace).recommended
    for year in (WALK_FORWARD, TEST_YEAR):
        rows = of(phase.forecasts, fold=year)
        assert set(rows["model"]) == {"v1", "v2", *BASELINES}
        assert set(rows["ticker"]) == set(recommended[year])
        assert set(of(phase.capacity, fold=year)["model"]) == {"v2"}
        assert set(of(phase.returns, fold=year)["cost_bps"]) >= {0, COST}
    _, joined, excess, trials = phase.given["evidence"]
    assert set(joined["fold"]) == {WALK_FORWARD}
    assert set(excess.index.year) == {WALK_FORWARD}
    assert set(phase.given["coverage"][1]["fold"]) == {WALK_FORWARD}
    assert len(trials) == phase.verdict["n_trials"]


@pytest.mark.parametrize("cost", [0, COST])
@pytest.mark.parametrize("rule", ["sign", "gate"])
@pytest.mark.parametrize("year", [WALK_FORWARD, TEST_YEAR])
def test_pooled_scores_are_those_of_the_published_accounts(
    phase, cost: int, rule: str, year: int
) -> None:
    wanted = {"model": "v2", "rule": rule, "cost_bps": cost, "fold": year}
    pool = pooled(of(phase.returns, **wanted))
    for metric in ("net_return", "gross_return"):
        expected = np.prod(1 + pool[metric]) - 1
        assert score(phase, metric, **wanted) == pytest.approx(expected)
    assert score(phase, "exposure", **wanted) == pytest.approx(pool["position"].mean())
    over_cash = pool["net_return"] - pool["cash_return"]
    for metric, earned in {
        "sharpe_ratio": pool["net_return"],
        "sharpe_over_cash": over_cash,
    }.items():
        expected = earned.mean() / earned.std(ddof=1) * YEAR**0.5
        assert score(phase, metric, **wanted) == pytest.approx(expected)


def test_an_order_one_session_later_is_scored_as_later(phase) -> None:
    study = phase.workspace.study
    panel = read_table(PANEL, phase.workspace.paths.processed / "panel.parquet")
    later = strategy_returns(
        of(phase.forecasts, model="v2", fold=TEST_YEAR),
        panel,
        backtest=replace(study.backtest, delay=2, cost_bps=(COST,)),
    )
    pool, holding = (
        pooled(of(later, rule=rule, cost_bps=COST)) for rule in ("sign", "hold")
    )
    exposure = pool["position"].mean()
    same = exposure * holding["net_return"] + (1 - exposure) * pool["cash_return"]
    found = score(
        phase,
        "excess_over_holding_later",
        **{"model": "v2", "rule": "sign", "fold": TEST_YEAR},
    )
    assert found == pytest.approx((pool["net_return"] - same).mean() * YEAR)


def test_the_verdict_is_on_the_declared_strategy_before_the_test_year(phase) -> None:
    declared = phase.workspace.study.verdict
    rows = of(phase.returns, fold=WALK_FORWARD, cost_bps=COST)
    pool = pooled(of(rows, model=declared.model, rule=declared.rule))
    holding = pooled(of(rows, model="buy_and_hold"))
    exposure = pool["position"].mean()
    same = exposure * holding["net_return"] + (1 - exposure) * pool["cash_return"]
    found = phase.verdict["verdict"]
    over_cash = (pool["net_return"] - pool["cash_return"]).mean() * YEAR
    assert found["excess_over_cash"]["mean"] == pytest.approx(over_cash)
    over_holding = (pool["net_return"] - same).mean() * YEAR
    assert found["excess_over_holding"]["mean"] == pytest.approx(over_holding)
    assert found["n_sessions"] == len(pool)
    assert phase.verdict["test_year"] == TEST_YEAR
    assert "one session after the forecast at 66 basis points" in phase.verdict["basis"]
    assert "walk-forward year 2023," in phase.verdict["basis"]
    # Every strategy on a forecast that traded before the test year.
    traded = rows[rows["rule"].isin(["sign", "gate"]) & (rows["turnover"] > 0)]
    assert "v2" in set(traded["model"]) and len(set(rows["model"])) > 8
    n_traded = len(traded[["model", "rule"]].drop_duplicates())
    assert phase.verdict["n_trials"] == n_traded
    # Deflated by the number of all trials and the spread of the others.
    _, _, excess, trials = phase.given["evidence"]
    assert excess.to_numpy() == pytest.approx(
        (pool["net_return"] - pool["cash_return"]).to_numpy()
    )
    others = trials.loc[~trials["own"], "sharpe"].dropna()
    assert len(others) < len(trials) == n_traded
    deflated = deflated_sharpe_ratio(
        **asdict(moments_of(excess)),
        n_trials=len(others) + 1,
        variance=trial_variance(others, len(pool)),
    )
    assert found["deflated_sharpe"] == pytest.approx(deflated)
    assert found["audit_clean"] is None


def test_forecasts_before_the_test_year_are_scored_stock_by_stock(phase) -> None:
    before = of(phase.forecasts, fold=WALK_FORWARD)
    joined, scores = validate.score_before_test(phase.workspace, before)
    assert len(joined) == len(before) and joined["y"].notna().any()
    assert set(scores["ticker"]) == set(before["ticker"])
    assert set(scores["metric"]) >= {"mae", "skill"}


def test_the_card_holds_v1_beside_the_declared_model(phase) -> None:
    study = phase.workspace.study
    cards = {
        model: report_card(
            phase.scores,
            model=model,
            rule=study.verdict.rule,
            year=TEST_YEAR,
            backtest=study.backtest,
            basis=ReturnBasis(1.0, 0.06),
            cash=0.08,
        )
        for model in ("v1", "v2")
    }
    assert list(phase.card["found"]) == list(cards["v2"]["found"])
    assert list(phase.card["v1"]) == list(cards["v1"]["found"])
    assert list(phase.card["v1"]) != list(phase.card["found"])
    assert list(phase.card.columns).index("v1") == 3


@pytest.mark.parametrize(
    ("year", "v1", "v2"),
    [
        (TEST_YEAR, "original_v1/test_year", "stock_specific_v2"),
        (WALK_FORWARD, "original_v1/walk_forward_2023", "walk_forward_v2/2023"),
    ],
)
def test_each_stock_is_forecast_by_its_own_network_and_by_v1(
    phase, monkeypatch: pytest.MonkeyPatch, year: int, v1: str, v2: str
) -> None:
    data = open_study_data(phase.workspace)
    (fold,) = [fold for fold in data.folds if fold.year == year]
    panel = read_table(PANEL, phase.workspace.paths.processed / "panel.parquet")
    asked = []
    monkeypatch.setattr(validate, "load_bundle", lambda folder: folder)

    def forecast(bundle: Path, windows: Any, *, year: int, ticker: str = "") -> Any:
        name = bundle.relative_to(phase.workspace.paths.models).as_posix()
        asked.append((name, ticker, set(pd.DatetimeIndex(windows.target_date).year)))
        return pd.DataFrame()

    monkeypatch.setattr(validate, "forecast", forecast)
    validate.forecast_fold(data, panel, fold)
    names = data.recommended[year]
    assert asked == [
        one
        for name in names
        for one in ((f"{v2}/{name}", "", {year}), (v1, name, {year}))
    ]
    assert ALL_STOCKS not in names
