from pathlib import Path
from typing import Any

import nbformat
import pytest
from tiny_study import tiny_workspace

from nse_lstm.errors import ConfigurationError, StudyError
from nse_lstm.reporting.pages import render_notebook
from nse_lstm.study.data_analysis import prepare_raw
from nse_lstm.study.execution import execute_notebook, parse_parameters
from nse_lstm.study.judging import read_verdict
from nse_lstm.study.phase_costs import phase_costs
from nse_lstm.study.reports import write_index
from nse_lstm.study.status import write_status
from nse_lstm.study.stock_pages import make_stock_pages

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("0*.ipynb"))


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


@pytest.mark.notebook
def test_the_whole_study_runs_from_notebooks_to_pages(tmp_path: Path) -> None:
    workspace = tiny_workspace(tmp_path)
    paths = workspace.paths
    prepare_raw(workspace)
    identity: dict[str, Any] = {
        "root": str(tmp_path),
        "study": str(tmp_path / "study.toml"),
        "test_year": 2024,
    }
    for source in NOTEBOOKS:
        target = paths.build / source.name
        execute_notebook(source, target, workspace=workspace, parameters=identity)
    verdict = read_verdict(workspace)
    for source in NOTEBOOKS:
        target = paths.build / source.name
        page = paths.reports / f"{source.stem}.html"
        render_notebook(target, page, verdict=verdict)
    costs = phase_costs(workspace)
    assert costs["phase"].to_list() == [source.stem for source in NOTEBOOKS]
    # A kernel that imports pandas holds more than 50 MiB, and no phase takes 20 GiB.
    assert costs["peak_mib"].between(50, 20_000).all()
    stock = FOLDER / "90_stock.ipynb"
    names = make_stock_pages(workspace, stock, parameters=identity)
    write_status(workspace, paths.reports / "status.html")
    write_index(workspace, paths.reports / "index.html")
    for page in paths.reports.rglob("*.html"):
        text = page.read_text()
        assert "Simulated market: a test" in text
        assert len(text) < 2_000_000
        assert "could have been seen: " in text and "is confirmatory" in text
    index = (paths.reports / "index.html").read_text()
    assert all(f"{source.stem}.html" in index for source in NOTEBOOKS)
    assert (paths.analysis / "training_recommendations.json").is_file()
    assert (paths.registry / "registry.json").is_file()
    for ticker in names:
        assert f'href="stocks/{ticker}.html"' in index
        assert f">{ticker}, " in (paths.reports / f"stocks/{ticker}.html").read_text()
    # What is fresh is kept, and a stock no longer recommended loses its page.
    (paths.reports / "stocks" / "OLD.html").write_text("")
    lines: list[str] = []
    make_stock_pages(workspace, stock, parameters=identity, progress=lines.append)
    assert all(line.endswith("kept") for line in lines) and len(lines) == len(names)
    assert not (paths.reports / "stocks" / "OLD.html").exists()
