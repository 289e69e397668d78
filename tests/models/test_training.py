import json
import math
import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.training_jobs import make_jobs, make_pooled_job, make_study

from nse_lstm.config import Study
from nse_lstm.errors import ArtefactError
from nse_lstm.features.scaling import fit_min_max
from nse_lstm.models.bundles import load_bundle, load_keras, read_history
from nse_lstm.models.executors import keep_processes
from nse_lstm.models.jobs import TrainingJob, job_seed
from nse_lstm.models.training import train


def run(jobs, folder: Path, study: Study | None = None):
    lines: list[str] = []
    models = train(
        jobs,
        study=study or make_study(),
        folder_of=lambda job: folder / job.ticker,
        progress=lines.append,
    )
    return models, lines


def digests(folder: Path) -> dict[str, str]:
    return {
        path.parent.name: json.loads(path.read_text())["digests"]["model.keras"]
        for path in sorted(folder.glob("*/metadata.json"))
    }


def spoil(job: TrainingJob) -> TrainingJob:
    """Give a job of cents a target that only scaling takes beyond single precision."""
    train, validation = (
        replace(windows, prices=windows.prices / 1000, y=windows.y / 1000)
        for windows in (job.train, job.validation)
    )
    validation.y[0] = 1e38
    return replace(job, train=train, validation=validation)


def test_a_job_seed_has_31_bits_and_names_its_job():
    named = [(1, "SCOM", 2023), (2, "SCOM", 2023), (1, "KCB", 2023), (1, "SCOM", 2022)]
    seeds = [job_seed(*name) for name in named]
    seeds.append(job_seed(1, "SCOM", 2023, architecture="rank_lstm"))
    assert len(set(seeds)) == 5
    assert all(0 <= seed < 2**31 for seed in seeds)
    # First 4 bytes of `printf 1,SCOM,2023,v2 | sha256sum`, halved.
    assert seeds[0] == 0x0B712FE7 >> 1


def test_asking_for_training_does_not_import_tensorflow():
    code = "import sys, nse_lstm.models.training, nse_lstm.models.baselines;"
    code += "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_jobs_that_share_a_folder_are_refused(tmp_path):
    job = make_jobs("A")[0]
    with pytest.raises(ArtefactError, match="1 folders"):
        run([job, job], tmp_path)


def test_no_jobs_start_no_process(tmp_path):
    assert run([], tmp_path) == ([], [])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    jobs = make_jobs()
    models, lines = run(jobs, folder)
    return folder, jobs, models, lines


@pytest.mark.slow
def test_models_come_in_the_order_of_the_jobs_with_one_line_each(trained):
    folder, _, models, lines = trained
    assert [model.ticker for model in models] == ["AAA", "BBB"]
    assert [model.folder for model in models] == [folder / "AAA", folder / "BBB"]
    assert all(model.failure is None and model.epochs == 2 for model in models)
    assert lines[0].startswith("[1/2] AAA 2021: 2 epochs (best ")
    assert lines[1].startswith("[2/2] BBB 2021: 2 epochs (best ")
    assert " epochs/s" in lines[0] and lines[1].endswith(" epochs/s")


@pytest.mark.slow
def test_the_same_bytes_alone_in_another_order_and_in_two_processes(trained, tmp_path):
    folder, jobs, models, _ = trained
    run(make_jobs("CBA"), tmp_path / "more")
    run(jobs[1:], tmp_path / "alone")
    run([replace(jobs[1], seed=2)], tmp_path / "seed")
    run(jobs[::-1], tmp_path / "reversed")
    two, _ = run(jobs, tmp_path / "two", make_study(workers=2))
    expected = digests(folder)
    assert len(set(expected.values())) == 2
    assert digests(tmp_path / "alone") == {"BBB": expected["BBB"]}
    assert digests(tmp_path / "seed") != {"BBB": expected["BBB"]}
    assert digests(tmp_path / "reversed") == expected
    assert digests(tmp_path / "two") == expected
    assert digests(tmp_path / "more").items() > expected.items()
    assert [model.digest for model in two] == [model.digest for model in models]


