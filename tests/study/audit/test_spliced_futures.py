"""Rewritten files keep the rows up to the origin, apart from look-ahead columns."""

import csv
from pathlib import Path

import pandas as pd

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
