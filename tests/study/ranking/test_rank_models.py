"""Rivals are fitted once, kept under their version, and never see the test year."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import spearmanr
from support.reversed_ranks import reversed_ridge
from support.tiny_study import tiny_workspace

from nse_lstm.config import CrossSection, Tabular
from nse_lstm.errors import ArtefactError
from nse_lstm.json_files import read_json
from nse_lstm.pages.order_timing import NOTHING, show_order_timing
from nse_lstm.pages.score_tables import (
    difference_table,
    rank_ic_by_year,
    rank_ic_table,
)
from nse_lstm.reporting.display import sentence
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.ranking import rank_models
from nse_lstm.study.ranking.rank_models import (
    PAIRS,
    Ranking,
    rank_stocks,
)
from nse_lstm.study.ranking.recommended_rank_ic import (
    OWN,
    RecommendedRankIc,
    rank_recommended,
)
from nse_lstm.study.ranking.tabular_models import ranking_folds, train_tabular
from nse_lstm.study.validation import order_timing
from nse_lstm.study.validation.order_timing import time_study_orders
from nse_lstm.tables import FORECASTS, ORDER_TIMING, RANK_IC, SCORES, read_table

CROSS_SECTION = CrossSection(size=4, horizons=(1, 5))
RIVALS = Tabular(boosting_rounds=10, min_leaf_rows=20)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    tiny = tiny_workspace(tmp_path_factory.mktemp("tabular"))
    study = replace(tiny.study, cross_section=CROSS_SECTION, tabular=RIVALS)
    workspace = replace(tiny, study=study)
    prepare_raw(workspace)
    analyse_data(workspace)
    return workspace


@pytest.fixture(scope="module", autouse=True)
def _no_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rank_models, "train_rank_lstm", reversed_ridge)
        yield


@pytest.fixture(scope="module")
def ranking(workspace: Workspace) -> Ranking:
    return rank_stocks(workspace, progress=lambda _: None)


def forecasts_path(workspace: Workspace) -> Path:
    return workspace.paths.ranking / "2023" / "forecasts.parquet"


def test_the_years_end_before_the_test_year(workspace: Workspace) -> None:
    # Data from 2021: the third year is the first, and 2024 is the test year.
    assert [fold.year for fold in ranking_folds(open_study_data(workspace))] == [2023]
    assert read_facts(workspace).test_year == 2024


def test_without_a_year_to_forecast_it_says_so(workspace: Workspace) -> None:
    study = replace(workspace.study, tabular=Tabular(first_year=2024))
    with pytest.raises(ArtefactError, match=r"from 2024 on.* test year 2024"):
        ranking_folds(open_study_data(replace(workspace, study=study)))


def test_tables_are_on_disk_and_hold_no_session_of_the_test_year(
    workspace: Workspace, ranking: Ranking
) -> None:
    table = read_table(FORECASTS, forecasts_path(workspace))
    assert table["target_date"].max() < pd.Timestamp(2024, 1, 1)
    aims = set(zip(table["delay"], table["horizon"], strict=True))
    assert aims == {(1, 1), (1, 5), (0, 1)}
    folder = workspace.paths.ranking
    assert len(read_table(RANK_IC, folder / "rank_ic.parquet")) == len(ranking.daily)
    scores = read_table(SCORES, folder / "scores.parquet")
    assert set(scores["metric"]) == {"rank_ic_1", "rank_ic_5", "rank_ic_1_delay_0"}


def test_a_second_run_reads_and_fits_nothing(
    workspace: Workspace, ranking: Ranking
) -> None:
    path = forecasts_path(workspace)
    before, lines = path.stat().st_mtime_ns, list[str]()
    again = rank_stocks(workspace, progress=lines.append)
    assert lines == []
    assert path.stat().st_mtime_ns == before
    pd.testing.assert_frame_equal(again.summary, ranking.summary, check_exact=True)


def test_another_setting_is_fitted_anew_and_back_again_to_the_same_bytes(
    workspace: Workspace, ranking: Ranking
) -> None:
    path = forecasts_path(workspace)
    before, version = path.read_bytes(), read_json(path.with_name("metadata.json"))
    other = replace(workspace.study, tabular=replace(RIVALS, ridge_alpha=10.0))
    lines: list[str] = []
    train_tabular(
        open_study_data(replace(workspace, study=other)), progress=lines.append
    )
    assert path.read_bytes() != before
    assert read_json(path.with_name("metadata.json")) != version
    train_tabular(open_study_data(workspace), progress=lines.append)
    assert path.read_bytes() == before
    assert read_json(path.with_name("metadata.json")) == version
    assert len(lines) == 2 and "2023" in lines[0]


def test_the_table_of_a_page_has_a_row_a_model_and_a_column_an_aim(
    ranking: Ranking,
) -> None:
    table = rank_ic_table(ranking.summary)
    columns = ["1 session from the same session", "1 session", "5 sessions"]
    assert list(table.columns) == ["strategy", *columns]
    assert "ridge, all stocks" in set(table["strategy"])
    one = ranking.summary.set_index(["model", "delay", "horizon", "fold"])
    value = one.loc[("ridge", 1, 5, 0), "value"]
    shown = table.set_index("strategy").loc["ridge, all stocks", "5 sessions"]
    assert shown.startswith(f"{value:+.3f}".replace("-", "−"))


def test_rank_lstm_and_the_ensemble_are_ranked_beside_the_rivals(
    ranking: Ranking,
) -> None:
    means = ranking.summary.set_index(["model", "delay", "horizon", "fold"])["value"]
    # Every order of the stand-in is the ridge's turned round.
    turned = -means.loc[("ridge", 1, 5, 0)]
    assert means.loc[("rank_lstm", 1, 5, 0)] == pytest.approx(turned)
    # Ranks that cancel leave the trees' order.
    trees = means.loc[("boosting", 1, 5, 0)]
    assert means.loc[("ensemble", 1, 5, 0)] == pytest.approx(trees, abs=0.02)


def test_every_pair_is_compared_at_the_honest_delay(ranking: Ranking) -> None:
    table = ranking.differences
    assert len(table) == 2 * len(PAIRS)
    assert set(table["delay"]) == {1}
    assert list(zip(table["first"], table["second"], strict=True))[::2] == list(PAIRS)


def test_ahead_is_said_only_where_the_interval_excludes_zero() -> None:
    differences = pd.DataFrame(
        {
            "first": "rank_lstm",
            "second": "ridge",
            "horizon": [1, 5, 10],
            "value": [0.02, 0.01, -0.03],
            "lower": [0.01, -0.01, -0.05],
            "upper": [0.03, 0.03, -0.01],
        }
    )
    (row,) = difference_table(differences).to_dict("records")
    assert row == {
        "strategy": "rank LSTM, all stocks",
        "compared with": "ridge, all stocks",
        "1 session": "ahead: +0.020 [+0.010, +0.030]",
        "5 sessions": "level: +0.010 [\u22120.010, +0.030]",
        "10 sessions": "behind: \u22120.030 [\u22120.050, \u22120.010]",
    }


def test_without_a_year_before_the_ensemble_weighs_all_alike(ranking: Ranking) -> None:
    assert (ranking.weights == 1 / 3).all(axis=None)
    means = ranking.summary.set_index(["model", "delay", "horizon", "fold"])["value"]
    equal = means.loc[("ensemble_equal", 1, 5, 0)]
    assert means.loc[("ensemble", 1, 5, 0)] == equal


def test_what_rank_lstm_adds_to_a_blend_is_shown(ranking: Ranking) -> None:
    assert ("ensemble_equal", "ensemble_without_lstm") in PAIRS
    found = ranking.differences.set_index(["first", "second", "horizon"])["value"]
    daily = ranking.daily[ranking.daily["delay"] == 1]
    wide = daily.pivot_table(
        index=["horizon", "origin"], columns="model", values="rank_ic"
    )
    gap = wide["ensemble_equal"] - wide["ensemble_without_lstm"]
    expected = gap.dropna().groupby("horizon").mean()
    for horizon in (1, 5):
        value = found.loc[("ensemble_equal", "ensemble_without_lstm", horizon)]
        assert value == pytest.approx(expected[horizon])


@pytest.fixture(scope="module")
def networks(workspace: Workspace) -> pd.DataFrame:
    """Stand in for v1 and v2 on three shares: the ridge at delay 0, and its reverse."""
    table = train_tabular(open_study_data(workspace), progress=lambda _: None)
    own = table[(table["model"] == "ridge") & (table["delay"] == 0)]
    own = own[own["ticker"].isin(sorted(own["ticker"].unique())[:3])]
    v1, v2 = OWN
    parts = [own.assign(model=v1, y_hat=-own["y_hat"]), own.assign(model=v2)]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def own_shares(workspace: Workspace, networks: pd.DataFrame) -> RecommendedRankIc:
    return rank_recommended(workspace, networks)


def test_own_shares_are_ranked_a_session_later_than_they_were_forecast(
    workspace: Workspace, networks: pd.DataFrame, own_shares: RecommendedRankIc
) -> None:
    found = own_shares
    whole = found.summary[found.summary["fold"] == 0].set_index("model")
    rows = open_study_data(workspace).prices.copy()
    broken = rows["stale"] | rows["gap"] | rows["settling"]
    rows["adjusted"] = rows["adjusted"].mask(broken)
    prices = rows.pivot(index="session", columns="ticker", values="adjusted")
    dealt = train_tabular(open_study_data(workspace), progress=lambda _: None)
    ridge = dealt[
        (dealt["model"] == "ridge") & (dealt["delay"] == 1) & (dealt["horizon"] == 1)
    ].set_index(["origin", "ticker"])["y_hat"]
    sessions = list(prices.index)
    ics: dict[str, list[float]] = {"v2": [], "ridge": []}
    for origin, rows in networks[networks["model"] == "v2"].groupby("origin"):
        place = sessions.index(origin)
        if place + 2 >= len(sessions):
            continue
        y = prices.iloc[place + 2] / prices.iloc[place + 1]
        own = rows.set_index("ticker")["y_hat"]
        both = pd.DataFrame({"v2": own, "ridge": ridge.loc[origin], "y": y}).dropna()
        if len(both) < 3 or len(set(both["y"])) == 1:
            continue
        for model, values in ics.items():
            if len(set(both[model])) > 1:
                values.append(spearmanr(both[model], both["y"]).statistic)
    for model, values in ics.items():
        assert len(values) > 50
        assert whole.loc[model, "value"] == pytest.approx(sum(values) / len(values))
    assert whole.loc["v1", "value"] == pytest.approx(-whole.loc["v2", "value"])
    assert len(set(whole["n"])) == 1


def test_a_forecast_of_no_price_at_all_ranks_last(
    workspace: Workspace, networks: pd.DataFrame, own_shares: RecommendedRankIc
) -> None:
    # v2 expects the first share at less than nothing, as v1 often does.
    first = networks["ticker"] == networks["ticker"].min()
    v2 = first & (networks["model"] == "v2")
    ruined = networks.assign(
        y_hat=networks["y_hat"].mask(v2), price_hat=networks["price_hat"].mask(v2, -1.0)
    )
    found = rank_recommended(workspace, ruined).summary.set_index(["model", "fold"])
    before = own_shares.summary.set_index(["model", "fold"])
    # Nobody loses a share by it, and only v2 ranks otherwise.
    assert found["n"].equals(before["n"])
    moved = found["value"] != before["value"]
    assert set(moved[moved].index.get_level_values("model")) == {"v2"}


def test_own_shares_are_told_by_year_and_by_pair(own_shares: RecommendedRankIc) -> None:
    table = rank_ic_by_year(own_shares.summary)
    assert list(table) == ["strategy", "2023", "all years"]
    assert len(table) == 6
    said = difference_table(own_shares.differences)
    assert said["compared with"].tolist() == ["v1, rebuilt", *["v2 LSTM"] * 4]


def test_rankings_of_other_horizons_leave_no_own_shares(
    workspace: Workspace, networks: pd.DataFrame
) -> None:
    found = rank_recommended(workspace, networks.assign(horizon=3))
    assert rank_ic_by_year(found.summary).empty
    assert difference_table(found.differences).empty


def test_orders_are_timed_on_the_ranked_years_and_shown(
    workspace: Workspace, ranking: Ranking
) -> None:
    timing = time_study_orders(workspace, progress=lambda _: None)
    table = read_table(
        ORDER_TIMING, workspace.paths.evaluation / "order_timing.parquet"
    )
    assert set(table["signal"]) == {
        *("ensemble_equal", "four_signals", "stale_60", "stale_120"),
        *("placebo", "random", "twap"),
    }
    assert set(table["session"].dt.year) == {2023} == set(timing.years)
    # The mean of both sides and of all sessions, from the sessions' means.
    own = table[(table["signal"] == "ensemble_equal") & (table["wait"] == 10)]
    savings = timing.savings.set_index(["signal", "against", "wait", "side", "part"])
    mean = savings.loc[("ensemble_equal", "at_once", 10, "both", "all"), "value_bps"]
    assert own.groupby("session")["saving_bps"].mean().mean() == pytest.approx(mean)
    shown = show_order_timing(timing).html
    assert f"save {mean:.1f} basis points per side" in shown
    assert shown.count("<figure") == 1 and "Beyond the placebo" in shown
    assert show_order_timing(replace(timing, savings=timing.savings[:0])).html == (
        sentence(NOTHING).html
    )


def test_a_market_that_is_not_ranked_times_no_order(workspace: Workspace) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_timing, "can_rank", lambda data: False)
        timing = time_study_orders(workspace)
    assert timing.orders is None
    assert timing.savings.empty and timing.by_session.empty
