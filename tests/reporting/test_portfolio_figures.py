"""Portfolio figures and tables on accounts whose numbers are known."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import Backtest
from nse_lstm.evaluation.total_return import ReturnBasis
from nse_lstm.pages.portfolios import (
    portfolio_sentence,
    portfolio_table,
    show_portfolios,
)
from nse_lstm.reporting.canvas import numbers_of, reading_of
from nse_lstm.reporting.portfolio_figures import draw_equity, draw_turnover
from nse_lstm.study.validation.portfolios import PortfolioResult
from nse_lstm.tables import (
    PORTFOLIO_CAPACITY,
    PORTFOLIO_RETURNS,
    PORTFOLIO_SCORES,
    conform,
    empty_table,
)

MODEL = "ensemble_equal"
LINES = [(MODEL, "partial"), (MODEL, "optimised"), ("equal_weight", "rebalance")]
LINES += [("buy_and_hold", "hold")]


@pytest.fixture
def scores() -> pd.DataFrame:
    rows = []
    for place, (model, rule) in enumerate(LINES):
        for cost in (0, 66):
            value = 0.02 * place - cost / 1e4
            for metric in ("over_cash", "over_equal_weight", "over_buy_and_hold"):
                bounds = {"lower": value - 0.01, "upper": value + 0.01}
                rows.append((model, rule, cost, metric, value, *bounds.values(), 500))
            for metric in ("turnover", "detectable"):
                rows.append((model, rule, cost, metric, 0.5, np.nan, np.nan, 500))
    columns = list(PORTFOLIO_SCORES.columns)
    return conform(pd.DataFrame(rows, columns=columns), PORTFOLIO_SCORES)


@pytest.fixture
def returns() -> pd.DataFrame:
    sessions = pd.date_range("2020-01-06", periods=40, unit="us")
    blocks = [
        pd.DataFrame(
            {
                **{"model": model, "rule": rule, "start": 0, "cost_bps": 66},
                "session": sessions,
                **{"position": 1.0, "turnover": 0.0, "untradable": 0.0},
                "gross_return": 0.001 * (place + 1),
                "net_return": 0.001 * (place + 1),
                "cash_return": 0.0,
            }
        )
        for place, (model, rule) in enumerate(LINES)
    ]
    return conform(pd.concat(blocks), PORTFOLIO_RETURNS)


def test_gross_and_net_stand_above_the_turnover(scores: pd.DataFrame) -> None:
    figure = draw_turnover(scores, headline=66)
    numbers = numbers_of(figure).set_index("rule")
    assert numbers.loc["optimised", "gross"] == pytest.approx(0.02)
    assert numbers.loc["optimised", "net"] == pytest.approx(0.0134)
    assert "1 of 2 rules" in figure.axes[0].get_title(loc="left")
    assert "turnover 0.5, +2.0% then +1.3%" in reading_of(figure)


def test_value_and_drawdown_have_every_line(returns: pd.DataFrame) -> None:
    figure = draw_equity(returns, headline=66, model=MODEL)
    last = numbers_of(figure).iloc[-1]
    assert last["buy and hold"] == pytest.approx(1.004**40, abs=1e-4)
    assert last["partial adjustment"] == pytest.approx(1.001**40, abs=1e-4)
    assert "buy and hold" in figure.axes[0].get_title(loc="left")


def test_the_table_has_the_rules_first_and_every_interval(scores: pd.DataFrame) -> None:
    table = portfolio_table(scores, headline=66)
    assert table["rule"].tolist()[:2] == [
        "partial adjustment",
        "cost-aware optimisation",
    ]
    assert table["over the bill"].iloc[1] == "+1.3% [+0.3%, +2.3%]"
    assert table["turnover"].iloc[0] == "0.5"
    words = portfolio_sentence(scores, headline=66)
    assert "equal weight: 1 of 2" in words and "below about 50% per year" in words


def test_a_market_without_a_ranking_says_so() -> None:
    nothing = PortfolioResult(
        returns=empty_table(PORTFOLIO_RETURNS),
        scores=empty_table(PORTFOLIO_SCORES),
        capacity=empty_table(PORTFOLIO_CAPACITY),
        sized=pd.DataFrame(),
        basis=None,
    )
    assert "too few stocks" in show_portfolios(nothing, backtest=Backtest()).html


def test_the_page_shows_two_figures_and_two_tables(
    scores: pd.DataFrame, returns: pd.DataFrame
) -> None:
    row = (MODEL, "partial", 1e7, 0.01, 0.02, 0.5, 0.9, 500)
    capacity = pd.DataFrame([row], columns=list(PORTFOLIO_CAPACITY.columns))
    result = PortfolioResult(
        returns, scores, capacity, pd.DataFrame(), ReturnBasis(0.5, 0.05)
    )
    page = show_portfolios(result, backtest=Backtest()).html
    assert page.count("<img") == 2
    assert "KES 10 million" in page and "90%" in page
