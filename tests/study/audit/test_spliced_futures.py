"""Rewritten files keep the rows up to the origin, apart from look-ahead columns."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from nse_lstm.study.audit.spliced_futures import Splice, rewrite_files

ORIGIN = pd.Timestamp("2020-01-08")


def read_rows(folder: Path) -> list[list[str]]:
    (path,) = folder.glob("*stocks*.csv")
    return list(csv.reader(path.read_text().splitlines()))[1:]


def test_a_cut_keeps_the_rows_up_to_the_origin_as_they_are(
    raw: Path, tmp_path: Path
) -> None:
    cut = read_rows(rewrite_files(raw, tmp_path / "cut", Splice("cut", ORIGIN)))
    assert cut == read_rows(raw)[: 3 * 2]


def test_before_the_origin_another_future_changes_look_ahead_columns_only(
    raw: Path, tmp_path: Path
) -> None:
    change = Splice("other future", ORIGIN, split="AAA", delisted="BBB", seed=1)
    rows = read_rows(rewrite_files(raw, tmp_path / "other", change))
    for before, after in zip(read_rows(raw)[:6], rows[:6], strict=True):
        assert after[3:5] != before[3:5]
        assert [*after[:3], *after[5:12]] == [*before[:3], *before[5:12]]
        halved = f"{float(before[7]) / 2:.2f}" if before[1] == "AAA" else "-"
        assert after[12] == halved
    for before, after in zip(read_rows(raw)[6:], rows[6:], strict=True):
        assert after[7] != before[7] and after[11] != before[11]


@pytest.mark.parametrize("shown", [6, 4, 8], ids=["its own", "a copy", "early"])
def test_another_future_keeps_the_chain_of_previous_prices(
    raw: Path, tmp_path: Path, shown: int
) -> None:
    (path,) = raw.glob("*stocks*.csv")
    header, *printed = csv.reader(path.read_text().splitlines())
    # The board after the origin is its own, the one before or the one after.
    for place in (6, 7):
        printed[place][1:] = printed[shown + place - 6][1:]
    with path.open("w", newline="") as lines:
        csv.writer(lines).writerows([header, *printed])
    change = Splice("other future", ORIGIN, delisted="BBB", seed=1)
    rows = read_rows(rewrite_files(raw, tmp_path / "other", change))
    price = {row[1]: row[7] for row in read_rows(raw)[:6]}
    for row in rows[6:]:
        assert row[8] == price[row[1]]
        assert float(row[9]) == pytest.approx(float(row[7]) - float(row[8]), abs=0.006)
        price[row[1]] = row[7]


def test_dates_in_numbers_are_spliced_too(raw: Path, tmp_path: Path) -> None:
    (path,) = raw.glob("*stocks*.csv")
    header, *rows = csv.reader(path.read_text().splitlines())
    for row in rows:
        day = pd.to_datetime(row[0], format="mixed")
        row[0] = f"{day.month}/{day.day}/{day.year}"
    (tmp_path / "old").mkdir()
    with (tmp_path / "old" / path.name).open("w", newline="") as lines:
        csv.writer(lines).writerows([header, *rows])
    cut = rewrite_files(tmp_path / "old", tmp_path / "cut", Splice("cut", ORIGIN))
    assert read_rows(cut) == rows[: 3 * 2]
