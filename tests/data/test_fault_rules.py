"""Faults found by rule: wrong dates, repeats, stale copies; and the row flags."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.raw_files import Row, copy_session, random_rows, write_folder, write_rows

from nse_lstm.data import date_repair, flags, row_accounting
from nse_lstm.data.ingest import read_raw
from nse_lstm.data.panel import MarketData, build_panel
from nse_lstm.data.parse import parse_rows
from nse_lstm.errors import DataError

DAYS = pd.bdate_range("2020-03-02", periods=8).as_unit("us")
NAME = "NSE_data_all_stocks_2020.csv"


def market_of(folder: Path, rows: list[Row]) -> MarketData:
    return build_panel(write_folder(folder, rows))


def redated(folder: Path, printed: list[str], name: str = NAME) -> list[str]:
    """Write one row a printed date, in this order, and return the sessions found."""
    rows = [Row(pd.Timestamp(day), "AAA", 10.0) for day in printed]
    write_rows(folder / name, rows)
    found = date_repair.redate(parse_rows(read_raw(folder).rows))
    return found["session"].dt.strftime("%Y-%m-%d").tolist()


@pytest.mark.parametrize("wrong", ["2018-03-04", "2027-03-04"])
def test_a_misdated_block_takes_the_only_date_that_fits(tmp_path, wrong):
    dates = ["2020-03-03", wrong, "2020-03-05"]
    assert redated(tmp_path, dates) == ["2020-03-03", "2020-03-04", "2020-03-05"]


@pytest.mark.parametrize("wrong", ["2018-03-05", "2027-03-05"])
def test_a_misdated_last_block_is_mended_the_same_evening(tmp_path, wrong):
    dates = ["2020-03-03", "2020-03-04", wrong]
    assert redated(tmp_path, dates) == ["2020-03-03", "2020-03-04", "2020-03-05"]


def test_misdated_first_and_neighbouring_blocks_are_mended(tmp_path):
    dates = ["2018-03-03", "2020-03-04", "2018-03-05", "2018-03-06", "2020-03-09"]
    expected = ["2020-03-03", "2020-03-04", "2020-03-05", "2020-03-06", "2020-03-09"]
    assert redated(tmp_path, dates) == expected


def test_the_year_of_most_sessions_serves_a_file_without_a_year_in_its_name(tmp_path):
    dates = ["2020-03-03", "2018-03-04", "2020-03-05"]
    assert redated(tmp_path, dates, "prices.csv")[1] == "2020-03-04"


def test_sessions_of_the_next_year_in_order_are_left_alone(tmp_path):
    dates = ["2020-12-30", "2020-12-31", "2021-01-04", "2021-01-05"]
    assert redated(tmp_path, dates) == dates


def test_a_date_that_fits_nowhere_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"04-Mar-2018.*2020.csv, line 3"):
        # 4 March 2020 does not lie between 9 and 10 March.
        redated(tmp_path, ["2020-03-09", "2018-03-04", "2020-03-10"])


def test_a_run_of_sessions_in_the_wrong_file_is_an_error_and_not_moved(tmp_path):
    # 3 to 6 March 2020 are weekdays, so that the four would fit before 9 March.
    wrong = [f"2018-03-{day:02d}" for day in (3, 4, 5, 6)]
    with pytest.raises(
        DataError, match=r"4 sessions in a row from 03-Mar-2018 .*2020.csv, line 2"
    ):
        redated(tmp_path, [*wrong, "2020-03-09", "2020-03-10"])


def test_a_date_that_would_fall_on_a_weekend_is_refused(tmp_path):
    # 7 March 2020 is a Saturday.
    with pytest.raises(DataError, match=r"weekday in 2020.*07-Mar-2018.*line 3"):
        redated(tmp_path, ["2020-03-06", "2018-03-07", "2020-03-09"])


def test_a_leap_day_of_a_year_without_one_is_refused(tmp_path):
    with pytest.raises(DataError, match="29-Feb-2020"):
        redated(tmp_path, ["2021-02-26", "2020-02-29", "2021-03-01"], "p_2021.csv")


def test_re_dated_rows_are_listed_with_what_was_printed(tmp_path):
    rows = random_rows(DAYS[:3], seed=1)
    wrong = [replace(r, session=r.session.replace(year=2019)) for r in rows[2:4]]
    write_rows(tmp_path / NAME, [*rows[:2], *wrong, *rows[4:]])
    market = build_panel(tmp_path)
    listed = market.repairs[market.repairs["action"] == "mended"]
    assert listed["source_line"].tolist() == [4, 5]
    assert listed["session"].tolist() == [DAYS[1]] * 2
    assert listed["detail"].str.contains("03-Mar-19").all()
    assert sorted(market.panel["session"].unique()) == list(DAYS[:3])


def test_a_repeated_block_and_an_overlapping_file_merge_once(tmp_path):
    rows = random_rows(DAYS[:3], seed=1)
    write_rows(tmp_path / NAME, [*rows[:4], *rows[2:4], *rows[4:]])
    write_rows(tmp_path / "NSE_data_all_stocks_2020_more.csv", rows[2:], "new")
    market = build_panel(tmp_path)
    assert len(market.panel) == len(rows)
    assert set(market.panel["source_file"]) == {NAME}
    # Two rows repeat inside the first file; all four of the second are known.
    dropped = market.repairs[market.repairs["action"] == "dropped"]
    assert len(dropped) == 6
    assert dropped["detail"].str.startswith(f"same as {NAME}, line").all()


@pytest.mark.parametrize(
    ("field", "value"), [("price", 99.0), ("volume", 700.0), ("previous", 98.0)]
)
def test_contradicting_repeats_are_refused_with_both_places(tmp_path, field, value):
    rows = random_rows(DAYS[:2], seed=1)
    other = replace(rows[2], **{field: value})
    write_rows(tmp_path / NAME, rows)
    write_rows(tmp_path / "overlap_2020.csv", [rows[0], other], "new")
    with pytest.raises(DataError) as caught:
        build_panel(tmp_path)
    # Files are read in the order of their names, capitals first.
    for text in (field, f"{NAME}, line 4", "overlap_2020.csv, line 3", str(value)):
        assert text in str(caught.value)


def test_hindsight_in_adjust_may_differ_between_files(tmp_path):
    rows = random_rows(DAYS[:2], seed=1)
    write_rows(tmp_path / NAME, rows)
    write_rows(tmp_path / "later_2020.csv", [replace(rows[0], adjust=5.0)])
    assert len(build_panel(tmp_path).panel) == len(rows)


def stale_market(folder: Path, stale: list[int]) -> tuple[list[Row], pd.DataFrame]:
    """Six codes that all trade; the boards of some sessions are copies."""
    tickers = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "^IDX")
    rows = random_rows(DAYS, seed=3, tickers=tickers)
    true = [
        row if row.ticker == "^IDX" else replace(row, volume=row.volume or 900.0)
        for row in rows
    ]
    printed = true
    for day in stale:
        printed = copy_session(printed, DAYS[day])
    return true, market_of(folder, printed).panel


def test_a_stale_session_takes_its_price_from_the_next_previous(tmp_path):
    true, panel = stale_market(tmp_path, [3])
    expected = {row.ticker: row.price for row in true if row.session == DAYS[3]}
    found = panel[panel["session"] == DAYS[3]].set_index("ticker")
    assert found["price"].to_dict() == expected
    assert found["stale"].all() and found["mended"].all()
    assert found[["low", "high", "volume"]].isna().all(axis=None)
    assert not panel.loc[panel["session"] != DAYS[3], ["stale", "mended"]].any(
        axis=None
    )


def test_only_the_last_of_stale_sessions_is_mended(tmp_path):
    true, panel = stale_market(tmp_path, [3, 4])
    price = {(row.ticker, row.session): row.price for row in true}
    by_day = panel.set_index(["ticker", "session"])
    first, second = by_day.xs(DAYS[3], level=1), by_day.xs(DAYS[4], level=1)
    assert first["stale"].all() and not first["mended"].any()
    # Both boards copy session 2; only the second one's true price is printed later.
    assert first["price"].to_dict() == {t: price[t, DAYS[2]] for t in first.index}
    assert second["mended"].all()
    assert second["price"].to_dict() == {t: price[t, DAYS[4]] for t in second.index}


def test_a_stale_last_session_keeps_its_copy(tmp_path):
    _, panel = stale_market(tmp_path, [7])
    last = panel[panel["session"] == DAYS[7]]
    assert last["stale"].all() and not last["mended"].any()


def test_a_changed_price_or_volume_in_one_of_six_is_no_copy(tmp_path):
    rows = random_rows(DAYS[:2], seed=3, tickers=("AAA", "BBB", "CCC", "DDD"))
    rows = copy_session([replace(r, volume=800.0) for r in rows], DAYS[1])
    rows[-1] = replace(rows[-1], volume=900.0)
    # The previous prices are those of the session before, so the chain holds.
    rows[4:] = [replace(row, previous=row.price) for row in rows[4:]]
    # Three of four are 75 %, and more than 95 % are needed.
    assert not market_of(tmp_path, rows).panel["stale"].any()


def test_two_traded_codes_are_too_few_to_call_a_session_stale(tmp_path):
    rows = random_rows(DAYS[:2], seed=3, tickers=("AAA", "BBB"))
    rows = copy_session([replace(r, volume=800.0) for r in rows], DAYS[1])
    assert not market_of(tmp_path, rows).panel["stale"].any()


@pytest.mark.parametrize(
    ("price", "limit"),
    # Of a previous price of 100: 9.49 % is short of 9.5 %, 9.5 % and more are not.
    [(109.49, False), (109.5, True), (110.0, True), (90.5, True), (90.51, False)],
)
def test_a_move_of_nine_and_a_half_per_cent_is_a_limit(tmp_path, price, limit):
    rows = [Row(DAYS[0], "AAA", 100.0), Row(DAYS[1], "AAA", price, previous=100.0)]
    assert market_of(tmp_path, rows).panel["limit"].tolist() == [False, limit]


def frame(**columns: object) -> tuple[pd.DataFrame, pd.DatetimeIndex]:
    """One ticker's judged rows with plain defaults."""
    n = len(columns["volume"])  # type: ignore[arg-type]
    sessions = pd.bdate_range("2020-01-01", periods=n).as_unit("us")
    defaults = {"session": sessions, "price": 10.0, "previous": 10.0, "factor": 1.0}
    plain = {"ticker": "AAA", "kind": "ordinary", "stale": False, **defaults}
    rows = pd.DataFrame({**plain, **columns})
    return rows, pd.DatetimeIndex(rows["session"])


