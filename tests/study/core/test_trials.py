"""The ledger of trials: what counts as one, and the returns it keeps."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.sealed_study import make_workspace

from nse_lstm.errors import ArtefactError
from nse_lstm.evaluation.strategies import BENCHMARKS
from nse_lstm.evaluation.verdict import pooled_excess
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.trials import read_trial_matrix, read_trials, record_trials
from nse_lstm.tables import STRATEGY_RETURNS

NET = [0.011, -0.009, 0.021, 0.001]
SESSIONS = pd.bdate_range("2020-01-06", periods=4).as_unit("us")


def make_returns(*, model: str = "v2", turnover: float = 1.0) -> pd.DataFrame:
    rows = {
        "ticker": "AAA",
        "model": model,
        "seed": 1,
        "fold": 2020,
        "rule": "sign",
        "cost_bps": 66,
        "session": SESSIONS,
        "position": 1.0,
        "turnover": turnover,
        "gross_return": 0.0,
        "net_return": NET,
        "cash_return": 0.001,
        "stock_return": 0.0,
    }
    return pd.DataFrame(rows)[list(STRATEGY_RETURNS.columns)]


def count_trials(data: StudyData, returns: pd.DataFrame, **how: Any) -> int:
    """Record trials and count all of the ledger."""
    record_trials(data, returns, **how)
    return len(read_trials(data))


def seeded(data: StudyData, seed: int) -> StudyData:
    return replace(data, study=replace(data.study, seed=seed))


def test_every_distinct_strategy_is_a_trial_once(tmp_path: Path) -> None:
    data = open_study_data(make_workspace(tmp_path))
    returns = pd.concat([make_returns(), make_returns(model="repeat_sign")])
    other = returns.assign(net_return=returns["net_return"] + 0.001)
    assert count_trials(data, returns, study="s", cost_bps=66) == 2
    assert count_trials(data, returns, study="s", cost_bps=66) == 2
    assert count_trials(data, other, study="t", cost_bps=66) == 4
    # mean 0.005, deviations .005 -.015 .015 -.005: variance 5e-4 / 3
    deviation = (5e-4 / 3) ** 0.5
    expected = [0.005 / deviation] * 2 + [0.006 / deviation] * 2
    assert read_trials(data)["sharpe"].to_list() == pytest.approx(expected)


def test_the_judged_strategys_trial_is_known_by_its_returns(tmp_path: Path) -> None:
    data = open_study_data(make_workspace(tmp_path))
    judged, other = (
        make_returns(),
        make_returns(model="ar1").assign(
            net_return=lambda rows: rows["net_return"] + 0.001
        ),
    )
    record_trials(data, pd.concat([judged, other]), study="s", cost_bps=66)
    trials = read_trials(data, judged=pooled_excess(judged))
    assert trials.loc[trials["own"], "model"].to_list() == ["v2"]
    assert not read_trials(data)["own"].any()


def test_a_strategy_that_never_deals_is_no_trial(tmp_path: Path) -> None:
    data = open_study_data(make_workspace(tmp_path))
    idle = make_returns(model="persistence", turnover=0.0)
    assert count_trials(data, idle, study="s", cost_bps=66) == 0


def test_yardsticks_fixed_beforehand_are_no_trials(tmp_path: Path) -> None:
    data = open_study_data(make_workspace(tmp_path))
    held = [
        make_returns(model=model).assign(rule=rule)
        for model, rule in BENCHMARKS.items()
    ]
    returns = pd.concat([*held, make_returns(model="ar1")])
    assert count_trials(data, returns, study="s", cost_bps=66) == 1
    assert read_trials(data)["model"].to_list() == ["ar1"]


def test_rewritten_sources_that_deal_the_same_are_the_same_trial(
    tmp_path: Path,
) -> None:
    data = open_study_data(make_workspace(tmp_path))
    assert count_trials(data, make_returns(), study="s", cost_bps=66) == 1
    assert count_trials(data, make_returns(), study="t", cost_bps=66) == 1


def test_seeds_are_children_of_one_trial_whose_return_is_their_mean(
    tmp_path: Path,
) -> None:
    data = open_study_data(make_workspace(tmp_path))
    other = make_returns().assign(net_return=[0.021, 0.001, 0.001, 0.001])
    assert count_trials(seeded(data, 1), make_returns(), cost_bps=66) == 1
    assert count_trials(seeded(data, 2), other, cost_bps=66) == 1
    matrix = read_trial_matrix(data, SESSIONS)
    # Over cash: 1, -1, 2, 0 % and 2, 0, 0, 0 %.
    assert matrix.to_numpy().ravel() == pytest.approx([0.015, -0.005, 0.01, 0])


def test_the_matrix_is_the_ledgers_and_knows_its_sessions(tmp_path: Path) -> None:
    data = open_study_data(make_workspace(tmp_path))
    later = SESSIONS + pd.Timedelta(days=7)
    elsewhere = make_returns(model="ar1").assign(session=later)
    both = pd.concat([make_returns(), elsewhere])
    assert count_trials(data, both, study="s", cost_bps=66) == 2
    count_trials(data, make_returns(model="ar5"), study="t", cost_bps=66)
    matrix = read_trial_matrix(data, SESSIONS[1:])
    # AR(1) has other sessions: it counts, and has nothing to compare.
    assert matrix.columns.to_list() == ["v2 sign #2", "ar5 sign #3"]
    assert matrix["v2 sign #2"].to_list() == pytest.approx([-0.01, 0.02, 0.0])
    assert list(matrix.index) == list(SESSIONS[1:])


def test_a_clean_clone_counts_the_same_trials_from_the_committed_lines(
    tmp_path: Path,
) -> None:
    data = open_study_data(make_workspace(tmp_path / "one"))
    count_trials(data, make_returns(), study="s", cost_bps=66)
    clone = open_study_data(make_workspace(tmp_path / "two"))
    shutil.copytree(data.paths.ledger, clone.paths.ledger)
    assert count_trials(clone, make_returns(), study="s", cost_bps=66) == 1
    pd.testing.assert_frame_equal(
        read_trial_matrix(clone, SESSIONS), read_trial_matrix(data, SESSIONS)
    )


def test_a_line_holds_statistics_and_little_of_them(tmp_path: Path) -> None:
    data = open_study_data(make_workspace(tmp_path))
    count_trials(data, make_returns(), study="s", cost_bps=66)
    line = json.loads((data.paths.ledger / "trials.jsonl").read_text())
    # By name, so that the order in which the code names them changes no byte.
    assert list(line) == sorted(line)
    assert line["excess_ppm"] == "10000 -10000 20000 0"
    assert {"first", "last", "calendar", "seed", "model", "rule"} <= set(line)


def test_the_ledgers_first_lines_still_count(tmp_path: Path) -> None:
    data = open_study_data(make_workspace(tmp_path))
    count_trials(data, make_returns(), study="s", cost_bps=66)
    path = data.paths.ledger / "trials.jsonl"
    old = {"data": "d", "study": "o", "model": "v2", "rule": "gate"}
    old |= {"excess_returns": [0.01, 0.03], "first": "2019-01-02"}
    path.write_text(json.dumps(old) + "\n" + path.read_text())
    assert read_trials(data)["n"].to_list() == [2, 4]
    assert read_trial_matrix(data, SESSIONS).shape == (4, 1)


def test_a_trial_without_its_calendar_is_named(tmp_path: Path) -> None:
    data = open_study_data(make_workspace(tmp_path))
    count_trials(data, make_returns(), study="s", cost_bps=66)
    (data.paths.ledger / "calendars.jsonl").unlink()
    with pytest.raises(ArtefactError, match=r"trial 1 in calendars\.jsonl"):
        read_trial_matrix(data, SESSIONS)
