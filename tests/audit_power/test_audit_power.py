"""Every defect is caught and no clean market alarms; both make the table."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from audit_power.defects import Defect
from audit_power.defects_recount import RECOUNT_DEFECTS
from audit_power.measure import (
    DEFECTS,
    clean_figures,
    try_clean_market,
    try_defect,
    try_published,
)
from audit_power.report import page_path, power_page, write_power
from nse_lstm.study.core.audit_result import power_path

CLEAN_SEEDS = range(101, 201)


@pytest.fixture(scope="module")
def measured() -> Iterator[dict[str, list[Any]]]:
    """Collect every row, and write the table when all have been measured."""
    rows: dict[str, list[Any]] = {"defects": [], "published": [], "clean_runs": []}
    yield rows
    wanted = (len(DEFECTS), len(RECOUNT_DEFECTS), len(CLEAN_SEEDS))
    if tuple(map(len, rows.values())) == wanted:
        # The untouched run is measured once, by others.
        before = json.loads(power_path().read_text(encoding="utf-8"))
        kept = {name: before[name] for name in ("untouched",) if name in before}
        write_power({**rows, **kept})


@pytest.mark.audit_power
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_caught(measured: dict[str, list[Any]], defect: Defect) -> None:
    row = try_defect(defect) | clean_figures(defect.learner)
    measured["defects"].append(row)
    assert row["caught_by"]


@pytest.mark.audit_power
@pytest.mark.parametrize("defect", RECOUNT_DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_in_what_is_published_is_caught(
    measured: dict[str, list[Any]], defect: Defect
) -> None:
    row = try_published(defect)
    measured["published"].append(row)
    assert row["caught_by"]


@pytest.mark.audit_power
@pytest.mark.parametrize("seed", CLEAN_SEEDS)
def test_a_clean_market_sets_off_no_alarm(
    measured: dict[str, list[Any]], seed: int
) -> None:
    row = try_clean_market(seed)
    measured["clean_runs"].append(row)
    assert row["alarms"] == []


def test_the_committed_page_says_what_the_committed_table_holds() -> None:
    measured = json.loads(power_path().read_text(encoding="utf-8"))
    assert page_path().read_text(encoding="utf-8") == power_page(measured)
    # A table that is older than the newest defects says less, never more.
    names = [row["name"] for row in measured["defects"]]
    known = [defect.name for defect in DEFECTS]
    assert names == [name for name in known if name in names]
    published = [row["name"] for row in measured.get("published", [])]
    assert published in ([], [defect.name for defect in RECOUNT_DEFECTS])
