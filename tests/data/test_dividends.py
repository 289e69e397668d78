"""Dividends leave the price in the right session, and no row knows a later one."""

import numpy as np
import pandas as pd
import pytest
from support.raw_files import random_rows, write_folder

from nse_lstm.config import Simulation
from nse_lstm.data.dividends import read_dividend_tables
from nse_lstm.data.panel import build_panel
from nse_lstm.data.simulate import simulate_prices

DAYS = pd.bdate_range("2020-12-01", periods=20)
TICKERS = ("AAA", "BBB", "CCC", "DDD", "EEE", "^IDX")
HEADER = "ticker,register_date,ex_date,amount_kes,kind,source,note\n"
YEARS = "ticker,year,source,note\nAAA,2020,a paper,\n"


def tables(tmp_path, rows, years=YEARS):
    path = tmp_path / "market.csv"
    path.write_text(HEADER + "".join(f"{row},final,a paper,\n" for row in rows))
    path.with_name("market_years.csv").write_text(years)
    return path


def market_of(tmp_path, rows, **how):
    path = tables(tmp_path, rows)
    printed = random_rows(DAYS, seed=5, tickers=TICKERS)
    folder = tmp_path / "raw"
    if not folder.is_dir():
        write_folder(folder, printed)
    return build_panel(folder, payments=path, **how)


def paid(market):
    rows = market.panel[market.panel["dividend"] > 0]
    return list(
        zip(rows["ticker"], rows["session"].dt.date, rows["dividend"], strict=True)
    )


def test_a_dividend_falls_into_the_first_session_after_the_register_date(tmp_path):
    # 2020-12-11 is a Friday.
    market = market_of(tmp_path, ["AAA,2020-12-11,,1.5", "BBB,2020-12-09,,2"])
    assert paid(market) == [
        ("AAA", pd.Timestamp("2020-12-14").date(), 1.5),
        ("BBB", pd.Timestamp("2020-12-10").date(), 2.0),
    ]
    assert market.dividends["session"].notna().all()


def test_a_printed_ex_date_goes_before_the_rule_and_a_days_payments_add_up(tmp_path):
    path = tables(tmp_path, ["AAA,2020-12-09,2020-12-14,1.5", "AAA,2020-12-11,,0.25"])
    assert read_dividend_tables(path).payments["ex_date"].tolist() == [
        pd.Timestamp("2020-12-14"),
        pd.Timestamp("2020-12-12"),
    ]
    market = market_of(
        tmp_path, ["AAA,2020-12-09,2020-12-14,1.5", "AAA,2020-12-11,,0.25"]
    )
    assert paid(market) == [("AAA", pd.Timestamp("2020-12-14").date(), 1.75)]


@pytest.mark.parametrize(
    "row",
    [
        "ZZZ,2020-12-11,,1.5",  # no such stock
        "AAA,2020-11-20,,1.5",  # before its first session
        "AAA,2021-06-11,,1.5",  # after its last
    ],
)
def test_a_dividend_outside_the_files_is_listed_and_booked_nowhere(tmp_path, row):
    market = market_of(tmp_path, [row])
    assert paid(market) == []
    assert market.dividends["session"].isna().tolist() == [True]


def test_a_dividend_within_a_break_of_the_files_is_booked_nowhere(tmp_path):
    days = DAYS[:10].append(DAYS[10:] + pd.Timedelta(days=60))
    write_folder(tmp_path / "raw", random_rows(days, seed=5, tickers=TICKERS))
    market = market_of(tmp_path, ["AAA,2020-12-31,,1.5", "BBB,2021-02-16,,1"])
    assert [name for name, *_ in paid(market)] == ["BBB"]
    placed = market.dividends.set_index("ticker")["session"]
    assert placed.isna().to_dict() == {"AAA": True, "BBB": False}


def test_a_year_is_covered_only_where_a_source_says_that_it_is_complete(tmp_path):
    market = market_of(tmp_path, ["BBB,2020-12-09,,2"])
    known = market.panel.groupby("ticker")["dividends_known"].agg(["all", "any"])
    assert known.loc["AAA"].tolist() == [True, True]
    assert not known.drop(index="AAA").to_numpy().any()


def test_no_row_knows_a_later_dividend_and_the_digest_knows_all(tmp_path):
    rows = ["AAA,2020-12-04,,1.5", "AAA,2020-12-17,,3"]
    until = pd.Timestamp("2020-12-14")
    whole = market_of(tmp_path, rows)
    as_of = market_of(tmp_path, rows, as_of=until)
    fewer = market_of(tmp_path, rows[:1], as_of=until)
    pd.testing.assert_frame_equal(as_of.panel, fewer.panel)
    known = whole.panel[whole.panel["session"] <= until]
    dividends = [table["dividend"].tolist() for table in (known, as_of.panel)]
    assert dividends[0] == dividends[1]
    assert as_of.digest == whole.digest != fewer.digest
    bare = build_panel(tmp_path / "raw")
    assert bare.digest not in (whole.digest, fewer.digest)
    assert not bare.panel["dividend"].any()


def test_simulated_large_stocks_pay_yearly_and_their_prices_drop():
    board = simulate_prices(Simulation(first_year=2015, last_year=2022, seed=3))
    days, places = np.nonzero(board.dividend > 0)
    paid_in = (
        pd.Series(board.sessions.year[days]).groupby(places).agg(["size", "nunique"])
    )
    assert (paid_in["size"] == paid_in["nunique"]).all()
    assert len(paid_in) == 20
    yields = board.dividend[days, places] / board.previous[days, places]
    assert 0.035 < yields.min() and yields.max() < 0.085
    assert np.median(yields) == pytest.approx(0.06, abs=0.01)
    # The mean fall of the session is the dividend, within its standard error.
    move = board.price[days, places] / board.previous[days, places] - 1
    rest = move + yields
    error = rest.std() / np.sqrt(len(rest))
    assert abs(rest.mean()) < 4 * error
    assert move.mean() < -0.04