def test_suspension_starts_with_the_eleventh_session_without_volume():
    volume = np.array([100.0] + [np.nan] * 12 + [100.0, np.nan])
    found = flags.add_flags(*frame(volume=volume))["suspended"]
    # Sessions 1 to 12 are idle; "more than 10" holds for the 11th and 12th of them.
    assert np.flatnonzero(found).tolist() == [11, 12]


def test_a_stale_session_neither_counts_nor_resets():
    volume = np.array([100.0] + [np.nan] * 12)
    stale = np.zeros(13, bool)
    stale[[5, 12]] = True
    found = flags.add_flags(*frame(volume=volume, stale=stale))["suspended"]
    # 12 idle rows less one stale copy: the 11th is row 12, itself stale, hence not yet
    # reached; one idle row more and it would be.
    assert not found.any()
    more = frame(
        volume=np.append(volume, [np.nan, 5.0]), stale=np.append(stale, [0, 0])
    )
    more[0]["stale"] = more[0]["stale"].astype(bool)
    assert np.flatnonzero(flags.add_flags(*more)["suspended"]).tolist() == [13]


def test_an_index_is_never_suspended_or_limited():
    rows, sessions = frame(volume=np.full(12, np.nan), kind="index")
    rows.loc[11, "price"] = 100.0
    found = flags.add_flags(rows, sessions)
    assert not found[["suspended", "limit"]].any(axis=None)


