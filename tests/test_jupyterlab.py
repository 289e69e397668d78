"""JupyterLab as a researcher has it, driven headless: open, run all, see the figure."""

from collections.abc import Iterator

import nbformat
import pytest
from support.lab_parts import Lab, copy_project, open_browser, open_lab
from support.tiny_study import tiny_workspace

from nse_lstm.study.data_analysis.raw_files import prepare_raw

pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab") / "project"
    project = copy_project(folder, ("01_data_analysis",))
    prepare_raw(tiny_workspace(project))
    with open_browser() as browser, open_lab(project, browser) as lab:
        yield lab


def test_a_phase_runs_top_to_bottom_and_its_figure_is_seen(lab: Lab) -> None:
    name = "notebooks/01_data_analysis.ipynb"
    lab.open(name)
    cells = lab.run_all(name)
    outputs = [output for cell in cells for output in cell.outputs]
    assert [o.evalue for o in outputs if o.output_type == "error"] == []
    assert lab.figures() >= 1
    assert lab.errors == []


def test_an_edited_module_is_picked_up_without_a_restart(lab: Lab) -> None:
    name = "notebooks/probe.ipynb"
    probe = nbformat.v4.new_notebook()
    code = (
        "from nse_lstm.study.tools.make_command import make_command\n"
        "make_command('reports', {})"
    )
    probe.cells = [nbformat.v4.new_code_cell(code)]
    probe.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(probe, lab.project / name)
    lab.open(name)
    (before,) = lab.run_all(name)
    tools = lab.project / "src" / "nse_lstm" / "study" / "tools"
    module = tools / "make_command.py"
    text = module.read_text()
    assert text.count('["make", verb, *given]') == 1
    edited = text.replace('["make", verb, *given]', '["make", "edited", *given]')
    module.write_text(edited)
    (after,) = lab.run_all(name)
    assert "make reports" in before.outputs[-1]["data"]["text/plain"]
    assert "make edited" in after.outputs[-1]["data"]["text/plain"]
