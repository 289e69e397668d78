"""JupyterLab as `make lab` sets it up, and a headless browser before it."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from support.places import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for path in map(shutil.which, NAMES) if path), None)
PATIENCE = 120.0
"""Seconds, on a machine that does much else."""


RUN_ALL = """async () => {
  const { shell, commands } = window.jupyterapp;
  await shell.currentWidget.sessionContext.ready;
  await commands.execute("notebook:run-all-cells");
  await commands.execute("docmanager:save");
}"""
"""What the entries of the menus Run and File do; it ends when the cells have."""


DRAWN = """images => images.filter(
  i => i.complete && i.naturalWidth > 100 && i.alt.length > 80).length"""


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

    def figures(self) -> int:
        """Return how many figures are seen, drawn and with their text."""
        images = self.page.locator(".jp-OutputArea-output figure img")
        images.first.scroll_into_view_if_needed(timeout=1000 * PATIENCE)
        assert images.first.is_visible()
        return int(images.evaluate_all(DRAWN))

    def cells(self, name: str) -> list[Any]:
        notebook = nbformat.read(self.project / name, as_version=4)
        return [cell for cell in notebook.cells if cell.cell_type == "code"]


def wait(happened: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.1)


def copy_project(folder: Path, names: tuple[str, ...]) -> Path:
    """Copy what `make lab` shows: the library, the settings and some notebooks."""
    shutil.copytree(ROOT / "src", folder / "src")
    shutil.copytree(ROOT / ".ipython", folder / ".ipython")
    (folder / "notebooks").mkdir()
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    for name in names:
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", folder / "notebooks")
    return folder


@contextmanager
def open_browser() -> Iterator["Browser"]:
    """Open a headless Chromium until the block ends; one at a time."""
    if CHROMIUM is None:
        pytest.skip("chromium is missing")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@contextmanager
def open_lab(project: Path, browser: "Browser") -> Iterator[Lab]:
    """Serve a project and put a page before it, until the block ends."""
    with Serve(project) as (url, token):
        page, errors = browser.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield Lab(project, url, token, page, errors)
        page.close()


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
