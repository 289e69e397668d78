"""The contract every notebook keeps, checked without running one."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from support.places import ROOT

from nse_lstm.reporting.page_foot import move_files, page_foot, section_objects

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAX_LINES = 12
MAX_IMPORTS = 16
FORBIDDEN = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.For,
    ast.While,
    ast.Try,
)
PHASES = ["01_data_analysis", "02_architecture", "03_full_training"]
PHASES += ["04_validation", "05_deployment"]
FURTHER: dict[str, dict[str, object]] = {"90_stock": {"ticker": ""}}
"""Parameters beside the study's own."""

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def parameters(path: Path) -> dict[str, object]:
    (cell,) = [
        c for c in cells(path, "code") if "parameters" in c.metadata.get("tags", [])
    ]
    assigned = ast.parse(cell.source).body
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in assigned
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def test_every_phase_has_its_notebook() -> None:
    assert [path.stem for path in NOTEBOOKS][:5] == PHASES


@every_notebook
def test_no_outputs_are_committed(path: Path) -> None:
    for cell in cells(path, "code"):
        assert cell.outputs == []
        assert cell.execution_count is None


@every_notebook
def test_cells_are_short_and_hold_no_logic(path: Path) -> None:
    for cell in cells(path, "code"):
        # One name per line is how the formatter writes a long import.
        is_imports = cell.source.startswith(("from ", "import "))
        most = MAX_IMPORTS if is_imports else MAX_LINES
        assert len(cell.source.splitlines()) <= most, cell.source
        found = [
            n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, FORBIDDEN)
        ]
        assert found == [], cell.source


@every_notebook
def test_imports_stand_in_one_cell_before_the_parameters(path: Path) -> None:
    with_imports = [
        index
        for index, cell in enumerate(cells(path, "code"))
        if any(
            isinstance(node, ast.Import | ast.ImportFrom)
            for node in ast.walk(ast.parse(cell.source))
        )
    ]
    assert with_imports == [0]
    assert "parameters" in cells(path, "code")[1].metadata["tags"]


@every_notebook
def test_the_study_is_told_by_the_same_parameters_everywhere(path: Path) -> None:
    assert parameters(path) == {
        "root": "",
        "study": "study.toml",
        "market": "",
        "raw": "",
        "test_year": 0,
        "seed": 0,
    } | FURTHER.get(path.stem, {})


@every_notebook
def test_a_notebook_opens_with_a_question_and_closes_with_what_it_shows(
    path: Path,
) -> None:
    prose = [cell.source for cell in cells(path, "markdown")]
    title, question = [line for line in prose[0].splitlines() if line][:2]
    assert title.startswith("# ")
    assert question.startswith("**") and question.endswith("**")
    assert "| Reads |" in prose[0] and "| Writes |" in prose[0]
    closing = prose[-2] if path.stem in PHASES else prose[-1]
    assert closing.startswith("## What this shows")


@pytest.mark.parametrize("name", PHASES)
def test_a_phase_ends_with_things_to_try_on_its_own_objects(name: str) -> None:
    path = ROOT / "notebooks" / f"{name}.ipynb"
    last = nbformat.read(path, as_version=4).cells[-1]
    assert last.source.startswith("## Things to try")
    tried = re.findall(r"^- .*: `(.+)`$|^- .*\? `(.+)`$", last.source, re.MULTILINE)
    lines = [first or second for first, second in tried]
    assert len(lines) == 3
    code = "\n".join(cell.source for cell in cells(path, "code"))
    known = set(re.findall(r"^(?:\w+, )*(\w+)(?:, \w+)* = ", code, re.MULTILINE))
    known |= set(re.findall(r"^(\w+), \w+ = ", code, re.MULTILINE))
    for line in lines:
        if not line.startswith(("make ", "nse-lstm ")):
            used = [n.id for n in ast.walk(ast.parse(line)) if isinstance(n, ast.Name)]
            assert set(used) <= known | {"open_laboratory"}


@every_notebook
def test_the_foot_of_a_page_names_files_and_the_object_of_every_section(
    path: Path,
) -> None:
    notebook = nbformat.read(path, as_version=4)
    files = move_files(notebook.cells[0])
    assert [name for name, _ in files] == ["Reads", "Writes"]
    assert "| Reads" not in notebook.cells[0].source
    for _, objects in section_objects(notebook.cells):
        for each in objects:
            ast.parse(each)
            assert "root" not in each.split(".")
    foot = page_foot(files, section_objects(notebook.cells))
    assert foot.count("<details>") == foot.count("</details>") >= 1


@every_notebook
def test_the_kernel_is_the_environments_own(path: Path) -> None:
    # Any other name fails on a machine that has not registered it.
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.kernelspec.name == "python3"