def test_a_market_without_a_limit_has_no_limited_session_and_wider_jumps():
    assert flags.widest_move(flags.LIMIT_MOVE) == pytest.approx(0.135)
    # A limit of 20 % down is log(0.8), with the same 0.0296 for rounding.
    assert flags.widest_move(0.2) == pytest.approx(0.2231 + 0.135 - 0.10536, abs=1e-4)
    rows, sessions = frame(volume=np.full(12, 5.0))
    rows.loc[11, "price"] = 1.5 * rows.loc[11, "previous"]
    assert flags.add_flags(rows, sessions)["limit"].tolist()[-1]
    assert not flags.add_flags(rows, sessions, limit=0.0)["limit"].any()
    table = pd.DataFrame({"ticker": "AAA", "price": [10.0, 19.0, 39.0], "gap": False})
    found = flags.find_jumps(table.assign(factor=1.0), limit=0.0)
    assert found.index.tolist() == [2]


def test_a_gap_follows_a_break_of_the_market_or_of_the_ticker(tmp_path):
    early = pd.bdate_range("2020-06-01", periods=3)
    late = pd.bdate_range("2020-07-01", periods=25)
    rows = random_rows(early, seed=1) + random_rows(late, seed=2)
    # BBB misses 1 to 20 July: its first row after the break is 21 July.
    rows = [r for r in rows if r.ticker == "AAA" or not 0 < r.session.day <= 20]
    rows += [Row(day, "BBB", 10.0) for day in early]
    rows += [Row(late[0], "NEW", 10.0)]
    rows.sort(key=lambda row: row.session)
    panel = market_of(tmp_path, rows).panel
    gaps = panel[panel["gap"]].set_index("ticker")["session"].dt.strftime("%m-%d")
    assert gaps.to_dict() == {"AAA": "07-01", "BBB": "07-21", "NEW": "07-01"}


