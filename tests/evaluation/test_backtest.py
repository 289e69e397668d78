"""The day-order simulator against arithmetic and a plain session-by-session oracle."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nse_lstm.config import Backtest
from nse_lstm.data.adjusted import MAX_SETTLING
from nse_lstm.errors import StudyError, TableError
from nse_lstm.evaluation.backtest import (
    ENTER,
    LEAVE,
    STAY,
    simulate_fills,
    to_signals,
    tradability,
)
from nse_lstm.features.returns import with_returns

# Wide limits, so that round numbers show; the limit has its own tests.
NO_CASH = Backtest(cash_rate=0.0, limit=0.5)
LIMITED = Backtest(cash_rate=0.0)


def make_stock(prices, **columns):
    """Rows of one ticker on consecutive weekdays, all traded unless told otherwise."""
    n = len(prices)
    rows = {
        "ticker": "AAA",
        "session": pd.bdate_range("2020-01-06", periods=n).as_unit("us"),
        "price": np.asarray(prices, float),
        "volume": 100.0,
        "factor": 1.0,
        "stale": False,
        "suspended": False,
        "gap": False,
    }
    return with_returns(pd.DataFrame(rows | columns))


def run(stock, wanted, *, backtest=NO_CASH, cost_bps=0, sessions=None, skip=0):
    """Deal a list of signals, one a session of the calendar."""
    if sessions is None:
        sessions = pd.DatetimeIndex(stock["session"])
    calendar = tradability(
        stock,
        sessions=sessions,
        start=sessions[skip],
        end=sessions[-1] + pd.Timedelta(days=1),
        backtest=backtest,
    )
    signals = pd.Series(wanted, index=sessions, dtype=float)
    return simulate_fills(calendar, signals, backtest=backtest, cost_bps=cost_bps)


def test_an_order_is_traded_a_session_after_its_signal_and_earns_from_there():
    account = run(make_stock([10, 11, 12, 13]), [ENTER, STAY, STAY, STAY])
    assert account["turnover"].tolist() == [0, 1, 0, 0]
    assert account["position"].tolist() == [0, 0, 1, 1]
    # The move from 10 to 11, which made the signal, is not earned.
    expected = [0, 0, 12 / 11 - 1, 13 / 12 - 1]
    assert account["net_return"].to_numpy() == pytest.approx(expected)


def test_the_session_before_the_span_sends_the_first_order():
    account = run(make_stock([10, 11, 12]), [ENTER, STAY, STAY], skip=1)
    assert account["turnover"].tolist() == [1, 0]
    assert account["position"].tolist() == [0, 1]


def test_cost_is_paid_on_the_change_of_position_after_the_sessions_return():
    prices = [10, 10, 12, 12]
    account = run(make_stock(prices), [ENTER, LEAVE, STAY, STAY], cost_bps=100)
    # Bought at session 1 for 1 % of 1, sold at session 2 for 1 % of 1.2.
    expected = [0, -0.01, 1.2 * 0.99 - 1, 0]
    assert account["net_return"].to_numpy() == pytest.approx(expected)
    assert account["gross_return"].to_numpy() == pytest.approx([0, 0, 0.2, 0])


def test_uninvested_money_earns_cash():
    backtest = Backtest(cash_rate=0.05, sessions_per_year=250)
    account = run(make_stock([10, 10, 11]), [ENTER, STAY, STAY], backtest=backtest)
    assert account["net_return"].to_numpy() == pytest.approx([0.0002, 0.0002, 0.1])
    assert account["cash_return"].tolist() == pytest.approx([0.0002] * 3)


def test_a_day_order_lapses_without_volume_and_the_next_session_decides_afresh():
    stock = make_stock([10, 10, 10, 10], volume=[100, np.nan, 100, 100])
    lapsed = run(stock, [ENTER, STAY, STAY, STAY])
    assert lapsed["turnover"].sum() == 0
    renewed = run(stock, [ENTER, ENTER, STAY, STAY])
    assert renewed["turnover"].tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("flag", ["stale", "suspended"])
def test_nothing_is_traded_on_a_stale_or_suspended_session(flag):
    stock = make_stock([10, 10, 10], **{flag: [False, True, False]})
    assert run(stock, [ENTER, STAY, STAY])["turnover"].sum() == 0


def test_a_stale_session_sends_no_order():
    stock = make_stock([10, 10, 10], stale=[True, False, False])
    assert run(stock, [ENTER, STAY, STAY])["turnover"].sum() == 0


def test_a_buy_lapses_at_the_upper_limit_exactly():
    # 109.5 / 100 - 1 is a binary hair below 0.095.
    for price, bought in [(109.5, 0), (109.4, 1)]:
        account = run(make_stock([100, price]), [ENTER, STAY], backtest=LIMITED)
        assert account["turnover"].sum() == bought


def test_a_sale_lapses_at_the_lower_limit_and_a_buy_does_not():
    prices = [100, 100, 90.5, 90.5]
    held = run(make_stock(prices), [ENTER, LEAVE, STAY, STAY], backtest=LIMITED)
    assert held["turnover"].tolist() == [0, 1, 0, 0]
    assert held["position"].tolist() == [0, 0, 1, 1]
    bought = run(make_stock([100, 90.5]), [ENTER, STAY], backtest=LIMITED)
    assert bought["turnover"].sum() == 1


def test_a_split_is_no_return():
    stock = make_stock([10, 10, 5, 5.5], factor=[1, 1, 2, 1])
    account = run(stock, [ENTER, STAY, STAY, STAY])
    assert account["stock_return"].to_numpy() == pytest.approx([0, 0, 0, 0.1])


def test_a_price_that_follows_its_split_slowly_is_neither_gain_nor_loss_nor_deal():
    # Adjusted 10, 10, 18, 16, 12, 10.4: 12 is a log 0.18 above 10, 10.4 is 0.04.
    stock = make_stock([10, 10, 9, 8, 6, 5.2], factor=[1, 1, 2, 1, 1, 1])
    account = run(stock, [ENTER, *[LEAVE] * 5])
    assert account["net_return"].to_numpy() == pytest.approx([0, 0, 0, 0, 0, 0.04])
    assert account["turnover"].tolist() == [0, 1, 0, 0, 0, 1]


def test_the_first_price_after_an_ex_date_is_the_one_that_is_held_against_it():
    prices = [10, 10, np.nan, 8, 5]
    stock = make_stock(prices, factor=[1, 1, 2, 1, 1])
    account = run(stock, [ENTER, *[STAY] * 4])
    assert account["net_return"].to_numpy() == pytest.approx([0] * 5)


def test_a_price_that_stays_away_after_an_ex_date_is_believed_in_the_end():
    # Adjusted 10, 10, then 30 for good: held back on the first 40 sessions of it.
    n = MAX_SETTLING + 3
    stock = make_stock([10, 10, *[15] * (n - 2)], factor=[1, 1, 2, *[1] * (n - 3)])
    account = run(stock, [ENTER, *[STAY] * (n - 1)])
    expected = np.zeros(n)
    expected[MAX_SETTLING + 2] = 2.0
    assert account["net_return"].to_numpy() == pytest.approx(expected)


def test_a_leap_without_an_ex_date_is_booked():
    account = run(make_stock([10, 10, 18]), [ENTER, STAY, STAY])
    assert account["net_return"].to_numpy() == pytest.approx([0, 0, 0.8])


def test_a_return_across_a_gap_is_booked_as_nothing():
    stock = make_stock([10, 10, 30, 33], gap=[False, False, True, False])
    account = run(stock, [ENTER, STAY, STAY, STAY])
    assert account["net_return"].to_numpy() == pytest.approx([0, 0, 0, 0.1])


def test_a_suspended_stock_is_marked_down_and_back_when_it_trades_again():
    backtest = Backtest(cash_rate=0.0, limit=0.5, suspension_haircut=0.3)
    suspended = [False, False, True, True, False]
    stock = make_stock([10, 10, 10, 10, 11], suspended=suspended)
    account = run(stock, [ENTER, *[STAY] * 4], backtest=backtest)
    # 10 -> 7 -> 7 -> 11
    expected = [0, 0, -0.3, 0, 11 / 7 - 1]
    assert account["net_return"].to_numpy() == pytest.approx(expected)


@pytest.mark.parametrize("n_absent", [1, 10, 11, 13])
def test_rows_that_end_are_marked_down_once_the_absence_is_long(n_absent):
    # Whether a row was the last is known to nobody on the session after it.
    sessions = pd.bdate_range("2020-01-06", periods=3 + n_absent).as_unit("us")
    account = run(
        make_stock([10, 10, 10]),
        [ENTER, STAY, *[LEAVE] * (1 + n_absent)],
        backtest=Backtest(cash_rate=0.0, limit=0.5, suspension_haircut=0.3),
        sessions=sessions,
    )
    expected = np.zeros(3 + n_absent)
    expected[13:14] = -0.3  # the eleventh session without a row, if there is one
    assert account["net_return"].to_numpy() == pytest.approx(expected)
    assert account["position"].tolist() == [0, 0, *[1] * (1 + n_absent)]


def test_a_missing_row_keeps_the_mark_and_trades_nothing():
    stock = make_stock([10, 10, 10, 12]).drop(index=2)
    sessions = pd.bdate_range("2020-01-06", periods=4).as_unit("us")
    account = run(stock, [ENTER, LEAVE, STAY, STAY], sessions=sessions)
    assert account["net_return"].to_numpy() == pytest.approx([0, 0, 0, 0.2])


def test_a_long_absence_is_marked_down_before_anyone_knows_how_it_ends():
    sessions = pd.bdate_range("2020-01-06", periods=16).as_unit("us")
    stock = make_stock([10] * 15 + [8]).drop(index=range(3, 15))
    stock.loc[15, "gap"] = True  # a break in its own rows, not in the calendar
    account = run(
        with_returns(stock[stock.columns[:8]]),
        [ENTER, *[STAY] * 15],
        backtest=Backtest(cash_rate=0.0, limit=0.5, suspension_haircut=0.3),
        sessions=sessions,
    )
    expected = np.zeros(16)
    expected[13] = -0.3  # the eleventh session without a row
    expected[15] = 8 / 7 - 1
    assert account["net_return"].to_numpy() == pytest.approx(expected)


def test_sessions_before_a_stock_is_listed_are_no_absence():
    sessions = pd.bdate_range("2020-01-06", periods=20).as_unit("us")
    stock = make_stock([100.0, 110.0], session=sessions[18:])
    backtest = Backtest(cash_rate=0.0, limit=0.5, suspension_haircut=0.3)
    account = run(stock, [ENTER] * 20, backtest=backtest, sessions=sessions)
    # After 18 sessions without a row the first price is marked in full.
    assert account["stock_return"].tolist() == pytest.approx([0.0] * 19 + [0.1])
    assert account["gross_return"].tolist() == pytest.approx([0.0] * 19 + [0.1])


def test_the_whole_price_can_be_lost():
    backtest = Backtest(cash_rate=0.0, limit=0.5, suspension_haircut=1.0)
    stock = make_stock([10, 10, 10, 10], suspended=[False, False, True, False])
    account = run(stock, [ENTER, *[STAY] * 3], backtest=backtest)
    assert np.prod(1 + account["net_return"]) == 0


def test_the_sign_rule_is_long_above_zero_and_flat_otherwise():
    y_hat = pd.Series([0.01, 0.0, -0.01, np.nan])
    found = to_signals(y_hat, rule="sign", backtest=Backtest(), cost_bps=66)
    assert found.tolist() == [ENTER, LEAVE, LEAVE, LEAVE]


def test_the_gate_enters_above_twice_the_cost_of_a_side_in_simple_returns():
    # 2 x 66 bp = 0.0132; log(1.0132) is below it, as a simple return it is not above.
    y_hat = pd.Series([0.0132, math.log(1.0132) - 1e-9, 0.0, -1e-9, np.nan])
    found = to_signals(y_hat, rule="gate", backtest=Backtest(), cost_bps=66)
    assert found.tolist() == pytest.approx(
        [ENTER, STAY, STAY, LEAVE, LEAVE], nan_ok=True
    )


@pytest.mark.parametrize("rule", ["sign", "gate"])
@pytest.mark.parametrize("cost_bps", [0, 66])
def test_persistence_never_trades(rule, cost_bps):
    wanted = to_signals(
        pd.Series([0.0] * 4), rule=rule, backtest=Backtest(), cost_bps=cost_bps
    )
    account = run(make_stock([10, 11, 12, 13]), wanted.to_numpy())
    assert account["turnover"].sum() == 0


def test_an_unknown_rule_is_refused():
    with pytest.raises(StudyError, match="`rule` must be one of"):
        to_signals(pd.Series([0.0]), rule="hunch", backtest=Backtest(), cost_bps=0)


def test_rows_of_two_tickers_are_refused():
    stock = make_stock([10, 10])
    stock["ticker"] = ["AAA", "BBB"]
    with pytest.raises(TableError, match="one ticker"):
        run(stock, [STAY, STAY], sessions=pd.DatetimeIndex(stock["session"]))


def test_a_row_outside_the_markets_calendar_is_refused():
    stock = make_stock([10, 10])
    sessions = pd.DatetimeIndex(stock["session"])
    with pytest.raises(TableError, match="2020-01-07"):
        run(stock, [STAY], sessions=sessions[:1])


def slow_book(stock, signals, sessions, *, backtest, cost_bps):
    """Deal one session after the other in plain Python; returns net values."""
    rows = {row["session"]: row for row in stock.to_dict("records")}
    price, mark, held, suspended, value = None, None, 0, False, 1.0
    shares, values, absent, seen = 1.0, [], 0, False
    printed, waits = None, []  # last (price, shares); (price before, its ex-session)
    cash = backtest.cash_rate / backtest.sessions_per_year
    for number, session in enumerate(sessions):
        row = rows.get(session)
        before, move = price, 0.0
        absent_before, absent = absent, 0 if row else absent + seen
        seen = seen or bool(row)
        if row:
            shares *= row["factor"]
            suspended = row["suspended"]
        at_gap = row and row["gap"] and not absent_before
        priced = row and not math.isnan(row["price"])
        if priced:
            level = row["price"] * shares
            if printed and printed[1] != shares and not at_gap:
                waits.append((printed[0], number))
            waits = [
                (base, start)
                for base, start in waits
                if abs(math.log(level / base)) > 0.135 and number - start < 40
            ]
            printed = level, shares
            price = price if waits else level
        if before and not at_gap:
            move = price / before - 1
        kept = 1 - backtest.suspension_haircut
        gone = suspended or absent > 10
        kept = kept if gone else 1.0
        # A gap moves the price for nobody, but a haircut is booked all the same.
        earned = (1 + move) * kept / (mark or 1.0) - 1
        mark = kept
        value *= 1 + (earned if held else cash)
        origin = rows.get(sessions[number - 1]) if number else None
        signal = STAY if number == 0 else signals[number - 1]
        traded = row and not (
            math.isnan(row["volume"])
            or not priced
            or waits
            or row["stale"]
            or row["suspended"]
        )
        if traded and not (origin and origin["stale"]):
            buy = signal == ENTER and move < backtest.limit - 1e-9
            sell = signal == LEAVE and move > -backtest.limit + 1e-9
            wanted = 1 if buy else 0 if sell else held
            value *= 1 - cost_bps / 1e4 * abs(wanted - held)
            held = wanted
        values.append(value)
    return np.array(values)


SESSION = st.fixed_dictionaries(
    {
        "move": st.sampled_from(
            [0.0, 0.01, -0.02, 0.095, 0.1, -0.095, -0.1, 0.9, -0.45]
        ),
        "volume": st.sampled_from([100.0, 100.0, np.nan]),
        "priced": st.sampled_from([True, True, True, False]),
        "present": st.sampled_from([True, True, True, False]),
        "stale": st.sampled_from([False, False, False, True]),
        "suspended": st.sampled_from([False, False, False, True]),
        "gap": st.sampled_from([False, False, False, False, True]),
        "factor": st.sampled_from([1.0, 1.0, 1.0, 2.0]),
        "signal": st.sampled_from([ENTER, LEAVE, STAY]),
    }
)


@settings(max_examples=60)
@given(st.lists(SESSION, min_size=3, max_size=30), st.sampled_from([0, 66, 212]))
def test_the_vectorised_simulator_equals_the_plain_one(days, cost_bps):
    table = pd.DataFrame(days)
    table.loc[0, ["present", "priced"]] = True
    shares = table["factor"].where(table["present"], 1.0).cumprod()
    price = 100 * (1 + table["move"]).cumprod() / shares
    stock = make_stock(
        price.where(table["priced"]),
        **{
            name: table[name]
            for name in ("volume", "stale", "suspended", "gap", "factor")
        },
    )
    sessions = pd.DatetimeIndex(stock["session"])
    panel = stock[stock.columns[:8]]
    # Another stock keeps the calendar where this one has no row.
    other = panel.assign(ticker="BBB", price=1.0, factor=1.0)
    both = with_returns(pd.concat([panel[table["present"]], other]))
    stock = both[both["ticker"] == "AAA"]
    wanted = table["signal"].tolist()
    backtest = Backtest()
    account = run(
        stock, wanted, backtest=backtest, cost_bps=cost_bps, sessions=sessions
    )
    slow = slow_book(stock, wanted, sessions, backtest=backtest, cost_bps=cost_bps)
    assert (1 + account["net_return"]).cumprod().to_numpy() == pytest.approx(slow)


@settings(max_examples=25)
@given(st.lists(SESSION, min_size=4, max_size=20), st.data())
def test_a_different_future_moves_nothing_already_booked(days, data):
    cut = data.draw(st.integers(2, len(days) - 1))
    table = pd.DataFrame(days)
    price = 100 * (1 + table["move"]).cumprod() / table["factor"].cumprod()
    names = ("volume", "stale", "suspended", "gap", "factor")
    stock = make_stock(price, **{name: table[name] for name in names})
    other = stock.copy()
    other.loc[cut:, ["price", "volume"]] = [1.0, np.nan]
    other = with_returns(other[other.columns[:8]])
    signals = table["signal"].tolist()
    accounts = [run(rows, signals, cost_bps=66)[:cut] for rows in (stock, other)]
    pd.testing.assert_frame_equal(*accounts)


def test_without_a_daily_limit_every_order_with_volume_is_filled():
    free = Backtest(cash_rate=0.0, limit=0.0)
    assert run(make_stock([100, 190]), [ENTER, STAY], backtest=free)[
        "turnover"
    ].tolist() == [0, 1]
    held = run(
        make_stock([100, 100, 30, 30]), [ENTER, LEAVE, STAY, STAY], backtest=free
    )
    assert held["turnover"].tolist() == [0, 1, 1, 0]
