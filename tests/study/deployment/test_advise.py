"""Advice on orders from the newest ranking forecasts of a tiny study."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from support.reversed_ranks import reversed_ridge
from support.tiny_study import tiny_workspace

from nse_lstm.config import CrossSection, Study, Tabular
from nse_lstm.data.trading_days import trading_days_of
from nse_lstm.errors import ArtefactError, DataError
from nse_lstm.features.folds import Fold
from nse_lstm.study.core.sealed_year import open_test_year, open_to_serve
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.deployment import advise, latest_ranks
from nse_lstm.study.deployment.advice_basis import ADVISER, stored_basis
from nse_lstm.study.deployment.deploy import forecast_ranks
from nse_lstm.study.ranking import rank_models
from nse_lstm.study.ranking.features_and_targets import forecast_aims
from nse_lstm.study.validation.order_timing import time_study_orders
from nse_lstm.tables import (
    ORDER_SAVINGS,
    STORED_FORECASTS,
    check,
    empty_table,
    write_table,
)

MODELS = [*rank_models.MEMBERS, rank_models.EQUAL]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    tiny = tiny_workspace(tmp_path_factory.mktemp("advice"))
    study = replace(
        tiny.study,
        cross_section=CrossSection(size=4, horizons=(1, 5)),
        tabular=Tabular(boosting_rounds=10, min_leaf_rows=20),
    )
    workspace = replace(tiny, study=study)
    prepare_raw(workspace)
    analyse_data(workspace)
    return workspace


@pytest.fixture(scope="module", autouse=True)
def _no_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rank_models, "train_rank_lstm", reversed_ridge)
        patch.setattr(latest_ranks, "forecast_apart", reversed_apart)
        yield


def reversed_apart(
    features: pd.DataFrame, targets: Sequence[pd.DataFrame], fold: Fold, *, study: Study
) -> pd.DataFrame:
    """Stand in for the network as ``reversed_ridge`` does."""
    table = forecast_aims(features, targets, fold, study=study, only=["ridge"])
    return table.assign(model="rank_lstm", y_hat=-table["y_hat"])


def test_the_latest_ranking_is_that_of_the_walk_forward_year(
    workspace: Workspace,
) -> None:
    data, lines = open_study_data(workspace), list[str]()
    ranked = rank_models.ranked_forecasts(data, progress=lambda _: None)
    walked = ranked.forecasts
    walked = walked[walked["model"].isin(MODELS) & (walked["delay"] > 0)]
    origin = sorted(walked["origin"].unique())[100]
    known = data.panel[data.panel["session"] <= origin]
    key = ["model", "horizon", "ticker"]
    for _ in range(2):
        latest = latest_ranks.rank_latest(data, known, progress=lines.append)
        # As the ranking models forecast it when the later sessions were known.
        expected = walked[walked["origin"] == origin].set_index(key)["y_hat"]
        found = latest.set_index(key)["y_hat"]
        pd.testing.assert_series_equal(found.sort_index(), expected.sort_index())
        assert set(latest["origin"]) == {origin}
    # The second call reads what the first has made.
    assert len(lines) == 1 and lines[0].startswith("The ranking models of 2023")


def test_a_file_of_orders_is_advised_on_the_last_session(
    workspace: Workspace, tmp_path: Path
) -> None:
    time_study_orders(workspace, progress=lambda _: None)
    path = tmp_path / "orders.csv"
    path.write_text("side,ticker,shares,latest\nbuy,XYZ,1,2025-01-31\n")
    with pytest.raises(ArtefactError, match="finished study"):
        advise.advise(workspace, path, progress=lambda _: None)
    open_test_year(open_study_data(workspace))
    with pytest.raises(DataError, match="line 2, ticker"):
        advise.advise(workspace, path, progress=lambda _: None)
    data = open_study_data(workspace)
    panel = open_to_serve(data)
    latest = latest_ranks.rank_latest(data, panel, progress=lambda _: None)
    ticker = latest["ticker"].iloc[0]
    path.write_text(
        "side,ticker,shares,latest\n"
        f"buy,{ticker},100,2025-01-31\nsell,{ticker},100,2025-01-31\n"
    )
    with pytest.raises(DataError, match="2025-06-30"):
        advise.advise(
            workspace,
            path,
            as_of=pd.Timestamp(2025, 6, 30),
            progress=lambda _: None,
        )
    found = advise.advise(workspace, path, progress=lambda _: None)
    assert found.origin.year == 2024
    # A forecast that is not 0 sends one side and lets the other wait.
    assert (found.table["forecast_bps"] != 0).all()
    assert sorted(found.table["advice"]) == ["send now", "wait"]
    # The same from rows, and from what scoring left for the service.
    assert "2024" in found.words[0] and found.table["ticker"].iloc[0] in repr(found)
    rows = pd.read_csv(path, parse_dates=["latest"])
    again = advise.advise(workspace, rows, progress=lambda _: None)
    columns = [name for name in found.table if name != "line"]
    pd.testing.assert_frame_equal(again.table[columns], found.table[columns])
    basis = stored_basis(workspace, panel)
    assert basis.model == ADVISER == rank_models.EQUAL
    (expected,) = found.table.loc[found.table["side"] == "buy", "forecast_bps"]
    assert 1e4 * basis.forecasts[ticker] == pytest.approx(expected)
    with pytest.raises(ArtefactError, match="run `nse-lstm score`"):
        stored_basis(workspace, panel[panel["session"] < found.origin])


def test_advice_is_void_after_its_session(workspace: Workspace) -> None:
    last = open_to_serve(workspace)["session"].max()
    first = trading_days_of(workspace.study.market).shift(last.date(), 1)
    order = {"side": "buy", "ticker": "NONE", "shares": 1, "latest": str(first)}
    for days, message in ((0, "orders, line 1, ticker"), (1, "holds for one session")):
        day = pd.Timestamp(first) + pd.Timedelta(days=days)
        with pytest.raises(DataError, match=message):
            advise.advise(workspace, [order], as_of=day, progress=lambda _: None)
    with pytest.raises(DataError, match="Expected orders with the columns"):
        advise.advise(workspace, [{"side": "buy"}], progress=lambda _: None)


def test_rankings_are_stored_like_every_forecast(workspace: Workspace) -> None:
    rank_models.rank_stocks(workspace, progress=lambda _: None)
    last = forecast_ranks(workspace)
    check(last, STORED_FORECASTS)
    assert set(last["model"]) == set(MODELS)
    assert set(last.loc[last["stage"] == "champion", "model"]) == {rank_models.EQUAL}
    assert set(last["horizon"]) == set(workspace.study.cross_section.horizons)
    # An earlier session of the year is forecast by the same models.
    sessions = sorted(open_to_serve(workspace)["session"].unique())
    earlier = forecast_ranks(workspace, as_of=sessions[-30])
    assert set(earlier["origin"]) == {sessions[-30]}
    assert set(earlier["version"]) == set(last["version"])
    assert set(earlier["data_digest"]).isdisjoint(last["data_digest"])
    # What is kept for the last session stays.
    assert stored_basis(workspace, open_to_serve(workspace)).forecasts
    stale = forecast_ranks(workspace, as_of=sessions[-1] + pd.Timedelta(days=60))
    assert stale.empty


def test_without_a_timed_order_there_is_no_advice(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = workspace.paths.evaluation / "order_savings.parquet"
    kept = path.read_bytes()
    write_table(empty_table(ORDER_SAVINGS), ORDER_SAVINGS, path)
    with pytest.raises(ArtefactError, match="could time no order"):
        advise.advise(workspace, tmp_path / "orders.csv", progress=lambda _: None)
    path.write_bytes(kept)
