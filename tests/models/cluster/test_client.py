import os
import signal
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.dask_cluster import Cluster, dask_cluster
from support.training_jobs import make_jobs, make_pooled_job, make_study

from nse_lstm.config import Study
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.models.bundles import read_run
from nse_lstm.models.cluster import client as client_side
from nse_lstm.models.training import train

pytest.importorskip("distributed", reason="the extra `scale` is not installed")


def on_cluster(study: Study, address: str, folder: Path) -> Study:
    where = {"engine": "dask", "scheduler": address, "store": str(folder / "store")}
    return replace(study, training=replace(study.training, **where))


def run(jobs, study: Study, folder: Path, progress=None):
    lines: list[str] = []
    models = train(
        jobs,
        study=study,
        folder_of=lambda job: folder / f"{job.ticker}_{job.seed}",
        progress=progress or lines.append,
    )
    return models, lines


def files(folder: Path) -> dict[str, bytes]:
    """Read all but the times, which are outside every digest."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.glob("*_*/*"))
        if path.name != "run.json"
    }


def make_all_jobs():
    seeds = [replace(job, seed=seed) for seed in (1, 2) for job in make_jobs("ABC")]
    return [*seeds, make_pooled_job()]


# No processes: what is wrong before any job is sent.


def test_an_address_that_nobody_answers_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(client_side, "CONNECT_SECONDS", 0.2)
    for address in ("tcp://127.0.0.1:9", "nonsense://127.0.0.1:9"):
        study = on_cluster(make_study(), address, tmp_path)
        with pytest.raises(ConfigurationError, match=r"training\.scheduler.*:9'"):
            run(make_jobs("A"), study, tmp_path)


def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch):
    study = on_cluster(make_study(), "tcp://127.0.0.1:9", tmp_path)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigurationError, match=r"nse-lstm\[scale\]"):
        run(make_jobs("A"), study, tmp_path)


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({"n_workers": 1, "threads_per_worker": 2}, "threads 1 expected, 2 received"),
        ({"n_workers": 0}, "Received: none within"),
    ],
)
def test_workers_of_two_threads_and_no_workers_are_refused(
    tmp_path, monkeypatch, sizes, told
):
    from distributed import LocalCluster

    monkeypatch.setattr(client_side, "PATIENCE", 0.2)
    options = {"processes": False, "dashboard_address": ":0"}
    with LocalCluster(**sizes, **options) as cluster:
        study = on_cluster(make_study(), cluster.scheduler_address, tmp_path)
        with pytest.raises(ConfigurationError, match=told):
            run(make_jobs("A"), study, tmp_path)


class Stuck:
    """Stands for a future, a client or a pool that never gives anything."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.n_asked, self.address = error, 0, "tcp://10.0.0.1:8786"
        self.scheduler = self

    def result(self, *_):
        self.n_asked += 1
        raise self.error

    submit = result

    def scheduler_info(self):
        return {"workers": {}}


def test_a_job_that_workers_die_of_has_failed_and_ends_nothing(tmp_path):
    from distributed import KilledWorker

    job = make_jobs("A")[0]
    future = Stuck(KilledWorker("fit", None, 3))
    model = client_side._result(future, None, job, tmp_path)
    assert model.failure.startswith("AAA 2021: 4 workers died fitting it")


def test_a_process_that_dies_again_and_again_fails_its_job(monkeypatch):
    from nse_lstm.models.cluster import worker

    pool = Stuck(BrokenProcessPool("killed"))
    restarts: list[int] = []

    def start():
        return pool

    start.cache_clear = lambda: restarts.append(pool.n_asked)
    monkeypatch.setattr(worker, "_process", start)
    monkeypatch.setattr(worker, "get_worker", lambda: None)
    monkeypatch.setattr(worker, "worker_facts", lambda _: {})
    message = SimpleNamespace(expected={})
    assert "died 3 times" in worker.fit_message(message)
    assert restarts == [1, 2, 3]


def test_without_any_worker_waiting_ends(monkeypatch):
    monkeypatch.setattr(client_side, "PATIENCE", 0.01)
    with pytest.raises(ArtefactError, match=r"a worker at tcp.*run again to resume"):
        client_side._Queue(Stuck()).next()


class Absent:
    """Cannot be found where it is unpickled, as in an older installation."""

    def __reduce__(self):
        return import_module, ("nse_lstm.models.absent",)

    def __call__(self, dask_worker):
        return {}


