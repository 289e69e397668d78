"""Rolling Sharpe ratio, months and drawdowns of accounts that are counted by hand."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import Backtest
from nse_lstm.evaluation.account_profile import (
    monthly_returns,
    rolling_sharpe,
    worst_drawdowns,
)
from nse_lstm.evaluation.metrics import max_drawdown, sharpe_ratio
from nse_lstm.pages.tear_sheets import portfolio_sheets, show_sheets
from nse_lstm.reporting.canvas import numbers_of
from nse_lstm.reporting.tear_sheet_figures import draw_account, show_months, thinned
from nse_lstm.tables import PORTFOLIO_RETURNS, conform, empty_table

DAYS = pd.bdate_range("2020-01-01", periods=600)


@pytest.fixture
def net() -> pd.Series:
    return pd.Series(np.random.default_rng(2).normal(0, 0.01, len(DAYS)), DAYS)


def test_the_rolling_ratio_is_that_of_the_last_sessions(net: pd.Series) -> None:
    cash = pd.Series(0.0003, DAYS)
    found = rolling_sharpe(net, cash)
    assert len(found) == len(net) - 249
    last = sharpe_ratio(net[-250:], sessions_per_year=250, cash=cash[-250:])
    assert found.iloc[-1] == pytest.approx(last)
    assert rolling_sharpe(cash, cash).empty


def test_months_and_years_are_compounded() -> None:
    days = pd.to_datetime(["2020-01-30", "2020-01-31", "2020-02-03", "2021-02-01"])
    table = monthly_returns(pd.Series([0.1, 0.1, -0.5, 0.2], days))
    assert table.loc[1, 2020] == pytest.approx(0.21)
    assert table.loc[2, 2020] == pytest.approx(-0.5)
    # 1.21 x 0.5 - 1
    assert table.loc[13, 2020] == pytest.approx(-0.395)
    assert table.loc[2, 2021] == pytest.approx(0.2)
    assert np.isnan(table.loc[1, 2021]) and len(table) == 13


def test_drawdowns_are_told_from_the_peak_to_the_recovery() -> None:
    #       value: 0.9, 1.0, 1.1, 0.55, 0.66, 1.32, 1.188
    returns = [-0.1, 1 / 9, 0.1, -0.5, 0.2, 1.0, -0.1]
    falls = worst_drawdowns(pd.Series(returns, DAYS[:7]))
    assert falls["depth"].tolist() == pytest.approx([-0.5, -0.1, -0.1])
    assert falls["from"].tolist() == [DAYS[3], DAYS[0], DAYS[6]]
    assert falls["lowest"].tolist() == [DAYS[3], DAYS[0], DAYS[6]]
    assert falls["recovered"].iloc[0] == DAYS[5]
    assert falls["sessions"].tolist() == [2, 1, 1]
    # The last one has not recovered.
    assert pd.isna(falls["recovered"].iloc[2])
    assert len(worst_drawdowns(pd.Series(returns, DAYS[:7]), n=1)) == 1
    assert worst_drawdowns(pd.Series([0.1, 0.0], DAYS[:2])).empty


def test_the_worst_drawdown_is_the_largest_one(net: pd.Series) -> None:
    assert worst_drawdowns(net)["depth"].iloc[0] == pytest.approx(max_drawdown(net))


def test_a_line_is_thinned_to_its_last_point(net: pd.Series) -> None:
    assert thinned(net).index[-1] == net.index[-1]
    assert len(thinned(net)) == 61
    assert thinned(net.iloc[:0]).empty


def test_a_sheet_shows_the_account_its_months_and_its_falls(net: pd.Series) -> None:
    account = pd.DataFrame({"net": net, "cash": 0.0003, "benchmark": net / 2})
    value = float((1 + net).prod())
    ratio = rolling_sharpe(net, account["cash"])
    figure = draw_account(account, ratio, name="A & B")
    assert f"became {value:.2f}" in figure.axes[0].get_title("left")
    assert numbers_of(figure)["value"].iloc[-1] == pytest.approx(value, abs=1e-3)
    page = show_sheets({"A & B": account}, backtest=Backtest()).html
    assert page.count("<details><summary>A &amp; B: ") == 1
    order = [page.index(words) for words in ("<img", 'class="months"', "worst")]
    assert order == sorted(order)
    days = pd.to_datetime(["2020-01-30", "2020-02-03"])
    months = show_months(monthly_returns(pd.Series([0.2, -0.04], days)), name="A").html
    assert "1 of 2 months gained" in months
    assert 'rgba(0,114,178,0.45)">+20.0<' in months
    assert 'rgba(213,94,0,0.18)">−4.0<' in months


def test_a_rule_is_the_mean_of_its_start_days_at_the_headline_cost() -> None:
    blocks = [
        pd.DataFrame(
            {
                **{"model": model, "rule": rule, "start": start, "cost_bps": cost},
                "session": DAYS[:40].as_unit("us"),
                **{"position": 1.0, "turnover": 0.0, "untradable": 0.0},
                "gross_return": 0.0,
                "net_return": earned,
                "cash_return": 0.0,
            }
        )
        for model, rule, start, cost, earned in (
            ("ensemble_equal", "partial", 0, 66, 0.001),
            ("ensemble_equal", "partial", 1, 66, 0.003),
            ("ensemble_equal", "partial", 0, 0, 0.9),
            ("equal_weight", "rebalance", 0, 66, 0.001),
        )
    ]
    returns = conform(pd.concat(blocks), PORTFOLIO_RETURNS)
    page = portfolio_sheets(returns, backtest=Backtest()).html
    assert page.count("<details><summary>") == 1
    # 1.002^250 - 1 per year
    assert f"{1.002**250 - 1:+.1%} per year" in page
    nothing = portfolio_sheets(empty_table(PORTFOLIO_RETURNS), backtest=Backtest())
    assert nothing.html == ""
