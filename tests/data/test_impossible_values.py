"""Values that cannot be are listed for review, and change nothing."""

from pathlib import Path

import pandas as pd
import pytest
from support.places import ALL_FILES, ROOT
from support.raw_files import Row, write_folder

from nse_lstm.data.impossible_values import (
    FRACTIONAL,
    IMPOSSIBLE,
    OFF_TICK,
    RENAMED_CODE,
    UNKNOWN_CODE,
)
from nse_lstm.data.panel import build_panel

DAYS = pd.bdate_range("2021-03-01", periods=12).as_unit("us")
"""In a year whose files print volumes with two decimals."""


def listed(folder: Path, rows: list[Row], **how) -> pd.DataFrame:
    repairs = build_panel(write_folder(folder / "raw", rows), **how).repairs
    return repairs[repairs["reason"].isin(IMPOSSIBLE)].reset_index(drop=True)


def board(**special: Row) -> list[Row]:
    """Return two quiet stocks, with rows replaced by ticker and number of session."""
    rows = []
    for number, day in enumerate(DAYS):
        for ticker in ("AAA", "BBB"):
            quiet = Row(day, ticker, 20.0 + number * 0.5, 100.0 + number)
            rows.append(special.get(f"{ticker}{number}", quiet))
    return rows


def test_a_sound_board_has_nothing_to_review(tmp_path):
    assert listed(tmp_path, board(), ticks="nse").empty


def test_a_fractional_volume_is_listed_and_kept(tmp_path):
    odd = Row(DAYS[3], "AAA", 21.5, 100.25)
    found = listed(tmp_path, board(AAA3=odd))
    (row,) = found.itertuples()
    assert (row.reason, row.ticker, row.session) == (FRACTIONAL, "AAA", DAYS[3])
    # One of twelve rows is more than a misprint: the code's own line.
    assert row.detail == "1 of 12 of AAA, 2021-03-04 to 2021-03-04; the first is 100.25"
    panel = build_panel(tmp_path / "raw").panel
    assert panel.query("ticker == 'AAA'")["volume"].iloc[3] == 100.25


def test_a_price_off_the_tick_is_listed_where_the_market_has_ticks(tmp_path):
    # Between 10 and 50 shillings a price is a multiple of 0.05.
    rows = board(BBB5=Row(DAYS[5], "BBB", 22.53))
    assert listed(tmp_path / "none", rows).empty
    assert listed(tmp_path / "cent", rows, ticks=0.01).empty
    (row,) = listed(tmp_path / "nse", rows, ticks="nse").itertuples()
    assert (row.reason, row.ticker, row.session) == (OFF_TICK, "BBB", DAYS[5])


def test_single_prices_off_the_tick_are_one_line_per_session(tmp_path):
    days = pd.bdate_range("2021-01-04", periods=250).as_unit("us")
    codes = ("AAA", "BBB", "CCC")
    rows = [
        Row(day, code, 22.53 if number == 77 else 22.5, 100.0 + number)
        for number, day in enumerate(days)
        for code in codes
    ]
    (row,) = listed(tmp_path, rows, ticks="nse").itertuples()
    assert row.session == days[77]
    assert row.detail == "3 on this session: AAA 22.53, BBB 22.53, CCC 22.53"


@pytest.mark.parametrize(
    ("previous", "name", "pause", "is_found"),
    [
        (23.0, "Other Group Plc", 1, True),
        (23.05, "Other Group Plc", 1, False),
        (None, "Old Bank Limited", 1, True),
        (None, "Old Bank of Kenya", 1, False),
        (23.0, "Old Bank Limited", 0, False),
    ],
)
def test_a_code_that_begins_where_another_ends_is_probably_renamed(
    tmp_path, previous, name, pause, is_found
):
    rows = board()
    rows += [
        Row(day, "OLD", 22.0 + n * 0.2, name="Old Bank Ltd")
        for n, day in enumerate(DAYS[:6])
    ]
    rows += [
        Row(day, "NEW", 23.2, previous=previous if not n else None, name=name)
        for n, day in enumerate(DAYS[5 + pause :])
    ]
    found = listed(tmp_path, sorted(rows, key=lambda row: row.session))
    assert found["reason"].tolist() == [RENAMED_CODE] * is_found
    if is_found:
        assert found["ticker"].tolist() == ["NEW"]
        assert found["detail"][0].startswith("OLD ends on 2021-03-08 at 23, NEW begins")


def test_an_event_of_an_unknown_code_is_listed_at_its_line(tmp_path):
    table = tmp_path / "corporate_actions" / "any.csv"
    table.parent.mkdir()
    table.write_text(
        "ticker,ex_date,factor,kind,source,note\n"
        f"AAA,{DAYS[3]:%Y-%m-%d},2,bonus,a paper,\n"
        # Outside the files' span nothing is known of a code.
        "OLD,2001-03-04,2,bonus,a paper,\n"
        f"AAB,{DAYS[3]:%Y-%m-%d},2,bonus,a paper,\n"
    )
    (row,) = listed(tmp_path, board(), actions=table).itertuples()
    assert (row.reason, row.ticker) == (UNKNOWN_CODE, "AAB")
    assert (row.source_file, row.source_line) == ("corporate_actions/any.csv", 4)


@pytest.mark.skipif(not ALL_FILES.is_dir(), reason="the exchange's files are not here")
def test_what_the_real_files_hold(tmp_path):
    lines = (ROOT / "data/renamed_codes/nse.csv").read_text().splitlines()
    renamings = {tuple(line.split(",")[:2]) for line in lines[1:]}
    # The code with an ampersand is no code of ours, so it must be named.
    ampersand = [line for line in lines if line.startswith("C&G")]
    table = tmp_path / "renamed.csv"
    table.write_text("\n".join([lines[0], *ampersand]) + "\n")
    repairs = build_panel(ALL_FILES, renamed=table, ticks="nse").repairs
    n_lines = repairs["reason"].value_counts()
    assert FRACTIONAL not in n_lines and n_lines[OFF_TICK] == 13
    found = repairs[repairs["reason"] == RENAMED_CODE]["detail"]
    pairs = found.str.extract(r"^(\w+) ends on 2012-12-31 at .*, (\w+) begins")
    # NCBA's older prices are printed otherwise than NIC's: they are off the tick, too.
    unseen = {("C&G", "CGEN"), ("NIC", "NCBA")}
    assert set(pairs.itertuples(index=False, name=None)) == renamings - unseen
