"""A year of inputs: nothing added, nothing from the future, the same when killed."""

import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from nse_lstm.deployment.registry import promote
from nse_lstm.deployment.serving import score_latest
from nse_lstm.errors import ConfigurationError
from nse_lstm.pages.deployment import alarm_counts, plan_table, state_table
from nse_lstm.study.core.ledger import read_lines
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment import replay as module
from nse_lstm.study.deployment.monitoring import due_forecasts, monitor
from nse_lstm.study.deployment.replay import Replay, replay, replay_folder, replay_state
from nse_lstm.study.deployment.replay_inputs import (
    ReplayInputs,
    make_replay_inputs,
    read_year,
)
from nse_lstm.tables import FORECASTS, PANEL, read_table

YEAR = 2024
KILLS = 4

# Each replay is a year of sessions through a database: seconds.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workspace(finished: Workspace, tmp_path_factory) -> Workspace:
    root = tmp_path_factory.mktemp("replay") / "root"
    shutil.copytree(finished.paths.root, root)
    return replace(finished, paths=replace(finished.paths, root=root))


@pytest.fixture(scope="module")
def inputs(workspace: Workspace) -> ReplayInputs:
    data = open_study_data(workspace)
    return make_replay_inputs(data, read_year(data, YEAR))


@pytest.fixture(scope="module")
def replayed(workspace: Workspace) -> Replay:
    return replay(workspace)


def artefacts(workspace: Workspace) -> dict[str, str]:
    """Digests of all that a replay leaves but the database's own pages."""
    folder = replay_folder(workspace, YEAR)
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.suffix in (".parquet", ".csv")
    }


def test_the_store_gives_back_phase_4s_forecasts(workspace, replayed):
    table = read_table(FORECASTS, workspace.paths.evaluation / "forecasts.parquet")
    key = ["ticker", "model", "origin"]
    batch = table[table["fold"] == YEAR].set_index(key)
    stored = replayed.forecasts.set_index(key)
    assert len(stored) == len(batch)
    for name in ("price_hat", "y_hat"):
        both = pd.concat([stored[name], batch[name].rename("batch")], axis=1)
        assert (both[name] == both["batch"]).all()


def test_a_constant_forecast_is_not_promoted_over_persistence(replayed):
    assert set(replayed.forecasts["stage"]) == {"champion", "challenger"}
    champions = replayed.forecasts["stage"] == "champion"
    assert set(replayed.forecasts.loc[champions, "model"]) == {"persistence"}
    state = state_table(replayed).set_index("test").loc["v2"]
    assert state["evidence"] < 1
    assert state["at_most"] < 0
    assert replayed.promotions.empty


def test_a_sessions_state_is_the_same_when_computed_later(workspace, replayed, inputs):
    due = replayed.forecasts.merge(inputs.returns, on=["ticker", "model", "origin"])
    for place in (5, 130):
        short = replace(inputs, calendar=inputs.calendar[: place + 1])
        origins = short.calendar[: -inputs.ahead]
        early = replay_state(short, due[due["origin"].isin(origins)])
        last = short.calendar[-1]
        for name in ("tests", "alerts", "promotions"):
            whole = getattr(replayed, name)
            prefix = whole[whole["session"] <= last].reset_index(drop=True)
            pd.testing.assert_frame_equal(
                getattr(early, name), prefix, check_exact=True
            )


def test_forecasts_and_bands_are_those_of_live_scoring(workspace, replayed):
    panel = read_table(PANEL, workspace.paths.processed / "panel.parquet")
    table = read_table(FORECASTS, workspace.paths.evaluation / "forecasts.parquet")
    past = table[table["fold"] < YEAR]
    for ticker in replayed.forecasts["ticker"].unique():
        promote(
            workspace.paths.registry,
            ticker=ticker,
            stage="champion",
            model="persistence",
            version="persistence",
            bundle="",
            evidence="e" * 64,
            why="a test",
        )
    stored = replayed.forecasts[replayed.forecasts["model"] == "persistence"]
    origins = sorted(stored["origin"].unique())
    for origin in (origins[0], origins[70], origins[-1]):
        found, _ = score_latest(
            panel,
            study=workspace.study,
            paths=workspace.paths,
            as_of=pd.Timestamp(origin),
            past=past,
        )
        names = ["ticker", "target_date", "price_hat", "y_hat", "lower", "upper"]
        kept = stored.loc[stored["origin"] == origin, names].reset_index(drop=True)
        now = found[found["ticker"].isin(kept["ticker"])][names]
        pd.testing.assert_frame_equal(
            now.reset_index(drop=True), kept, check_exact=True, check_dtype=False
        )