@pytest.mark.slow
def test_only_what_is_missing_changed_or_of_another_version_is_fitted(tmp_path):
    jobs = make_jobs("ABC")
    models, _ = run(jobs, tmp_path)
    (tmp_path / "AAA/model.keras").write_bytes(b"cut short")
    before = digests(tmp_path)
    newer = [*jobs[:2], replace(jobs[2], version="2")]
    again, lines = run(newer, tmp_path)
    assert [line.split(":")[0] for line in lines] == [
        "[1/3] BBB 2021",
        "[2/3] AAA 2021",
        "[3/3] CCC 2021",
    ]
    assert lines[0].endswith("resumed")
    # Fitted anew, AAA took another time; BBB is what was found.
    assert replace(again[0], seconds=models[0].seconds) == models[0]
    assert again[1] == models[1]
    assert again[2].version == "2"
    assert digests(tmp_path) == before


@pytest.mark.slow
def test_a_loss_that_is_not_finite_ends_that_job_only(tmp_path):
    jobs = make_jobs()
    models, lines = run([spoil(jobs[0]), jobs[1]], tmp_path)
    assert "AAA 2021" in models[0].failure and "finite" in models[0].failure
    assert not (tmp_path / "AAA").exists()
    assert models[1].failure is None and (tmp_path / "BBB").is_dir()
    assert any(line.startswith("[1/2] failed: AAA 2021") for line in lines)


class Deadly:
    """Ends the process that unpickles it, as a lack of memory would."""

    def __reduce__(self):
        return os._exit, (1,)


@pytest.mark.slow
def test_fits_in_one_block_share_a_process_and_keep_their_bytes(trained, tmp_path):
    folder, jobs, _, _ = trained
    with keep_processes(make_study()) as pool, keep_processes(make_study()) as inner:
        assert inner is pool and not multiprocessing.active_children()
        for job in jobs:
            run([job], tmp_path)
            (only,) = multiprocessing.active_children()
            assert pool.submit(os.getpid).result() == only.pid
    assert not multiprocessing.active_children()
    assert digests(tmp_path) == digests(folder)


@pytest.mark.slow
def test_a_dead_worker_is_told_and_what_was_finished_is_kept(tmp_path):
    jobs = make_jobs()
    with pytest.raises(ArtefactError, match="run again to resume"):
        run([jobs[0], replace(jobs[1], version=Deadly())], tmp_path)
    _, lines = run(jobs[:1], tmp_path)
    assert len(lines) == 1 and not (tmp_path / "BBB").exists()


def test_bad_input_is_told_by_name_and_no_process_is_started(tmp_path):
    job = make_jobs("A")[0]
    short = replace(job, ticker="BBB", train=replace(job.train, y=job.train.y[1:]))
    models, lines = run([replace(job, architecture="v9"), short], tmp_path)
    assert models[0].failure.startswith("AAA 2021: ") and "'v9'" in models[0].failure
    assert models[1].failure.startswith("BBB 2021: Expected `train` windows")
    assert len(lines) == 2 and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_v1_runs_all_its_epochs_and_validates_nothing(tmp_path):
    job = replace(make_jobs("A")[0], architecture="v1")
    (model,), lines = run([job], tmp_path)
    assert (model.failure, model.epochs, model.best_epoch) == (None, 10, 10)
    assert math.isnan(model.validation_loss) and "training Huber" in lines[0]
    history = read_history(tmp_path / "AAA")
    assert (history["learning_rate"] == 1e-3).all()
    assert np.allclose(history["loss"], 2 * history["huber"])  # errors are below 1
    layers = [layer.name for layer in load_keras(tmp_path / "AAA").layers]
    assert layers[:2] == ["lstm_1", "dropout_1"] and layers[-1] == "price"


@pytest.mark.slow
def test_the_bundle_tells_where_the_model_came_from(trained):
    folder, jobs, models, _ = trained
    bundle = load_bundle(folder / "AAA", digest=models[0].digest)
    about = bundle.metadata
    assert (about["ticker"], about["year"], about["version"]) == ("AAA", 2021, "1")
    assert about["train"]["last_target"] < about["validation"]["first_origin"]
    assert about["validation"]["last_target"] < "2021-01-01"
    assert about["train"]["n_windows"] == len(jobs[0].train)
    seen = np.append(jobs[0].train.X, jobs[0].train.y)
    assert bundle.scaler == fit_min_max(seen)


