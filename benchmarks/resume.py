"""Kill training at random moments, run it again, and compare what comes out.

``resume.py --kills 20`` trains once without a break and once with that many; the
bundles must have the same digests, and nothing visible in between may be half-written.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from nse_lstm.models.bundles import bundle_digest, read_metadata

SCRIPT = Path(__file__).resolve().parent / "many_models.py"


def main() -> int:
    """Run both, print what was found, and fail on any difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--models", type=int, default=12)
    parser.add_argument("--windows", type=int, default=2125)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    random = np.random.default_rng()
    with tempfile.TemporaryDirectory() as scratch:
        whole, broken = Path(scratch, "whole"), Path(scratch, "broken")
        train(options, whole).wait()
        expected, equal = digests(whole), True
        broken.mkdir()
        for number in range(options.kills):
            n_before = len(digests(broken))
            moment = random.integers(0, 3), random.uniform(0, options.seconds)
            seconds = kill(train(options, broken), broken, moment)
            n_whole = len(digests(broken))
            print(
                f"kill {number + 1} after {seconds:.1f} s: {n_before} models before, "
                f"{n_whole} whole ones now",
                flush=True,
            )
            if n_whole == options.models:
                # Nothing is left to be killed: compare, and start over.
                equal &= digests(broken) == expected
                shutil.rmtree(broken)
                broken.mkdir()
        train(options, broken).wait()
        equal &= digests(broken) == expected
        print(f"{len(expected)} models, digests equal each time: {equal}")
    return 0 if equal else 1


def train(options: argparse.Namespace, folder: Path) -> subprocess.Popen:
    """Start training in a session of its own, so that its workers die with it."""
    sizes = [str(options.models), str(folder), str(options.windows)]
    command = [sys.executable, str(SCRIPT), *sizes]
    return subprocess.Popen(command, start_new_session=True)


def kill(process: subprocess.Popen, folder: Path, moment: tuple[int, float]) -> float:
    """Kill a training process and its workers, and no others.

    That is so many seconds after it has finished so many models, or when it ends.
    """
    started, n_before = time.monotonic(), len(digests(folder))
    n_models, seconds = moment
    while process.poll() is None and len(digests(folder)) < n_before + n_models:
        time.sleep(0.01)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return time.monotonic() - started


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every visible bundle, each of which must be whole."""
    visible = [each for each in sorted(folder.iterdir()) if each.name[0] != "."]
    return {each.name: bundle_digest(each) for each in visible if read_metadata(each)}


if __name__ == "__main__":
    sys.exit(main())
