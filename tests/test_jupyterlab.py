"""JupyterLab as a researcher has it, driven headless: open, run all, see the figure."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from tiny_study import tiny_workspace

from nse_lstm.study.data_analysis import prepare_raw

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for path in map(shutil.which, NAMES) if path), None)
PATIENCE = 120.0
"""Seconds, on a machine that does much else."""

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing"),
]


RUN_ALL = """async () => {
  const { shell, commands } = window.jupyterapp;
  await shell.currentWidget.sessionContext.ready;
  await commands.execute("notebook:run-all-cells");
  await commands.execute("docmanager:save");
}"""
"""What the entries of the menus Run and File do; it ends when the cells have."""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab on a copy of the project, and a browser before it."""

    project: Path
    url: str
    token: str
    page: "Page"
    errors: list[str]

    def open(self, name: str) -> None:
        """Open a notebook alone."""
        self.page.goto(f"{self.url}lab/tree/{name}?token={self.token}&reset")
        cell = self.page.locator(".jp-NotebookPanel:visible .jp-Cell").first
        cell.wait_for(timeout=1000 * PATIENCE)

    def run_all(self, name: str) -> list[Any]:
        """Run all cells as the menu does; return the code cells as they are saved."""
        self.page.set_default_timeout(1000 * PATIENCE)
        self.page.evaluate(RUN_ALL)
        return self.cells(name)

    def cells(self, name: str) -> list[Any]:
        notebook = nbformat.read(self.project / name, as_version=4)
        return [cell for cell in notebook.cells if cell.cell_type == "code"]


def wait(happened: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.1)


def copy_project(folder: Path) -> Path:
    """Copy what `make lab` shows, with the tiny study in place of the study."""
    shutil.copytree(ROOT / "src", folder / "src")
    shutil.copytree(ROOT / ".ipython", folder / ".ipython")
    (folder / "notebooks").mkdir()
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copy(ROOT / "notebooks" / "01_data_analysis.ipynb", folder / "notebooks")
    prepare_raw(tiny_workspace(folder))
    return folder


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    api = pytest.importorskip("playwright.sync_api")
    project = copy_project(tmp_path_factory.mktemp("lab") / "project")
    with Serve(project) as (url, token), api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        page, errors = browser.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield Lab(project, url, token, page, errors)
        browser.close()


class Serve:
    """JupyterLab on a project, as `make lab` sets it up, until the block ends."""

    def __init__(self, project: Path) -> None:
        self.project, self.token = project, secrets.token_hex(8)
        self.runtime = project.parent / "runtime"

    def __enter__(self) -> tuple[str, str]:
        settings = [
            *("--no-browser", "--allow-root", "--port=0", "--ip=127.0.0.1"),
            f"--ServerApp.root_dir={self.project}",
            f"--IdentityProvider.token={self.token}",
            "--LabApp.expose_app_in_browser=True",
            # Nothing is asked of the world outside.
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]
        folders = {
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "JUPYTER_CONFIG_DIR": str(self.project.parent / "config"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.project.parent / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.project.parent / "workspaces"),
            "IPYTHONDIR": str(self.project / ".ipython"),
            "PYTHONPATH": str(self.project / "src"),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *settings],
            env=os.environ | folders,
            cwd=self.project,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait(lambda: any(self.runtime.glob("jpserver-*.json")), "JupyterLab to start")
        (told,) = self.runtime.glob("jpserver-*.json")
        return str(json.loads(told.read_text())["url"]), self.token

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


def test_a_phase_runs_top_to_bottom_and_its_figure_is_seen(lab: Lab) -> None:
    name = "notebooks/01_data_analysis.ipynb"
    lab.open(name)
    cells = lab.run_all(name)
    outputs = [output for cell in cells for output in cell.outputs]
    assert [o.evalue for o in outputs if o.output_type == "error"] == []
    figure = lab.page.locator(".jp-OutputArea-output figure img").first
    figure.scroll_into_view_if_needed(timeout=1000 * PATIENCE)
    assert figure.is_visible()
    assert figure.evaluate("image => image.complete && image.naturalWidth > 100")
    assert figure.get_attribute("alt")
    assert lab.errors == []


def test_an_edited_module_is_picked_up_without_a_restart(lab: Lab) -> None:
    name = "notebooks/probe.ipynb"
    probe = nbformat.v4.new_notebook()
    code = "from nse_lstm.study.failures import resume_command\nresume_command({})"
    probe.cells = [nbformat.v4.new_code_cell(code)]
    probe.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(probe, lab.project / name)
    lab.open(name)
    (before,) = lab.run_all(name)
    module = lab.project / "src" / "nse_lstm" / "study" / "failures.py"
    text = module.read_text()
    assert text.count('["make reports", *told]') == 1
    edited = text.replace('["make reports", *told]', '["make edited", *told]')
    module.write_text(edited)
    (after,) = lab.run_all(name)
    assert "make reports" in before.outputs[-1]["data"]["text/plain"]
    assert "make edited" in after.outputs[-1]["data"]["text/plain"]
