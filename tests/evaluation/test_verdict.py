"""The verdict, on planted strategies whose answer is known beforehand."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from nse_lstm.config import Backtest, Verdict
from nse_lstm.errors import TableError
from nse_lstm.evaluation.total_return import ReturnBasis
from nse_lstm.evaluation.verdict import excess_moments, judge, pooled_excess

BACKTEST = Backtest()
QUICK = Verdict(bootstrap_reps=200)
CASH = BACKTEST.cash_rate / BACKTEST.sessions_per_year


def make_rows(net, *, model="v2", rule="gate", position=1.0, ticker="AAA", seed=1):
    n = len(net)
    return pd.DataFrame(
        {
            "ticker": ticker,
            "model": model,
            "seed": seed,
            "fold": 2022,
            "rule": rule,
            "cost_bps": 66,
            "session": pd.bdate_range("2021-01-04", periods=n).as_unit("us"),
            "position": position,
            "turnover": 0.0,
            # What is not judged lies far from what is.
            "gross_return": net + 0.01,
            "net_return": net,
            "cash_return": CASH,
            "stock_return": net - 0.02,
        }
    )


def judged(net, holding, *, position=1.0, verdict=QUICK, deflated=None, clean=None):
    return judge(
        make_rows(net, position=position),
        make_rows(holding, model="buy_and_hold", rule="hold"),
        backtest=BACKTEST,
        verdict=verdict,
        seed=1,
        deflated_sharpe=deflated,
        audit_clean=clean,
    )


@pytest.fixture
def noise():
    return np.random.default_rng(1).normal(0, 0.01, 500)


def test_a_strong_strategy_is_undecided_until_trials_and_audit_are_assessed(noise):
    strong = noise + 0.003  # 75 % a year
    open_questions = judged(strong, noise)
    assert open_questions.answer == "undecided"
    assert "deflated Sharpe ratio was not computed" in open_questions.sentence
    assert "Leak audit: not assessed." in open_questions.reasons
    assert judged(strong, noise, deflated=0.99).answer == "undecided"
    assert judged(strong, noise, clean=True).answer == "undecided"
    assert judged(strong, noise, deflated=0.99, clean=True).answer == "yes"


@pytest.mark.parametrize(
    ("deflated", "clean"), [(0.94, True), (math.nan, True), (0.99, False)]
)
def test_a_failed_gate_is_never_a_yes(noise, deflated, clean):
    found = judged(noise + 0.003, noise, deflated=deflated, clean=clean)
    assert found.answer == "undecided"


def test_a_losing_strategy_is_a_no_that_names_cash(noise):
    found = judged(noise - 0.003, noise, deflated=0.99, clean=True)
    assert found.answer == "no"
    assert "less than cash" in found.sentence


def test_earning_more_than_cash_but_less_than_holding_is_a_no(noise):
    found = judged(noise + 0.003, noise + 0.006, deflated=0.99, clean=True)
    assert found.answer == "no"
    assert found.excess_over_cash.lower > 0
    assert found.sentence == (
        "No: after costs the strategy earned less than buy and hold with the same "
        "exposure."
    )


def test_the_holding_has_the_strategys_own_average_exposure():
    # Half the sessions invested; the stock earns 0.002 in every one of them.
    position = np.tile([1.0, 0.0], 50)
    net = np.where(position > 0, 0.002, CASH)
    found = judged(net, np.full(100, 0.002), position=position)
    assert found.exposure == pytest.approx(0.5)
    assert found.excess_over_holding.mean == pytest.approx(0.0, abs=1e-12)
    expected = 0.5 * (0.002 - CASH) * BACKTEST.sessions_per_year
    assert found.excess_over_cash.mean == pytest.approx(expected)


def test_never_trading_is_undecided_and_says_so(noise):
    idle = judged(np.full(500, CASH), noise, position=0.0, deflated=0.99, clean=True)
    assert idle.answer == "undecided"
    assert "never traded" in idle.sentence
    assert math.isnan(idle.sharpe_over_cash)


def test_the_smallest_sharpe_that_could_be_seen_is_z_over_root_years(noise):
    found = judged(noise, noise)
    # 500 sessions of 250 a year: 1.959964 / sqrt(2)
    assert found.years == 2
    assert found.smallest_detectable_sharpe == pytest.approx(1.385904, abs=1e-6)


def test_stocks_are_pooled_and_seeds_averaged_into_one_observation_a_session(noise):
    shifts = {"AAA": [0.001, 0.003, 0.008], "BBB": [0.0], "CCC": [-0.001]}
    rows = [
        make_rows(noise + shift, ticker=ticker, seed=seed)
        for ticker, of_seeds in shifts.items()
        for seed, shift in enumerate(of_seeds, start=1)
    ]
    holdings = [
        make_rows(noise, model="buy_and_hold", rule="hold", ticker=ticker)
        for ticker in shifts
    ]
    found = judge(
        pd.concat(rows),
        pd.concat(holdings),
        backtest=BACKTEST,
        verdict=QUICK,
        seed=1,
        deflated_sharpe=None,
        audit_clean=None,
    )
    # AAA is 0.004 ahead in the mean, BBB 0, CCC -0.001: 0.001 a session, 0.25 a year.
    assert found.n_sessions == 500
    assert found.excess_over_holding.mean == pytest.approx(0.25)


def test_what_is_deflated_is_what_is_judged(noise):
    # AAA has two seeds, so one plain mean over rows would weigh it double.
    rows = pd.concat(
        [
            make_rows(noise + 0.002, ticker="AAA", seed=1),
            make_rows(noise + 0.004, ticker="AAA", seed=2),
            make_rows(noise * 0, ticker="BBB", seed=1),
        ]
    )
    excess = (noise + 0.003) / 2 - CASH
    assert pooled_excess(rows).to_numpy() == pytest.approx(excess)
    found = excess_moments(rows)
    assert found.n == 500
    assert found.sharpe == pytest.approx(excess.mean() / excess.std(ddof=1))
    holdings = pd.concat(
        [
            make_rows(noise, model="buy_and_hold", rule="hold", ticker=ticker)
            for ticker in ("AAA", "BBB")
        ]
    )
    judgement = judge(
        rows,
        holdings,
        backtest=BACKTEST,
        verdict=QUICK,
        seed=1,
        deflated_sharpe=None,
        audit_clean=None,
    )
    yearly = found.sharpe * math.sqrt(BACKTEST.sessions_per_year)
    assert judgement.sharpe_over_cash == pytest.approx(yearly)


def test_never_trading_has_no_moments_and_two_strategies_are_refused():
    idle = make_rows(np.full(9, (1 + CASH) - 1), position=0.0)
    assert math.isnan(excess_moments(idle).sharpe)
    with pytest.raises(TableError, match="one model, rule and cost level"):
        excess_moments(pd.concat([idle, idle.assign(rule="sign")]))


def test_the_free_evening_out_of_the_holding_is_mentioned(noise):
    reasons = judged(noise, noise).reasons
    assert any("every session at no cost" in reason for reason in reasons)


def test_the_same_seed_gives_the_same_bounds(noise):
    assert judged(noise, noise * 0.9) == judged(noise, noise * 0.9)


def test_the_interval_is_as_wide_as_the_normal_one_for_independent_sessions():
    net = np.random.default_rng(2).normal(0, 0.01, 2000)
    verdict = Verdict(bootstrap_reps=2000, bootstrap_block=1)
    found = judged(net, net, verdict=verdict).excess_over_cash
    half = 1.959964 * net.std(ddof=1) / math.sqrt(2000) * BACKTEST.sessions_per_year
    assert (found.upper - found.lower) / 2 == pytest.approx(half, rel=0.08)


def test_worthless_strategies_are_rarely_called_useful():
    # Every other gate is open, so only the two intervals stand in the way. A share of
    # 5 % would be generous to one interval at 2.5 % with resampling error.
    generator = np.random.default_rng(3)
    verdict = Verdict(bootstrap_reps=100)
    n_null = 200
    yes = 0
    for _ in range(n_null):
        holding = CASH + generator.normal(0, 0.008, 250)
        net = CASH + generator.normal(0, 0.008, 250)
        found = judged(net, holding, verdict=verdict, deflated=1.0, clean=True)
        yes += found.answer == "yes"
    assert yes <= binom.ppf(0.999, n_null, 0.025)


def test_returns_without_dividends_say_so_and_a_yes_survives_the_bound(noise):
    assert any("leave out div" in reason for reason in judged(noise, noise).reasons)
    rows = (
        make_rows(noise + 0.0008),
        make_rows(noise, model="buy_and_hold", rule="hold"),
    )
    given = {
        "backtest": BACKTEST,
        "verdict": QUICK,
        "seed": 1,
        "deflated_sharpe": 0.99,
        "audit_clean": True,
    }
    # 0.0008 a session is 20 % a year over the holding, without any noise.
    total = judge(*rows, basis=ReturnBasis(1.0, 0.06), **given)
    assert total.excess_over_holding.lower == pytest.approx(0.2)
    assert any("include dividends" in reason for reason in total.reasons)
    small = judge(*rows, basis=ReturnBasis(0.5, 0.19), **given)
    large = judge(*rows, basis=ReturnBasis(0.5, 0.21), **given)
    assert not any("dividends" in text for text in (total.sentence, small.sentence))
    assert total.answer == small.answer
    assert large.answer == "undecided"
    assert ("could explain the gain" in large.sentence) == (total.answer == "yes")


@pytest.mark.parametrize(
    ("excess", "covered", "answer"),
    # 15 % of a rate of 8.5 % is 1.275 % a year, of a strategy that is always invested.
    [(0.0127, 1.0, "yes"), (0.0127, 0.5, "undecided"), (0.0128, 0.5, "yes")],
)
def test_a_yes_in_price_return_survives_the_tax_that_only_cash_paid(
    excess, covered, answer
):
    taxes = {year: {"bill": 0.15, "dividend": 0.05} for year in (2021, 2022)}
    backtest = Backtest(cash_rate=0.085, withholding_tax=taxes)
    n = 400
    strategy = make_rows(np.full(n, CASH + excess / backtest.sessions_per_year))
    holding = make_rows(np.zeros(n), model="buy_and_hold", rule="hold")
    found = judge(
        strategy,
        holding,
        backtest=backtest,
        verdict=QUICK,
        seed=1,
        deflated_sharpe=0.99,
        audit_clean=True,
        basis=ReturnBasis(covered, 0.0),
    )
    assert found.answer == answer
    assert ("tax that only cash paid" in found.sentence) == (answer == "undecided")
    assert any("is 1.3% of it" in text for text in found.reasons) == (covered < 0.95)


def test_no_rows_and_two_strategies_are_refused(noise):
    with pytest.raises(TableError, match="no row"):
        judged(noise[:0], noise)
    rows, hold = make_rows(noise), make_rows(noise, model="buy_and_hold", rule="hold")
    arguments = {
        "backtest": BACKTEST,
        "verdict": QUICK,
        "seed": 1,
        "deflated_sharpe": None,
        "audit_clean": None,
    }
    with pytest.raises(TableError, match="one model, rule and cost level"):
        judge(pd.concat([rows, rows.assign(rule="sign")]), hold, **arguments)
    with pytest.raises(TableError, match="same stocks and sessions"):
        judge(rows, hold[:-1], **arguments)
