"""A researcher's run: free on old years, counted on judged ones, never on the last."""

import inspect
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from support.tiny_study import tiny_workspace

from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.features.folds import make_folds
from nse_lstm.json_files import write_json
from nse_lstm.models.architectures import Architecture, Dense, Lstm
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.jobs import TrainedModel
from nse_lstm.study.core.jobs import v2_job
from nse_lstm.study.core.ledger import read_lines
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace, open_workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.laboratory import Laboratory, Run, open_laboratory
from nse_lstm.study.laboratory.reprs import (
    register_reprs,
    show_bundle,
    show_fold,
    show_model,
)
from nse_lstm.study.laboratory.run_settings import SETTINGS
from nse_lstm.study.tools.stamp import write_stamp
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
    ("how", "says"),
    [
        ({"unitz": 4}, r"`unitz` is no setting of `stock_lstm`. Did you mean units\?"),
        ({"units": 0}, r"stock_lstm\.units.*Received: 0"),
        ({"units": "8"}, "`units` must be a number. Received: '8', a str"),
        ({"workers": 2}, "One network needs only one process"),
        ({"horizon": 5}, "Runs forecast the next session.*lab.judge"),
        ({"dense_units": 3}, "no setting of `stock_lstm` but of v2"),
        ({"model": "v2", "skip_l2": 1.0}, "no setting of `v2` but of stock_lstm"),
        (
            {"year": "2022"},
            "a whole number, such as year=2022. Received: '2022', a str",
        ),
        ({"year": True}, "a whole number"),
        ({"seed": 1.5}, "`seed` must be a whole number"),
        ({"model": "stock_lstn"}, r"Did you mean stock_lstm\?"),
        ({"model": "ridge"}, r"use lab\.rank\('ridge'"),
        ({"channels": ["retrun"]}, r"Did you mean return\?"),
        ({"channels": "return"}, "must be a list"),
        ({"channels": []}, "at least one channel"),
        ({"model": "v2", "channels": ["return"]}, "for a Keras model or the stock"),
        ({"pooled": True}, "for any Keras model"),
    ],
)
def test_what_cannot_be_used_is_named_before_anything_runs(
    laboratory: Laboratory, how: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        laboratory.run(STOCK, **how)


@pytest.mark.parametrize(
    ("ticker", "says"),
    [
        ("../x", r"'\.\./x'"),
        ("SCMO", r"Did you mean SCOM\?"),
        ("scom", r"Did you mean SCOM\?"),
        (["SCOM", "KCB"], r"one stock. Received: a list.*lab\.sweep"),
    ],
)
def test_only_ordinary_shares_can_be_run(
    laboratory: Laboratory, ticker: Any, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        laboratory.run(ticker)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"units": [4, 0]}, r"stock_lstm\.units.*Received: 0"),
        ({"unit": [4, 8]}, r"Did you mean units\?"),
        ({"years": [2022, "2022"]}, "a whole number.*Received: '2022'"),
        ({"years": [2022, 2024]}, "before the test year"),
        ({"seeds": [1, "2"]}, "`seed` must be a whole number"),
        ({"channels": ["retrun"]}, r"Did you mean return\?"),
        ({"units": ()}, "an empty list"),
    ],
)
def test_a_sweep_is_refused_whole_before_its_first_run(
    laboratory: Laboratory,
    monkeypatch: pytest.MonkeyPatch,
    how: dict[str, Any],
    says: str,
) -> None:
    monkeypatch.setattr(Laboratory, "run", None)  # A run would be a TypeError.
    with pytest.raises(ConfigurationError, match=says):
        laboratory.sweep(["SCOM"], **how)


def test_help_and_tab_completion_know_every_setting(laboratory: Laboratory) -> None:
    from IPython.core.completer import IPCompleter, provisionalcompleter

    known = inspect.signature(laboratory.run).parameters
    assert {"ticker", "model", "year", "units", "max_epochs"} <= set(known)
    swept = inspect.signature(laboratory.sweep).parameters
    assert swept["units"].annotation == int | list[int]
    completer = IPCompleter(namespace={"lab": laboratory}, use_jedi=False)
    line = "lab.run('SCOM', uni"
    with provisionalcompleter():
        found = {each.text for each in completer.completions(line, len(line))}
    assert "units=" in found
    # The settings that a model has are settings of the study file.
    for sections in SETTINGS.values():
        for section, names in sections.items():
            there = getattr(laboratory.workspace.study, section)
            assert {each for each in names if not hasattr(there, each)} == set()


