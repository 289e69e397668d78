"""Audit page, data card, and the first screen of the index."""

from pathlib import Path

import pandas as pd
import pytest

from nse_lstm.json_files import read_json
from nse_lstm.pages.audit import audit_card
from nse_lstm.pages.cards import data_card, dividend_coverage, write_cards
from nse_lstm.pages.index import headline_facts
from nse_lstm.study.core.phase_tables import read_sealed_panel
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import PANEL, SCORES, read_table

HOSTILE = "<script>alert(1)</script>"


def test_the_rows_of_the_data_card_add_up_to_the_files(finished: Workspace) -> None:
    card = data_card(finished)
    files, folder = card["files"], finished.paths.raw
    lines = {
        path.name: len(path.read_text("utf-8-sig").splitlines()) - 1
        for path in folder.glob("*.csv")
    }
    counted = dict(zip(files["source_file"], files["n_rows"], strict=True))
    assert counted == {name: n for name, n in lines.items() if name in counted}
    panel = read_table(PANEL, finished.paths.processed / "panel.parquet")
    assert files[["kept", "mended"]].to_numpy().sum() == len(panel)


def test_the_data_card_says_nothing_of_the_test_year_but_its_rows(
    finished: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = data_card(finished)["known"]
    facts = read_json(finished.paths.processed / "market.json")
    panel = read_table(PANEL, finished.paths.processed / "panel.parquet")
    other = panel.assign(
        volume=panel["volume"].mask(panel["session"].dt.year == facts["test_year"])
    )
    monkeypatch.setattr(
        "nse_lstm.study.core.phase_tables.read_table",
        lambda schema, path: other if schema is PANEL else read_table(schema, path),
    )
    assert data_card(finished)["known"] == before


def test_the_data_card_shows_the_coverage_of_dividends_and_what_cash_earns(
    finished: Workspace,
) -> None:
    card = data_card(finished)
    panel = read_sealed_panel(finished)
    paid = panel[panel["dividend"] > 0]
    table = card["dividends"].set_index("ticker")
    assert set(paid["ticker"]) <= set(table.index)
    for (ticker, year), rows in paid.groupby(["ticker", paid["session"].dt.year]):
        assert table.loc[ticker, str(year)] == f"{len(rows)} all"
    assert "are complete" in card["dividend_words"]
    assert card["cash_words"] == "Cash earns 8.5% per year, credited every session."
    bare = panel.assign(dividend=0.0, dividends_known=False)
    assert dividend_coverage(bare) is None


def test_before_an_audit_its_page_says_how_to_make_one(finished: Workspace) -> None:
    card = audit_card(finished)
    assert card["checks"] is None and card["tone"] == "undecided"
    assert "make audit" in card["words"]


def test_the_cards_escape_what_files_say(finished: Workspace, tmp_path: Path) -> None:
    ledger = finished.paths.processed / "row_counts.parquet"
    before = ledger.read_bytes()
    rows = pd.read_parquet(ledger)
    rows.assign(source_file=HOSTILE + rows["source_file"]).to_parquet(ledger)
    try:
        write_cards(finished, tmp_path)
    finally:
        ledger.write_bytes(before)
    page = (tmp_path / "data_card.html").read_text()
    assert HOSTILE not in page and "&lt;script&gt;alert(1)" in page
    assert (tmp_path / "audit.html").is_file() and (
        tmp_path / "glossary.html"
    ).is_file()


def test_the_first_screen_states_intervals_and_what_dealing_cost(
    finished: Workspace,
) -> None:
    facts = headline_facts(finished)
    assert (
        facts[0].value == "−10.0% per year"
        and facts[0].beside == "95 %: −20.0% to +0.0%"
    )
    scores = read_table(SCORES, finished.paths.evaluation / "scores.parquet")
    year = read_json(finished.paths.processed / "market.json")["test_year"]
    rows = scores[
        (scores["ticker"] == "ALL")
        & (scores["model"] == "v2")
        & (scores["rule"] == "gate")
        & (scores["cost_bps"] == 66)
        & (scores["fold"] == year)
    ].set_index("metric")["value"]
    paid = rows["gross_return"] - rows["net_return"]
    assert facts[2].value == f"{paid:.1%} of the capital"
    assert f"{rows['turnover']:.1f} times at 0.66 %" in facts[2].beside
    assert (facts[3].value, facts[3].beside) == (
        "–",
        "too little data to detect a ratio below 1.2",
    )
