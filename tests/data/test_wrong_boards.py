"""Boards under a wrong date: found, mended where one answer fits, else left out.

Each fault goes into clean boards at random places. The true prices are those of the
clean boards, and the audit's own reader, which works row by row, must agree.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.clean_board import TICKERS, Board, build, clean_board, reasons, true_panel
from support.raw_files import Row, copy_session

from nse_lstm.data.panel import build_panel
from nse_lstm.data.row_accounting import (
    LOST,
    MISPLACED,
    MISPLACED_MENDED,
    STALE_MENDED,
    SWAPPED,
)
from nse_lstm.features.returns import with_returns
from nse_lstm.study.audit.compare_reference_data import compare_panel
from nse_lstm.study.audit.reference.rows import read_market

N, N_SHARES = len(TICKERS), len(TICKERS) - 2
PLACE = ["source_file", "source_line"]
COPIED = ("price", "low", "high", "volume", "previous")

Fault = Callable[[Board, int], list[Row]]


def moved(
    board: Board, day: int, by: int, *, columns: tuple[str, ...] = COPIED
) -> list[Row]:
    """Print another session's board under a session's date."""
    others = {row.ticker: row for row in board.of(day + by)}

    def change(row: Row) -> Row:
        other = {name: getattr(others[row.ticker], name) for name in columns}
        return replace(row, **other) if row.session == board.sessions[day] else row

    return board.redraw(change)


def with_previous(
    rows: list[Row], session: pd.Timestamp, before: pd.Timestamp
) -> list[Row]:
    """Print the price shown under an earlier date as the shares' ``Previous``."""
    shown = {row.ticker: row.price for row in rows if row.session == before}
    return [
        replace(row, previous=shown[row.ticker])
        if row.session == session and row.ticker[0] != "^"
        else row
        for row in rows
    ]


def early(board: Board, day: int) -> list[Row]:
    return moved(board, day, 1)


def early_with_its_own_previous(board: Board, day: int) -> list[Row]:
    return moved(board, day, 1, columns=COPIED[:-1])


def early_and_rolled_on(board: Board, day: int) -> list[Row]:
    rows = early_with_its_own_previous(board, day)
    days = board.sessions
    rows = with_previous(rows, days[day + 1], days[day])
    # As in the real files, the indices are right on both days.
    true = {(r.session, r.ticker): r for r in board.rows if r.ticker[0] == "^"}
    return [true.get((row.session, row.ticker), row) for row in rows]