def test_overrides_cannot_move_the_seal(laboratory: Laboratory) -> None:
    root = laboratory.workspace.paths.root
    for section in ("folds", "market", "test_year"):
        with pytest.raises(ConfigurationError, match=section):
            open_laboratory(str(root), overrides={section: {}})


@pytest.mark.parametrize(
    ("network", "settings", "says"),
    [
        (replace(MINE, name="v1"), {}, "Received: 'v1'"),
        (replace(MINE, name="../x"), {}, r"Received: '\.\./x'"),
        (replace(MINE, channels=2), {}, "Received: 2 and 1"),
        (MINE, {"units": 3}, "Layers are set in your architecture"),
    ],
)
def test_a_network_that_cannot_be_used_is_named(
    laboratory: Laboratory,
    network: Architecture,
    settings: dict[str, int],
    says: str,
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        laboratory.run(STOCK, network, **settings)


def test_without_phase_1_it_says_how_to_run_it(tmp_path: Path) -> None:
    tiny_workspace(tmp_path)
    with pytest.raises(ArtefactError, match=r"make .*01_data_analysis.*MARKET=files"):
        open_laboratory(str(tmp_path), market="files")


def test_a_wrong_folder_is_refused_with_advice_that_is_true(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"not there. Did you mean build/quick"
    ):
        open_laboratory("build/quik")
    tiny_workspace(tmp_path)
    with pytest.raises(ConfigurationError, match=r"'nowhere', which is not there"):
        open_laboratory(str(tmp_path), raw="nowhere")
    with pytest.raises(ConfigurationError, match=r"test_year.*a str"):
        open_laboratory(str(tmp_path), test_year="2024")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="files, simulated in"):
        open_laboratory(str(tmp_path), market="nse")


def test_a_build_is_opened_with_the_study_that_it_was_built_with(
    tmp_path: Path,
) -> None:
    root = tmp_path / "quick"
    quick = open_workspace(str(root), study="study.quick.toml", test_year=2023)
    facts = {"digest": "0", "test_year": 2023, "first_session": "2019-01-02"}
    facts |= {"last_session": "2024-12-31", "n_sessions": 1500, "n_rows": 1}
    write_json(
        quick.paths.processed / "market.json",
        {**facts, "n_tickers": 12, "walk_forward": [2022]},
    )
    scope = quick.paths.analysis / "training_recommendations.json"
    write_json(scope, {"scope": []})
    write_stamp(quick, quick.paths.build / "study.json")
    found = open_laboratory(str(root))
    assert found.workspace.study == quick.study
    assert found._use(2022) == "counted" and found._use(2021) == "free"
    assert "counted" in repr(found)
    # Under another study a free year could be a counted one, so it is refused.
    with pytest.raises(ConfigurationError, match=r"simulation, universe.*differ"):
        open_laboratory(str(root), study="study.toml")
    # An edit of what decides no year is no other study.
    stamp = quick.paths.build / "study.json"
    document = json.loads(stamp.read_text())
    document["configuration"], document["study"]["v2"]["units"] = "x", 7
    write_json(stamp, document)
    assert open_laboratory(str(root)).workspace.study.v2 == quick.study.v2
    document["study"]["folds"]["n_walk_forward"] = 9
    write_json(stamp, document)
    with pytest.raises(ConfigurationError, match=r"none of .*study\.quick\.toml"):
        open_laboratory(str(root))


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
    return laboratory.run(STOCK, "v2", progress=quiet)


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
    assert "Evaluation 1 of 2022, a free year" in free_run._repr_html_()
    for shown in (free_run.plot(), free_run.plot_training()):
        assert "data:image/svg+xml" in shown.html


@pytest.mark.slow
def test_the_same_run_is_fitted_and_counted_once(
    laboratory: Laboratory, free_run: Run
) -> None:
    lines: list[str] = []
    again = laboratory.run(STOCK, "v2", progress=lines.append)
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
        again = lab.run(STOCK, "v2", progress=quiet)
    finally:
        write_table(panel, PANEL, path)
    assert again.model.digest == free_run.model.digest
    pd.testing.assert_frame_equal(again.forecasts, free_run.forecasts)
    pd.testing.assert_frame_equal(again.scores, free_run.scores)


@pytest.mark.slow
def test_a_judged_year_and_ones_own_network_enter_the_trial_ledger(
    laboratory: Laboratory,
) -> None:
    run = laboratory.run(STOCK, MINE, year=2023, progress=quiet, seed=3)
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
