"""Kill training at random moments, run it again, and compare what comes out.

``resume.py --kills 20`` trains once without a break and once with that many; the
bundles must have the same digests, and nothing visible in between may be half-written.
"""

import argparse
import os
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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        whole, broken = Path(scratch, "whole"), Path(scratch, "broken")
        started = time.monotonic()
        train(options, whole).wait()
        seconds = time.monotonic() - started
        broken.mkdir()
        # TensorFlow's start is most of a short run: kill late enough to get on.
        for share in np.random.default_rng().uniform(0.2, 0.9, options.kills):
            kill(train(options, broken), after=share * seconds)
            visible = [folder for folder in broken.iterdir() if folder.name[0] != "."]
            for folder in visible:
                read_metadata(folder)
            print(
                f"killed after {share * seconds:.1f} s: {len(visible)} whole models",
                flush=True,
            )
        train(options, broken).wait()
        equal = digests(whole) == digests(broken)
        print(f"{len(digests(whole))} models, digests equal: {equal}")
    return 0 if equal else 1


def train(options: argparse.Namespace, folder: Path) -> subprocess.Popen:
    """Start training in a session of its own, so that its workers die with it."""
    sizes = [str(options.models), str(folder), str(options.windows)]
    command = [sys.executable, str(SCRIPT), *sizes]
    return subprocess.Popen(command, start_new_session=True)


def kill(process: subprocess.Popen, *, after: float) -> None:
    """Kill a training process and its workers, and no others."""
    time.sleep(after)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def digests(folder: Path) -> dict[str, str]:
    """Return every bundle's digest."""
    return {
        each.name: bundle_digest(each)
        for each in sorted(folder.iterdir())
        if each.name[0] != "."
    }


if __name__ == "__main__":
    sys.exit(main())
