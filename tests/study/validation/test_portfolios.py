"""Portfolio accounts of a tiny study: no look-ahead, one trial per rule and model."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.tiny_study import tiny_workspace

from nse_lstm.config import CrossSection, Portfolio, Study
from nse_lstm.errors import ArtefactError
from nse_lstm.evaluation.portfolio_rules import TILTS
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.study.core.phase_tables import read_sealed_panel
from nse_lstm.study.core.trials import read_trials
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.ranking.rank_models import Ranked
from nse_lstm.study.validation import portfolios
from nse_lstm.study.validation.portfolios import (
    MODELS,
    backtest_portfolios,
    judge_portfolios,
)
from nse_lstm.tables import (
    FORECASTS,
    PORTFOLIO_CAPACITY,
    PORTFOLIO_RETURNS,
    PORTFOLIO_SCORES,
    conform,
    read_table,
)

pytestmark = pytest.mark.slow
YEAR = 2023
KEY = ["model", "rule", "start", "cost_bps", "session"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    tiny = tiny_workspace(tmp_path_factory.mktemp("portfolios"))
    study = replace(
        tiny.study,
        cross_section=CrossSection(size=4, horizons=(1, 5)),
        portfolio=Portfolio(horizon=5, n_names=2, n_starts=2, max_weight=0.6),
        backtest=replace(tiny.study.backtest, cost_bps=(0, 66)),
    )
    workspace = replace(tiny, study=study)
    prepare_raw(workspace)
    analyse_data(workspace)
    return workspace


@pytest.fixture(scope="module")
def panel(workspace: Workspace) -> pd.DataFrame:
    return read_sealed_panel(workspace)


def random_forecasts(panel: pd.DataFrame, *, seed: int = 1) -> pd.DataFrame:
    """Stand in for ranking models: a random forecast per stock and session."""
    random = np.random.default_rng(seed)
    sessions = market_sessions(panel)
    own = sessions[sessions.year == YEAR]
    tickers = panel.loc[panel["kind"] == "ordinary", "ticker"].unique()
    grid = pd.MultiIndex.from_product(
        [sorted(tickers), own, MODELS], names=["ticker", "origin", "model"]
    ).to_frame(index=False)
    return conform(
        grid.assign(
            seed=0,
            fold=YEAR,
            delay=1,
            horizon=5,
            entry_date=grid["origin"],
            target_date=grid["origin"],
            price_hat=np.nan,
            y_hat=random.normal(0, 0.02, len(grid)),
            lower=np.nan,
            upper=np.nan,
        ),
        FORECASTS,
    )


@pytest.fixture(scope="module")
def study(workspace: Workspace) -> Study:
    return workspace.study


@pytest.fixture(scope="module")
def result(study: Study, panel: pd.DataFrame) -> portfolios.PortfolioResult:
    return backtest_portfolios(
        study, panel, with_returns(panel), random_forecasts(panel), models=MODELS
    )


def test_another_future_moves_no_earlier_weight_fill_or_return(
    study: Study, panel: pd.DataFrame, result: portfolios.PortfolioResult
) -> None:
    at = market_sessions(panel)[-90]
    late = panel["session"] > at
    random = np.random.default_rng(9)
    # Other prices, volumes and so another universe and other risks after the session.
    changed = panel.assign(
        price=panel["price"].where(
            ~late, panel["price"] * random.uniform(0.95, 1.05, len(panel))
        ),
        volume=panel["volume"].where(~late, random.integers(0, 10_000, len(panel))),
    )
    changed = changed[~late | (random.random(len(panel)) < 0.9)]
    forecasts = random_forecasts(panel)
    other = random_forecasts(panel, seed=2)
    mixed = pd.concat(
        [forecasts[forecasts["origin"] <= at], other[other["origin"] > at]]
    )
    found = backtest_portfolios(
        study, changed, with_returns(changed), mixed, models=MODELS
    )
    rows = [
        table[table["model"] != "index_hold"]
        for table in (result.returns, found.returns)
    ]
    before, after = (
        table[table["session"] <= at].sort_values(KEY).reset_index(drop=True)
        for table in rows
    )
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    later = [table.loc[table["session"] > at, "net_return"].sum() for table in rows]
    assert later[0] != later[1]


def test_every_line_stands_beside_every_benchmark(
    result: portfolios.PortfolioResult,
) -> None:
    lines = set(map(tuple, result.returns[["model", "rule"]].drop_duplicates().values))
    assert {(model, rule) for model in MODELS for rule in TILTS} <= lines
    assert {
        ("equal_weight", "rebalance"),
        ("inverse_volatility", "rebalance"),
        ("minimum_variance", "rebalance"),
        ("buy_and_hold", "hold"),
    } <= lines
    counts = result.returns.groupby(["model", "rule", "start", "cost_bps"]).size()
    assert (counts == 250).all()
    metrics = result.scores.groupby(["model", "rule", "cost_bps"])["metric"]
    metrics = metrics.apply(frozenset)
    wanted = {"over_cash", "over_equal_weight", "over_buy_and_hold"}
    wanted |= {"information_ratio", "market_alpha", "market_beta", "turnover"}
    assert wanted <= metrics[MODELS[0], "optimised", 66]
    assert f"over_{MODELS[1]}" in metrics[MODELS[0], "partial", 66]
    assert f"over_{MODELS[1]}" not in metrics[MODELS[1], "partial", 66]


def test_scores_are_plain_means_of_the_accounts(
    study: Study, result: portfolios.PortfolioResult
) -> None:
    at_cost = result.returns[result.returns["cost_bps"] == 66]
    net = at_cost.groupby(["model", "rule", "session"])["net_return"].mean()
    own, equal = net[MODELS[0], "partial"], net["equal_weight", "rebalance"]
    scores = result.scores.set_index(["model", "rule", "cost_bps", "metric"])["value"]
    line = MODELS[0], "partial", 66
    gap = own - equal
    assert scores[(*line, "over_equal_weight")] == pytest.approx(250 * gap.mean())
    ratio = gap.mean() / gap.std(ddof=0) * 250**0.5
    assert scores[(*line, "information_ratio")] == pytest.approx(ratio)
    cash = at_cost.groupby("session")["cash_return"].first()
    index = result.returns[result.returns["model"] == "index_hold"]
    market = (
        index.set_index("session")["net_return"]
        if len(index)
        else result.returns[
            (result.returns["model"] == "equal_weight")
            & (result.returns["cost_bps"] == 0)
        ]
        .groupby("session")["net_return"]
        .mean()
    )
    slope, constant = np.polyfit(market - cash, own - cash, 1)
    assert scores[(*line, "market_beta")] == pytest.approx(slope)
    assert scores[(*line, "market_alpha")] == pytest.approx(250 * constant)
    value = np.cumprod(1 + own.to_numpy())
    peak = np.maximum.accumulate(np.maximum(value, 1.0))
    assert scores[(*line, "drawdown")] == pytest.approx((value / peak - 1).min())


def test_costs_are_paid_and_move_no_weight(result: portfolios.PortfolioResult) -> None:
    free, paid = (
        result.returns[result.returns["cost_bps"] == cost]
        .query("model != 'index_hold'")
        .set_index(["model", "rule", "start", "session"])
        for cost in (0, 66)
    )
    assert (free["position"] == paid["position"]).all()
    assert (free["turnover"] == paid["turnover"]).all()
    expected = (1 + free["gross_return"]) * (1 - 0.0066 * free["turnover"]) - 1
    assert paid["net_return"].to_numpy() == pytest.approx(expected.to_numpy())


@pytest.fixture
def ranked(panel: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    table = Ranked(random_forecasts(panel), pd.DataFrame())
    monkeypatch.setattr(portfolios, "ranked_forecasts", lambda data: table)
    yield


@pytest.mark.usefixtures("ranked")
def test_each_rule_with_each_model_is_one_trial_and_lies_on_disk(
    workspace: Workspace,
) -> None:
    first = judge_portfolios(workspace)
    trials = read_trials(workspace)
    found = set(map(tuple, trials[["model", "rule"]].values))
    assert found == {(model, rule) for model in MODELS for rule in TILTS}
    judge_portfolios(workspace)
    assert len(read_trials(workspace)) == len(trials)
    folder = workspace.paths.evaluation
    for schema, table in (
        (PORTFOLIO_RETURNS, first.returns),
        (PORTFOLIO_SCORES, first.scores),
        (PORTFOLIO_CAPACITY, first.capacity),
    ):
        stored = read_table(schema, folder / f"{schema.name}.parquet")
        pd.testing.assert_frame_equal(stored, table)
    assert set(first.capacity["capital_kes"]) == {1e7, 1e8}


def test_a_horizon_that_nobody_forecasts_is_refused(
    study: Study, panel: pd.DataFrame
) -> None:
    other = replace(study, portfolio=Portfolio(horizon=10))
    with pytest.raises(ArtefactError, match=r"10 sessions to trade.*horizons \[5\]"):
        backtest_portfolios(
            other, panel, with_returns(panel), random_forecasts(panel), models=MODELS
        )
