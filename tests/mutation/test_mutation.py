"""The committed page says what the committed table holds."""

import json
from pathlib import Path

from mutation.report import KILLED, mutation_page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_holds_the_table_and_every_survivor_was_read() -> None:
    rows = json.loads((DOCS / "mutation.json").read_text(encoding="utf-8"))
    assert (DOCS / "mutation.md").read_text(encoding="utf-8") == mutation_page(rows)
    assert all(row["reason"] for row in rows if row["latest"] != KILLED)
