"""A search sees no walk-forward year, repeats, and goes on where it stopped."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.tiny_study import tiny_workspace

from nse_lstm.config import CrossSection, Search, Study, Tabular
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.features.folds import Fold
from nse_lstm.json_files import read_json, write_json
from nse_lstm.study.core.ledger import read_lines
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.experiments import search as module
from nse_lstm.study.experiments.search import (
    SearchResult,
    mean_rank_ic,
    prepare_ranking_task,
    search,
    search_years,
    settings_lines,
)
from nse_lstm.study.experiments.search_spaces import (
    FORECASTERS,
    Forecaster,
    RankingTask,
    Setting,
)
from nse_lstm.tables import FORECASTS, PANEL, read_table, write_table

FIRST_WALKED = pd.Timestamp(2023, 1, 1)
TOY = "toy"


def forecast_toy(task: RankingTask, study: Study, fold: Fold) -> pd.DataFrame:
    """Forecast each return itself, blurred the more the further off 10 the alpha is."""
    rows = task.targets[0]
    rows = rows[rows["origin"].dt.year == fold.year].dropna(subset="y_excess")
    blur = abs(np.log10(study.tabular.ridge_alpha) - 1) + 0.1 * study.tabular.max_leaves
    noise = np.random.default_rng(0).normal(0, 0.02, len(rows))
    table = rows.assign(
        model=TOY, seed=0, fold=fold.year, y_hat=rows["y_excess"] + blur * noise
    ).assign(price_hat=np.nan, lower=np.nan, upper=np.nan)
    types = {name: str(column.dtype) for name, column in FORECASTS.columns.items()}
    return table[list(types)].astype(types)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    tiny = tiny_workspace(tmp_path_factory.mktemp("search"))
    study = replace(
        tiny.study,
        simulation=replace(tiny.study.simulation, first_year=2019),
        cross_section=CrossSection(size=4, horizons=(1, 5)),
        tabular=Tabular(first_year=2023, boosting_rounds=50, min_leaf_rows=100),
        search=Search(n_trials=7),
    )
    workspace = replace(tiny, study=study)
    prepare_raw(workspace)
    analyse_data(workspace)
    return workspace


@pytest.fixture
def fresh(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Give the same study in a folder where nothing was searched yet."""
    shutil.copytree(workspace.paths.root, tmp_path / "root")
    return replace(workspace, paths=replace(workspace.paths, root=tmp_path / "root"))


@pytest.fixture(scope="module")
def task(workspace: Workspace) -> RankingTask:
    return prepare_ranking_task(workspace)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, task: RankingTask) -> None:
    """Add a forecaster of milliseconds, and build its task once."""
    monkeypatch.setattr(module, "prepare_ranking_task", lambda _: task)
    space = {
        "ridge_alpha": Setting(0.1, 1e4),
        "max_leaves": Setting(2, 30, whole=True),
    }
    forecaster = Forecaster(TOY, "tabular", space, forecast_toy)
    monkeypatch.setitem(FORECASTERS, TOY, forecaster)


def tried(workspace: Workspace) -> list[tuple[object, ...]]:
    lines = read_lines(workspace.paths.ledger / "searches.jsonl")
    keys = ("settings", "rank_ic", "rank_ic_on_the_way")
    return [tuple(str(line[key]) for key in keys) for line in lines]


def run(workspace: Workspace) -> SearchResult:
    return search(workspace, TOY, progress=lambda _: None)


def test_the_years_end_before_the_first_walked_forward(fresh: Workspace) -> None:
    workspace = fresh
    # Data from 2019, so 2021 is the first with two years before it.
    assert search_years(workspace) == (2021, 2022)
    study = replace(workspace.study, search=Search(n_years=1))
    assert search_years(replace(workspace, study=study)) == (2022,)
    # Years that are kept untouched are not searched on.
    market = replace(workspace.study.market, untouched=(2022,))
    study = replace(workspace.study, market=market)
    assert search_years(replace(workspace, study=study)) == (2021,)
    # Whichever walks forward first counts: v2's folds, here from 2022 on.
    path = workspace.paths.processed / "market.json"
    write_json(path, read_json(path) | {"walk_forward": [2022, 2023]})
    assert search_years(workspace) == (2021,)


