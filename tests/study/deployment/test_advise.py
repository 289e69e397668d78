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
from nse_lstm.models.tabular_models import forecast_tabular
from nse_lstm.study.core.sealed_year import open_test_year, open_to_serve
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.deployment import advise
from nse_lstm.study.ranking import rank_models
from nse_lstm.study.validation.order_timing import time_study_orders
from nse_lstm.tables import ORDER_SAVINGS, empty_table, write_table


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
        patch.setattr(advise, "forecast_apart", reversed_apart)
        yield


def reversed_apart(
    features: pd.DataFrame, targets: Sequence[pd.DataFrame], fold: Fold, *, study: Study
) -> pd.DataFrame:
    """Stand in for the network as ``reversed_ridge`` does."""
    table = forecast_tabular(
        features,
        targets[0],
        fold,
        cross_section=study.cross_section,
        tabular=study.tabular,
        seed=study.seed,
        only=["ridge"],
    )
    return table.assign(model="rank_lstm", y_hat=-table["y_hat"])


def test_the_latest_ranking_is_that_of_the_walk_forward_year(
    workspace: Workspace,
) -> None:
    data, lines = open_study_data(workspace), list[str]()
    ranked = rank_models.ranked_forecasts(data, progress=lambda _: None)
    walked = ranked.forecasts
    walked = walked[(walked["model"] == "ensemble_equal") & (walked["horizon"] == 1)]
    origin = sorted(walked["origin"].unique())[100]
    known = data.panel[data.panel["session"] <= origin]
    calendar = trading_days_of(workspace.study.market)
    for _ in range(2):
        latest = advise.latest_ranking(data, known, calendar, progress=lines.append)
        # As the ranking models forecast it when the later sessions were known.
        expected = walked[walked["origin"] == origin].set_index("ticker")["y_hat"]
        found = latest.set_index("ticker")["y_hat"]
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
    with pytest.raises(ArtefactError, match="run Phase 4 first"):
        advise.advise(workspace, path, progress=lambda _: None)
    open_test_year(open_study_data(workspace))
    with pytest.raises(DataError, match="line 2, ticker"):
        advise.advise(workspace, path, progress=lambda _: None)
    calendar = trading_days_of(workspace.study.market)
    data = open_study_data(workspace)
    latest = advise.latest_ranking(
        data, open_to_serve(data), calendar, progress=lambda _: None
    )
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


def test_without_a_timed_order_there_is_no_advice(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = workspace.paths.evaluation / "order_savings.parquet"
    kept = path.read_bytes()
    write_table(empty_table(ORDER_SAVINGS), ORDER_SAVINGS, path)
    with pytest.raises(ArtefactError, match="could time no order"):
        advise.advise(workspace, tmp_path / "orders.csv", progress=lambda _: None)
    path.write_bytes(kept)
