import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from nse_lstm.reporting.readings import read_rolling_error
from nse_lstm.reporting.stock_figures import (
    draw_backtest,
    draw_liquidity,
    draw_price,
    draw_rolling_error,
)

DAYS = pd.bdate_range("2024-01-01", periods=6)


@pytest.fixture(autouse=True)
def _close_figures() -> None:
    plt.close("all")


def test_a_break_in_the_calendar_is_a_break_in_the_line() -> None:
    prices = pd.DataFrame(
        {
            "session": DAYS,
            "adjusted": [1.0, 2.0, np.nan, 3.0, 4.0, 5.0],
            "gap": [False, False, False, True, False, False],
        }
    )
    axes = draw_price(prices, ticker="AAA", year=2024).axes[0]
    assert [len(line.get_xdata()) for line in axes.lines] == [3, 3]


def test_the_drawdown_counts_a_loss_of_the_first_session() -> None:
    returns = pd.DataFrame(
        {
            "model": "v2",
            "rule": "sign",
            "session": DAYS[:3],
            "net_return": [-0.1, 0.0, 0.2],
        }
    )
    below = draw_backtest(returns, ticker="AAA", cost_bps=66).axes[1]
    # The start value 1 is in the peak: 0.9, 0.9, and 1.08 is a new peak.
    assert list(below.lines[0].get_ydata()) == pytest.approx([-0.1, -0.1, 0.0])


def test_an_unknown_model_is_drawn_under_its_own_name() -> None:
    errors = pd.DataFrame({"target_date": DAYS, "model": "odd", "ratio": 2.0})
    axes = draw_rolling_error(errors, ticker="AAA", n_sessions=3).axes[0]
    assert {text.get_text() for text in axes.texts} == {"odd"}


def test_a_year_too_short_for_a_rolling_error_is_drawn_and_says_so() -> None:
    errors = pd.DataFrame({"target_date": DAYS, "model": "v2", "ratio": 2.0})[:0]
    figure = draw_rolling_error(errors, ticker="AAA", n_sessions=20)
    assert "too few sessions for the error of the last 20" in (
        figure.axes[0].get_title(loc="left")
    )
    says = read_rolling_error(errors, ticker="AAA")
    assert says == "AAA: too few sessions for a rolling error."


def test_liquidity_is_drawn_in_millions() -> None:
    months = pd.DataFrame(
        {"month": DAYS[:2], "turnover": [2e6, 0.0], "traded_share": [1.0, 0.5]}
    )
    above, below = draw_liquidity(months, ticker="AAA").axes
    assert [bar.get_height() for bar in above.patches] == [2.0, 0.0]
    assert [bar.get_height() for bar in below.patches] == [1.0, 0.5]
