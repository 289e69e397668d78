"""The whole study on files that attack their reader: from notebooks to pages."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.hostile_files import FILE, WORDS, make_hostile
from support.lab_parts import Lab, copy_project, open_browser, open_lab
from support.tiny_study import tiny_workspace
from support.traced import opened_folders, traced

from nse_lstm.pages.index import write_index
from nse_lstm.pages.status import write_status
from nse_lstm.pages.stock_pages import make_stock_pages
from nse_lstm.reporting.pages import render_notebook
from nse_lstm.study.core.phases import PHASES
from nse_lstm.study.core.verdict import read_verdict
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.tools.build_costs import phase_costs
from nse_lstm.study.tools.execute_notebook import execute_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = [*sorted(FOLDER.glob("0*.ipynb")), *sorted(FOLDER.glob("9[12]_*.ipynb"))]
STOCK = FOLDER / "90_stock.ipynb"
OPENED = ("02_architecture", "03_full_training", "04_validation", "05_deployment")
OPENED += ("90_stock", "91_anatomy_of_a_sharpe")
"""In JupyterLab, on what the build left; Phase 1 has a test of its own there."""

pytestmark = pytest.mark.notebook


def identity(workspace: Workspace) -> dict[str, Any]:
    root = workspace.paths.root
    return {"root": str(root), "study": str(root / "study.toml"), "test_year": 2024}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = tiny_workspace(tmp_path_factory.mktemp("whole"))
    paths = workspace.paths
    prepare_raw(workspace)
    make_hostile(paths.raw)
    told = identity(workspace)
    for source in NOTEBOOKS:
        target = paths.build / source.name
        with traced(workspace, source.stem):
            execute_notebook(source, target, workspace=workspace, parameters=told)
    verdict = read_verdict(workspace)
    for source in NOTEBOOKS:
        page = paths.reports / f"{source.stem}.html"
        render_notebook(paths.build / source.name, page, verdict=verdict)
    make_stock_pages(workspace, STOCK, parameters=told)
    write_status(workspace, paths.reports / "status.html")
    write_index(workspace, paths.reports / "index.html")
    return workspace


def pages(workspace: Workspace) -> list[Path]:
    return sorted(workspace.paths.reports.rglob("*.html"))


def test_it_runs_from_notebooks_to_pages(built: Workspace) -> None:
    paths = built.paths
    phases = [source.stem for source in NOTEBOOKS if source.stem.startswith("0")]
    costs = phase_costs(built)
    names = [source.stem for source in NOTEBOOKS] + [STOCK.stem]
    assert sorted(costs["phase"]) == sorted(names)
    # A kernel that imports pandas holds more than 50 MiB, and no phase takes 20 GiB.
    assert costs["peak_mib"].between(50, 20_000).all()
    for page in pages(built):
        # The glossary's links aside.
        text = re.sub(r'<a class="term"[^>]*>(.*?)</a>', r"\1", page.read_text())
        assert "Simulated market: a test" in text
        assert len(text) < 2_000_000
        assert "Smallest detectable yearly Sharpe ratio: " in text
        assert "is confirmatory" in text
    index = (paths.reports / "index.html").read_text()
    assert all(f"{stem}.html" in index for stem in phases)
    recommended = paths.analysis / "training_recommendations.json"
    assert (paths.registry / "registry.json").is_file()
    for ticker in json.loads(recommended.read_text())["recommended"]:
        assert f'href="stocks/{ticker}.html"' in index
        assert f">{ticker}, " in (paths.reports / f"stocks/{ticker}.html").read_text()


NOTEBOOK_PHASES = [phase for phase in PHASES if phase.source.endswith(".ipynb")]


@pytest.mark.parametrize("phase", NOTEBOOK_PHASES, ids=lambda phase: phase.target)
def test_a_phase_reads_and_writes_what_it_declares(built: Workspace, phase) -> None:
    name = Path(phase.source).stem
    own = {*phase.writes, *phase.shares, *phase.appends}
    written = opened_folders(built, name, how="w")
    assert written and written <= own
    read = opened_folders(built, name, how="r") - own
    assert read and read <= set(phase.reads)


def test_a_fresh_page_is_kept_and_that_of_a_stock_left_out_removed(
    built: Workspace,
) -> None:
    old = built.paths.reports / "stocks" / "OLD.html"
    old.write_text("")
    lines: list[str] = []
    told = identity(built)
    names = make_stock_pages(built, STOCK, parameters=told, progress=lines.append)
    assert all(line.endswith("kept") for line in lines) and len(lines) == len(names)
    assert not old.exists()


class Elements(HTMLParser):
    """What a page is made of, and the text it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.alternatives: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "img":
            self.alternatives.append(dict(attrs).get("alt") or "")
        links = (value or "" for name, value in attrs if name in ("src", "href"))
        self.addresses |= {link.split(":")[0] for link in links if ":" in link}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_no_name_from_the_files_becomes_part_of_a_page(built: Workspace) -> None:
    shown = ""
    for path in pages(built):
        read = Elements()
        read.feed(path.read_text())
        assert not read.tags & {"script", "iframe", "svg", "object", "embed"}, path
        assert not {name for name in read.attributes if name.startswith("on")}, path
        assert read.addresses <= {"data"}, path
        shown += read.text
    # The attacks did reach the pages, as text.
    assert all(words in shown for words in (*WORDS, FILE))


