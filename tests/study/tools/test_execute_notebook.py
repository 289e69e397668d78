import subprocess
from pathlib import Path

import nbformat
import pytest
from support.tiny_study import tiny_workspace

from nse_lstm.errors import ConfigurationError, StudyError
from nse_lstm.study.tools import execute_notebook as executing
from nse_lstm.study.tools.execute_notebook import execute_notebook, parse_parameters


def notebook(folder: Path, *cells: str) -> Path:
    document = nbformat.v4.new_notebook()
    document.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    document.metadata["language_info"] = {"name": "python"}
    document.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    document.cells[0].metadata["tags"] = ["parameters"]
    path = folder / "00_any.ipynb"
    nbformat.write(document, path)
    return path


def test_parameters_are_typed_by_their_literal() -> None:
    pairs = ["a=1", "b=true", 'c="x"', "d=plain text", "e=../shared/nse"]
    assert parse_parameters(pairs) == {
        "a": 1,
        "b": True,
        "c": "x",
        "d": "plain text",
        "e": "../shared/nse",
    }
    with pytest.raises(ConfigurationError, match="name=value"):
        parse_parameters(["seed"])


@pytest.mark.notebook
def test_an_unknown_parameter_is_an_error_and_nothing_runs(tmp_path: Path) -> None:
    source = notebook(tmp_path, "seed = 0")
    target = tmp_path / "build" / "00_any.ipynb"
    with pytest.raises(ConfigurationError, match="Received: sed"):
        execute_notebook(
            source,
            target,
            workspace=tiny_workspace(tmp_path / "root"),
            parameters={"sed": 1},
        )
    assert not target.parent.exists()


@pytest.mark.notebook
def test_a_failing_cell_names_itself_and_leaves_nothing_fresh(tmp_path: Path) -> None:
    source = notebook(tmp_path, "seed = 0", "1 / seed")
    target = tmp_path / "build" / "00_any.ipynb"
    with pytest.raises(StudyError, match="ZeroDivisionError") as caught:
        execute_notebook(
            source,
            target,
            workspace=tiny_workspace(tmp_path / "root"),
            parameters={"seed": 0},
        )
    assert not target.exists()
    left = target.parent / "running" / target.name
    assert str(left) in str(caught.value)
    assert "Failed: 00_any.ipynb, cell [3]: 1 / seed" in str(caught.value)
    assert "Resume: make reports " in str(caught.value)
    assert "ZeroDivisionError" in left.read_text()


def test_a_copy_inside_another_repository_has_no_commit_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q"), (*who, "commit", "-q", "--allow-empty", "-m", "a")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    (tmp_path / "copy").mkdir()
    found = {}
    for folder in (tmp_path, tmp_path / "copy"):
        monkeypatch.setattr(executing, "find_root", folder.resolve)
        found[folder.name] = executing._commit()
    assert found.pop("copy") == "not under git"
    assert len(*found.values()) == 12
