"""The committed ledger of the real market: nothing in it is ever lost."""

import hashlib
import json

import pytest
from support.places import ROOT

from nse_lstm.study.core.ledger import read_lines
from nse_lstm.study.core.trials import LEDGER

FOLDER = ROOT / "trained_models" / "nse" / "ledger"
EVALUATIONS = "test_year_evaluations.jsonl"

# Lines as they stood on 30 November 2026; a later build may only add to them.
COMMITTED = {EVALUATIONS: 6, LEDGER: 52, "calendars.jsonl": 2, "searches.jsonl": 3}


@pytest.mark.parametrize(("name", "n_lines"), COMMITTED.items())
def test_no_line_is_lost(name, n_lines):
    assert len(read_lines(FOLDER / name)) >= n_lines


def test_the_trials_are_the_same_strategies_with_the_same_returns():
    lines = read_lines(FOLDER / LEDGER)[: COMMITTED[LEDGER]]
    kept = [
        [line["model"], line["rule"], line.get("excess_ppm") or line["excess_returns"]]
        for line in lines
    ]
    digest = hashlib.sha256(json.dumps(kept).encode()).hexdigest()
    # Of the ledger before rooms and names changed.
    assert digest == "63e0b52e9b418154efe0a63d45b776ad1cdd32c27391064934f58ec35de93846"


def test_the_evaluations_are_of_the_same_years_data_and_times():
    lines = read_lines(FOLDER / EVALUATIONS)[: COMMITTED[EVALUATIONS]]
    assert {line["test_year"] for line in lines} == {2023}
    assert {line["label"] for line in lines} == {"replication"}
    assert [line["when"][:16] for line in lines] == [
        "2026-11-22T19:31",
        "2026-11-22T19:40",
        "2026-11-22T22:51",
        "2026-11-23T01:47",
        "2026-11-23T04:33",
        "2026-11-23T05:00",
    ]
    assert len({(line["data"], line["study"]) for line in lines}) == len(lines)
