from html import unescape

import pandas as pd
import pytest

from nse_lstm.pages.stock_forecasts import (
    NOT_A_PROFIT,
    show_stock_lstm,
    stock_lstm_years,
)
from nse_lstm.tables import ACCURACY_COST


def scores(**values: float) -> pd.DataFrame:
    """Give one year's accuracy: by "model metric ticker"."""
    rows = [(*key.split(), 2023, ACCURACY_COST, value) for key, value in values.items()]
    columns = ["model", "metric", "ticker", "fold", "cost_bps", "value"]
    return pd.DataFrame(rows, columns=columns)


GIVEN = {
    "stock_lstm skill ALL": 0.08,
    "stock_lstm skill AAA": 0.1,
    "stock_lstm skill BBB": -0.01,
    "stock_lstm directional_accuracy ALL": 0.61,
    "stock_lstm directional_accuracy AAA": 0.6,
    "stock_lstm directional_accuracy BBB": 0.62,
    "stock_lstm_median mase ALL": 0.98,
    "stock_lstm_median mase AAA": 0.95,
    "stock_lstm_median mase BBB": 0.99,
    "persistence mase ALL": 1.0,
    "persistence mase AAA": 1.0,
    "persistence mase BBB": 0.98,
}


def test_a_year_counts_stocks_and_divides_errors():
    (row,) = stock_lstm_years(scores(**GIVEN)).to_dict("records")
    assert row == {
        "year": "2023",
        "skill": pytest.approx(0.08),
        "stocks with skill": "1 of 2",
        "directional_accuracy": pytest.approx(0.61),
        "absolute error, thresholded": "0.980",
        # 0.95 / 1.00 and 0.99 / 0.98
        "stocks below 1": "1 of 2",
    }


def test_the_table_never_stands_without_its_sentence():
    shown = unescape(show_stock_lstm(scores(**GIVEN)).html)
    assert "<table" in shown and NOT_A_PROFIT in shown


def test_a_study_without_it_says_so():
    without = {name: 0.0 for name in GIVEN if name.startswith("persistence")}
    shown = show_stock_lstm(scores(**without)).html
    assert "not trained" in shown and "<table>" not in shown