def test_every_figure_is_read_to_whoever_cannot_see_it(built: Workspace) -> None:
    n_figures = 0
    for path in pages(built):
        read = Elements()
        read.feed(path.read_text())
        # What is drawn, and what it says, with its numbers; never the same twice.
        for text in read.alternatives:
            assert len(text) >= 80 and re.search(r"\d", text), (path, text)
        assert len(set(read.alternatives)) == len(read.alternatives), path
        n_figures += len(read.alternatives)
    # Of the phases, the checked claims and two stocks.
    assert n_figures >= 35


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with open_browser() as browser:
        yield browser


INJECTED = """() => ({
  hit: window.__hit ?? null,
  elements: document.querySelectorAll(
    "script, iframe, svg, object, embed, main style, [onerror], [onload]").length,
  images: [...document.images].filter(i => !i.src.startsWith("data:")).length,
  links: [...document.links].filter(a => a.protocol !== "file:").length,
  headings: [...document.querySelectorAll("h1")].filter(
    h => h.innerText === "injected").length,
})"""


def test_no_name_from_the_files_runs_in_a_browser(
    built: Workspace, browser: "Browser"
) -> None:
    page = browser.new_page()
    asked: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    for path in pages(built):
        page.goto(path.as_uri())
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = true)"
        )
        for element in page.locator("main td").all()[:40]:
            element.dispatch_event("mouseover")
        nothing = dict.fromkeys(("elements", "images", "links", "headings"), 0)
        assert page.evaluate(INJECTED) == {"hit": None} | nothing, path
        assert page.locator("main").is_visible()
    page.close()
    assert told == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.fixture(scope="module")
def lab(built: Workspace, browser: "Browser") -> Iterator[Lab]:
    with open_lab(copy_project(built.paths.root, OPENED), browser) as lab:
        yield lab


@pytest.mark.parametrize("name", OPENED)
def test_a_notebook_runs_in_jupyterlab_and_nothing_else_does(
    lab: Lab, name: str
) -> None:
    path = f"notebooks/{name}.ipynb"
    lab.open(path)
    outputs = [output for cell in lab.run_all(path) for output in cell.outputs]
    assert [o.evalue for o in outputs if o.output_type == "error"] == []
    assert lab.figures() >= 1
    assert lab.page.evaluate("window.__hit ?? null") is None
    assert lab.errors == []
