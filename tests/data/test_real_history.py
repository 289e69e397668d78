"""The exchange's files of 2007 to 2023 as a whole, beside an independent witness."""

import os
from pathlib import Path

import pandas as pd
import pytest
from support.places import ALL_FILES, REAL_FILES, WITNESS
from support.witness import AGREEMENT, agreement, build, compared, market, witness_rows

from nse_lstm.data import wrong_boards
from nse_lstm.data.adjusted import market_sessions
from nse_lstm.data.row_accounting import (
    BLANK,
    DUPLICATE,
    JUMP,
    KEPT,
    LOST,
    MISPLACED,
    MISPLACED_MENDED,
    REDATED,
    RENAMED,
    STALE_MENDED,
)

all_files = pytest.mark.skipif(
    not ALL_FILES.is_dir(), reason="the exchange's files are not on this machine"
)
witness = pytest.mark.skipif(
    not (ALL_FILES.is_dir() and WITNESS.is_file()),
    reason="the witness's boards are not on this machine",
)

HALF = "NSE_data_all_stocks_2020_to_jun30.csv"
WHOLE = "NSE_data_all_stocks_2020.csv"


def folder_of(folder: Path, *, without: str) -> Path:
    """Link all real files but one into a folder."""
    folder.mkdir()
    for path in ALL_FILES.glob("*.csv"):
        if path.name != without:
            os.symlink(path, folder / path.name)
    return folder


@all_files
def test_seventeen_years_add_up() -> None:
    counts = market().row_counts
    # Lines of the files of 2013 to 2023, of the whole of 2020, and of 2007 to 2012.
    assert counts["n_rows"].sum() == 182_950 + 17_892 + 81_504
    by_file = counts.groupby("source_file")["n_rows"].sum()
    lines = {
        path.name: path.read_bytes().count(b"\n") - 1
        for path in ALL_FILES.glob("*stocks_2*")
    }
    assert by_file.to_dict() == lines
    panel = market().panel
    assert len(panel) == counts.loc[counts["action"] != "dropped", "n_rows"].sum()
    assert len(panel) == 267_701
    sessions = pd.Series(market_sessions(panel))
    assert sessions.dt.year.value_counts().sort_index().tolist() == [
        *[248, 249, 250, 253, 250, 251, 247, 251, 251],
        *[248, 243, 250, 250, 252, 250, 246, 243],
    ]
    assert market().instruments["kind"].value_counts().to_dict() == {
        "ordinary": 70,
        "rights": 10,
        "index": 8,
        "preference": 2,
        "reit": 2,
        "etf": 1,
    }
    reasons = counts.groupby(["action", "reason"])["n_rows"].sum()
    # Three blocks of 2009 and one of 2017 under a wrong date.
    assert reasons["mended", REDATED] == 158 + 70
    assert reasons["kept", RENAMED] == 11_807
    # The board of 25 October 2012 stands under the 24th too, that of 10 December 2019
    # under the 9th.
    assert reasons["mended", MISPLACED_MENDED] == 64
    assert reasons["mended", MISPLACED] == 64
    assert reasons["dropped"].to_dict() == {BLANK: 21, DUPLICATE: 69 + 5_822 + 8_733}
    review = market().repairs.query("action == 'review'")
    assert review.loc[review["reason"] == LOST, "session"].tolist() == [
        pd.Timestamp("2021-01-11")
    ]


@all_files
def test_shares_that_left_the_exchange_stay_in_their_years() -> None:
    spans = market().instruments.set_index("ticker")["last_session"].dt.year
    left = ["ACCS", "BAUM", "CITY", "CMC", "MASH", "REA", "UTK"]
    assert spans[left].tolist() == [2012] * 7
    # No code of that time stands beside today's.
    assert not spans.index.intersection(["BBK", "NIC", "C&G", "ICDC", "FIRE"]).size


@all_files
def test_an_idle_split_is_no_loss() -> None:
    # Printed at a fifth on 2 January 2013, traded again on the 4th.
    stock = market().panel.query("ticker == 'ARM'")
    events = stock.loc[stock["factor"] != 1, ["session", "factor"]]
    assert events.to_numpy().tolist() == [[pd.Timestamp("2013-01-02"), 5.0]]


