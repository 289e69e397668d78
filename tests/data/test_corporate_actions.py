"""Events from the steps of the printed ``Adjust`` column."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.places import REAL_FILES, ROOT
from support.raw_files import Row, write_folder

from nse_lstm.data import corporate_actions
from nse_lstm.data.panel import build_panel
from nse_lstm.errors import DataError

real_files = pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason="the exchange's files are not on this machine"
)

# The 27 events of the source's own documentation: ticker, ex-date, and what earlier
# prices are multiplied by, to three decimals; shares after per share before is 1 / it.
EVENTS = """CARB 2013-11-18 .133|NMG 2013-04-15 .833|CGEN 2014-02-20 .833
CGEN 2022-03-25 .5|NCBA 2014-05-09 .909|NCBA 2018-05-02 .909|COOP 2014-06-16 .857
COOP 2017-07-03 .833|CIC 2014-07-31 .834|LKL 2014-12-01 .4|NBK 2015-03-30 .909
NBK 2017-05-22 .909|SLAM 2015-05-14 .667|JUB 2015-06-09 .909|JUB 2017-05-23 .909
CRWN 2015-06-25 .333|LIMT 2015-06-26 .5|KAPC 2016-01-20 .5|WTK 2016-01-11 .5
DTK 2016-05-26 .909|NSE 2016-06-03 .75|FTGH 2017-06-30 .91|KQ 2017-11-29 4
HFCK 2018-04-30 .909|IMH 2019-05-13 .5|IMH 2021-05-11 .5|KNRE 2019-06-17 .25"""


NO_ACTIONS = corporate_actions.read_actions(None)


def factors(prices: list[float], adjusts: list[float], volumes=None, stale=None):
    """Return the factor of each row of one ticker."""
    n = len(prices)
    rows = pd.DataFrame(
        {
            "ticker": "AAA",
            "session": pd.bdate_range("2020-01-01", periods=n),
            "price": prices,
            "adjust": adjusts,
            "volume": np.full(n, 100.0) if volumes is None else volumes,
            "stale": np.zeros(n, bool) if stale is None else stale,
        }
    )
    return corporate_actions.add_factor(rows, NO_ACTIONS)["factor"].tolist()


NAN = np.nan


def test_a_factor_that_moves_to_one_is_an_event():
    # 59 / 118 = 0.5, then nothing: two shares for one.
    assert factors([118, 118, 60], [59, 59, NAN]) == [1, 1, 2]


def test_a_reverse_split_has_a_factor_below_one():
    # 21.2 / 5.3 = 4: four old shares for one new.
    assert factors([5.3, 5.3, 21.0], [21.2, 21.2, NAN]) == [1, 1, 0.25]


def test_two_events_step_one_after_the_other():
    # 20.5 x 6/7 x 5/6 = 14.64 before both, 17.95 x 5/6 = 14.96 between them.
    found = factors([20.5, 17.95, 17.95, 15.0], [14.64, 14.96, 14.96, NAN])
    np.testing.assert_allclose(found, [1, 7 / 6, 1, 6 / 5], rtol=1e-12)


def test_a_factor_that_starts_is_no_event():
    # It only says that an event to come is known now.
    assert factors([34.0, 34.0, 34.0], [NAN, 17.0, 17.0]) == [1, 1, 1]


def test_a_factor_that_starts_is_followed_by_its_event() -> None:
    # Announced for six rows, as of IMH in May 2021.
    prices = [20.0] * 8 + [10.0]
    adjusts = [NAN, NAN, *[10.0] * 6, NAN]
    assert factors(prices, adjusts) == [*[1] * 8, 2]


@pytest.mark.parametrize("wrong", [NAN, 15.0, 7.0, 100.0])
@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_a_wrong_value_months_before_a_bonus_is_no_event(wrong, n_rows):
    adjusts = [10.0, 10.0, *[wrong] * n_rows, *[10.0] * 70, NAN, NAN]
    prices = [*[20.0] * (len(adjusts) - 2), 10.0, 10.0]
    found = factors(prices, adjusts)
    assert found == [*[1] * (len(adjusts) - 2), 2, 1]


def test_a_wrong_value_without_any_bonus_is_no_event():
    assert factors([20.0] * 5, [NAN, NAN, 10.0, NAN, NAN]) == [1] * 5


def test_an_event_that_is_taken_back_after_weeks_is_a_misprint():
    adjusts = [10.0, *[NAN] * 60, 10.0, 10.0]
    assert factors([20.0] * 63, adjusts) == [1] * 63


def test_an_event_that_holds_for_longer_and_a_new_announcement_are_two_events():
    # As of IMH: a bonus in 2019, and one at the same terms announced in 2021.
    adjusts = [10.0, *[NAN] * 61, *[5.0] * 6, NAN]
    prices = [20.0, *[10.0] * 67, 5.0]
    assert factors(prices, adjusts) == [1, 2, *[1] * 66, 2]


def test_misprints_are_listed_for_review(tmp_path):
    days = pd.bdate_range("2020-03-02", periods=8)
    adjusts = [10.0, 10.0, None, 10.0, 10.0, 10.0, None, None]
    prices = [20.0] * 6 + [10.0] * 2
    rows = [
        Row(day, "AAA", price, adjust=adjust)
        for day, price, adjust in zip(days, prices, adjusts, strict=True)
    ]
    market = build_panel(write_folder(tmp_path, rows))
    assert market.panel["factor"].tolist() == [1, 1, 1, 1, 1, 1, 2, 1]
    listed = market.repairs[market.repairs["reason"].str.contains("taken back")]
    assert listed["session"].tolist() == [days[2]]
    assert listed["action"].tolist() == ["review"]


def test_a_factor_that_drifts_in_small_steps_stops_the_build():
    # Steps of 1.5 % are no event each, and no rounding together.
    factor = 0.5 * 1.015 ** np.arange(12)
    with pytest.raises(DataError, match="actions of AAA to multiply to 1\\.178"):
        factors([200.0] * 12, [float(each) for each in np.round(200 * factor, 2)])


def test_rounding_of_cheap_prices_is_no_event():
    # 0.31 x 1/2 prints 0.16 (factor 0.516), 0.30 prints 0.15, 0.21 prints 0.11 (0.524).
    prices, adjusts = [0.31, 0.30, 0.21, 0.20], [0.16, 0.15, 0.11, 0.10]
    assert factors(prices, adjusts) == [1, 1, 1, 1]


def test_the_factor_is_the_ratio_that_prints_the_same():
    # 5.55 / 1.1 = 5.045, printed 5.05: the step is 1.0990, the terms are 11 for 10.
    np.testing.assert_allclose(factors([5.55, 5.05], [5.05, NAN]), [1, 1.1], rtol=1e-12)


def test_an_event_waits_for_the_first_deal():
    volumes = [100, NAN, NAN, 100, 100]
    found = factors([224, 224, 224, 110, 110], [112, NAN, NAN, NAN, NAN], volumes)
    assert found == [1, 1, 1, 2, 1]


def test_an_idle_stock_printed_at_its_new_price_has_had_its_event():
    # 223 x 1/5 = 44.6: without a trade, but the price is the one after the split.
    volumes = [100, NAN, NAN, 100]
    found = factors([223, 44.6, 44.6, 49.75], [44.6, NAN, NAN, NAN], volumes)
    assert found == [1, 5, 1, 1]
    # A price that moved by chance is not the factor's.
    found = factors([223, 190.0, 190.0, 49.75], [44.6, NAN, NAN, NAN], volumes)
    assert found == [1, 1, 1, 5]


def test_an_event_on_a_copied_board_waits_for_the_next():
    stale = [False, True, False]
    assert factors([224, 224, 110], [112, NAN, NAN], stale=stale) == [1, 1, 2]


def test_a_row_without_price_keeps_the_factor_known_before():
    assert factors([20.0, NAN, 10.0], [10.0, NAN, NAN]) == [1, 1, 2]


def test_events_do_not_cross_tickers(tmp_path):
    days = pd.bdate_range("2020-03-02", periods=2)
    adjusts = {"AAA": 10.0, "BBB": None}
    rows = [Row(day, t, 20.0, adjust=a) for day in days for t, a in adjusts.items()]
    panel = build_panel(write_folder(tmp_path, rows)).panel
    assert (panel["factor"] == 1).all()


def test_adjust_never_reaches_the_panel(tmp_path):
    rows = [Row(pd.Timestamp("2020-03-02"), "AAA", 20.0, adjust=10.0)]
    columns = build_panel(write_folder(tmp_path, rows)).panel.columns
    assert not columns.str.contains("adjust").any()


@real_files
def test_the_real_files_hold_their_27_events():
    panel = build_panel(REAL_FILES).panel
    found = panel[panel["factor"] != 1]
    expected = [line.split() for line in EVENTS.replace("\n", "|").split("|")]
    table = pd.DataFrame(expected, columns=["ticker", "session", "multiplier"])
    table = table.astype({"multiplier": float}).sort_values(["ticker", "session"])
    assert len(table) == 27
    assert found["ticker"].tolist() == table["ticker"].tolist()
    dates = found["session"].dt.strftime("%Y-%m-%d")
    assert dates.tolist() == table["session"].tolist()
    # The documentation's multipliers are rounded to 0.001.
    np.testing.assert_allclose(1 / found["factor"], table["multiplier"], atol=1.01e-3)


HEADER = "ticker,ex_date,factor,kind,source,note\n"
DAYS = pd.bdate_range("2020-03-02", periods=6).as_unit("us")


def write_actions(folder: Path, text: str, header: str = HEADER) -> Path:
    path = folder / "actions" / "market.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(header + text)
    return path


def bonus_folder(folder: Path, adjusts: list[float | None]) -> Path:
    """Write a 2-for-1 bonus on the fourth session, and another stock without one."""
    prices = [100.0, 100.0, 100.0, 50.0, 50.0, 50.0]
    rows = [
        row
        for day, price, adjust in zip(DAYS, prices, adjusts, strict=True)
        for row in (Row(day, "AAA", price, adjust=adjust), Row(day, "BBB", 10.0))
    ]
    return write_folder(folder / "raw", rows)


def test_a_sourced_event_takes_effect_where_the_files_show_none(tmp_path):
    folder = bonus_folder(tmp_path, [None] * 6)
    path = write_actions(tmp_path, f"AAA,{DAYS[3]:%Y-%m-%d},2,bonus,a paper,a note\n")
    market = build_panel(folder, actions=path)
    stock = market.panel.query("ticker == 'AAA'")
    assert stock["factor"].tolist() == [1, 1, 1, 2, 1, 1]
    assert market.panel.query("ticker == 'BBB'")["factor"].eq(1).all()
    # With the action known, halving the price is no jump to review.
    assert market.repairs.empty
    assert len(build_panel(folder).repairs) == 1


def test_the_table_is_part_of_the_data(tmp_path):
    folder = bonus_folder(tmp_path, [None] * 6)
    plain = build_panel(folder)
    assert build_panel(folder, actions=tmp_path / "none.csv").digest == plain.digest
    digests = {plain.digest}
    for factor in ("2", "3"):
        line = f"AAA,{DAYS[3]:%Y-%m-%d},{factor},bonus,a paper,\n"
        digests.add(build_panel(folder, actions=write_actions(tmp_path, line)).digest)
    assert len(digests) == 3


def test_an_entry_after_the_as_of_date_is_not_known(tmp_path):
    folder = bonus_folder(tmp_path, [None] * 6)
    line = f"AAA,{DAYS[3]:%Y-%m-%d},2,bonus,a paper,\n"
    path = write_actions(tmp_path, line)
    for place, expected in ((2, 1), (3, 2)):
        panel = build_panel(folder, as_of=DAYS[place], actions=path).panel
        assert panel["factor"].max() == expected


def test_an_entry_that_the_files_show_too_counts_once(tmp_path):
    folder = bonus_folder(tmp_path, [50.0, 50.0, 50.0, None, None, None])
    path = write_actions(tmp_path, f"AAA,{DAYS[3]:%Y-%m-%d},2/1,split,a paper,\n")
    panel = build_panel(folder, actions=path).panel
    assert panel.query("ticker == 'AAA'")["factor"].tolist() == [1, 1, 1, 2, 1, 1]


@pytest.mark.parametrize(("day", "factor"), [(3, 3), (2, 2), (5, 2)])
def test_an_entry_beside_an_event_of_the_files_is_refused(tmp_path, day, factor):
    folder = bonus_folder(tmp_path, [50.0, 50.0, 50.0, None, None, None])
    line = f"BBB,2030-01-01,2,split,a paper,\nAAA,{DAYS[day]:%Y-%m-%d},{factor},"
    path = write_actions(tmp_path, line + "bonus,a paper,\n")
    with pytest.raises(DataError, match=r"one event of AAA.*and 2 on 2020-03-05"):
        build_panel(folder, actions=path)
    with pytest.raises(DataError, match=r"\(market.csv, line 3\)"):
        build_panel(folder, actions=path)


@pytest.mark.parametrize("text", ["", "\n", "ZZZ,2020-03-03,2,bonus,a paper,\n"])
def test_entries_without_rows_have_no_effect(tmp_path, text):
    folder = bonus_folder(tmp_path, [None] * 6)
    panel = build_panel(folder, actions=write_actions(tmp_path, text)).panel
    assert panel["factor"].eq(1).all()


GOOD = "AAA,2020-03-05,2,bonus,a paper,a note\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (GOOD.replace("AAA", "a a"), 2, "stock code"),
        (GOOD + GOOD.replace("2020-03-05", "5 March"), 3, "5 March"),
        (GOOD.replace(",2,", ",two,"), 2, "two"),
        (GOOD.replace(",2,", ",0,"), 2, "'0'"),
        (GOOD.replace(",2,", ",1,"), 2, "other than 1"),
        (GOOD.replace(",2,", ",inf,"), 2, "inf"),
        (GOOD.replace(",2,", ",1/0,"), 2, "1/0"),
        (GOOD.replace("bonus", "rights"), 2, "rights"),
        (GOOD.replace("a paper", ""), 2, "where the event was read"),
        (GOOD.replace(",a note", ""), 2, "6 fields"),
        (GOOD + "\n" + GOOD, 4, "one event per ticker and date"),
    ],
)
def test_a_line_that_is_no_event_is_refused_with_its_place(tmp_path, text, line, says):
    with pytest.raises(DataError, match=says) as caught:
        corporate_actions.read_actions(write_actions(tmp_path, text))
    assert (caught.value.file, caught.value.line) == ("market.csv", line)


def test_another_header_is_refused(tmp_path):
    path = write_actions(tmp_path, GOOD, header="code,date,factor\n")
    with pytest.raises(DataError, match="header") as caught:
        corporate_actions.read_actions(path)
    assert caught.value.line == 1


def test_the_committed_tables_are_sound():
    paths = list((ROOT / "data/corporate_actions").glob("*.csv"))
    assert paths
    for path in paths:
        table = corporate_actions.read_actions(path)
        assert table["source"].str.len().gt(0).all()


@real_files
def test_the_sourced_event_of_the_real_market_falls_into_the_gap():
    path = ROOT / "data/corporate_actions/nse.csv"
    panel = build_panel(REAL_FILES, actions=path).panel
    row = panel[(panel["ticker"] == "SCBK") & (panel["factor"] != 1)]
    assert row["session"].tolist() == [pd.Timestamp("2021-01-04")]
    assert row["factor"].tolist() == [1.1]
    assert row["gap"].all()
