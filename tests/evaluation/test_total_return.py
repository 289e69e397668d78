"""Dividends count on both sides or on none, and a slow plain account agrees."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import Backtest
from nse_lstm.evaluation.backtest import tradability
from nse_lstm.evaluation.strategies import (
    EQUAL_WEIGHT,
    HOLD,
    fold_bases,
    strategy_returns,
)
from nse_lstm.evaluation.total_return import (
    ReturnBasis,
    describe_basis,
    join_bases,
    return_basis,
)
from nse_lstm.features.returns import market_sessions, with_returns

TAX = {2020: {"bill": 0.15, "dividend": 0.05}}
FREE = Backtest(cash_rate=0.0, limit=0.5)
TAXED = Backtest(cash_rate=0.0, limit=0.5, withholding_tax=TAX)
PAID = {("AAA", 10): 1.5, ("BBB", 20): 2.0, ("BBB", 45): 1.0, ("CCC", 15): 0.7}
"""KES per share by stock and place; BBB splits two for one at place 40."""


@pytest.fixture
def panel():
    table = make_tiny_panel()
    place = table.groupby("ticker").cumcount()
    for (ticker, at), amount in PAID.items():
        table.loc[(table["ticker"] == ticker) & (place == at), "dividend"] = amount
    return table.assign(dividends_known=True)


def forecasts_of(panel):
    """Forecasts of every session that buy at once and sell now and then."""
    blocks = []
    for ticker, rows in panel.groupby("ticker"):
        sessions = rows["session"].to_numpy()
        generator = np.random.default_rng(len(blocks))
        y_hat = generator.normal(0.001, 0.02, len(sessions) - 1)
        blocks.append(
            pd.DataFrame(
                {
                    "ticker": ticker,
                    "model": "any",
                    "seed": 1,
                    "fold": 2020,
                    "origin": sessions[:-1],
                    "delay": 0,
                    "horizon": 1,
                    "entry_date": sessions[:-1],
                    "target_date": sessions[1:],
                    "price_hat": 1.0,
                    "y_hat": y_hat,
                }
            )
        )
    return pd.concat(blocks, ignore_index=True)


def plain_account(rows, position, backtest):
    """Hold shares and money; dividends after tax buy more of the same shares."""
    shares, money, values = 0.0, 1.0, []
    before = None
    tax = backtest.withholding_tax.get(2020, {"dividend": 0.0})["dividend"]
    for row, held, after in zip(
        rows.itertuples(), position, [*position[1:], position[-1]], strict=True
    ):
        paid = shares * row.dividend * (1 - tax)
        shares *= row.factor
        # Reinvested at the session's price with what it has dropped by.
        if held and before is not None and paid:
            shares += paid / row.price
        value = shares * row.price + money
        values.append(value)
        if after and not held:
            shares, money = money / row.price, 0.0
        elif held and not after:
            shares, money = 0.0, value
        before = row.price
    return np.array(values)


@pytest.mark.parametrize("backtest", [FREE, TAXED])
def test_a_plain_account_of_shares_and_money_agrees(panel, backtest):
    forecasts = forecasts_of(panel)
    returns = strategy_returns(forecasts, panel, backtest=backtest)
    free = returns[
        (returns["cost_bps"] == 0) & (returns["rule"].isin(["sign", "hold"]))
    ]
    compared = 0
    for (ticker, _), account in free.groupby(["ticker", "model"]):
        if ticker not in ("AAA", "BBB"):  # CCC is suspended, with a haircut
            continue
        rows = panel[panel["ticker"] == ticker]
        values = plain_account(rows, account["position"].to_list(), backtest)
        grown = (1 + account["net_return"]).cumprod().to_numpy()
        assert grown == pytest.approx(values, rel=1e-9)
        compared += 1
    assert compared == 4


def test_a_dividend_is_booked_on_its_ex_date_for_who_held_the_session_before(panel):
    prices = with_returns(panel)
    stock = prices[prices["ticker"] == "BBB"].reset_index(drop=True)
    span = {
        "sessions": market_sessions(prices),
        "start": pd.Timestamp(2020, 1, 1),
        "end": pd.Timestamp(2021, 1, 1),
        "backtest": FREE,
    }
    with_them = tradability(stock, **span, total_return=True).stock_return
    without = tradability(stock, **span).stock_return
    extra = with_them - without
    assert np.flatnonzero(extra).tolist() == [20, 45]
    price = stock["price"].to_numpy()
    assert extra[[20, 45]] == pytest.approx([2.0 / price[19], 1.0 / price[44]])


def test_a_dividend_and_a_split_of_one_day_pay_the_old_shares(panel):
    place = panel.groupby("ticker").cumcount()
    on_the_day = (panel["ticker"] == "BBB") & (place == 40)
    panel["dividend"] = np.where(on_the_day, 3.0, 0.0)
    stock = with_returns(panel).query("ticker == 'BBB'").reset_index(drop=True)
    span = {
        "sessions": market_sessions(panel),
        "start": pd.Timestamp(2020, 1, 1),
        "end": pd.Timestamp(2021, 1, 1),
        "backtest": FREE,
    }
    extra = (
        tradability(stock, **span, total_return=True).stock_return
        - tradability(stock, **span).stock_return
    )
    # 3 KES per share of session 39, which are two shares at session 40.
    assert extra[40] == pytest.approx(3.0 / stock["price"].iloc[39])


def test_strategies_and_benchmarks_earn_the_same_dividends(panel):
    returns = strategy_returns(forecasts_of(panel), panel, backtest=FREE)
    free = returns[returns["cost_bps"] == 0]
    strategy = free[(free["model"] == "any") & (free["rule"] == "sign")]
    hold = free[free["model"] == HOLD]
    equal = free[free["model"] == EQUAL_WEIGHT]
    key = ["ticker", "session"]
    both = strategy.merge(hold, on=key, suffixes=("", "_hold"))
    assert (both["stock_return"] == both["stock_return_hold"]).all()
    mean = hold.groupby("session")["stock_return"].mean().to_numpy()
    assert equal["stock_return"].to_numpy() == pytest.approx(mean)


def test_below_95_percent_coverage_nobody_earns_dividends(panel):
    panel.loc[panel["ticker"] == "CCC", "dividends_known"] = False
    forecasts = forecasts_of(panel)
    prices = with_returns(panel)
    basis = fold_bases(forecasts, prices, backtest=FREE)[2020]
    assert basis.covered == pytest.approx(2 / 3)
    assert not basis.is_total
    found = strategy_returns(forecasts, panel, backtest=FREE)
    bare = panel.assign(dividend=0.0)
    pd.testing.assert_frame_equal(
        found, strategy_returns(forecasts, bare, backtest=FREE)
    )


def test_the_median_yield_is_of_the_covered_stocks(panel):
    panel.loc[panel["ticker"] == "CCC", "dividends_known"] = False
    prices = with_returns(panel)
    start, end = pd.Timestamp(2020, 1, 1), pd.Timestamp(2021, 1, 1)
    basis = return_basis(
        prices, ["AAA", "BBB", "CCC"], start=start, end=end, backtest=FREE
    )
    first = panel.groupby("ticker")["price"].first()
    # BBB: 2 a share, then 1 for each of the two shares it became.
    yields = [1.5 / first["AAA"], (2.0 + 2 * 1.0) / first["BBB"]]
    assert basis.median_yield == pytest.approx(np.mean(yields), rel=3e-3)
    none = return_basis(
        prices.assign(dividends_known=False),
        ["AAA"],
        start=start,
        end=end,
        backtest=FREE,
    )
    assert (none.covered, none.median_yield) == (0.0, FREE.dividend_band[1])


def test_no_value_before_a_dividend_depends_on_it(panel):
    forecasts = forecasts_of(panel)
    before = strategy_returns(forecasts, panel, backtest=FREE)
    place = panel.groupby("ticker").cumcount()
    later = panel.assign(dividend=panel["dividend"].where(place < 20, 9.0))
    after = strategy_returns(forecasts, later, backtest=FREE)
    first = panel["session"].drop_duplicates().sort_values().iloc[20]
    known = [table[table["session"] < first] for table in (before, after)]
    pd.testing.assert_frame_equal(*known)
    assert not before.equals(after)


def test_several_spans_count_as_total_only_where_each_does():
    total, price = ReturnBasis(1.0, 0.05, 250), ReturnBasis(0.5, 0.06, 750)
    assert join_bases([total, total]).is_total
    joined = join_bases([total, price])
    assert not joined.is_total
    # Nothing is missed in a quarter of the sessions.
    assert joined.median_yield == pytest.approx(0.045)
    assert "include dividends, after" in describe_basis(total, taxed=True)
    assert "earned about 6.0% per year more" in describe_basis(price, taxed=False)
    assumed = join_bases([price, ReturnBasis(0.0, 0.08, 1, is_assumed=True)])
    assert "is assumed to have earned" in describe_basis(assumed, taxed=False)


def test_one_year_short_of_coverage_leaves_the_whole_without_dividends() -> None:
    years = [ReturnBasis(share, 0.05, n_sessions=250) for share in (1.0, 0.93, 1.0)]
    # The mean, .977, would be enough.
    assert join_bases(years).covered == 0.93
    assert not join_bases(years).is_total
