"""v2 at delay 1 runs through Phases 3 and 4 where the study asks for it."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.tiny_study import tiny_workspace

from nse_lstm.config import V2Delay1
from nse_lstm.study.core.jobs import DELAY1, study_jobs, training_jobs
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.trials import read_trials
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.training.train import train_all
from nse_lstm.study.validation.validate import validate


@pytest.mark.slow
def test_it_is_trained_dealt_and_counted_where_it_is_asked_for(tmp_path: Path) -> None:
    bare = tiny_workspace(tmp_path)
    prepare_raw(bare)
    analyse_data(bare)
    study = replace(bare.study, v2_delay1=V2Delay1(trained=True))
    workspace = replace(bare, study=study)
    data = open_study_data(workspace)
    usual, jobs = training_jobs(data), study_jobs(data)
    n_more = sum(len(names) for names in data.recommended.values())
    assert len(study_jobs(open_study_data(bare))) == len(usual)
    assert len(jobs) == len(usual) + n_more
    # The variant retrains nothing that is there without it.
    assert [job.version for job in jobs[: len(usual)]] == [
        job.version for job in training_jobs(open_study_data(bare))
    ]
    assert len({job.version for job in jobs}) == len(jobs)
    train_all(workspace, progress=lambda line: None)
    lines = list[str]()
    train_all(workspace, progress=lines.append)
    assert sum("resumed" in line for line in lines) == len(jobs)
    before = validate(workspace).walk_forward
    own = before.forecasts[before.forecasts["model"] == DELAY1]
    assert len(own) > 0 and set(own["delay"]) == {1}
    rules = before.returns.loc[before.returns["model"] == DELAY1, "rule"]
    assert set(rules) == {"sign", "gate"}
    metrics = before.scores.loc[before.scores["model"] == DELAY1, "metric"]
    assert "net_return" in set(metrics) and "mape" not in set(metrics)
    dealt = before.returns[before.returns["cost_bps"] == 66]
    for rule, rows in dealt[dealt["model"] == DELAY1].groupby("rule"):
        trials = read_trials(workspace)
        counted = (trials["model"] == DELAY1) & (trials["rule"] == rule)
        assert counted.any() == rows["turnover"].any()
