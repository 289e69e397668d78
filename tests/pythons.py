"""Run the fast tests on every supported Python that can be had.

pyenv's interpreters are taken where they lie. uv finds others, or else fetches them,
where it can. Each gets an environment of its own from the lock, in ``build/pythons``,
which later runs reuse. A version that cannot be had is named and fails nothing: the
workflow runs them all.
"""

import os
import subprocess
import sys
from pathlib import Path

from nse_lstm.study.tools.doctor import PYTHONS

FOLDER = Path("build/pythons")
UV = Path(".venv/uv/bin/uv")
NO_TESTS = "could not be had"


def run(*words: object) -> bool:
    """Run a command, its output shown; return whether it succeeded."""
    return not subprocess.run([str(word) for word in words]).returncode


def interpreter(version: str) -> str:
    """Return pyenv's newest interpreter of a version, else the version for uv."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = (root / "versions").glob(f"{version}.*/bin/python")
    # pyenv's own commands on PATH end with an error where its default is another.
    return str(max(found, key=lambda path: path.stat().st_mtime, default=version))


def test_on(version: str, tests: list[str]) -> str:
    """Return what became of the tests on one version."""
    python = FOLDER / version / "bin" / "python"
    if not python.exists() and not run(
        UV, "venv", "-q", "--python", interpreter(version), FOLDER / version
    ):
        return NO_TESTS
    pip = (UV, "pip")
    synced = run(
        *pip, "sync", "-q", "--require-hashes", "-p", python, "requirements.lock"
    ) and run(
        *pip, *"install -q --no-deps --no-build-isolation -p".split(), python, "-e", "."
    )
    if not synced:
        return "the lock could not be installed"
    passed = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    return "passed" if passed else "failed"


def main(tests: list[str]) -> int:
    """Test every version and print one line for each; 1 if a test failed."""
    (major, first), (_, end) = PYTHONS
    versions = [f"{major}.{minor}" for minor in range(first, end)]
    found = {version: test_on(version, tests or ["-n", "auto"]) for version in versions}
    for version, what in found.items():
        print(f"Python {version}: {what}")
    return int(any(what not in ("passed", NO_TESTS) for what in found.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
