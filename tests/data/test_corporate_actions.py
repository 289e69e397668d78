"""Events from the steps of the printed ``Adjust`` column."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from raw_files import Row, write_folder

from nse_lstm.data import corporate_actions
from nse_lstm.data.panel import build_panel

SHARED = Path(__file__).resolve().parents[2].parent / "shared/nse"
real_files = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the exchange's files are not on this machine"
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
    panel = build_panel(SHARED).panel
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
