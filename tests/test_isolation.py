"""A user's own settings of other tools reach no process of a build."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from support.places import ROOT

from nse_lstm.cli import isolation
from nse_lstm.cli.isolation import isolate_process
from nse_lstm.study.tools.hostile_home import FILES, make_hostile_home

FIGURE = """
import json, os, sys, warnings
from nse_lstm.cli.isolation import isolate_process
isolate_process()
import matplotlib, pandas
from nse_lstm.reporting import canvas
warnings.warn("a warning is no error")
figure, axes = canvas.start_axes((2, 1))
axes.plot([1, 2], [3, 4])
figure.savefig(sys.argv[1], metadata={"Date": None})
left = [name for name in os.environ if name.startswith(("KERAS_MAX", "TF_XLA", "OMP_"))]
print(json.dumps([left, pandas.options.display.max_rows]))
"""


def own_environment() -> dict[str, str]:
    """Return this process's environment with the library on its path."""
    return os.environ | {"PYTHONPATH": str(ROOT / "src")}


def test_figures_are_equal_under_a_hostile_home(tmp_path: Path) -> None:
    environments = [own_environment(), own_environment()]
    environments[1] |= make_hostile_home(tmp_path / "home")
    made = []
    for number, environment in enumerate(environments):
        path = tmp_path / f"{number}.png"
        done = subprocess.run(
            [sys.executable, "-c", FIGURE, str(path)],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert not done.returncode, done.stderr
        assert json.loads(done.stdout) == [[], 60]
        made.append(path.read_bytes())
    assert made[0] == made[1]


CELLS = [
    "".join(f"{name} = ''\n" for name in ("root", "study", "market", "raw"))
    + "test_year = 0\nseed = 0",
    "from nse_lstm.models.runtime import keras\n"
    "keras.config.floatx(), keras.config.epsilon(), keras.config.max_epochs(), "
    "keras.config.image_data_format()",
    "1\nimport pandas as pd\npd.options.display.max_rows",
    "import matplotlib\nmatplotlib.rcParams['font.size'], matplotlib.get_backend()",
]
EXPECTED = [
    "('float32', 1e-07, None, 'channels_last')",
    "60",
    "(10.0, 'module://matplotlib_inline.backend_inline')",
]


@pytest.mark.notebook
def test_an_executed_notebook_sees_no_setting_of_the_users(tmp_path: Path) -> None:
    document = nbformat.v4.new_notebook()
    document.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    document.metadata["language_info"] = {"name": "python"}
    document.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    document.cells[0].metadata["tags"] = ["parameters"]
    source, target = tmp_path / "any.ipynb", tmp_path / "build/any.ipynb"
    nbformat.write(document, source)
    command = [sys.executable, "-c", "from nse_lstm.cli import main; main()"]
    command += ["execute", str(source), str(target), "--root", str(tmp_path / "root")]
    home = make_hostile_home(tmp_path / "home")
    subprocess.run(command, env=own_environment() | home, cwd=ROOT)
    left = target.parent / "running" / target.name
    # The study has no facts, so the notebook is executed and then not accepted.
    cells = nbformat.read(left, as_version=4).cells
    values = [
        [each["data"]["text/plain"] for each in cell.outputs] for cell in cells[-3:]
    ]
    assert values == [[each] for each in EXPECTED]


def test_the_settings_folders_are_there_before_a_tool_looks(tmp_path: Path) -> None:
    (tmp_path / "src" / "nse_lstm").mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    code = "from nse_lstm.cli.isolation import isolate_process; isolate_process()\n"
    code += "import IPython.paths; print(IPython.paths.get_ipython_dir())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=own_environment(), cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(tmp_path / "build/settings/ipython")
    # IPython's remark that a folder's parent is missing goes to stderr.
    assert done.stderr == ""
    assert Path(done.stdout.strip()).is_dir()


def test_a_project_that_cannot_be_written_has_its_settings_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src" / "nse_lstm").mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "build").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(isolation.tempfile, "gettempdir", lambda: str(tmp_path / "t"))
    monkeypatch.setattr(isolation.os, "environ", {})
    isolate_process()
    ipython = Path(isolation.os.environ["IPYTHONDIR"])
    assert ipython.is_dir() and ipython.is_relative_to(tmp_path / "t")


def test_every_hostile_file_lies_where_its_tool_looks(tmp_path: Path) -> None:
    make_hostile_home(tmp_path)
    assert all((tmp_path / name).is_file() for name in FILES)
