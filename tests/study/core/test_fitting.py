"""Two runs with the same job on one machine: one fits, the other takes its bundle."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.training_jobs import make_jobs, make_study

from nse_lstm.errors import ArtefactError
from nse_lstm.models.jobs import TrainedModel, TrainingJob
from nse_lstm.models.outcomes import fit_job
from nse_lstm.study.core.fitting import fit_models


def run(jobs: list[TrainingJob], root: Path) -> list[TrainedModel]:
    return fit_models(
        jobs,
        study=make_study(),
        folder_of=lambda job: root / "models" / job.ticker,
        progress=lambda _: None,
        locks=root / "build" / "locks",
    )


@pytest.mark.slow
def test_two_processes_fit_the_same_job_once(tmp_path: Path) -> None:
    jobs = make_jobs("A")
    # Each run starts a process of its own, which imports TensorFlow before it fits.
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: run(jobs, tmp_path), range(2))
    # The seconds of the one fit stand in both: a second fit would take others.
    assert first == second
    assert first[0].seconds > 0
    locks = list((tmp_path / "build" / "locks").iterdir())
    assert [path.suffix for path in locks] == [".lock"]
    names = {path.name for path in (tmp_path / "models").rglob("*")}
    assert not [name for name in names if "lock" in name]


def test_a_bundle_that_came_while_waiting_is_not_fitted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = make_jobs("A")
    theirs = TrainedModel("AAA", 2021, 1, "v2", "1", tmp_path / "AAA")
    monkeypatch.setattr(
        "nse_lstm.models.outcomes.find_model", lambda job, folder: theirs
    )
    found = fit_job(job, make_study(), tmp_path / "AAA", tmp_path / "locks" / "a.lock")
    assert found is theirs


def test_a_failure_names_its_job_and_how_many_there_were(tmp_path: Path) -> None:
    (job,) = make_jobs("A")
    job.validation.y[0] = float("nan")
    with pytest.raises(ArtefactError, match=r"1 trained models\. Received: 1 failures"):
        run([job], tmp_path)
