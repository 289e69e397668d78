"""The stock LSTM from its training to the store, in one tiny study."""

from dataclasses import replace
from html import unescape

import pandas as pd
import pytest
from support.tiny_study import trained_study

from nse_lstm.config import override_study
from nse_lstm.deployment.registry import read_registry
from nse_lstm.evaluation.distribution_benchmarks import BENCHMARKS
from nse_lstm.evaluation.distribution_scores import ALL_YEARS
from nse_lstm.models.bundles import read_metadata
from nse_lstm.models.stock_lstm import POOL, STOCK_LSTM, THRESHOLDED
from nse_lstm.pages.deployment import next_ranges
from nse_lstm.pages.distribution import show_distribution
from nse_lstm.pages.stock_forecasts import NOT_A_PROFIT, show_stock_lstm
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.deploy import deploy, score
from nse_lstm.study.deployment.promotion import promote_by_hand
from nse_lstm.study.deployment.replay import replay
from nse_lstm.study.training.train import train_all
from nse_lstm.study.validation.validate import Validation, validate
from nse_lstm.tables import (
    DISTRIBUTION_SCORES,
    FORECAST_FAULTS,
    NEXT_QUANTILES,
    QUANTILES,
    read_table,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished_phases(tmp_path_factory) -> tuple[Workspace, Validation]:
    bare = trained_study(tmp_path_factory.mktemp("served"))
    study = override_study(bare.study, {"stock_lstm": {"trained": True}})
    workspace = replace(bare, study=study)
    train_all(workspace, progress=lambda _: None)
    return workspace, validate(workspace)


def test_phase_4_scores_and_chooses_it(finished_phases):
    _, validation = finished_phases
    models = set(validation.scores["model"])
    assert {STOCK_LSTM, THRESHOLDED, "v1", "v2", "persistence"} <= models
    counts = validation.test.forecasts.groupby("model")["origin"].size()
    assert counts[STOCK_LSTM] == counts["v2"] == counts[THRESHOLDED]
    assert set(validation.selection["champion"]) <= {"persistence", STOCK_LSTM}
    both = validation.selection[["champion", "challenger"]].to_numpy().ravel()
    assert set(both) == {"persistence", STOCK_LSTM}
    evidence = validation.evidence
    assert STOCK_LSTM in set(
        evidence.loc[evidence["test"] == "Diebold-Mariano", "model"]
    )
    assert NOT_A_PROFIT in unescape(show_stock_lstm(validation.scores).html)


def test_phase_4_judges_its_distribution(finished_phases):
    workspace, validation = finished_phases
    folder = workspace.paths.evaluation
    quantiles = read_table(QUANTILES, folder / "distribution_quantiles.parquet")
    assert set(quantiles["model"]) == {STOCK_LSTM}
    assert set(quantiles["horizon"]) == {1, 5, 10}
    assert set(quantiles["fold"]) == set(validation.scores["fold"])
    assert (quantiles["target_date"].dt.year == quantiles["fold"]).all()
    # Its fold's network knows the year before, so no origin lies within it.
    early = quantiles[quantiles["origin"].dt.year < quantiles["fold"]]
    eves = early[["fold", "origin"]].drop_duplicates()
    assert not eves["fold"].duplicated().any()
    scores = read_table(DISTRIBUTION_SCORES, folder / "distribution_scores.parquet")
    assert set(scores["model"]) == {STOCK_LSTM, *BENCHMARKS}
    pooled = scores[(scores["fold"] == ALL_YEARS) & (scores["ticker"] == "ALL")]
    counts = pooled[pooled["metric"] == "crps"].groupby("horizon")["n"].nunique()
    assert (counts == 1).all()
    shown = unescape(show_distribution(validation.distribution_scores).html)
    assert "Kupiec" in shown and NOT_A_PROFIT in shown
    faults = read_table(FORECAST_FAULTS, folder / "forecast_faults.parquet")
    assert {"v2", STOCK_LSTM} <= set(faults["model"])


def test_phase_5_serves_it_and_its_refit(finished_phases):
    workspace, _ = finished_phases
    result = deploy(workspace, progress=lambda _: None)
    assert (result.reproduced["n_equal"] == result.reproduced["n_forecasts"]).all()
    assert result.refused.empty
    stages = read_registry(workspace.paths.registry)
    for entries in stages.values():
        assert {each.model for each in entries.values()} <= {"persistence", STOCK_LSTM}
        refit = read_metadata(workspace.paths.models / entries["challenger"].bundle)
        last = result.forecasts["origin"].max()
        assert pd.Timestamp(refit["validation"]["last_target"]) == last
    own = result.forecasts[result.forecasts["model"] == STOCK_LSTM]
    assert (
        set(own["stage"]) == {"candidate", "challenger"}
        and (own["price_hat"] > 0).all()
    )
    assert (own["lower"] < own["upper"]).all() and (own["flags"] == "").all()
    assert read_metadata(workspace.paths.stock_refits / POOL)["year"] == 2024
    path = workspace.paths.registry / "latest_quantiles.parquet"
    quantiles = read_table(NEXT_QUANTILES, path)
    assert len(quantiles) == 3 * len(own)
    assert set(quantiles["version"]) == set(own["version"])
    assert (quantiles["target_date"] > quantiles["origin"]).all()
    ranges = next_ranges(workspace)
    assert set(ranges["stage"]) == {"candidate"}
    assert len(ranges) == 3 * own["ticker"].nunique()


def test_scoring_and_a_replay_take_it(finished_phases):
    workspace, _ = finished_phases
    if not read_registry(workspace.paths.registry):
        deploy(workspace, progress=lambda _: None)
    first = score(workspace)
    assert score(workspace).n_new == 0 and first.n_new == len(first.forecasts)
    earlier = score(workspace, as_of=first.forecasts["origin"].max())
    assert earlier.n_new == 0
    result = replay(workspace, year=2024)
    assert STOCK_LSTM in set(result.tests["test"])


def test_a_person_may_make_it_champion(finished_phases):
    workspace, _ = finished_phases
    if not read_registry(workspace.paths.registry):
        deploy(workspace, progress=lambda _: None)
    ticker = next(iter(read_registry(workspace.paths.registry)))
    promote_by_hand(
        workspace, ticker, STOCK_LSTM, to="champion", override="A test of the way."
    )
    champion = read_registry(workspace.paths.registry)[ticker]["champion"]
    assert champion.model == STOCK_LSTM
    served = score(workspace).forecasts
    row = served[(served["ticker"] == ticker) & (served["stage"] == "champion")]
    assert row["model"].tolist() == [STOCK_LSTM]
