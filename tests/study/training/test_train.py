"""Phase 3 without a fit: which models are asked for, and what is said of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nse_lstm.models.jobs import TrainedModel, TrainingJob
from nse_lstm.study.core import fitting
from nse_lstm.study.core.fitting import expected_time
from nse_lstm.study.core.jobs import training_jobs
from nse_lstm.study.core.phase_tables import ALL_STOCKS
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.training import stock_lstm, train

WALK_FORWARD, TEST_YEAR = 2023, 2024
LOOKBACK = 8


@pytest.fixture
def data(finished: Workspace) -> StudyData:
    return open_study_data(finished)


def with_v2(data: StudyData, **changes: object) -> StudyData:
    return replace(
        data, study=replace(data.study, v2=replace(data.study.v2, **changes))
    )


def test_each_fold_has_v1_of_all_stocks_and_v2_of_each(data: StudyData) -> None:
    jobs = training_jobs(data)
    stocks = [(ticker, "v2") for ticker in data.recommended[TEST_YEAR]]
    last = [(job.ticker, job.architecture) for job in jobs if job.year == TEST_YEAR]
    assert last == [(ALL_STOCKS, "v1"), *stocks]
    assert {job.year for job in jobs} == {WALK_FORWARD, TEST_YEAR}
    for job in jobs:
        # One input price per session of v2's lookback, for v1 too.
        assert job.train.X.shape[1] == LOOKBACK
        assert job.train.target_date.max() < np.datetime64(f"{job.year}-01-01")


def test_a_setting_renames_the_models_that_it_makes(data: StudyData) -> None:
    def versions(data: StudyData, architecture: str) -> list[str]:
        jobs = training_jobs(data)
        return [job.version for job in jobs if job.architecture == architecture]

    wider = with_v2(data, units=5)
    longer = with_v2(data, lookback=9)
    assert versions(wider, "v1") == versions(data, "v1")
    assert not set(versions(wider, "v2")) & set(versions(data, "v2"))
    for architecture in ("v1", "v2"):
        assert not set(versions(longer, architecture)) & set(
            versions(data, architecture)
        )


def test_the_expected_time_counts_windows_epochs_and_lookback(
    data: StudyData, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = data.study
    slow = replace(
        study,
        v1=replace(study.v1, max_epochs=30_000),
        training=replace(study.training, max_epochs=50_000, workers=3),
    )
    jobs = training_jobs(data)
    monkeypatch.setattr(fitting, "is_trained", lambda data, job: job.year == TEST_YEAR)
    waiting = [job for job in jobs if job.year == WALK_FORWARD]
    assert 0 < len(waiting) < len(jobs)
    steps = sum(
        len(job.train) * (30_000 if job.architecture == "v1" else 50_000) * LOOKBACK
        for job in waiting
    )
    # 200,000 windows times sessions per second and thread, 3 threads, 60 s per minute.
    minutes = steps / 200_000 / 3 / 60
    assert minutes > 5
    assert expected_time(replace(data, study=slow), jobs) == (
        f"{len(jobs)} models, {len(jobs) - len(waiting)} of them there already; "
        f"the rest takes at most about {minutes:.0f} min on 3 cores"
    )


def test_the_summary_holds_each_models_own_windows_and_losses(
    own_study: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def fit(jobs: list[TrainingJob], **how: Any) -> list[TrainedModel]:
        given.update(how)
        return [
            TrainedModel(
                job.ticker,
                job.year,
                job.seed,
                job.architecture,
                job.version,
                how["folder_of"](job),
                epochs=9,
                best_epoch=4,
                train_loss=0.25,
                validation_loss=0.5,
                seconds=place + 1.0,
            )
            for place, job in enumerate(jobs)
        ]

    monkeypatch.setattr(stock_lstm, "fit_models", fit)
    study = own_study.study
    alone = replace(study, stock_lstm=replace(study.stock_lstm, trained=False))
    own_study = replace(own_study, study=alone)
    told: list[str] = []
    summary = train.train_all(own_study, progress=told.append)
    assert len(told) == 1 and "models" in told[0]
    jobs = training_jobs(open_study_data(own_study))
    assert summary["n_train"].to_list() == [len(job.train) for job in jobs]
    # v1 has no validation span.
    n_validation = [
        0 if job.architecture == "v1" else len(job.validation) for job in jobs
    ]
    assert summary["n_validation"].to_list() == n_validation
    assert summary["seconds"].to_list() == [place + 1.0 for place in range(len(jobs))]
    for name, value in {
        "epochs": 9,
        "best_epoch": 4,
        "train_loss": 0.25,
        "validation_loss": 0.5,
    }.items():
        assert set(summary[name]) == {value}
    paths = own_study.paths
    assert given["log"] == paths.build / "training_log.jsonl"
    assert given["locks"] == paths.locks
    written = pd.read_csv(paths.v2 / "training_summary.csv")
    assert written["version"].to_list() == [job.version for job in jobs]
    folders: list[Path] = [given["folder_of"](job) for job in jobs]
    assert len(set(folders)) == len(jobs)
