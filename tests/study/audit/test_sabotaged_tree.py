"""A copy of the tree with a leak in it: the audit verb fails and names the stage."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT
from support.tiny_study import STUDY

SABOTAGE = {
    "nothing": ("models/fitting.py", "", "", ""),
    "scaler fitted on the validation span too": (
        "models/fitting.py",
        "fit_min_max(np.append(job.train.X, job.train.y))",
        "fit_min_max(np.concatenate([job.train.X.ravel(), job.train.y, "
        "job.validation.y * 2]))",
        "reference: scalers",
    ),
    "windows that reach a session ahead": (
        "features/windows.py",
        "last=origin,",
        "last=np.minimum(origin + 1, len(adjusted) - 1),",
        "futures: forecasts",
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            "scaler fitted on the validation span too", marks=pytest.mark.slow
        ),
        # A minute and a half each: every build audits a clean tree, too.
        pytest.param("nothing", marks=pytest.mark.audit_power),
        pytest.param(
            "windows that reach a session ahead", marks=pytest.mark.audit_power
        ),
    ],
)
def test_the_verb_fails_on_a_sabotaged_tree_only(tmp_path: Path, name: str) -> None:
    tree = copy_tree(tmp_path)
    file, before, after, stage = SABOTAGE[name]
    path = tree / "src" / "nse_lstm" / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after) if before else text)
    done = build_and_audit(tree)
    if stage:
        assert done.returncode == 1, done.stdout + done.stderr
        assert stage in done.stdout
    else:
        assert done.returncode == 0, done.stdout + done.stderr
        assert "The leak audit is clean" in done.stdout


PHASES_1_TO_3_AND_THE_VERB = """
import sys
from nse_lstm.cli import main
from nse_lstm.study.audit.pipeline_run import fit_jobs, list_jobs
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.core.workspace import open_workspace

workspace = open_workspace(study="tiny.toml")
prepare_raw(workspace)
analyse_data(workspace)
fit_jobs(workspace, list_jobs(workspace), "network")
sys.argv = ["nse-lstm", "audit", "--study", "tiny.toml"]
main()
"""


def copy_tree(root: Path) -> Path:
    tree = root / "tree"
    shutil.copytree(ROOT / "src", tree / "src")
    shutil.copytree(ROOT / "notebooks", tree / "notebooks")
    for name in ("pyproject.toml", "requirements.lock", "study.toml"):
        shutil.copy(ROOT / name, tree / name)
    (tree / "tiny.toml").write_text(STUDY)
    return tree


def build_and_audit(tree: Path) -> subprocess.CompletedProcess:
    """Build a study on the copied sources and call the verb, in one process."""
    return subprocess.run(
        [sys.executable, "-c", PHASES_1_TO_3_AND_THE_VERB],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree / "src")},
        capture_output=True,
        text=True,
    )
