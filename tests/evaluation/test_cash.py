"""Cash earns the bill of the month before, and nothing that was not known yet."""

import numpy as np
import pandas as pd
import pytest
from support.places import ROOT

from nse_lstm.config import Backtest
from nse_lstm.data.cash import read_bill_rates
from nse_lstm.evaluation.backtest import account_sessions
from nse_lstm.evaluation.cash import (
    assumed_cash,
    cash_returns,
    compound_cash,
    describe_cash,
    last_sourced_session,
)

RATES = {"2020-01": 0.07, "2020-02": 0.10, "2020-04": 0.05}
TAX = {2020: {"bill": 0.15, "dividend": 0.05}}
BILLS = Backtest(cash_rate=0.08, bill_rates=RATES, sessions_per_year=100)
SESSIONS = pd.to_datetime(
    ["2020-01-02", "2020-02-03", "2020-03-02", "2020-04-01", "2020-05-04", "2020-07-01"]
)
YEARLY = [0.08, 0.07, 0.10, 0.10, 0.05, 0.08]
"""No rate before January: the constant. None for March: the higher of February's and
the constant. None after April: the higher of April's and the constant."""


def plain_cash(session, backtest):
    """The rule again, a day at a time."""
    day_before = session.replace(day=1) - pd.Timedelta(days=1)
    name = f"{day_before.year}-{day_before.month:02d}"
    if name in backtest.bill_rates:
        rate = backtest.bill_rates[name]
    else:
        earlier = [m for m in sorted(backtest.bill_rates) if m < name]
        rate = backtest.cash_rate
        if earlier:
            rate = max(rate, backtest.bill_rates[earlier[-1]])
    if session.year in backtest.withholding_tax:
        rate *= 1 - backtest.withholding_tax[session.year]["bill"]
    return rate / backtest.sessions_per_year


def test_a_session_earns_the_rate_of_the_month_before():
    found = cash_returns(SESSIONS, BILLS) * 100
    assert found == pytest.approx(YEARLY)
    assert assumed_cash(SESSIONS, BILLS).tolist() == [
        *(True, False, False, True, False, True)
    ]


def test_tax_is_withheld_in_the_years_for_which_it_is_known():
    taxed = Backtest(cash_rate=0.08, bill_rates=RATES, withholding_tax=TAX)
    days = pd.to_datetime(["2020-02-03", "2021-02-03"])
    assert cash_returns(days, taxed) * 250 == pytest.approx([0.07 * 0.85, 0.08])


def test_a_market_without_bill_rates_has_the_constant_and_assumes_nothing():
    assert cash_returns(SESSIONS, Backtest()) == pytest.approx([0.085 / 250] * 6)
    assert not assumed_cash(SESSIONS, Backtest()).any()
    assert last_sourced_session(Backtest()) is None


def test_a_rate_is_used_only_after_its_month_is_over():
    before = cash_returns(SESSIONS, BILLS)
    for month in RATES:
        other = Backtest(
            cash_rate=0.08,
            bill_rates=RATES | {month: 0.5},
            sessions_per_year=100,
        )
        moved = cash_returns(SESSIONS, other) != before
        known = SESSIONS < pd.Timestamp(month) + pd.offsets.MonthBegin(1)
        assert moved.any()
        assert not moved[known].any()


def test_the_committed_rates_agree_with_the_plain_rule():
    rates = read_bill_rates(ROOT / "data/cash/nse.csv")
    backtest = Backtest(bill_rates=rates, withholding_tax=TAX)
    sessions = pd.bdate_range("2013-01-02", "2024-12-31")
    plain = [plain_cash(session, backtest) for session in sessions]
    assert cash_returns(sessions, backtest) == pytest.approx(plain, rel=1e-12)
    # Yearly means of the published monthly averages, percent: 8.9 in 2013, 6.9 in 2020.
    for year, mean in {2013: 8.9, 2014: 8.9, 2015: 10.9, 2019: 6.9}.items():
        of_year = [rate for month, rate in rates.items() if month[:4] == str(year)]
        assert 100 * np.mean(of_year) == pytest.approx(mean, abs=0.06)


def test_idle_money_of_an_account_earns_it_session_by_session():
    position = np.array([0.0, 1.0, 0.5, 0.0, 1.0, 0.25])
    stock = np.array([0.01, -0.02, 0.03, 0.0, 0.01, 0.02])
    account = account_sessions(
        SESSIONS.to_numpy(),
        position=position,
        turnover=np.zeros(6),
        earned=position * stock,
        stock_return=stock,
        backtest=BILLS,
        cost_bps=0,
    )
    for row, session in enumerate(SESSIONS):
        cash = plain_cash(session, BILLS)
        gross = position[row] * stock[row] + (1 - position[row]) * cash
        assert account["gross_return"].iloc[row] == pytest.approx(gross)
        assert account["cash_return"].iloc[row] == pytest.approx(cash)
    assert compound_cash(account) == pytest.approx(
        np.prod([1 + rate / 100 for rate in YEARLY]) - 1
    )


def test_words_say_which_rate_and_never_a_constant_that_is_not():
    span = pd.Timestamp(2020, 2, 1), pd.Timestamp(2020, 5, 31)
    words = describe_cash(*span, BILLS)
    assert "the month before, 5.0% to 10.0% per year" in words
    assert "assumed in 1 month)" in words
    assert describe_cash(*span, Backtest()) == "8.5% per year, credited every session"
    taxed = Backtest(bill_rates=RATES, withholding_tax=TAX)
    assert "after 15% tax (assumed" in describe_cash(*span, taxed)
    longer = pd.Timestamp(2020, 2, 1), pd.Timestamp(2021, 5, 31)
    assert "after 15% tax (in 2020) (assumed" in describe_cash(*longer, taxed)


def test_claims_against_cash_end_where_the_last_sourced_rate_was_earned():
    assert last_sourced_session(BILLS) == pd.Timestamp(2020, 5, 31)
