import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from nse_lstm.reporting.anatomy_figures import (
    draw_chance,
    draw_order,
    draw_step,
    draw_steps,
)

DAYS = pd.to_datetime(["2020-06-29", "2020-06-30", "2021-01-04", "2021-01-05"])


@pytest.fixture(autouse=True)
def _close_figures() -> None:
    plt.close("all")


def step_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    path = pd.DataFrame(
        {
            "place": DAYS,
            "price": [1.0, 2.0, 3.0, 4.0],
            "network": [1.0, 1.5, 2.0, 2.5],
            "constant": 2.0,
        }
    )
    returns = pd.DataFrame(
        {"place": DAYS, "network": [0.1, 0.0, -0.5, 0.0], "constant": 0.0}
    )
    return path, returns


def test_a_step_without_a_ratio_is_a_hollow_mark_and_a_dash() -> None:
    table = pd.DataFrame(
        {
            "title": ["a", "b"],
            "network_sharpe": [10.67, np.nan],
            "constant_sharpe": [12.57, -0.5],
        }
    )
    axes = draw_steps(table, claim=10.67).axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert texts.count("–") == 1
    assert {"+10.67", "+12.57", "−0.50"} <= set(texts)
    hollow = [line for line in axes.lines if line.get_fillstyle() == "none"]
    assert [len(line.get_xdata()) for line in hollow] == [1, 0]


def test_what_one_shilling_became_is_compounded_and_named() -> None:
    below = draw_step(*step_tables(), title="A step").axes[1]
    # 1.1 x 1 x 0.5 = 0.55
    assert {text.get_text() for text in below.texts} == {
        "the network 0.55",
        "a constant 1.00",
    }


def test_lines_are_broken_where_the_exchanges_days_are() -> None:
    above = draw_step(*step_tables(), title="A step").axes[0]
    assert [len(line.get_xdata()) for line in above.lines] == [2] * 6


def test_rows_without_an_order_in_time_are_one_line() -> None:
    path, returns = (table.assign(place=range(4)) for table in step_tables())
    above = draw_step(path, returns, title="A step").axes[0]
    assert [len(line.get_xdata()) for line in above.lines] == [4] * 3


def test_a_gain_of_many_times_is_on_a_log_scale() -> None:
    path, returns = step_tables()
    many = draw_step(path, returns.assign(constant=2.0), title="A step").axes[1]
    assert many.get_yscale() == "log"


def test_both_orders_show_the_same_prices() -> None:
    rows = pd.DataFrame(
        {"price": [3.0, 1.0, 1.0, 3.0], "order": ["text"] * 2 + ["time"] * 2}
    )
    text, time = draw_order(rows, ticker="AAA").axes
    assert list(text.lines[0].get_ydata()) == [3.0, 1.0]
    assert list(time.lines[0].get_ydata()) == [1.0, 3.0]


def test_both_claims_stand_beside_the_coin_tossers() -> None:
    axes = draw_chance(pd.Series([-1.0, 0.0, 1.0]), old=-4.05, claim=10.67).axes[0]
    texts = " ".join(text.get_text() for text in axes.texts)
    assert "−4.05" in texts and "+10.67" in texts
