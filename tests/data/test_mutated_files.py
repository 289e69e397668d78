"""Damaged files: a ledger that closes or an error with its place, and nothing else."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mutated_files import damage, load, make_folder
from support.raw_files import random_rows, write_rows

from nse_lstm.data.panel import build_panel
from nse_lstm.errors import DataError
from nse_lstm.tables import INSTRUMENTS, PANEL, REPAIRS, ROW_COUNTS, check

SCHEMAS = {
    "panel": PANEL,
    "instruments": INSTRUMENTS,
    "row_counts": ROW_COUNTS,
    "repairs": REPAIRS,
}


def outcomes(folder: Path, seeds: range) -> Counter[str]:
    """Damage and load one folder a seed; count what came of it."""
    sound = make_folder(folder / "sound")
    counts: Counter[str] = Counter()
    for seed in seeds:
        copy = Path(shutil.copytree(sound, folder / str(seed)))
        result = load(copy, damage(copy, seed))
        counts["refused" if isinstance(result, DataError) else "loaded"] += 1
        shutil.rmtree(copy)
    return counts


def test_damaged_files_load_with_a_closed_ledger_or_are_refused(tmp_path):
    counts = outcomes(tmp_path, range(40))
    assert counts.total() == 40
    # A mutation that never, or always, breaks a file would prove nothing.
    assert min(counts["loaded"], counts["refused"]) > 4


@pytest.mark.exhaustive
def test_ten_thousand_damaged_files(tmp_path):
    counts = outcomes(tmp_path, range(10_000))
    print(dict(counts))
    assert counts.total() == 10_000


@st.composite
def folders(draw: st.DrawFn) -> list[list[int]]:
    """Draw which sessions of ten each of up to four files prints, in what order."""
    spans = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted)
    return [
        list(range(first, last + 1))
        for first, last in draw(st.lists(spans, min_size=1, max_size=4))
    ]


@settings(
    max_examples=5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    files=folders(), names=st.permutations(["a", "b", "c", "d"]), twice=st.booleans()
)
def test_files_in_any_order_and_number_are_one_market(
    tmp_path_factory, files, names, twice
):
    days = pd.bdate_range("2020-03-02", periods=10)
    rows = random_rows(days, seed=7, tickers=("AAA", "BBB", "CCC", "^IDX"))
    printed = [[r for r in rows if r.session in days[places]] for places in files]
    folder = tmp_path_factory.mktemp("raw")
    for name, part in zip(names, printed, strict=False):
        part = [*part, *part[-4:]] if twice else part
        write_rows(folder / "any order" / f"{name}_2020.csv", part)
    union = [row for row in rows if any(row in part for part in printed)]
    write_rows(folder / "one" / "prices_2020.csv", union)
    market, one, again = (
        build_panel(folder / name) for name in ("any order", "one", "any order")
    )
    place = ["source_file", "source_line"]
    pd.testing.assert_frame_equal(
        market.panel.drop(columns=place), one.panel.drop(columns=place)
    )
    counts = market.row_counts.groupby("action")["n_rows"].sum()
    assert counts.sum() == sum(len(part) + 4 * twice for part in printed)
    assert counts["kept"] == len(market.panel) == len(union)
    for name, schema in SCHEMAS.items():
        first, second = getattr(market, name), getattr(again, name)
        pd.testing.assert_frame_equal(check(first, schema), second)
    assert market.digest == again.digest


def test_text_of_names_is_text_and_nothing_more(tmp_path):
    rows = random_rows(pd.bdate_range("2020-03-02", periods=2), seed=1)
    names = ["=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>"]
    rows = [replace(row, name=names[n % 2]) for n, row in enumerate(rows)]
    write_rows(tmp_path / "p.csv", rows)
    assert build_panel(tmp_path).instruments["name"].tolist() == names