# Processes: one cluster for the tests below, the last of which ends it.


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with dask_cluster(tmp_path_factory.mktemp("dask")) as cluster:
        cluster.start_worker()
        yield cluster


@pytest.fixture(scope="module")
def lost_worker(cluster, tmp_path_factory):
    """Train on two workers, one of them killed with a job in hand."""
    from distributed import Client
    from psutil import Process

    folder = tmp_path_factory.mktemp("lost")
    doomed = cluster.start_worker()
    jobs, study = make_all_jobs(), make_study(max_epochs=30, stopping_patience=30)
    lines, killed = [], []

    def progress(line: str) -> None:
        lines.append(line)
        if not killed:
            killed.extend(_kill(client, Process(doomed.pid)))

    with Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        study = on_cluster(study, cluster.address, folder)
        models, _ = run(jobs, study, folder / "models", progress)
    return jobs, study, folder, models, lines, killed


def _kill(client, nanny) -> list:
    """Kill a nanny and its worker, which is at work, but not the process that fits."""
    worker = next(p for p in nanny.children() if p.children())
    busy = {
        pid
        for address, pid in client.run(os.getpid).items()
        if client.processing()[address]
    }
    assert worker.pid in busy
    fitting = [p for p in worker.children() if "spawn_main" in " ".join(p.cmdline())]
    for process in (nanny, worker):
        process.send_signal(signal.SIGKILL)
    return fitting


@pytest.mark.slow
def test_with_a_worker_killed_the_bytes_are_those_of_a_local_run(lost_worker):
    jobs, study, folder, models, lines, _ = lost_worker
    assert [model.failure for model in models] == [None] * 7
    assert [model.ticker for model in models] == [job.ticker for job in jobs]
    local = replace(study, training=replace(study.training, engine="local", workers=1))
    run(jobs, local, folder / "local")
    assert len(files(folder / "local")) == 7 * 6
    assert files(folder / "models") == files(folder / "local")
    assert [line.split("]")[0] for line in lines] == [f"[{n}/7" for n in range(1, 8)]
    assert " epochs/s" in lines[-1]


@pytest.mark.slow
def test_a_killed_workers_process_ends_with_it(lost_worker):
    (fitting,) = lost_worker[-1]
    assert fitting.wait(timeout=10) is None or not fitting.is_running()


@pytest.mark.slow
def test_what_the_store_holds_is_not_trained_again(lost_worker):
    jobs, study, folder, models, *_ = lost_worker
    was = read_run(models[0].folder)
    (models[0].folder / "model.keras").write_bytes(b"cut short")
    again, lines = run(jobs, study, folder / "models")
    assert sum(line.endswith("resumed") for line in lines) == 6
    assert again == models and read_run(models[0].folder) == was


@pytest.mark.slow
def test_workers_of_other_sources_are_refused_now_and_later(
    cluster: Cluster, tmp_path, monkeypatch
):
    from nse_lstm.models.cluster import worker

    mine = {**worker.own_facts(), "sources": "0" * 12}
    monkeypatch.setattr(worker, "own_facts", lambda: mine)
    study = on_cluster(make_study(), cluster.address, tmp_path)
    with pytest.raises(ConfigurationError, match="sources 000000000000 expected, "):
        run(make_jobs("A"), study, tmp_path)
    # One that comes after the others were looked at is sent a job, and refuses it.
    monkeypatch.setattr(worker, "differences", lambda *_: "")
    with pytest.raises(ArtefactError, match=r"tcp://.*sources 000000000000 expected, "):
        run(make_jobs("A"), study, tmp_path)
    monkeypatch.setattr(worker, "worker_facts", Absent())
    with pytest.raises(
        ConfigurationError, match=r"No module.*nse_lstm\.models\.absent"
    ):
        run(make_jobs("A"), study, tmp_path)
    assert not list(tmp_path.glob("*_*"))


@pytest.mark.slow
def test_a_scheduler_that_dies_is_told_and_what_was_finished_is_kept(
    cluster: Cluster, tmp_path, monkeypatch
):
    monkeypatch.setattr(client_side, "CONNECT_SECONDS", 1.0)
    jobs, study = make_all_jobs(), on_cluster(make_study(), cluster.address, tmp_path)
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)
        if len(lines) == 1:
            cluster.processes[0].kill()

    started = time.monotonic()
    with pytest.raises(ArtefactError, match="run again to resume"):
        run(jobs, study, tmp_path, progress)
    assert time.monotonic() - started < 60
    assert len(list(tmp_path.glob("*_*"))) == len(lines) < len(jobs)