def test_without_a_year_to_search_on_it_says_so(workspace: Workspace) -> None:
    study = replace(workspace.study, tabular=Tabular(first_year=2021))
    with pytest.raises(ArtefactError, match=r"from 2021 on.* walk-forward year 2021"):
        search_years(replace(workspace, study=study))


def test_another_future_moves_no_score(fresh: Workspace, task: RankingTask) -> None:
    path = fresh.paths.processed / "panel.parquet"
    panel = read_table(PANEL, path)
    later = panel["session"] >= FIRST_WALKED
    assert later.any()
    for column in ("price", "low", "high", "volume"):
        panel.loc[later, column] *= 1 + panel.loc[later, "session"].dt.day
    write_table(panel, PANEL, path)
    other = prepare_ranking_task(fresh)
    assert other.panel["session"].max() < FIRST_WALKED
    for name in ("ridge", "ridge_per_stock", "boosting"):
        one = FORECASTERS[name]
        settings = one.current(fresh.study)
        scores = [mean_rank_ic(seen, one, settings, place=1) for seen in (task, other)]
        assert scores[0] == scores[1]


def test_a_stopped_search_ends_like_one_that_was_not(
    workspace: Workspace, fresh: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(workspace)
    calls = []

    def stop(*given: object) -> float:
        calls.append(given)
        if len(calls) == 8:  # in the middle of the fourth trial: two years a trial
            raise KeyboardInterrupt
        return mean_rank_ic(*given)

    with monkeypatch.context() as patch:
        patch.setattr(module, "mean_rank_ic", stop)
        with pytest.raises(KeyboardInterrupt):
            run(fresh)
    assert len(tried(fresh)) == 3
    resumed = run(fresh)
    assert resumed == whole
    assert tried(fresh) == tried(workspace)
    assert whole.n_trials == 7 == len(tried(workspace)) == whole.n_evaluations


def test_the_own_settings_come_first_and_the_best_is_no_worse(
    fresh: Workspace,
) -> None:
    found = run(fresh)
    settings, value, _ = tried(fresh)[0]
    assert settings == '{"max_leaves": 8, "ridge_alpha": 1000.0}'
    assert float(str(value)) == found.own_value
    # The toy is best at an alpha of 10 and few leaves.
    assert found.value > found.own_value
    values = [float(str(v)) for _, v, _ in tried(fresh) if v != "None"]
    assert found.value == max(values)
    assert found.n_pruned == found.n_trials - len(values)


def test_a_finished_search_tries_nothing_and_a_larger_budget_goes_on(
    fresh: Workspace,
) -> None:
    run(fresh)
    lines: list[str] = []
    search(fresh, TOY, progress=lines.append)
    assert lines == []
    more = replace(fresh, study=replace(fresh.study, search=Search(n_trials=8)))
    search(more, TOY, progress=lines.append)
    assert [line.split()[0] for line in lines] == ["[8/8]"]
    assert len(tried(fresh)) == 8


def test_rank_lstm_has_a_budget_of_its_own(workspace: Workspace) -> None:
    study = replace(workspace.study, search=Search(n_trials=30, rank_lstm_trials=4))
    budgets = {name: each.n_trials(study) for name, each in FORECASTERS.items()}
    assert budgets.pop("rank_lstm") == 4
    assert set(budgets.values()) == {30}


def test_the_best_is_said_in_lines_of_a_study_file() -> None:
    found = SearchResult(
        forecaster="boosting",
        settings={"max_leaves": 5, "learning_rate": 0.0123},
        value=0.1,
        own_value=0.05,
        n_trials=3,
        n_pruned=1,
        n_evaluations=3,
    )
    assert settings_lines(found) == "[tabular]\nmax_leaves = 5\nlearning_rate = 0.0123"


def test_an_unknown_forecaster_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ConfigurationError, match=r"must be one of.*'v9'"):
        search(workspace, "v9")


def test_the_spaces_hold_the_study_s_own_settings(workspace: Workspace) -> None:
    for forecaster in FORECASTERS.values():
        for name, value in forecaster.current(replace(workspace.study)).items():
            setting = forecaster.space[name]
            assert setting.low <= value <= setting.high
            assert isinstance(value, int) == setting.whole
