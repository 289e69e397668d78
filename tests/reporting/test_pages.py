from pathlib import Path

import nbformat
import pytest

from nse_lstm.errors import ArtefactError
from nse_lstm.reporting.pages import render_notebook, wrap_page

METADATA = {
    "label": "Simulated <market>",
    "simulated": True,
    "citation": "",
    "provenance": {"commit": "abc", "duration": "3 s"},
}


def executed(folder: Path, output: str, *, metadata: bool = True) -> Path:
    notebook = nbformat.v4.new_notebook()
    code = nbformat.v4.new_code_cell("secret_code()")
    code.outputs = [
        nbformat.v4.new_output("stream", text="[1/2] progress line"),
        nbformat.v4.new_output("display_data", data={"text/html": output}),
    ]
    notebook.cells = [nbformat.v4.new_markdown_cell("# Title\n\n**Why?**"), code]
    if metadata:
        notebook.metadata["nse_lstm"] = METADATA
    path = folder / "01_data_analysis.ipynb"
    nbformat.write(notebook, path)
    return path


def test_a_page_shows_results_and_hides_code_and_progress(tmp_path: Path) -> None:
    render_notebook(
        executed(tmp_path, "<p>result</p>"), tmp_path / "page.html", verdict=None
    )
    page = (tmp_path / "page.html").read_text()
    assert "<p>result</p>" in page and "Title" in page
    assert "secret_code" not in page and "progress line" not in page


def test_a_page_names_its_market_and_where_it_comes_from(tmp_path: Path) -> None:
    page = wrap_page("", name="04_validation", metadata=METADATA)
    assert "Simulated &lt;market&gt;" in page
    assert "abc" in page and "3 s" in page
    assert 'href="04_validation.html" aria-current="page"' in page


def test_the_verdict_stands_first_on_a_page_executed_before_it_was_known(
    tmp_path: Path,
) -> None:
    verdict = {
        "verdict": {
            "answer": "no",
            "sentence": "No: <b>.",
            "smallest_detectable_sharpe": 1.24,
        },
        "test_year": 2023,
        "evaluation": {"label": "replication"},
    }
    render_notebook(executed(tmp_path, ""), tmp_path / "a.html", verdict=verdict)
    main = (tmp_path / "a.html").read_text().split("<main>")[1]
    assert main.index('class="verdict no"') < main.index("Title")
    assert "<strong>No: &lt;b&gt;.</strong>" in main
    assert "Smallest detectable yearly Sharpe ratio: 1.2." in main
    assert "test year 2023 is replication" in main
    assert 'href="04_validation.html">Evidence' in main


def test_before_phase_4_a_page_says_that_nothing_is_judged(tmp_path: Path) -> None:
    render_notebook(executed(tmp_path, ""), tmp_path / "a.html", verdict=None)
    assert "Not judged yet" in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize(
    "output",
    [
        '<script>alert("x")</script>',
        '<img src="https://example.org/x.png">',
        "<link href='//example.org/x.css'>",
        "<style>@import 'x.css';</style>",
        "<div style='background:url(http://example.org)'></div>",
    ],
)
def test_a_page_that_would_ask_the_network_is_refused(
    tmp_path: Path, output: str
) -> None:
    with pytest.raises(ArtefactError, match="ask the network for nothing"):
        render_notebook(
            executed(tmp_path, output), tmp_path / "page.html", verdict=None
        )
    assert not (tmp_path / "page.html").exists()


def test_a_notebook_that_was_not_executed_here_is_refused(tmp_path: Path) -> None:
    path = executed(tmp_path, "<p></p>", metadata=False)
    with pytest.raises(ArtefactError, match="nse-lstm execute"):
        render_notebook(path, tmp_path / "page.html", verdict=None)


def test_navigation_works_from_a_folder_below(tmp_path: Path) -> None:
    page = wrap_page("", name="90_stock", metadata=METADATA, base="../", title="SCOM")
    assert "<title>SCOM · nse-lstm</title>" in page
    assert 'href="../index.html"' in page and 'href="../status.html"' in page
    assert "aria-current" not in page.split("</style>")[1]
