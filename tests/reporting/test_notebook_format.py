import subprocess
import sys

import pytest

GRAMMAR = "rfc3987_syntax"


@pytest.mark.parametrize(
    "module",
    ["nse_lstm.reporting.pages", "nse_lstm.study.tools.execute_notebook"],
)
def test_rendering_and_executing_build_no_grammar_and_leave_it_to_others(module):
    code = f"import sys, {module}, nbformat, nbconvert; "
    code += f"sys.exit({GRAMMAR!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_notebooks_are_still_validated():
    from nse_lstm.reporting.notebook_format import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    nbformat.validate(notebook)
    notebook.cells[0].cell_type = "poem"
    with pytest.raises(nbformat.ValidationError):
        nbformat.validate(notebook)
