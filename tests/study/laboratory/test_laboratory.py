"""A researcher's run: free on old years, counted on judged ones, never on the last."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from support.tiny_study import tiny_workspace

from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.features.folds import make_folds
from nse_lstm.models.architectures import Architecture, Dense, Lstm
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.jobs import TrainedModel
from nse_lstm.study.core.jobs import v2_job
from nse_lstm.study.core.ledger import read_lines
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.laboratory import Laboratory, Run, open_laboratory
from nse_lstm.study.laboratory.reprs import (
    register_reprs,
    show_bundle,
    show_fold,
    show_model,
)
from nse_lstm.tables import PANEL, read_table, write_table

STOCK = "SCOM"
MINE = Architecture(
    name="mine",
    lookback=6,
    channels=1,
    layers=(Lstm("lstm", 3, sequences=False), Dense("price", 1)),
    loss="mse",
)


def quiet(_: str) -> None: ...


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = tiny_workspace(tmp_path_factory.mktemp("laboratory"))
    prepare_raw(workspace)
    analyse_data(workspace)
    return workspace


@pytest.fixture(scope="module")
def laboratory(workspace: Workspace) -> Laboratory:
    root = workspace.paths.root
    return open_laboratory(str(root), study=str(root / "study.toml"), test_year=2024)


def test_a_year_is_free_counted_or_sealed(laboratory: Laboratory) -> None:
    # Data from 2021 on; 2023 is walked forward, 2024 the test year.
    uses = dict(zip(laboratory.years["year"], laboratory.years["use"], strict=True))
    assert uses == {2022: "free", 2023: "counted", 2024: "sealed"}
    assert "sealed" in laboratory._repr_html_()


@pytest.mark.parametrize("year", [2024, 2025])
def test_the_test_year_is_refused(laboratory: Laboratory, year: int) -> None:
    with pytest.raises(ConfigurationError, match=r"2024|2022 to 2023"):
        laboratory.run(STOCK, year=year)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"unitz": 4}, "Received: unitz"),
        ({"units": 0}, r"v2\.units.*Received: 0"),
        ({"workers": 2}, "Received: workers"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    laboratory: Laboratory, settings: dict[str, int], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        laboratory.run(STOCK, **settings)


def test_only_ordinary_shares_can_be_run(laboratory: Laboratory) -> None:
    with pytest.raises(ConfigurationError, match=r"'\.\./x'"):
        laboratory.run("../x")


@pytest.mark.parametrize(
    ("network", "settings", "says"),
    [
        (replace(MINE, name="v1"), {}, "Received: 'v1'"),
        (replace(MINE, name="../x"), {}, r"Received: '\.\./x'"),
        (replace(MINE, channels=2), {}, "Received: 2 and 1"),
        (MINE, {"units": 3}, "Received: units"),
    ],
)
def test_a_network_that_cannot_be_used_is_named(
    laboratory: Laboratory,
    network: Architecture,
    settings: dict[str, int],
    says: str,
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        laboratory.run(STOCK, architecture=network, **settings)


def test_without_phase_1_it_says_how_to_run_it(tmp_path: Path) -> None:
    tiny_workspace(tmp_path)
    with pytest.raises(ArtefactError, match="01_data_analysis"):
        open_laboratory(str(tmp_path), study=str(tmp_path / "study.toml"))


def test_folds_and_models_show_themselves_escaped() -> None:
    fold = show_fold(make_folds(2024, 1)[0])
    assert "targets before 2023-01-01" in fold and "2023-12-31" in fold
    hostile = TrainedModel("<b>", 2023, 1, "v2", "0" * 64, Path("x"), epochs=3)
    assert "&lt;b&gt;" in show_model(hostile) and "<b>" not in show_model(hostile)


def test_a_notebook_shows_folds_as_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    formatter = DisplayFormatter()
    shell = SimpleNamespace(display_formatter=formatter)
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
    register_reprs()
    fold = make_folds(2024, 1)[0]
    assert formatter.formatters["text/html"](fold) == show_fold(fold)


@pytest.fixture(scope="module")
def free_run(laboratory: Laboratory) -> Run:
    return laboratory.run(STOCK, progress=quiet)


@pytest.mark.slow
def test_with_the_studys_settings_it_is_the_studys_network(
    workspace: Workspace, free_run: Run, tmp_path: Path
) -> None:
    from nse_lstm.models.training import train

    fold = make_folds(2023, 1)[0]
    data = open_study_data(workspace)
    job = v2_job(data, data.prices, STOCK, fold)
    train(
        [job],
        study=workspace.study,
        folder_of=lambda _: tmp_path / "v2",
        progress=quiet,
    )
    theirs = load_bundle(tmp_path / "v2")
    mine = load_bundle(free_run.model.folder)
    for one, other in zip(mine.model.weights, theirs.model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    # Long names may break where their words do.
    assert "lstm_1" in show_bundle(mine).replace("<wbr>", "")


@pytest.mark.slow
def test_a_free_run_is_scored_beside_persistence_and_leaves_no_trial(
    laboratory: Laboratory, free_run: Run
) -> None:
    assert free_run.year == 2022
    assert list(free_run.scores.columns[:2]) == ["v2", "persistence"]
    # Persistence against itself: no skill, by definition.
    assert free_run.scores["persistence"]["skill"] == 0
    own = free_run.forecasts[free_run.forecasts["model"] == "v2"]
    own = own.dropna(subset=["y", "y_hat"])
    error = (own["y"] - own["y_hat"]) ** 2
    expected = 1 - error.sum() / (own["y"] ** 2).sum()
    assert free_run.scores["v2"]["skill"] == pytest.approx(expected, rel=1e-6)
    paths = laboratory.workspace.paths
    assert free_run.model.folder.is_relative_to(paths.build)
    assert not list(paths.models.rglob("*.keras"))
    assert not (paths.ledger / "trials.jsonl").exists()
    assert "evaluation number 1" in free_run._repr_html_()
    for shown in (free_run.plot(), free_run.plot_training()):
        assert "data:image/svg+xml" in shown.html


@pytest.mark.slow
def test_the_same_run_is_fitted_and_counted_once(
    laboratory: Laboratory, free_run: Run
) -> None:
    lines: list[str] = []
    again = laboratory.run(STOCK, progress=lines.append)
    assert lines[-1].endswith("resumed")
    assert again.n_evaluations == free_run.n_evaluations
    pd.testing.assert_frame_equal(again.forecasts, free_run.forecasts)


@pytest.mark.slow
def test_another_future_moves_nothing(workspace: Workspace, free_run: Run) -> None:
    path = workspace.paths.processed / "panel.parquet"
    panel = read_table(PANEL, path)
    other = panel.copy()
    later = other["session"] >= pd.Timestamp(2023, 1, 1)
    for column in ("price", "low", "high", "volume"):
        other.loc[later, column] *= 1 + other.loc[later, "session"].dt.day
    root = workspace.paths.root
    try:
        write_table(other, PANEL, path)
        lab = open_laboratory(str(root), study=str(root / "study.toml"), test_year=2024)
        # Without its model the network is fitted anew.
        shutil.rmtree(free_run.model.folder)
        again = lab.run(STOCK, progress=quiet)
    finally:
        write_table(panel, PANEL, path)
    assert again.model.digest == free_run.model.digest
    pd.testing.assert_frame_equal(again.forecasts, free_run.forecasts)
    pd.testing.assert_frame_equal(again.scores, free_run.scores)


@pytest.mark.slow
def test_a_judged_year_and_ones_own_network_enter_the_trial_ledger(
    laboratory: Laboratory,
) -> None:
    run = laboratory.run(STOCK, year=2023, architecture=MINE, progress=quiet, seed=3)
    # An LSTM of 3 units on 1 channel: 4·3·(1 + 3 + 1); a dense one of 3 inputs: 4.
    assert run.n_parameters == 4 * 3 * 5 + 4
    assert run.model.seed == 3
    paths = laboratory.workspace.paths
    models = {line["model"] for line in read_lines(paths.ledger / "trials.jsonl")}
    assert models and "persistence" not in models
    line = read_lines(paths.ledger / "laboratory.jsonl")[-1]
    assert (line["model"], line["year"], line["ticker"]) == ("mine", 2023, STOCK)
    assert json.loads(line["settings"]) == {}
    assert set(laboratory.runs["model"]) >= {"mine"}
    counts = laboratory.years.set_index("year")["n_evaluations"]
    assert counts[2023] == 1 and counts[2024] == 0
