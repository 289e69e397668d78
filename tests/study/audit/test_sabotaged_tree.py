"""A copy of the tree with a leak in it: the audit verb fails and names the stage."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_study import STUDY

from nse_lstm.paths import find_root

ROOT = find_root(Path(__file__))
SABOTAGE = {
    "nothing": ("models/fitting.py", "", "", ""),
    "scaler fitted on the validation span too": (
        "models/fitting.py",
        "fit_min_max(np.append(job.train.X, job.train.y))",
        "fit_min_max(np.concatenate([job.train.X.ravel(), job.train.y, "
        "job.validation.y * 2]))",
        "recount: scalers",
    ),
    "windows that reach a session ahead": (
        "features/windows.py",
        "sliding_window_view(adjusted, lookback)[origin - lookback + 1]",
        "sliding_window_view(adjusted, lookback)[np.minimum(origin - lookback + 2, "
        "len(adjusted) - lookback)]",
        "futures: forecasts",
    ),
}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", SABOTAGE)
def test_the_verb_fails_on_a_sabotaged_tree_only(tmp_path: Path, name: str) -> None:
    tree = copy_tree(tmp_path)
    file, before, after, stage = SABOTAGE[name]
    path = tree / "src" / "nse_lstm" / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after) if before else text)
    run(tree, "prepare-raw", "raw.txt")
    run(tree, "-c", PHASES_1_TO_3)
    done = run(tree, "audit", check=False)
    if stage:
        assert done.returncode == 1, done.stdout + done.stderr
        assert stage in done.stdout
    else:
        assert done.returncode == 0, done.stdout + done.stderr
        assert "The leak audit is clean" in done.stdout


PHASES_1_TO_3 = """
from nse_lstm.study.workspace import open_workspace
from nse_lstm.study.data_analysis import analyse_data
from nse_lstm.study.training import train_all
if __name__ == "__main__":
    workspace = open_workspace(study="tiny.toml")
    analyse_data(workspace)
    train_all(workspace)
"""


def copy_tree(root: Path) -> Path:
    tree = root / "tree"
    shutil.copytree(ROOT / "src", tree / "src")
    for name in ("pyproject.toml", "requirements.lock", "study.toml"):
        shutil.copy(ROOT / name, tree / name)
    (tree / "tiny.toml").write_text(STUDY)
    return tree


def run(tree: Path, *command: str, check: bool = True) -> subprocess.CompletedProcess:
    """Run a verb, or a script, on the copied sources."""
    if command[0] == "-c":
        script = tree / "phases.py"
        script.write_text(command[1])
        words = [sys.executable, str(script)]
    else:
        code = "from nse_lstm.cli import main; main()"
        words = [sys.executable, "-c", code, *command, "--study", "tiny.toml"]
    return subprocess.run(
        words,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree / "src")},
        capture_output=True,
        text=True,
        check=check,
    )
