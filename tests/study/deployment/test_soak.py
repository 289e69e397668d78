"""Daily cycles on the simulated market, whose rows come late, wrong, twice or never.

Each session's rows are printed to the year's file, scored and monitored. The evening
after, the session before is scored again, as a person would after a late or corrected
row. A plain account of what was done to the rows says what the store must hold.
"""

import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pytest
from support.raw_files import Row, write_folder, write_rows

from nse_lstm.data.panel import build_panel
from nse_lstm.deployment.corrections import newest, read_corrections
from nse_lstm.deployment.registry import promote
from nse_lstm.deployment.store import read_forecasts
from nse_lstm.study.core.ledger import append_lines
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.deploy import correct, score
from nse_lstm.study.deployment.forecast_store import opened_store
from nse_lstm.study.deployment.monitoring import monitor
from nse_lstm.tables import PANEL, read_table, write_table

LATE, MISSING, WRONG, DOUBLED = "late", "missing", "wrong", "doubled"
SHARE = 0.08
"""Chance of each fault, per stock and session."""


@dataclass
class Account:
    """What was done to the rows, and what was reported."""

    faults: list[tuple[tuple[str, pd.Timestamp], str]] = field(default_factory=list)
    reported: Counter = field(default_factory=Counter)
    expected: dict[tuple[str, pd.Timestamp], float] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def printed_rows(workspace: Workspace) -> list[Row]:
    """Return the simulated market's rows without the faults of its own files."""
    panel = read_table(PANEL, workspace.paths.processed / "panel.parquet")
    shares = panel[panel["kind"] == "ordinary"].dropna(subset="price")
    columns = ["session", "ticker", "price", "volume", "previous"]
    ordered = shares.sort_values(["session", "ticker"])[columns]
    return [Row(*values) for values in ordered.itertuples(index=False)]


def prepare(own_study: Workspace, folder: Path) -> tuple[Workspace, list[Row]]:
    """Print the years before the test year, and let persistence serve every stock."""
    rows = printed_rows(own_study)
    write_folder(folder, [row for row in rows if row.session.year < 2024])
    paths = replace(own_study.paths, raw_folder=folder)
    for ticker in sorted({row.ticker for row in rows}):
        promote(
            paths.registry,
            ticker=ticker,
            stage="champion",
            model="persistence",
            version="persistence",
            bundle="",
            evidence="e" * 64,
            why="a soak",
        )
    line = {"test_year": 2024, "data": "", "study": "", "label": "confirmatory"}
    append_lines(paths.ledger / "test_year_evaluations.jsonl", [line], key=["study"])
    return replace(own_study, paths=paths), [r for r in rows if r.session.year == 2024]


def spoil(row: Row, draw: random.Random, account: Account) -> tuple[list[Row], bool]:
    """Return how a row is printed on its day, and whether it is ever printed right."""
    fault = draw.choices(
        [LATE, MISSING, WRONG, DOUBLED, ""], [*[SHARE] * 4, 1 - 4 * SHARE]
    )[0]
    account.faults.append(((row.ticker, row.session), fault))
    wrong = replace(row, price=round(row.price * 1.01 + 0.01, 2))
    today = {LATE: [], MISSING: [], WRONG: [wrong], DOUBLED: [row, row]}
    return today.get(fault, [row]), fault != MISSING


def run_days(workspace: Workspace, rows: list[Row], *, seed: int) -> Account:
    """Live through the sessions of the rows, an evening per session."""
    draw, account = random.Random(seed), Account()
    file = workspace.paths.raw / "NSE_data_all_stocks_2024.csv"
    settled: list[Row] = []
    days = sorted({row.session for row in rows})
    for number, day in enumerate(days):
        of_day = [row for row in rows if row.session == day]
        # One row at least comes as it is, or there would be no session.
        first, rest = of_day[0], of_day[1:]
        spoilt = [([first], True), *(spoil(row, draw, account) for row in rest)]
        write_rows(file, settled + [r for printed, _ in spoilt for r in printed])
        build(workspace)
        found = score(workspace)
        account.reported["evening"] += found.n_new
        assert found.differences.empty
        settled += [
            row for row, (_, comes) in zip(of_day, spoilt, strict=True) if comes
        ]
        write_rows(file, settled)
        build(workspace)
        again(workspace, day, account)
        for row, (_, comes) in zip(of_day, spoilt, strict=True):
            if comes:
                account.expected[row.ticker, day] = row.price
        if number % 5 == 4:
            account.reported["monitored"] = monitor(workspace).n_realised
        account.memory.append(resident_bytes())
    return account


def build(workspace: Workspace) -> None:
    market = build_panel(workspace.paths.raw)
    write_table(market.panel, PANEL, workspace.paths.processed / "panel.parquet")


def again(workspace: Workspace, day: pd.Timestamp, account: Account) -> None:
    """Score a session again: late rows are new, wrong ones are reported once."""
    found = score(workspace, as_of=day)
    account.reported[LATE] += found.n_new
    prices = found.differences.query("what == 'price_hat'")
    account.reported[WRONG] += len(prices)
    if len(found.differences):
        done = correct(workspace, day, reason="printed wrongly")
        assert done.n_new == len(prices)
    third = score(workspace, as_of=day)
    assert (third.n_new, len(third.differences)) == (0, 0)


def check_store(workspace: Workspace, account: Account) -> None:
    with opened_store(workspace) as engine:
        stored, corrections = read_forecasts(engine), read_corrections(engine)
    found = newest(stored, corrections)
    panel = read_table(PANEL, workspace.paths.processed / "panel.parquet")
    # A suspended stock is not forecast, and the flag is known on its day.
    held = panel[panel["suspended"] | panel["stale"]]
    refused = set(zip(held["ticker"], held["session"], strict=True))
    key = zip(found["ticker"], found["origin"], strict=True)
    assert dict(zip(key, found["price_hat"].round(9), strict=True)) == {
        place: round(price, 9)
        for place, price in account.expected.items()
        if place not in refused
    }
    done = Counter(fault for place, fault in account.faults if place not in refused)
    assert account.reported[LATE] == done[LATE]
    assert account.reported[WRONG] == done[WRONG] == len(corrections)
    assert account.reported["evening"] + done[LATE] == len(stored)


@pytest.mark.slow
def test_a_fortnight_of_faulty_evenings(own_study: Workspace, tmp_path: Path) -> None:
    workspace, rows = prepare(own_study, tmp_path / "raw")
    days = sorted({row.session for row in rows})[:10]
    account = run_days(workspace, [r for r in rows if r.session in days], seed=1)
    assert {LATE, MISSING, WRONG, DOUBLED} < {fault for _, fault in account.faults}
    check_store(workspace, account)
    # Every forecast but the last session's has come due.
    assert account.reported["monitored"] > 0


@pytest.mark.exhaustive
def test_a_year_of_faulty_evenings(own_study: Workspace, tmp_path: Path) -> None:
    workspace, rows = prepare(own_study, tmp_path / "raw")
    start = time.perf_counter()
    account = run_days(workspace, rows, seed=2)
    seconds = time.perf_counter() - start
    check_store(workspace, account)
    done, n_days = Counter(fault for _, fault in account.faults), len(account.memory)
    early, late = account.memory[n_days // 5], account.memory[-1]
    print(
        f"{n_days} evenings in {seconds:.0f} s: {dict(done)}, "
        f"{dict(account.reported)}; {early / 2**20:.0f} MiB after a fifth, "
        f"{late / 2**20:.0f} MiB at the end"
    )
    assert late < 1.1 * early
