"""A folder is held by one at a time, and never by the dead."""

import os
import platform
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nse_lstm.deployment import locks
from nse_lstm.deployment.locks import LOCK, locked
from nse_lstm.errors import ArtefactError


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(locks, "LOCK_SECONDS", 0.2)


def test_the_lock_names_its_holder_and_goes_with_it(tmp_path):
    with locked(tmp_path / "new"):
        text = (tmp_path / "new" / LOCK).read_text()
        assert text == f"{os.getpid()} {platform.node()}\n"
    assert list((tmp_path / "new").iterdir()) == []


def test_the_lock_goes_after_an_error_too(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["{pid}\n", "{pid} {node}\n"])
def test_a_lock_left_by_a_kill_is_broken(tmp_path, dead, text):
    (tmp_path / LOCK).write_text(text.format(pid=dead, node=platform.node()))
    with locked(tmp_path):
        assert (tmp_path / LOCK).read_text().startswith(f"{os.getpid()} ")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_of_a_process_killed_in_earnest_is_broken(tmp_path):
    code = (
        "import os, pathlib, signal\n"
        "from nse_lstm.deployment.locks import locked\n"
        f"with locked(pathlib.Path({str(tmp_path)!r})):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode < 0
    assert (tmp_path / LOCK).is_file()
    with locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_its_holder_never_signed_is_broken_after_a_while(tmp_path):
    lock = tmp_path / LOCK
    lock.touch()
    with (
        pytest.raises(ArtefactError, match="held by another process"),
        locked(tmp_path),
    ):
        pass
    long_ago = lock.stat().st_mtime - 60
    os.utime(lock, (long_ago, long_ago))
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("text", ["{mine} {node}\n", "{dead} elsewhere\n", "x y z\n"])
def test_a_lock_of_the_living_or_of_another_machine_stands(tmp_path, dead, text):
    text = text.format(mine=os.getpid(), dead=dead, node=platform.node())
    (tmp_path / LOCK).write_text(text)
    with pytest.raises(ArtefactError, match=r"\.lock, held"), locked(tmp_path):
        pass
    assert (tmp_path / LOCK).read_text() == text


def test_many_at_a_dead_lock_still_enter_one_by_one(tmp_path, dead, monkeypatch):
    monkeypatch.setattr(locks, "LOCK_SECONDS", 10.0)
    (tmp_path / LOCK).write_text(f"{dead}\n")
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
    assert list(tmp_path.iterdir()) == []