def test_a_replay_that_is_stopped_resumes_to_the_same_bytes(
    workspace, replayed, monkeypatch
):
    whole = artefacts(workspace)
    shutil.rmtree(replay_folder(workspace, YEAR))
    real, calls = module.append_forecasts, []

    def stop_in_the_middle(store, rows):
        calls.append(len(rows))
        if len(calls) == 40:
            raise KeyboardInterrupt
        return real(store, rows)

    monkeypatch.setattr(module, "append_forecasts", stop_in_the_middle)
    with pytest.raises(KeyboardInterrupt):
        replay(workspace)
    assert artefacts(workspace) == {}
    n_before = len(calls) - 1
    replay(workspace)
    assert artefacts(workspace) == whole
    # What was stored is not stored again: the stopped session is the only one twice.
    assert (
        len(calls) - n_before == replayed.forecasts["origin"].nunique() - n_before + 1
    )


def test_the_store_of_another_study_is_replaced(workspace, replayed, tmp_path):
    whole = artefacts(workspace)
    path = workspace.paths.evaluation / "forecasts.parquet"
    table = pd.read_parquet(path)
    other = table.assign(y_hat=table["y_hat"] * 0.5)
    kept = shutil.copytree(replay_folder(workspace, YEAR), tmp_path / "kept")
    other.to_parquet(path, index=False)
    try:
        replay(workspace)
        assert artefacts(workspace) != whole
    finally:
        table.to_parquet(path, index=False)
        shutil.rmtree(replay_folder(workspace, YEAR))
        shutil.copytree(kept, replay_folder(workspace, YEAR))


def test_the_test_year_is_evaluated_once(workspace, replayed):
    lines = read_lines(workspace.paths.ledger / "test_year_evaluations.jsonl")
    assert [line["test_year"] for line in lines] == [YEAR]


def test_a_year_that_nobody_forecast_is_refused(workspace):
    with pytest.raises(ConfigurationError, match="must be a forecast year"):
        replay(workspace, year=1999)


def test_the_plan_and_the_alarms_can_be_shown(replayed):
    plan = plan_table(replayed)
    assert (
        plan.loc[plan["edge"] == 0, "by session 1000"]
        .str.rstrip("%")
        .astype(float)
        .le(5)
        .all()
    )
    counts = alarm_counts(replayed)
    assert counts["rang"].sum() == len(replayed.alerts)


def test_monitoring_the_stored_year_finds_the_alerts_of_the_replay(workspace, replayed):
    store = f"sqlite:///{replay_folder(workspace, YEAR) / module.STORE}"
    found = monitor(workspace, store=store)
    # Its last origin's target is the year's last session: all have come.
    assert found.n_realised == len(replayed.forecasts)
    ours = found.tests.set_index("test").loc["v2"]
    theirs = state_table(replayed).set_index("test").loc["v2"]
    assert ours["evidence"] == pytest.approx(theirs["evidence"], rel=1e-12)
    assert (workspace.paths.store / "alerts.csv").is_file()
    long_ago = monitor(workspace, store=store, as_of=pd.Timestamp("2025-02-03"))
    assert "stale_panel" in set(long_ago.now["alarm"])


def test_a_stored_target_is_the_markets_next_session(replayed, inputs):
    came = due_forecasts(replayed.forecasts, inputs.calendar)
    place = inputs.calendar.get_indexer(pd.DatetimeIndex(came["origin"]))
    assert (inputs.calendar[place + 1] == came["target_date"]).all()
    fewer = due_forecasts(replayed.forecasts, inputs.calendar[:-3])
    assert fewer["target_date"].max() == inputs.calendar[-4]


def test_a_replay_killed_anywhere_resumes_to_the_same_bytes(workspace, replayed):
    whole = artefacts(workspace)
    folder = replay_folder(workspace, YEAR)
    shutil.rmtree(folder)
    code = (
        "from test_replay import reopen;"
        "from nse_lstm.study.deployment.replay import replay;"
        f"replay(reopen({str(workspace.paths.root)!r}))"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    generator, stored = random.Random(1), []
    for _ in range(KILLS):
        before = n_stored(folder)
        process = subprocess.Popen([sys.executable, "-c", code], env=environment)
        # Killed while it writes, not while Python starts.
        while process.poll() is None and n_stored(folder) == before:
            time.sleep(0.005)
        time.sleep(generator.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was not caught in the middle"
        stored.append(n_stored(folder))
    print("forecasts stored when killed:", stored)
    assert artefacts(workspace) == {}
    replay(workspace)
    assert artefacts(workspace) == whole
    assert stored == sorted(set(stored))


def n_stored(folder: Path) -> int:
    """Return how many forecasts a store holds, read from beside."""
    path = folder / module.STORE
    if not path.is_file():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            return int(store.execute("SELECT count(*) FROM forecasts").fetchone()[0])
    except sqlite3.OperationalError:  # it is being made
        return 0


def reopen(root: str) -> Workspace:
    from support.tiny_study import tiny_workspace

    return tiny_workspace(Path(root))
