import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nse_lstm.models.bundles import bundle_digest, read_metadata

pytestmark = pytest.mark.slow

TESTS = Path(__file__).resolve().parents[1]


def start(folder: Path) -> subprocess.Popen:
    # A session of its own, so that its workers die with it.
    return subprocess.Popen(
        [sys.executable, str(TESTS / "support" / "train_jobs.py"), str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(TESTS)])},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )


def finish(folder: Path) -> float:
    started = time.monotonic()
    assert start(folder).wait() == 0
    return time.monotonic() - started


def kill_after(folder: Path, seconds: float) -> None:
    process = start(folder)
    time.sleep(seconds)
    # The group is the one started above: the script and its workers.
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: bundle_digest(path)
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    }


def test_killed_at_random_moments_training_ends_with_the_same_bytes(tmp_path):
    whole = finish(tmp_path / "whole")
    expected = digests(tmp_path / "whole")
    assert len(expected) == 3
    killed = tmp_path / "killed"
    for share in np.random.default_rng(0).uniform(0.3, 1.0, 4):
        kill_after(killed, share * whole)
        for folder in killed.glob("[A-Z]*"):
            read_metadata(folder)  # whatever is visible is whole
    finish(killed)
    assert digests(killed) == expected


def test_the_log_has_one_line_a_job_and_run(tmp_path):
    finish(tmp_path)
    finish(tmp_path)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert sorted(entry["ticker"] for entry in entries[:3]) == ["AAA", "BBB", "CCC"]
    assert [entry["note"] for entry in entries[3:]] == ["resumed"] * 3
    assert entries[0]["digest"] and entries[0]["failure"] is None
