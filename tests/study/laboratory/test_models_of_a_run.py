"""Every kind of model in the laboratory: its seal, its leaks, its ledger, its words."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.tiny_study import tiny_workspace

from nse_lstm.errors import ConfigurationError
from nse_lstm.features.folds import make_folds
from nse_lstm.features.returns import with_returns
from nse_lstm.features.stock_channels import STOCK_CHANNELS
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.keras_models import read_keras
from nse_lstm.study.core.jobs import bundle_folder, split_stock
from nse_lstm.study.core.ledger import read_lines
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.trials import read_trials
from nse_lstm.study.data_analysis.prepare import prepare_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.laboratory import Laboratory, Run, open_laboratory
from nse_lstm.study.laboratory.evaluations import record_evaluation
from nse_lstm.study.laboratory.keras_networks import FILE, keras_network
from nse_lstm.study.laboratory.price_networks import price_network
from nse_lstm.study.laboratory.ranking import rank_year
from nse_lstm.study.laboratory.running import open_task
from nse_lstm.study.laboratory.stock_networks import fit_stock_lstm
from nse_lstm.study.laboratory.task import Fitted, Forecaster, Task
from nse_lstm.study.training.stock_lstm import train_stock_lstm
from nse_lstm.tables import PANEL, read_table, write_table

STOCK, YEAR = "SCOM", 2022
SHORT = {"lookback": 5, "max_epochs": 1}

pytestmark = pytest.mark.slow


def gru(lookback: int, channels: int) -> Any:
    import keras

    model = keras.Sequential(
        [keras.Input((lookback, channels)), keras.layers.GRU(4), keras.layers.Dense(1)]
    )
    model.compile(optimizer="adam", loss="mse")
    return model


def attention(lookback: int, channels: int) -> Any:
    import keras

    given = keras.Input((lookback, channels))
    seen = keras.layers.MultiHeadAttention(2, 2)(given, given)
    seen = keras.layers.Conv1D(4, 3, padding="causal")(seen)
    output = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(seen))
    model = keras.Model(given, output)
    model.compile(optimizer="adam", loss="mae")
    return model


def quiet(_: str) -> None: ...


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    workspace = tiny_workspace(tmp_path_factory.mktemp("models"))
    prepare_raw(workspace)
    prepare_data(workspace)
    return open_laboratory(str(workspace.paths.root), test_year=2024)


@pytest.fixture(scope="module")
def gru_run(laboratory: Laboratory) -> Run:
    return laboratory.run(STOCK, gru, progress=quiet, **SHORT)


def task_of(laboratory: Laboratory, **changes: Any) -> Task:
    study = laboratory.workspace.study
    small = replace(study.stock_lstm, lookback=5, pool_epochs=1, n_members=1)
    short = replace(study.training, max_epochs=1)
    own = replace(
        laboratory.workspace, study=replace(study, stock_lstm=small, training=short)
    )
    return open_task(own, STOCK, YEAR, given={}, channels=STOCK_CHANNELS)


def with_another_future(task: Task, after: pd.Timestamp) -> Task:
    """Change every price, range and volume after a session."""
    panel = task.panel.copy()
    later = panel["session"] > after
    factor = 1 + 0.5 * np.sin(np.arange(int(later.sum())))
    for column in ("price", "low", "high", "previous"):
        panel.loc[later, column] *= factor
    panel.loc[later, "volume"] = 7.0
    study = task.workspace.study
    split = split_stock(study, with_returns(panel), task.ticker, task.fold)
    return replace(task, panel=panel, split=split)


def fitted(task: Task, forecaster: Forecaster) -> Fitted:
    # Without its models everything is fitted anew.
    shutil.rmtree(task.workspace.paths.laboratory, ignore_errors=True)
    return forecaster(task, quiet)


@pytest.mark.parametrize(
    "forecaster",
    [
        fit_stock_lstm,
        price_network(),
        keras_network(gru, name="gru", pooled=False),
        keras_network(gru, name="gru", pooled=True),
    ],
    ids=["stock_lstm", "v2", "keras", "keras_pooled"],
)
def test_another_future_moves_no_weight_and_no_earlier_forecast(
    tmp_path: Path, laboratory: Laboratory, forecaster: Forecaster
) -> None:
    task = task_of(laboratory)
    paths = replace(task.workspace.paths, root=tmp_path)
    for folder in ("processed", "analysis"):
        source = getattr(task.workspace.paths, folder)
        shutil.copytree(source, getattr(paths, folder))
    task = replace(task, workspace=replace(task.workspace, paths=paths))
    day = pd.Timestamp(YEAR, 7, 1)
    here = fitted(task, forecaster)
    there = fitted(with_another_future(task, day), forecaster)
    # Weights are fitted before the year: a change after it began moves none.
    assert there.model.digest == here.model.digest
    key = ["model", "origin"]
    both = here.forecasts.merge(there.forecasts, on=key, suffixes=("", "_there"))
    known = both[both["origin"] <= day]
    assert len(known) > 100
    pd.testing.assert_series_equal(
        known["y_hat"], known["y_hat_there"], check_names=False, check_exact=True
    )
    # The thresholded forecast is often 0 in both.
    later = both[(both["origin"] > day) & (both["model"] == here.name)]
    later = later.dropna(subset=["y_hat", "y_hat_there"])
    assert (later["y_hat"] != later["y_hat_there"]).mean() > 0.5


def test_another_past_moves_the_weights(laboratory: Laboratory) -> None:
    task = task_of(laboratory)
    forecaster = keras_network(gru, name="gru", pooled=False)
    changed = with_another_future(task, pd.Timestamp(YEAR - 1, 6, 1))
    assert (
        forecaster(task, quiet).model.digest != forecaster(changed, quiet).model.digest
    )


def test_a_keras_run_is_stored_without_code_and_says_it_is_slower(
    laboratory: Laboratory, gru_run: Run
) -> None:
    stored = gru_run.model.folder / FILE
    model = read_keras(stored.read_bytes())
    # A GRU of 4 units on 6 channels with two biases, and a dense one of 4 inputs.
    assert model.count_params() == 3 * (4 * (6 + 4) + 2 * 4) + 4 + 1
    assert gru_run.n_parameters == model.count_params()
    own = gru_run.forecasts[gru_run.forecasts["model"] == "gru"].dropna(subset="y_hat")
    error = ((own["y"] - own["y_hat"]) ** 2)[own["y"].notna()].sum()
    naive = (own["y"] ** 2).sum()
    assert gru_run.scores["gru"]["skill"] == pytest.approx(1 - error / naive, rel=1e-6)
    said = repr(gru_run)
    assert len(gru_run.summary) == 5 and "slower than the engine" in said
    assert "a free year: no trial was recorded" in said and "not profit" in said
    page = gru_run._repr_html_()
    # The picture comes first, then the sentences, then the table.
    assert page.index("<figure") < page.index("<ul") < page.rindex("<table")
    assert "data:image/svg+xml" in gru_run.plot_training().html
    assert "gru" in set(laboratory.runs["model"])


def test_the_same_keras_run_has_the_same_bytes_and_counts_once(
    laboratory: Laboratory, gru_run: Run
) -> None:
    again = laboratory.run(STOCK, gru, progress=quiet, **SHORT)
    assert again.model.digest == gru_run.model.digest
    assert again.n_evaluations == gru_run.n_evaluations
    pd.testing.assert_frame_equal(again.forecasts, gru_run.forecasts)
    runs = laboratory.sweep(STOCK, gru, seeds=[1, 2], progress=quiet, **SHORT)
    assert runs[0].model.digest == gru_run.model.digest != runs[1].model.digest
    skills = [run.scores["gru"]["skill"] for run in runs]
    spread = runs.spread.iloc[0]
    assert spread["n_seeds"] == 2 and spread["skill"] == pytest.approx(np.mean(skills))
    assert spread["deviation"] == pytest.approx(np.std(skills, ddof=1))
    assert "over 2 seeds" in repr(runs) and "All years are free" in repr(runs)


def test_results_are_compared_on_the_sessions_of_both(
    tmp_path: Path, laboratory: Laboratory, gru_run: Run
) -> None:
    other = laboratory.run(
        STOCK, attention, channels=["return", "range_position"], progress=quiet, **SHORT
    )
    assert other.settings["channels"] == ["return", "range_position"]
    found = laboratory.compare(gru_run, other)
    joined = gru_run.forecasts.query("model == 'gru'").merge(
        other.forecasts.query("model == 'attention'"), on="origin", suffixes=("", "_b")
    )
    joined = joined.dropna(subset=["y", "y_hat", "y_hat_b"])
    losses = [(joined["y"] - joined[name]) ** 2 for name in ("y_hat", "y_hat_b")]
    assert found.difference == pytest.approx((losses[0] - losses[1]).mean())
    assert found.n == len(joined)
    assert found.lower <= found.difference <= found.upper
    # Forecasts that go out and come back as a file are the same forecasts.
    back = laboratory.judge(gru_run.export(tmp_path / "gru.csv"), name="again")
    same = laboratory.compare(gru_run, back)
    assert abs(same.difference) < 1e-12
    with pytest.raises(ConfigurationError, match=r"lab\.run, lab\.sweep"):
        laboratory.compare(gru_run, 5)  # type: ignore[arg-type]


def test_equity_is_the_compounded_net_return(gru_run: Run) -> None:
    equity = gru_run.equity()
    assert equity.columns[0] == "gru" and equity.columns[-1] == "buy_and_hold"
    final = equity.iloc[-1] - 1
    for model in ("gru", "buy_and_hold"):
        assert final[model] == pytest.approx(gru_run.scores[model]["net_return"])
    with pytest.raises(ConfigurationError, match="`rule` must be of sign, gate"):
        gru_run.equity(rule="gates")


def test_a_counted_year_says_aloud_that_trials_were_recorded(
    laboratory: Laboratory,
) -> None:
    lines: list[str] = []
    always_up = pytest.importorskip("keras").initializers.Constant(3.0)

    def up(lookback: int, channels: int) -> Any:
        import keras

        dense = keras.layers.Dense(1, bias_initializer=always_up)
        given = keras.Input((lookback, channels))
        model = keras.Sequential([given, keras.layers.Flatten(), dense])
        model.compile(optimizer=keras.optimizers.SGD(1e-9), loss="mse")
        return model

    run = laboratory.run(STOCK, up, year=2023, progress=lines.append, **SHORT)
    trials = read_lines(laboratory.workspace.paths.ledger / "trials.jsonl")
    own = [line for line in trials if line["model"] == "up"]
    assert own and run.record.n_recorded >= len({line["rule"] for line in own})
    assert "a counted year" in lines[-1] and str(run.record.n_trials) in lines[-1]
    assert run.summary[-1] == lines[-1]
    evaluated = read_lines(laboratory.workspace.paths.ledger / "laboratory.jsonl")
    assert (evaluated[-1]["model"], evaluated[-1]["year"]) == ("up", 2023)


def test_two_networks_of_one_name_are_two_trials_and_two_seeds_are_one(
    laboratory: Laboratory, gru_run: Run
) -> None:
    held = gru_run.returns[gru_run.returns["rule"] == "hold"]
    held = held.assign(model="one_name", rule="gate")

    def n_trials(distinct: str, factor: float, seed: int) -> int:
        workspace = laboratory.workspace
        record_evaluation(
            replace(workspace, study=replace(workspace.study, seed=seed)),
            held.assign(net_return=factor * held["net_return"], seed=seed),
            ticker=STOCK,
            year=2023,
            model="one_name",
            version=f"{distinct}{seed}",
            settings={},
            counted=True,
            own={"one_name"},
            distinct=distinct,
        )
        trials = read_trials(workspace)
        return int((trials["model"] == "one_name").sum())

    assert n_trials("8 units", 1.0, seed=1) == 1
    assert n_trials("8 units", 0.9, seed=2) == 1
    assert n_trials("16 units", 0.8, seed=1) == 2


def test_with_the_studys_settings_it_is_the_studys_stock_lstm(
    laboratory: Laboratory,
) -> None:
    data = open_study_data(laboratory.workspace)
    (fold,) = data.walk_forward
    train_stock_lstm(data, [fold], names=[STOCK], progress=quiet)
    theirs = load_bundle(bundle_folder(data, STOCK, fold.year, "stock_lstm"))
    run = laboratory.run(STOCK, year=fold.year, progress=quiet)
    mine = load_bundle(run.model.folder)
    for one, other in zip(mine.model.weights, theirs.model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert {"stock_lstm", "stock_lstm_median", "persistence"} <= set(run.scores)
    less = laboratory.run(
        STOCK, year=fold.year, channels=["return"], progress=quiet, pool_epochs=1
    )
    assert load_bundle(less.model.folder).model.architecture.channels == 1


def test_a_ranking_model_is_scored_by_rank_ic_and_sees_no_future(
    laboratory: Laboratory,
) -> None:
    workspace = laboratory.workspace
    path = workspace.paths.processed / "panel.parquet"
    panel = read_table(PANEL, path)
    here = laboratory.rank("ridge", year=2023, progress=quiet)
    assert here.forecasts["horizon"].nunique() == 3
    assert "Rank IC is no profit" in repr(here) and "<table" in here._repr_html_()
    (fold,) = make_folds(2024, 1)[:1]
    other = panel.copy()
    later = other["session"] >= fold.end
    other.loc[later, "price"] *= 1.5
    try:
        write_table(other, PANEL, path)
        there = rank_year(workspace, "ridge", 2023, given={}, progress=quiet)
    finally:
        write_table(panel, PANEL, path)
    pd.testing.assert_frame_equal(here.forecasts, there.forecasts)
    pd.testing.assert_frame_equal(here.rank_ic, there.rank_ic)