def half_early(board: Board, day: int) -> list[Row]:
    half = set(board.generator.permutation(TICKERS[:-2])[: N_SHARES // 2])
    true = {(row.session, row.ticker): row for row in board.rows}
    rows = moved(board, day, 1)
    return [r if r.ticker in half else true[r.session, r.ticker] for r in rows]


def early_twice(board: Board, day: int) -> list[Row]:
    """Print one board under its own date and under the two before."""
    others = {row.ticker: row for row in board.of(day + 2)}
    days = board.sessions[day : day + 2]
    return board.redraw(
        lambda row: (
            replace(others[row.ticker], session=row.session)
            if row.session in days
            else row
        )
    )


def swapped(board: Board, day: int) -> list[Row]:
    dates = dict(
        zip(
            board.sessions[day : day + 2],
            board.sessions[day + 1 : day - 1 : -1],
            strict=True,
        )
    )
    rows = [replace(r, session=dates.get(r.session, r.session)) for r in board.rows]
    return sorted(rows, key=lambda row: row.session)


def of_another_week(board: Board, day: int) -> list[Row]:
    # A whole week later, or earlier near the end.
    return moved(board, day, 5 if day + 5 < len(board.sessions) else -5)


def stale_and_rolled_on(board: Board, day: int) -> list[Row]:
    rows = copy_session(board.rows, board.sessions[day])
    return with_previous(rows, board.sessions[day], board.sessions[day - 1])


FAULTS: dict[Fault, dict[tuple[str, str], int]] = {
    early: {("mended", MISPLACED_MENDED): N},
    early_with_its_own_previous: {("mended", MISPLACED_MENDED): N},
    early_and_rolled_on: {("mended", MISPLACED): N_SHARES},
    half_early: {("mended", MISPLACED_MENDED): N_SHARES // 2},
    early_twice: {("mended", MISPLACED_MENDED): N, ("mended", MISPLACED): N},
    swapped: {("mended", SWAPPED): 2 * N},
    of_another_week: {("mended", MISPLACED_MENDED): N},
    stale_and_rolled_on: {("mended", STALE_MENDED): N},
}


def repaired(found: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Leave out what a person reviews: an odd change, a jump beyond the limit."""
    return {key: n for key, n in found.items() if key[0] == "mended"}


@pytest.fixture(params=range(2))
def board(request) -> Board:
    return clean_board(request.param)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_board_is_found_and_mended_or_left_out(tmp_path, board, fault):
    day = board.session()
    market = build(tmp_path, board, fault(board, day))
    assert repaired(reasons(market)) == FAULTS[fault]
    found, truth = market.panel, true_panel(board)
    at = found["session"] == board.sessions[day]
    # What is shown is true, and what is true of other sessions is shown.
    shown = found["price"].notna()
    pd.testing.assert_series_equal(found["price"][shown], truth["price"][shown])
    wrong = found["stale"]
    for name in ("price", "low", "high", "volume"):
        pd.testing.assert_series_equal(found[name][~wrong], truth[name][~wrong])
    assert found.loc[wrong, ["low", "high", "volume"]].isna().all(axis=None)
    n_days = 2 if fault is early_twice else 1
    assert set(found.loc[wrong, "session"]) == set(board.sessions[day : day + n_days])
    assert wrong[at].all() or fault in (half_early, early_and_rolled_on)
    differences = compare_panel(with_returns(market.panel), read_market(tmp_path))
    assert list(differences) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_no_session_but_the_last_knows_more_later(tmp_path, fault):
    board = clean_board(1)
    day = board.session()
    market = build(tmp_path, board, fault(board, day))
    for until in (day, day + 1, day + 2):
        known = build_panel(tmp_path, as_of=board.sessions[until]).panel
        # A last session's board may turn out to be another's, and its price is then
        # told by the next. No earlier row changes.
        settled = board.sessions[until - 1]
        if fault is early_twice:
            settled = board.sessions[min(until, day) - 1]
        now, then = (
            panel[panel["session"] <= settled]
            .drop(columns=PLACE)
            .reset_index(drop=True)
            for panel in (market.panel, known)
        )
        wrong = (then["session"] == settled) & (now["stale"] | then["stale"])
        pd.testing.assert_frame_equal(now[~wrong], then[~wrong])


def test_a_board_that_breaks_the_chain_last_is_left_out_until_the_next(tmp_path, board):
    last = len(board.sessions) - 1
    market = build(tmp_path, board, of_another_week(board, last))
    at = market.panel["session"] == board.sessions[last]
    assert market.panel["stale"].equals(at)
    is_wrong = board.sessions[last] - board.sessions[last - 1] == pd.Timedelta(days=1)
    if is_wrong:
        assert market.panel.loc[at, "price"].isna().all()


@pytest.mark.parametrize("n_moved", [2, 6])
def test_a_few_moved_rows_are_no_displaced_board(tmp_path, board, n_moved):
    # Six of 26 codes are less than a quarter.
    day = board.session()
    few = set(TICKERS[:n_moved])
    true = {(row.session, row.ticker): row for row in board.rows}
    rows = [
        row if row.ticker in few else true[row.session, row.ticker]
        for row in moved(board, day, 5 if day < 20 else -5)
    ]
    market = build(tmp_path, board, rows)
    assert not market.panel["stale"].any()


def test_a_lost_session_is_no_displaced_board(tmp_path, board):
    day = board.session()
    rows = [row for row in board.rows if row.session != board.sessions[day]]
    market = build(tmp_path, board, rows)
    assert reasons(market) == {("review", LOST): 1}
    assert not market.panel["stale"].any()


def test_a_single_break_without_a_lost_day_leaves_out_both_boards(tmp_path, board):
    # Two days' boards are one day early and the last of them is lost in the middle:
    # nothing tells which of the two neighbours is wrong.
    day = board.session()
    while board.sessions[day].day_of_week == 0:
        day += 1
    gone = {row.ticker: row for row in board.of(day)}
    shift = {row.ticker: np.round((row.price or 0) * 1.03, 2) for row in gone.values()}
    rows = board.redraw(
        lambda row: (
            replace(row, previous=shift[row.ticker])
            if row.session == board.sessions[day]
            else row
        )
    )
    market = build(tmp_path, board, rows)
    assert repaired(reasons(market)) == {("mended", MISPLACED): 2 * N}
    days = market.panel.loc[market.panel["stale"], "session"].unique()
    assert list(days) == board.sessions[day - 1 : day + 1]
    assert market.panel.loc[market.panel["stale"], "price"].isna().all()