def test_fourteen_days_are_no_gap_and_fifteen_are(tmp_path):
    days = [pd.Timestamp(d) for d in ("2020-03-02", "2020-03-16", "2020-03-31")]
    panel = market_of(tmp_path, [Row(day, "AAA", 10.0) for day in days]).panel
    assert panel["gap"].tolist() == [False, False, True]


def test_unexplained_jumps_are_reviewed_and_never_changed(tmp_path):
    prices = [100.0, 60.0, 60.0, 68.0, 69.0]
    rows = [Row(day, "AAA", p) for day, p in zip(DAYS, prices, strict=False)]
    market = market_of(tmp_path, rows)
    review = market.repairs[market.repairs["action"] == "review"]
    # log(60 / 100) = -0.511; log(68 / 60) = 0.125 is within 0.135.
    assert review["session"].tolist() == [DAYS[1]]
    assert "100 -> 60, log move -0.511" in review["detail"].iloc[0]
    assert market.panel["price"].tolist() == prices


def ex_date_market(folder: Path, price: float) -> MarketData:
    """A 2-for-1 event from a price of 100 to this one, the day after."""
    rows = [
        Row(DAYS[0], "AAA", 100.0, adjust=50.0),
        Row(DAYS[1], "AAA", price),
        Row(DAYS[2], "AAA", price),
    ]
    return market_of(folder, rows)


def test_an_ex_date_whose_price_ignores_the_factor_is_reviewed_by_its_own_reason(
    tmp_path,
):
    review = ex_date_market(tmp_path, 95.0).repairs
    # log(2 x 95 / 100) = 0.642
    assert review["reason"].tolist() == [row_accounting.EX_JUMP]
    assert review["session"].tolist() == [DAYS[1]]
    assert review["detail"].tolist() == ["price 100 -> 95, factor 2, log move +0.642"]


def test_an_ex_date_within_the_limit_of_its_factor_is_not_reviewed(tmp_path):
    # log(2 x 57 / 100) = 0.131 is within 0.135.
    assert ex_date_market(tmp_path, 57.0).repairs.empty


