"""What a failed notebook says, without running one."""

from pathlib import Path
from types import SimpleNamespace

import nbformat

from nse_lstm.study.tools.notebook_errors import explain_death, explain_failure


def notebook(folder: Path) -> Path:
    document = nbformat.v4.new_notebook()
    document.cells = [
        nbformat.v4.new_markdown_cell("# Title"),
        nbformat.v4.new_code_cell("a = 1"),
        nbformat.v4.new_markdown_cell("## Is it luck?\n\nProse."),
        nbformat.v4.new_code_cell("b = find(a)\nb"),
    ]
    path = folder / "04_any.ipynb"
    nbformat.write(document, path)
    return path


def test_a_failure_names_section_cell_cause_and_command(tmp_path: Path) -> None:
    source, left = notebook(tmp_path), tmp_path / "running" / "04_any.ipynb"
    error = SimpleNamespace(
        ename="ArtefactError",
        evalue="No panel.parquet",
        exec_count=7,
        source="b = find(a)\nb",
    )
    lines = explain_failure(error, source, left, {"market": "nse"}).splitlines()
    assert lines[0] == 'Failed: 04_any.ipynb, cell [7], in "Is it luck?": b = find(a)'
    assert lines[1] == "Why: ArtefactError: No panel.parquet"
    assert "earlier phase" in lines[2]
    assert str(left) in lines[3]
    assert "make reports MARKET=nse " in lines[4]


def test_a_dead_kernel_is_put_down_to_memory(tmp_path: Path) -> None:
    text = explain_death(notebook(tmp_path), tmp_path / "left.ipynb", {})
    assert "memory" in text and "Resume: make reports " in text
