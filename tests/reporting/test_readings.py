"""What figures say: numbers counted by hand from tables of a few rows."""

import matplotlib.pyplot as plt
import pandas as pd

from nse_lstm.reporting import readings, strategy_readings
from nse_lstm.reporting.canvas import put_dates, start_axes

DAYS = pd.to_datetime(["2023-01-02", "2023-01-03", "2023-01-04"])


def test_a_ledger_is_counted_and_its_main_loss_named() -> None:
    flows = pd.DataFrame(
        {
            "action": ["kept", "dropped", "dropped"],
            "reason": ["as printed", "blank row", "repeated"],
            "n_rows": [90, 4, 6],
        }
    )
    text = readings.read_ledger(flows)
    assert text.startswith("Of 100 rows 10 (10.0%) dropped and 90 (90.0%) kept.")
    assert text.endswith("to drop: repeated (6).")
    assert readings.read_ledger(flows.head(1)) == "Of 90 rows 90 (100.0%) kept."


def test_a_forecast_is_as_far_off_as_its_mean_distance() -> None:
    joined = pd.DataFrame(
        {
            "model": ["v2"] * 3 + ["persistence"] * 3,
            "target_date": [*DAYS, *DAYS],
            "level": [10.0, 12.0, 11.0] * 2,
            # Off by 1, 2 and 3; by 0, 2 and 1.
            "price_hat": [11.0, 10.0, 14.0, 10.0, 10.0, 12.0],
        }
    )
    text = readings.read_forecast(joined, ticker="AAA")
    assert "AAA goes from 10.00 to 11.00 KES, between 10.00 and 12.00." in text
    assert text.endswith("in KES: persistence 1.00 and v2 LSTM 2.00.")


def test_shares_of_turnover_are_those_of_the_first_and_last_year() -> None:
    ordered = pd.DataFrame(
        {
            "year": [2020, 2020, 2021, 2022, 2022],
            "ticker": ["AAA", "BBB", "AAA", "BBB", "AAA"],
            "cumulative_share": [0.6, 1.0, 1.0, 0.75, 1.0],
        }
    )
    assert readings.read_concentration(ordered) == (
        "In 2020 AAA alone had 60% of the turnover and five stocks 100%. "
        "In 2022 BBB alone had 75% of the turnover and five stocks 100%."
    )


def test_a_price_is_followed_from_its_first_to_its_last_day() -> None:
    prices = pd.DataFrame({"session": DAYS, "adjusted": [10.0, 20.0, 15.0]})
    text = readings.read_price(prices, ticker="AAA", year=2023)
    assert "begins at 10.00 KES on 2023-01-02, is highest at 20.00 on 2023-01" in text
    assert text.endswith("Over 2023 it moved by +50%.")
    assert "moved" not in readings.read_price(prices, ticker="AAA", year=2022)


def test_an_account_is_read_by_its_end_and_its_deepest_fall() -> None:
    # From 1.2 to 0.9 is a fall of a quarter; from the start, 1, to 0.8 one of a fifth.
    values = {
        "v2 LSTM, sign": pd.Series([1.2, 0.9, 1.1]),
        "buy and hold, hold": pd.Series([0.8, 0.9, 1.0]),
    }
    assert strategy_readings.read_backtest(values, ticker="AAA") == (
        "AAA: 1 KES becomes with v2 LSTM, sign 1.10 (largest drawdown -25%) and "
        "buy and hold 1.00 (largest drawdown -20%)."
    )


def test_rules_that_come_to_the_same_are_said_once() -> None:
    net = pd.DataFrame(
        {
            "model": ["v2"] * 4 + ["buy_and_hold"] * 2,
            "rule": ["sign", "sign", "gate", "gate", "hold", "hold"],
            "cost_bps": [0, 66, 0, 66, 0, 66],
            "value": [0.1, 0.05, 0.08, 0.07, -0.1, -0.11],
        }
    )
    text = strategy_readings.read_costs(net, headline=66)
    assert "buy and hold -10.0% then -11.0%" in text
    assert "+8.0% then +7.0% by the gate rule" in text
    assert "+10.0% then +5.0% by the sign rule" in text


def test_a_band_without_bounds_is_no_band() -> None:
    rows = pd.DataFrame(
        {
            "quarter": ["2022Q1", "2022Q1", "2022Q2"],
            "coverage": [0.8, 1.0, 0.5],
            "lower": [0.7, None, 0.6],
            "upper": [0.9, None, 1.0],
        }
    )
    text = strategy_readings.read_coverage(rows, aim=0.9)
    assert "between 50% in 2022Q2 and 90% in 2022Q1. 1 of 2 quarters" in text


def test_alarms_are_counted_by_kind_and_place() -> None:
    alerts = pd.DataFrame(
        {
            "alarm": ["loss", "loss", "moves"],
            "ticker": ["AAA", "AAA", "BBB"],
            "model": ["v2", "v2", "data"],
        }
    )
    text = strategy_readings.read_alarms(alerts, n_series=6)
    assert text == (
        "3 alarms in 6 series: loss 2 and moves 1; most, 2, for AAA, v2 LSTM."
    )
    none = strategy_readings.read_alarms(alerts.head(0), n_series=6)
    assert none == "None of 6 series rang."


def test_dates_are_written_alike_whatever_the_span() -> None:
    labels = []
    for end in ("2023-01-20", "2023-12-29", "2033-01-03"):
        figure, axes = start_axes((8.0, 3.6))
        axes.plot(pd.to_datetime(["2023-01-02", end]), [1, 2])
        put_dates(axes)
        figure.canvas.draw()
        labels.append([text.get_text() for text in axes.get_xticklabels()])
        assert axes.xaxis.get_offset_text().get_text() == ""
        plt.close(figure)
    days, months, years = labels
    assert "05 Jan" in days or "06 Jan" in days or "09 Jan" in days
    assert "Apr 2023" in months
    assert "2025" in years or "2026" in years
