"""The table of the distribution, and what is said of its value at risk."""

import pandas as pd
import pytest

from nse_lstm.pages.distribution import (
    distribution_table,
    risk_sentence,
    show_distribution,
)
from nse_lstm.pages.forecast_faults import faults_sentence, faults_table, show_faults
from nse_lstm.pages.stock_forecasts import NOT_A_PROFIT
from nse_lstm.tables import (
    DISTRIBUTION_SCORES,
    FORECAST_FAULTS,
    conform,
    empty_table,
)


def scores() -> pd.DataFrame:
    """Two models over two stocks; the second stock's value at risk is rejected."""
    rows = []
    for model, crps in (("stock_lstm", 0.008), ("garch", 0.010)):
        for metric, value in (
            ("crps", crps),
            ("coverage_90", 0.9),
            ("below_05", 0.05),
            ("below_01", 0.01),
        ):
            rows.append(("ALL", model, 0, 1, metric, value, 100))
        for ticker, p in (("AAA", 0.2), ("BBB", 0.004)):
            for test in ("kupiec", "christoffersen"):
                rows.append((ticker, model, 0, 1, f"{test}_95", p, 100))
                rows.append((ticker, model, 0, 1, f"{test}_99", 0.5, 100))
    rows.append(("ALL", "garch", 0, 1, "dm_p_value", 0.001, 100))
    table = pd.DataFrame(rows, columns=list(DISTRIBUTION_SCORES.columns))
    return conform(table, DISTRIBUTION_SCORES)


def test_the_best_crps_comes_first_with_its_distance_to_the_others():
    table = distribution_table(scores())
    assert table["model"].tolist() == ["stock_lstm", "garch"]
    assert table["CRPS"].tolist() == ["80.0", "100.0"]
    # 1 - 0.008 / 0.010
    assert table["stock LSTM lower by"].tolist()[1] == "+20.0%"
    assert table["p"].tolist()[1] == "0.001"


def test_a_stock_passes_only_where_both_tests_do():
    says = risk_sentence(scores())
    assert "at 95 % for 1 of 2 stocks and at 99 % for 2 of 2 stocks" in says
    assert NOT_A_PROFIT in says


def test_a_study_without_the_stock_lstm_says_so():
    assert "not trained" in show_distribution(empty_table(DISTRIBUTION_SCORES)).html


def faults(*, beyond: float = 0.4) -> pd.DataFrame:
    rows = [
        ("AAA", "v2", 2023, 0.3, 0.9, 0.8, 0.02, 30.0, beyond, 100),
        ("BBB", "v2", 2023, -0.1, 0.9, 0.8, 0.8, 20.0, 0.0, 100),
        ("AAA", "stock_lstm", 2023, 0.0, 0.99, 0.98, 1.0, 0.985, 0.0, 100),
    ]
    table = pd.DataFrame(rows, columns=list(FORECAST_FAULTS.columns))
    return conform(table, FORECAST_FAULTS)


def test_faults_are_medians_and_counts():
    row = faults_table(faults()).iloc[0]
    assert row["offset from the price"] == "+10.0%"
    assert row["flat lines"] == "1 of 2"
    assert row["beyond the daily limit"] == "20.0%"


def test_a_market_without_a_daily_limit_has_none_on_its_pages():
    without = faults(beyond=float("nan")).assign(beyond=float("nan"))
    assert "daily limit" not in faults_sentence(without)
    assert "It misses the price by 20.0%. It follows" in faults_sentence(without)
    assert "beyond the daily limit" not in faults_table(without)


def test_the_sentence_names_the_lag_and_the_change_that_mends():
    says = faults_sentence(faults())
    assert "20%" in says and "follows today's price" in says
    assert "The stock LSTM does that" in says and NOT_A_PROFIT in says
    assert "absolute error is 25.00 times" in says and "LSTM's 0.98 times" in says
    alone = faults_sentence(faults().query("model == 'v2'"))
    assert "stock LSTM" not in alone


def test_a_page_without_v2_says_so():
    assert "no forecast" in show_faults(empty_table(FORECAST_FAULTS)).html


@pytest.mark.parametrize("model", ["v2", "stock_lstm"])
def test_models_are_named(model: str):
    assert model in set(faults_table(faults())["model"])