@pytest.mark.slow
@all_files
def test_half_a_year_of_2020_gives_the_same_panel_where_it_reaches(tmp_path) -> None:
    without = {
        name: build(folder_of(tmp_path / name, without=name)) for name in (HALF, WHOLE)
    }
    both, whole, half = (each.panel for each in (market(), *without.values()))
    # Both files give what the whole one gives alone.
    pd.testing.assert_frame_equal(both, whole)
    assert HALF not in set(both["source_file"])
    # July to December are new. The sourced bonus of that half and idle sessions in a
    # row (``suspended``) reach into January 2021; nothing else does.
    july, january = pd.Timestamp("2020-07-01"), pd.Timestamp("2021-01-01")
    place = ["source_file", "source_line"]
    for first, last, but in (
        (pd.Timestamp("2007-01-01"), july, []),
        (pd.Timestamp("2021-01-05"), pd.Timestamp("2024-01-01"), ["suspended"]),
    ):
        now, then = (
            panel[(first <= panel["session"]) & (panel["session"] < last)]
            .drop(columns=[*place, *but])
            .reset_index(drop=True)
            for panel in (whole, half)
        )
        pd.testing.assert_frame_equal(now, then)
    assert not half["session"].between(july, january).any()
    assert whole["session"].between(july, january).sum() == 9_159
    opening = pd.Timestamp("2021-01-04")
    assert half.loc[half["session"] == opening, "gap"].all()
    assert not whole.loc[whole["session"] == opening, "gap"].all()


@witness
def test_the_witness_repeats_a_board_on_every_holiday_and_we_find_each() -> None:
    rows, sessions = witness_rows()
    rows = wrong_boards.put_back_swapped(rows, sessions)
    marks = wrong_boards.find_wrong_boards(rows, sessions)
    assert not rows["swapped"].any()
    stale, misplaced = (
        set(rows.loc[marks[name], "session"]) for name in ("stale", "misplaced")
    )
    first, last = pd.Timestamp("2007-01-02"), pd.Timestamp("2022-04-28")
    ours = market_sessions(market().panel)
    holidays = {day for day in sessions if day not in ours and first <= day <= last} - {
        pd.Timestamp("2021-01-08")
    }
    # The session lost from our files is in the witness, and is no copy.
    copies = {day for day in stale - misplaced if day >= first}
    assert copies == holidays
    assert len(holidays) == 55
    since = pd.Timestamp("2013-01-01")
    assert len({day for day in holidays if day >= since}) == 35
    # Beside them the one day whose board came early in both collections.
    assert misplaced == {pd.Timestamp("2019-12-09")}


@witness
def test_what_the_witness_saw_is_what_we_mend() -> None:
    both = compared().query("found == 'both'")
    mended = both[both["session"] == pd.Timestamp("2018-02-12")]
    assert len(mended) == 69
    assert mended["mended"].all() and mended["same"].all()
    early = both[both["session"] == pd.Timestamp("2012-10-24")]
    assert early["mended"].all() and len(early) > 50
    # The five stocks of 2007 to 2012 that the files print in whole ticks.
    rounded = ["CTUM", "HFCK", "KNRE", "NCBA", "SCBK"]
    assert (
        early["same"].mean() > 0.9
        and early[~early["same"]]["ticker"].isin(rounded).all()
    )


@witness
def test_the_whole_loader_agrees_with_the_witness() -> None:
    table = agreement().set_index("year")
    # Each disagreement has its kind, and from 2013 on there is none: what is left out
    # is the early board of 2019-12-09 and one row without a price.
    assert (table["unexplained"] == 0).all()
    since = table.loc[2013:]
    assert since["equal"].sum() == since["compared"].sum() - 65 > 145_000
    assert since["left_out"].sum() == 64 + 1 and since["only_ours"].sum() == 0
    # The data card shows these counts.
    committed = pd.read_csv(AGREEMENT)
    pd.testing.assert_frame_equal(committed, agreement(), check_dtype=False)


@all_files
def test_jumps_of_stocks_are_reviewed_in_every_year() -> None:
    review = market().repairs.query("action == 'review'")
    jumps = review[review["reason"] == JUMP]
    assert set(jumps["session"].dt.year) == set(range(2007, 2024))


@all_files
def test_the_old_and_new_sets_agree_on_2013_to_2023() -> None:
    old = build(REAL_FILES).panel
    new = market().panel
    new = new[new["session"] >= pd.Timestamp("2013-01-01")]
    keys = ["ticker", "session"]
    values = [*keys, "price", "low", "high", "volume", "previous", "stale", "mended"]
    both = new.merge(old[keys], on=keys)
    pd.testing.assert_frame_equal(
        both[values], old.reset_index(drop=True)[values], check_dtype=False
    )
    counts = market().row_counts
    assert counts.loc[counts["reason"] == STALE_MENDED, "n_rows"].sum() == 842
    assert counts.loc[counts["reason"] == KEPT, "n_rows"].sum() > 0
