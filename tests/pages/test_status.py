import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.finished_study import stocks
from support.tiny_study import tiny_workspace

from nse_lstm.errors import ArtefactError
from nse_lstm.json_files import read_json
from nse_lstm.pages import status as status_module
from nse_lstm.pages.results import write_results
from nse_lstm.pages.status import DOCUMENTS, read_status, write_status
from nse_lstm.pages.summary import accuracy_by_stock, comparison
from nse_lstm.paths import find_root
from nse_lstm.reporting.pages import PAGES
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.tools.execute_notebook import page_metadata

HEADINGS = [
    "Quick Status",
    "Test Results Summary",
    "Next Action",
    "Documentation",
    "Key Improvements",
]


@pytest.fixture(scope="module")
def page(finished: Workspace) -> Path:
    path = finished.paths.reports / "status.html"
    write_status(finished, path)
    return path


def test_the_first_pages_headings_stand_in_their_order(page: Path) -> None:
    assert re.findall(r"<h2>(.*?)</h2>", page.read_text()) == HEADINGS
    text = page.with_suffix(".md").read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert text.count("### [x] Phase ") == 5


def test_every_link_leads_to_a_page_or_a_file_of_the_project(
    finished: Workspace, page: Path
) -> None:
    pages = {f"{name}.html" for name in PAGES}
    pages |= {f"stocks/{ticker}.html" for ticker in stocks(finished)}
    # A term's place within the glossary is the glossary's own matter.
    html = re.findall(r'href="([^"#]*)', page.read_text())
    text = re.findall(r"\]\(([^)]*)\)", page.with_suffix(".md").read_text())
    links = {link for link in [*html, *text] if link != "data:,"}
    outside = links - pages
    assert links >= {"04_validation.html", "index.html", "stocks/SCOM.html"}
    assert len(outside) == len([d for d in DOCUMENTS if not d[1].endswith(".html")])
    for link in outside:
        target = (page.parent / link).resolve()
        assert target.is_file() and target.is_relative_to(find_root())


def test_the_commands_are_those_of_the_very_study(finished: Workspace) -> None:
    folder = finished.paths.reports
    status = read_status(finished, folder=folder, study_file="other.toml")
    given = f"ROOT={finished.paths.root} STUDY=other.toml"
    market = finished.study.market.name
    commands = [line for line in status.commands if not line.startswith("#")]
    assert [line.split()[1] for line in commands] == ["all", "daily"]
    for line in commands:
        assert given in line and f"MARKET={market}" in line


def test_a_phase_that_has_not_run_says_so(tmp_path: Path) -> None:
    workspace = tiny_workspace(tmp_path)
    prepare_raw(workspace)
    analyse_data(workspace)
    status = read_status(workspace, folder=workspace.paths.reports)
    assert [phase.done for phase in status.phases] == [True, False, False, False, False]
    assert status.current == "2 of 5"
    assert "not run" in status.verdict.sentence
    write_status(workspace, workspace.paths.reports / "status.html")
    text = (workspace.paths.reports / "status.md").read_text()
    assert "### [ ] Phase 3: Full Training (not run)" in text


def test_without_phase_1_there_is_no_status(tmp_path: Path) -> None:
    workspace = tiny_workspace(tmp_path)
    with pytest.raises(ArtefactError, match=r"market\.json"):
        write_status(workspace, tmp_path / "status.html")


def test_the_same_tables_give_the_same_page(
    finished: Workspace, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = page.read_text(), page.with_suffix(".md").read_text()
    write_status(finished, page)
    assert (page.read_text(), page.with_suffix(".md").read_text()) == before
    other = page_metadata(finished) | {"provenance": {"commit": "x"}}
    monkeypatch.setattr(status_module, "page_metadata", lambda workspace: other)
    write_status(finished, page)
    assert page.with_suffix(".md").read_text() == before[1]


def test_the_model_in_use_is_the_registrys_and_not_the_choice(
    finished: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = sorted(stocks(finished))
    kept = SimpleNamespace(model="persistence")
    registry = {first: {"champion": kept}}
    monkeypatch.setattr(status_module, "read_registry", lambda folder: registry)
    path = finished.paths.evaluation / "selection.json"
    chosen = [row | {"champion": "stock_lstm"} for row in read_json(path)]
    # A recommended stock that left before the test year has no score.
    chosen.append(chosen[0] | {"ticker": "GONE"})
    monkeypatch.setattr(status_module, "read_json", lambda file: chosen)
    table = status_module._stocks(finished).set_index("ticker")
    assert set(table["chosen in Phase 4"]) == {"stock LSTM"}
    assert table.loc[first, "model in use"] == "persistence"
    assert table.loc["GONE", "error of v2"] == "not in the test year's files"
    assert set(table.loc[others, "model in use"]) == {"none"}


def test_the_figures_are_those_of_the_tables(finished: Workspace) -> None:
    table = comparison(finished).set_index("figure")
    # The first page's figures stand apart from what was found.
    assert table.loc["Sharpe ratio, pooled", "first page: SCOM"] == "10.67"
    assert table.loc["skill against persistence", "persistence"] == "0.00"
    assert table.loc["negative predictions", "v2, gate rule"] == "0"
    # Persistence never trades.
    assert table.loc["Sharpe ratio, pooled", "persistence"] == "–"
    by_stock = accuracy_by_stock(finished)
    assert by_stock["ticker"].to_list() == [*sorted(stocks(finished)), "all stocks"]
    assert (by_stock["ratio"].astype(float) > 1).all()


def test_the_results_page_is_the_same_wherever_and_whenever_it_is_written(
    finished: Workspace,
) -> None:
    path = write_results(finished)
    text = path.read_text()
    assert path == finished.paths.root / "docs" / "results" / "simulated-2024.md"
    assert write_results(finished).read_text() == text
    assert "2024-12-31" in text and "Configuration hash: " in text
    assert "Data hash: " in text and "No evidence of profit: a test." in text
    # Times of one machine have no place in it.
    assert "100 ms" not in text and "Training time" not in text


def test_the_results_page_holds_statistics_and_no_row_of_data(
    finished: Workspace,
) -> None:
    dates = set(re.findall(r"\d{4}-\d{2}-\d{2}", write_results(finished).read_text()))
    # The first and the last session of the data, and no other.
    assert len(dates) == 2
