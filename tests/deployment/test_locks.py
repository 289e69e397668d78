"""A folder is held by one at a time, and never by the dead."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from nse_lstm.deployment import locks
from nse_lstm.deployment.locks import LOCK, locked
from nse_lstm.errors import ArtefactError


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.2)


@pytest.fixture
def holder(tmp_path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the folder until it is told to go."""
    code = (
        "import pathlib\n"
        "from nse_lstm.deployment.locks import locked\n"
        f"with locked(pathlib.Path({str(tmp_path)!r})):\n"
        "    print('in', flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "in\n"
        yield process
        process.kill()


def test_the_lock_goes_with_its_holder_and_leaves_a_hidden_file(tmp_path):
    for _ in range(2):
        with locked(tmp_path / "new"):
            pass
    assert {path.name for path in (tmp_path / "new").iterdir()} <= {LOCK}
    assert LOCK.startswith(".")


def test_the_lock_goes_after_an_error_too(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        _ = 1 / 0
    with locked(tmp_path):
        pass


def test_a_folder_that_another_process_holds_is_refused_by_name(tmp_path, holder):
    with pytest.raises(ArtefactError, match=r"\.lock, held by"), locked(tmp_path):
        pass


def test_a_waiter_enters_when_the_other_process_is_done(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(locks, "LOCK_SECONDS", 10.0)
    leave = threading.Timer(0.1, lambda: holder.communicate("go\n"))
    leave.start()
    with locked(tmp_path):
        pass
    # The pipes are closed with the fixture, so the thread must be done by then.
    leave.join()
    assert holder.wait() == 0


def test_a_process_killed_in_earnest_holds_nothing(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    assert holder.wait() < 0
    with locked(tmp_path):
        pass


def test_many_threads_enter_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "LOCK_SECONDS", 10.0)
    barrier, inside, most = threading.Barrier(8), [], []

    def enter(number: int) -> None:
        barrier.wait()
        with locked(tmp_path):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enter, range(8)))
    assert most == [1] * 8