@pytest.mark.slow
def test_the_validation_span_moves_no_scaler(trained, tmp_path):
    _, jobs, _, _ = trained
    validation = jobs[0].validation
    higher = replace(
        jobs[0], validation=replace(validation, prices=validation.prices * 9)
    )
    run([higher], tmp_path)
    expected = fit_min_max(np.append(jobs[0].train.X, jobs[0].train.y))
    assert load_bundle(tmp_path / "AAA").scaler == expected


@pytest.mark.slow
def test_the_best_epoch_by_huber_alone_is_kept_also_when_epochs_run_out(tmp_path):
    # A learning rate far too high: the loss jumps about and the last epoch is hardly
    # ever the best. Patience is longer than the run, so the epochs run out.
    study = make_study(max_epochs=6, learning_rate=0.05, stopping_patience=50)
    job = make_jobs("A")[0]
    (model,), _ = run([job], tmp_path, study)
    history = read_history(tmp_path / "AAA")
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert model.best_epoch == history["val_huber"].idxmin() + 1
    assert model.validation_loss == history["val_huber"].min()
    assert (history["loss"] > history["huber"]).all()  # the penalty is in one only
    bundle = load_bundle(tmp_path / "AAA")
    low, high = bundle.scaler.minimum, bundle.scaler.maximum
    inputs = (job.validation.X - low) / (high - low)
    targets = (job.validation.y - low) / (high - low)
    network = load_keras(tmp_path / "AAA")
    outputs = network(inputs[..., np.newaxis], training=False).numpy()[:, 0]
    error = np.abs(outputs - targets)
    # Huber with threshold 1: half the square below it, linear above.
    huber = np.where(error <= 1, error**2 / 2, error - 0.5).mean()
    assert huber == pytest.approx(model.validation_loss, rel=1e-5)


@pytest.mark.slow
def test_training_stops_and_slows_by_patience(tmp_path):
    # No progress is possible at a learning rate of nearly 0: epoch 1 or so is best.
    study = make_study(
        max_epochs=9,
        learning_rate=1e-30,
        min_learning_rate=1e-32,
        stopping_patience=3,
        plateau_patience=1,
    )
    run([make_jobs("A")[0]], tmp_path, study)
    history = read_history(tmp_path / "AAA")
    best = int(history["val_huber"].idxmin())
    assert len(history) == min(best + 1 + 3, 9)
    assert history["learning_rate"].iloc[-1] < history["learning_rate"].iloc[0]


@pytest.mark.slow
def test_stocks_pooled_by_reference_with_three_targets(tmp_path):
    from nse_lstm.models.forecasting import predict

    job = make_pooled_job()
    (model,), _ = run([job], tmp_path / "array")
    assert model.failure is None and model.architecture == "rank_lstm"
    history = read_history(tmp_path / "array/POOL")
    assert history["huber"].iloc[-1] < history["huber"].iloc[0] / 2
    bundle = load_bundle(tmp_path / "array/POOL")
    assert bundle.metadata["features"] == ["a", "b", "c", "d"]
    table, last, y = job.validation.table, job.validation.last, job.validation.y
    windows = np.array([table[end - 5 : end + 1] for end in last])
    outputs = load_keras(tmp_path / "array/POOL")(windows, training=False).numpy()
    assert np.allclose(predict(bundle.model, job.validation), outputs, atol=1e-6)
    error = np.abs(outputs - y)
    huber = np.where(error <= 1, error**2 / 2, error - 0.5)
    assert np.nanmean(huber) == pytest.approx(model.validation_loss, rel=1e-5)
    # The same table as a file that the worker maps.
    np.save(tmp_path / "table.npy", table)
    train, validation = (
        replace(samples, table=tmp_path / "table.npy")
        for samples in (job.train, job.validation)
    )
    run([replace(job, train=train, validation=validation)], tmp_path / "file")
    assert digests(tmp_path / "file") == digests(tmp_path / "array")
