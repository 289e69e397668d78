"""Every fault of the exchange's files, put into clean boards at random places.

The boards, their codes and their years are none of the real ones: a rule that finds a
fault here knows no list. A clean board raises no alarm, and what was put in is found,
counted and mended as documented, with the rest of the board as it was.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.clean_board import (
    SHARES,
    TICKERS,
    VALUES,
    Board,
    assert_like,
    build,
    clean_board,
    reasons,
    true_panel,
)
from support.raw_files import Row, copy_session

from nse_lstm.data import row_accounting
from nse_lstm.errors import DataError

SEEDS = range(3)


@pytest.fixture(params=SEEDS)
def board(request) -> Board:
    return clean_board(request.param)


def test_a_clean_board_raises_no_alarm(tmp_path, board):
    market = build(tmp_path, board, board.rows)
    assert market.repairs.empty
    assert_like(market, true_panel(board))
    flags = market.panel[["stale", "mended", "suspended", "gap"]]
    assert not flags.any(axis=None)
    assert market.row_counts["reason"].tolist() == [row_accounting.KEPT]


def test_a_stale_copy_is_found_and_takes_its_true_price(tmp_path, board):
    day = board.session()
    market = build(tmp_path, board, copy_session(board.rows, board.sessions[day]))
    assert reasons(market) == {("mended", row_accounting.STALE_MENDED): len(TICKERS)}
    is_stale = market.panel["session"] == board.sessions[day]
    assert market.panel["stale"].equals(is_stale)
    # Everything but the copied session's range, volume and previous is as it was.
    assert_like(market, true_panel(board), but=["low", "high", "volume", "previous"])


@pytest.mark.parametrize("years", [-3, -1, 1, 2])
def test_a_block_of_another_year_takes_its_place(tmp_path, board, years):
    day = board.sessions[board.session()]
    rows = board.redraw(
        lambda row: (
            replace(row, session=row.session + pd.DateOffset(years=years))
            if row.session == day
            else row
        )
    )
    market = build(tmp_path, board, rows)
    assert reasons(market) == {("mended", row_accounting.REDATED): len(TICKERS)}
    assert_like(market, true_panel(board))


@pytest.mark.parametrize("shift", [-3, -2, -1, 1, 2, 3, 4])
def test_a_block_dated_out_of_order_takes_the_one_day_that_fits(tmp_path, board, shift):
    # The printed date is another session's, so it is present twice.
    day = board.session()
    other = board.sessions[day + shift]
    rows = board.redraw(
        lambda row: (
            replace(row, session=other) if row.session == board.sessions[day] else row
        )
    )
    market = build(tmp_path, board, rows)
    assert reasons(market) == {("mended", row_accounting.REDATED): len(TICKERS)}
    assert_like(market, true_panel(board))


def test_a_misdated_block_with_two_days_to_choose_from_is_refused(tmp_path, board):
    day = board.session()
    gone = board.sessions[day + 1]
    rows = [row for row in board.rows if row.session != gone]
    other = board.sessions[day + 3]
    rows = [
        replace(row, session=other) if row.session == board.sessions[day] else row
        for row in rows
    ]
    with pytest.raises(DataError, match=r"prices \d+.csv, line \d+"):
        build(tmp_path, board, rows)


def test_a_session_printed_twice_in_a_file_counts_once(tmp_path, board):
    day = board.session()
    place = board.rows.index(board.of(day)[0])
    at = place + len(TICKERS) * int(board.generator.integers(1, 3))
    rows = [*board.rows[:at], *board.of(day), *board.rows[at:]]
    market = build(tmp_path, board, rows)
    assert reasons(market) == {("dropped", row_accounting.DUPLICATE): len(TICKERS)}
    assert_like(market, true_panel(board))


def test_a_file_inside_another_counts_once(tmp_path, board):
    first, last = sorted(board.generator.choice(30, 2, replace=False))
    span = board.sessions[first : last + 1]
    part = [row for row in board.rows if row.session in span]
    market = build(tmp_path, board, board.rows, some_months=part)
    assert reasons(market) == {("dropped", row_accounting.DUPLICATE): len(part)}
    assert_like(market, true_panel(board))


def test_a_contradiction_between_files_is_refused_with_both_places(tmp_path, board):
    part = board.of(board.session())
    part[3] = replace(part[3], price=(part[3].price or 0) + 1)
    with pytest.raises(DataError, match=r"one price.*, line \d+.*, line \d+\)"):
        build(tmp_path, board, board.rows, other=part)


@pytest.mark.parametrize("scale", [10.0, 0.1])
def test_a_decimal_slip_of_an_index_is_put_back(tmp_path, board, scale):
    days = board.sessions[board.session() :][: int(board.generator.integers(1, 4))]

    def slip(row: Row) -> Row:
        if row.ticker != "^IDX" or row.session not in days:
            return row
        low, high, price = (
            round(scale * (value or 0), 3) for value in (row.low, row.high, row.price)
        )
        return replace(row, low=low, high=high, price=price)

    market = build(tmp_path, board, board.redraw(slip))
    mended = reasons(market)
    # The printed change of a slipped row no longer adds up in no dialect's rounding.
    assert mended.pop(("mended", row_accounting.SLIPPED)) == len(days)
    assert set(mended) <= {("review", row_accounting.CHANGE)}
    truth = true_panel(board)
    found = market.panel[VALUES[:3]]
    np.testing.assert_allclose(found, truth[VALUES[:3]], rtol=2e-4)
    is_other = truth["ticker"] != "^IDX"
    pd.testing.assert_frame_equal(found[is_other], truth.loc[is_other, VALUES[:3]])


def test_a_new_base_of_an_index_is_believed_after_a_week(tmp_path, board):
    def rebase(row: Row) -> Row:
        late = row.ticker == "^IDX" and row.session >= board.sessions[10]
        values = {n: 10 * (getattr(row, n) or 0) for n in ("low", "high", "price")}
        return replace(row, **values, previous=None) if late else row

    market = build(tmp_path, board, board.redraw(rebase))
    assert reasons(market)["mended", row_accounting.SLIPPED] == 5
    found, truth = (
        table.query("ticker == '^IDX'") for table in (market.panel, true_panel(board))
    )
    assert found["price"].iloc[-1] == pytest.approx(10 * truth["price"].iloc[-1])


def test_a_lost_session_is_listed_for_review(tmp_path, board):
    day = board.session()
    rows = [row for row in board.rows if row.session != board.sessions[day]]
    market = build(tmp_path, board, rows)
    assert reasons(market) == {("review", row_accounting.LOST): 1}
    assert market.repairs["session"].tolist() == [board.sessions[day + 1]]
    truth = true_panel(board)
    truth = truth[truth["session"] != board.sessions[day]].reset_index(drop=True)
    assert_like(market, truth)


def test_ranges_that_are_missing_crossed_or_beside_the_price_are_counted(
    tmp_path, board
):
    day = board.sessions[board.session()]
    change: dict[str, Callable[[Row], Row]] = {
        "S01": lambda row: replace(row, low=row.high, high=row.low),
        "S02": lambda row: replace(row, low=row.price + 1, high=row.price + 2),
        "S03": lambda row: replace(row, low=row.price - 2, high=row.price - 1),
    }
    rows = board.redraw(
        lambda row: (
            change[row.ticker](row)
            if row.session == day and row.ticker in change
            else row
        )
    )
    market = build(tmp_path, board, rows)
    assert reasons(market) == {("mended", row_accounting.CROSSED): 1}
    counts = market.row_counts.set_index("reason")["n_rows"]
    assert counts[row_accounting.OUTSIDE] == 2
    assert_like(market, true_panel(board), but=["low", "high"])
    crossed = market.panel.query("ticker == 'S01' and session == @day")
    assert crossed[["low", "high"]].isna().all(axis=None)


def test_a_jump_without_an_action_is_reviewed_and_never_changed(tmp_path, board):
    day, ticker = board.session(), str(board.generator.choice(SHARES))

    def jump(row: Row) -> Row:
        if row.ticker != ticker or row.session < board.sessions[day]:
            return row
        values = {n: 2 * (getattr(row, n) or 0) for n in ("low", "high", "price")}
        first = row.session == board.sessions[day]
        return replace(row, **values, previous=(1 if first else 2) * row.previous)

    market = build(tmp_path, board, board.redraw(jump))
    assert reasons(market) == {("review", row_accounting.JUMP): 1}
    assert market.repairs["ticker"].tolist() == [ticker]
    assert market.repairs["session"].tolist() == [board.sessions[day]]
    assert market.panel["factor"].eq(1).all()


def test_a_code_that_stops_stays_until_then_and_no_longer(tmp_path, board):
    day, ticker = board.session(), "S05"
    rows = [
        row
        for row in board.rows
        if row.ticker != ticker or row.session <= board.sessions[day]
    ]
    market = build(tmp_path, board, rows)
    assert market.repairs.empty
    found = market.instruments.set_index("ticker").loc[ticker]
    assert found["last_session"] == board.sessions[day]
    assert (market.panel["ticker"] == ticker).sum() == day + 1


def test_a_suspension_shows_as_suspended_with_missing_volume(tmp_path, board):
    rows = board.redraw(
        lambda row: (
            replace(row, price=100.0, low=None, high=None, volume=None, previous=100.0)
            if row.ticker == "S07" and row.session > board.sessions[9]
            else row
        )
    )
    rows = [r for r in rows if r.ticker != "S07" or r.session != board.sessions[10]]
    stock = build(tmp_path, board, rows).panel.query("ticker == 'S07'")
    # 10 dealt sessions, one without a row, ten idle ones, then suspended ones.
    assert stock["suspended"].tolist() == [False] * 20 + [True] * 9
    assert stock["volume"].iloc[10:].isna().all()


@pytest.mark.parametrize(
    ("ticker", "name"),
    [("S99-R", "Some Bank"), ("S99", "Some Bank Rights"), ("S99", "Rights Issue Co")],
)
def test_rights_are_known_by_code_or_name(tmp_path, board, ticker, name):
    part = [Row(day, ticker, 5.0, name=name) for day in board.sessions[5:12]]
    market = build(tmp_path, board, board.rows, rights=part)
    kinds = market.instruments.set_index("ticker")["kind"]
    assert kinds[ticker] == "rights"
    assert (kinds.drop(ticker).isin(["ordinary", "index"])).all()