def test_a_jump_after_an_ex_date_without_a_price_is_of_the_ex_date():
    rows = pd.DataFrame(
        {
            "ticker": "AAA",
            "price": [100.0, np.nan, 95.0, 60.0],
            "factor": [1.0, 2.0, 1.0, 1.0],
            "gap": False,
        }
    )
    found = flags.find_jumps(rows)
    assert found.index.tolist() == [2, 3]
    assert found["on_ex_date"].tolist() == [True, False]


def test_a_weekend_session_is_kept_and_reviewed_once(tmp_path):
    saturday = pd.Timestamp("2020-03-07")
    days = pd.DatetimeIndex([*DAYS[:5], saturday, DAYS[5]])
    market = market_of(tmp_path, random_rows(days, seed=1))
    assert (market.panel["session"] == saturday).sum() == 2
    # Two rows a session on lines 2 to 15: the sixth session starts on line 12.
    assert market.repairs["reason"].tolist() == [row_accounting.WEEKEND]
    assert market.repairs["source_line"].tolist() == [12]
    assert market.repairs["detail"].tolist() == ["2020-03-07 (2 rows)"]


def test_an_index_row_alone_on_its_session_is_no_session(tmp_path):
    rows = random_rows(DAYS, seed=1, tickers=("AAA", "^IDX"))
    alone = Row(pd.Timestamp("2020-03-07"), "^IDX", 30.0, volume=None)
    place = [row.session < alone.session for row in rows].count(True)
    market = market_of(tmp_path, [*rows[:place], alone, *rows[place:]])
    expected = market_of(tmp_path / "without", rows)
    columns = [name for name in market.panel.columns if name != "source_line"]
    pd.testing.assert_frame_equal(market.panel[columns], expected.panel[columns])
    assert market.repairs[["action", "reason", "ticker"]].to_numpy().tolist() == [
        ["dropped", row_accounting.OFF_CALENDAR, "^IDX"]
    ]
    assert market.row_counts["n_rows"].sum() == len(rows) + 1


def test_indices_alone_are_no_market(tmp_path):
    rows = random_rows(DAYS[:3], seed=1, tickers=("^IDX", "^NASI"))
    with pytest.raises(DataError, match="indices only"):
        market_of(tmp_path, rows)


@pytest.mark.parametrize(
    ("order", "line", "early", "late"),
    [
        # 3 March comes after 5 March on line 4; then a block dated too late, with two
        # days to choose from.
        ([0, 3, 1, 4], 4, "03-Mar-2020", "05-Mar-2020"),
        ([0, 5, 3, 6], 4, "05-Mar-2020", "09-Mar-2020"),
    ],
)
def test_a_file_that_goes_back_in_time_is_refused(tmp_path, order, line, early, late):
    rows = [Row(DAYS[day], "AAA", 10.0) for day in order]
    write_rows(tmp_path / NAME, rows)
    with pytest.raises(DataError, match=f"{late}.* line 3;.*{early}") as caught:
        build_panel(tmp_path)
    assert (caught.value.file, caught.value.line) == (NAME, line)


def test_a_block_printed_again_at_the_end_is_no_step_back(tmp_path):
    rows = random_rows(DAYS[:4], seed=1)
    write_rows(tmp_path / NAME, [*rows, *rows[2:4]])
    market = build_panel(tmp_path)
    assert len(market.panel) == len(rows)
    assert set(market.repairs["reason"]) == {row_accounting.DUPLICATE}


def test_jumps_across_a_gap_or_on_an_explained_ex_date_are_not_reviewed(tmp_path):
    sessions = [*DAYS[:3], pd.Timestamp("2020-05-04")]
    prices, adjust = [100.0, 50.0, 50.0, 90.0], [50.0, None, None, None]
    rows = [
        Row(day, "AAA", price, adjust=a)
        for day, price, a in zip(sessions, prices, adjust, strict=True)
    ]
    assert market_of(tmp_path, rows).repairs.empty
