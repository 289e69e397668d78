"""The tutorial's own words, run on a study of seconds."""

import re
from pathlib import Path

import nbformat
import pytest
from support.tiny_study import tiny_workspace
from typer.testing import CliRunner

from nse_lstm.cli import app
from nse_lstm.paths import find_root
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.tools.starter import write_starter

DOCS = find_root() / "docs"
TEXT = (DOCS / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python)?\n(.*?)```", TEXT, re.DOTALL)
KERAS = (DOCS / "own_keras_model.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tiny_workspace(tmp_path_factory.mktemp("tutorial"))
    prepare_raw(workspace)
    analyse_data(workspace)
    return workspace.paths.root


def here(text: str, root: Path) -> str:
    """Put the small study in the place of the quick one."""
    moved = text.replace("study.quick.toml", str(root / "study.toml"))
    return moved.replace("build/quick", str(root))


@pytest.mark.slow
def test_the_python_of_the_tutorial_runs_as_it_stands(root: Path) -> None:
    code = [here(block, root) for kind, block in BLOCKS if kind]
    assert len(code) >= 5
    names: dict = {}
    for block in code:
        exec(compile(block, "<docs/tutorial.md>", "exec"), names)
    assert {"persistence", "stock_lstm"} <= set(names["run"].scores)
    assert "v2" in names["v2"].scores and "mine" in names["own"].scores
    assert names["mine"].name == "gru" and len(names["several"]) == 4
    assert set(names["lab"].runs["ticker"]) == {"SCOM", "EQTY"}
    # A free year is no trial of the study.
    assert not (root / "trained_models/simulated/ledger/trials.jsonl").exists()


@pytest.mark.slow
def test_ten_lines_are_enough_for_a_keras_model(root: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", KERAS, re.DOTALL)
    body = code.partition("def conv")[2].partition("return model")[0]
    assert len(body.strip().splitlines()) <= 10
    names: dict = {}
    exec(compile(here(code, root), "<docs/own_keras_model.md>", "exec"), names)
    assert names["run"].name == "conv" and "conv" in names["run"].scores


def test_the_starter_notebook_is_the_tutorials_python_and_is_never_overwritten(
    tmp_path: Path,
) -> None:
    path = tmp_path / "start.ipynb"
    assert CliRunner().invoke(app, ["starter", str(path)]).exit_code == 0
    cells = nbformat.read(path, as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert code == [block.strip() for kind, block in BLOCKS if kind]
    assert all(
        (DOCS / link).exists()
        for cell in cells
        for link in re.findall(r"\]\(\.\./docs/([^)#]+)", cell.source)
    )
    path.write_text("mine")
    assert not write_starter(path) and path.read_text() == "mine"


def test_the_verbs_of_the_tutorial_are_verbs(root: Path) -> None:
    lines = [
        line.removeprefix(".venv/bin/nse-lstm ").split()
        for _, block in BLOCKS
        for line in block.splitlines()
        if line.startswith(".venv/bin/nse-lstm")
    ]
    assert {words[0] for words in lines} == {"doctor", "diff"}
    for words in lines:
        done = CliRunner().invoke(app, [here(word, root) for word in words])
        # Something is not built yet in so small a study, but every word is understood.
        assert done.exit_code in (0, 1) and "No such" not in done.output


def test_the_targets_of_the_tutorial_are_targets() -> None:
    makefile = (find_root() / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z]+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
