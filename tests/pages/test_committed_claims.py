"""The README's picture, its committed numbers and the page of claims agree."""

import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from support.places import ROOT

from nse_lstm.pages.claims import claim_effect
from nse_lstm.pages.results import draw_committed_claims

TABLE = ROOT / "docs" / "results" / "nse-claims.csv"


def words_of(picture: Path) -> list[str]:
    """Return the words of an SVG: the backend keeps each beside its glyphs."""
    found = re.findall(r"<!-- (.*?) -->", picture.read_text(encoding="utf-8"))
    return [unescape(text) for text in found]


@pytest.fixture(scope="module")
def claims() -> pd.DataFrame:
    return pd.read_csv(TABLE, keep_default_na=False)


def test_the_picture_shows_the_committed_effects(claims: pd.DataFrame) -> None:
    shown = words_of(TABLE.with_suffix(".svg"))
    for row in claims.to_dict("records"):
        own = [text for text in shown if text.startswith(f"{row['claim']}, ")]
        assert len(own) == 1
        assert own[0].endswith(claim_effect({str(key): row[key] for key in row}))


def test_the_page_of_claims_has_the_same_answers_and_numbers(
    claims: pd.DataFrame,
) -> None:
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    results = page.split("## Results on known years")[1].split("\n## ")[0]
    for row in claims.to_dict("records"):
        (line,) = re.findall(rf"^\| {row['claim']}\b.*$", results, re.MULTILINE)
        effect = re.findall(r"[+−]?\d+\.\d+", claim_effect(row))
        assert effect == re.findall(r"[+−]?\d+\.\d+", line.split("|")[3])
        assert line.endswith(f"| {row['answer']} |")


def test_the_same_table_gives_the_same_picture_and_another_another(
    tmp_path: Path, claims: pd.DataFrame
) -> None:
    table = tmp_path / "nse-claims.csv"
    claims.to_csv(table, index=False)
    first = draw_committed_claims(table).read_bytes()
    assert draw_committed_claims(table).read_bytes() == first
    claims.assign(effect=claims["effect"] / 2).to_csv(table, index=False)
    assert draw_committed_claims(table).read_bytes() != first


def test_the_readme_shows_the_picture() -> None:
    path = TABLE.with_suffix(".svg").relative_to(ROOT).as_posix()
    assert f"]({path})" in (ROOT / "README.md").read_text(encoding="utf-8")
