"""Every page of a finished build, opened in a real browser: `make check-pages`.

The folder is given by NSE_LSTM_PAGES; Chromium is Debian's, axe-core npm's. What is
missing is said and skipped.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FOLDER = os.environ.get("NSE_LSTM_PAGES", "")
PAGES = sorted(Path(FOLDER).rglob("*.html")) if FOLDER else []
WIDTHS = {"phone": 390, "desktop": 1280}
A4 = {"width": 688, "height": 1000}
"""Pixels between the margins of a page of paper."""
MOST_BYTES = 2_000_000
SERIOUS = ("serious", "critical")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

pytestmark = [
    pytest.mark.browser,
    # Playwright's own event loop is left to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.skipif(not FOLDER, reason="NSE_LSTM_PAGES names no folder of pages"),
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine"),
    pytest.mark.skipif(not AXE.is_file(), reason="run npm ci in tests/browser"),
]


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, headless=True
        )
        yield opened
        opened.close()


def test_there_are_pages_to_check() -> None:
    assert [page.name for page in PAGES if page.name == "index.html"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_one_small_file(path: Path) -> None:
    assert path.stat().st_size < MOST_BYTES


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_asks_nobody_fits_and_is_accessible(
    browser, path: Path, width: str
) -> None:
    context = browser.new_context(
        viewport={"width": WIDTHS[width], "height": 900}, reduced_motion="reduce"
    )
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.resolve().as_uri())
    outside = [url for url in asked if not url.startswith(("file:", "data:"))]
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    words = page.inner_text("main")
    alternatives = page.evaluate("[...document.images].map(i => i.alt.trim())")
    # What a reader opens with one click is checked open.
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.add_script_tag(path=str(AXE))
    found = page.evaluate("axe.run()")["violations"]
    if shots := os.environ.get("NSE_LSTM_SHOTS"):
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = false)"
        )
        name = f"{path.stem}-{width}.png"
        page.screenshot(path=str(Path(shots) / name), full_page=True)
    context.close()
    serious = [
        (each["id"], each["help"], [node["html"][:120] for node in each["nodes"][:3]])
        for each in found
        if each["impact"] in SERIOUS
    ]
    assert serious == []
    assert outside == []
    assert said == []
    assert overflow <= 0
    # What a figure says, with its numbers, and of each figure something else.
    assert [a for a in alternatives if len(a) < 80 or not re.search(r"\d", a)] == []
    assert len(set(alternatives)) == len(alternatives)
    # The verdict stands first on every page.
    assert "Smallest detectable yearly Sharpe ratio: " in words[:1200]


WIDER = """width => [...document.querySelectorAll("main *")]
  .filter(e => e.getBoundingClientRect().right > width + 0.5)
  .map(e => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_fits_paper(browser, path: Path) -> None:
    page = browser.new_page(viewport=A4)
    page.emulate_media(media="print")
    page.goto(path.resolve().as_uri())
    wider = page.evaluate(WIDER, A4["width"])
    navigation = page.locator("nav").first.is_visible()
    page.close()
    assert wider == []
    assert not navigation


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_link_leads_to_a_page_that_is_there(browser, path: Path) -> None:
    page = browser.new_page()
    page.goto(path.resolve().as_uri())
    links = page.evaluate("[...document.links].map(a => a.href.split('#')[0])")
    page.close()
    files = {link for link in links if link.startswith("file:")}
    dead = [link for link in files if not Path(link.removeprefix("file://")).is_file()]
    assert dead == []
