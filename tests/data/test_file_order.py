"""Exports in another order or with other groups of digits read as the same data."""

from pathlib import Path

import pandas as pd
import pytest
from support.raw_files import Row, random_rows, write_lines, write_rows

from nse_lstm.data.panel import build_panel
from nse_lstm.errors import DataError

DAYS = pd.bdate_range("2020-03-02", periods=8).as_unit("us")
NAME = "NSE_data_all_stocks_2020.csv"
ORDERS = {
    "newest first": (lambda row: row.session, True),
    "by code": (lambda row: (row.ticker, row.session), False),
    "by code, newest first": (lambda row: (row.ticker, row.session), True),
}


def panel_of(folder: Path, rows: list[Row]) -> pd.DataFrame:
    write_rows(folder / NAME, rows)
    market = build_panel(folder)
    assert market.repairs.empty
    return market.panel


@pytest.mark.parametrize("order", ORDERS)
def test_another_order_of_rows_is_the_same_market(tmp_path, order):
    rows = random_rows(DAYS, seed=3)
    expected = panel_of(tmp_path / "sound", rows)
    key, reverse = ORDERS[order]
    mixed = sorted(rows, key=key, reverse=reverse)
    assert mixed != rows
    found = panel_of(tmp_path / "other", mixed)
    pd.testing.assert_frame_equal(
        found.drop(columns="source_line"), expected.drop(columns="source_line")
    )
    # The line is the row's own, below the header.
    lines = {(row.ticker, row.session): n for n, row in enumerate(mixed, start=2)}
    for row in found.itertuples():
        assert lines[row.ticker, row.session] == row.source_line


def test_two_dates_in_each_others_place_are_no_order(tmp_path):
    rows = random_rows(DAYS, seed=3)
    blocks = [[row for row in rows if row.session == day] for day in DAYS]
    blocks[3], blocks[4] = blocks[4], blocks[3]
    write_rows(tmp_path / NAME, [row for block in blocks for row in block])
    with pytest.raises(DataError, match="one of the two is misprinted"):
        build_panel(tmp_path)


def line(volume: str, price: str = "20") -> str:
    return f"02-Mar-20,AAA,A Plc,1,99,20,20,{price},20,-,-,{volume},-"


@pytest.mark.parametrize(
    ("text", "value"), [('"1,00,000"', 1e5), ('"12,34,56,700"', 123456700.0)]
)
def test_groups_of_two_digits_are_read(tmp_path, text, value):
    write_lines(tmp_path / NAME, [line(text)])
    assert build_panel(tmp_path).panel["volume"].tolist() == [value]


@pytest.mark.parametrize(
    ("volume", "price", "hint"),
    [
        ("12.3K", "20", "export whole numbers"),
        ("3.24M", "20", "export whole numbers"),
        ("100", '"20,5"', "export with a decimal point"),
        ("1 000", "20", "export without spaces"),
        ("1.2e3x", "20", "a number of 0 or more as Volume"),
        ("1.2E+05", "20", "not in scientific notation"),
        ("N/A", "20", "export missing values as -"),
        ('"1,000,00"', "20", "a number of 0 or more as Volume"),
    ],
)
def test_what_is_ambiguous_says_what_to_change(tmp_path, volume, price, hint):
    write_lines(tmp_path / NAME, [line(volume, price)])
    with pytest.raises(DataError, match=hint) as caught:
        build_panel(tmp_path)
    assert f"({NAME}, line 2)" in str(caught.value)
