"""Each fault of a price forecast is found where it is planted, and nowhere else."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import Backtest
from nse_lstm.evaluation.forecast_faults import (
    is_beyond_limit,
    is_flat,
    measure_faults,
)

N = 250


def forecasts(rule, *, limit: float = 0.1) -> pd.Series:
    """Measure the faults of a rule from today's and tomorrow's prices."""
    steps = 0.02 * np.random.default_rng(1).normal(size=N + 1)
    price = 20 * np.exp(np.cumsum(steps))
    today, tomorrow = price[:-1], price[1:]
    joined = pd.DataFrame(
        {
            "ticker": "AAA",
            "model": "v2",
            "fold": 2023,
            "price_hat": rule(today, tomorrow),
            "level": tomorrow,
            "last_price": today,
        }
    )
    return measure_faults(joined, limit=limit).iloc[0]


def test_an_offset_is_the_middle_distance_from_the_price():
    found = forecasts(lambda today, tomorrow: 1.3 * tomorrow)
    assert found["offset"] == pytest.approx(0.3)
    assert found["beyond"] == 1
    assert found["with_tomorrow"] == pytest.approx(1)


def test_a_copy_of_today_lags():
    found = forecasts(lambda today, tomorrow: today)
    assert found["with_today"] == pytest.approx(1)
    assert found["with_tomorrow"] < 0.999
    assert found["beyond"] == 0 and found["spread"] == pytest.approx(1)
    assert found["error"] == pytest.approx(1)


def test_the_error_is_over_that_of_an_unchanged_price():
    found = forecasts(lambda today, tomorrow: tomorrow - 3 * (tomorrow - today))
    assert found["error"] == pytest.approx(3)


def test_a_flat_line_has_no_spread_and_no_correlation():
    found = forecasts(lambda today, tomorrow: np.full(N, today.mean()))
    assert found["spread"] == pytest.approx(0, abs=1e-9)
    assert np.isnan(found["with_today"])


def test_forecasts_beyond_the_limit_are_counted():
    def rule(today: np.ndarray, tomorrow: np.ndarray) -> np.ndarray:
        far = np.arange(N) < 25
        return np.where(far, 0.85 * today, 1.1 * today)

    # 25 of 250 fall by 15 %. A rise of exactly 10 % is allowed.
    assert forecasts(rule)["beyond"] == pytest.approx(0.1)
    assert forecasts(rule, limit=0.15)["beyond"] == 0
    # No limit, no fault.
    assert np.isnan(forecasts(rule, limit=np.inf)["beyond"])


@pytest.mark.parametrize(
    ("limit", "daily"), [(0.095, 0.1), (0.1, 0.1), (0.07, 0.07), (0.0, np.inf)]
)
def test_the_daily_limit_is_the_whole_percent_above_that_of_orders(limit, daily):
    assert Backtest(limit=limit).daily_limit == daily


def test_flags_of_one_forecast():
    assert is_beyond_limit(8.9, 10.0, limit=0.1)
    assert is_beyond_limit(-1.0, 10.0, limit=0.1)
    assert not is_beyond_limit(9.0, 10.0, limit=0.1)
    assert not is_beyond_limit(float("nan"), 10.0, limit=0.1)
    assert not is_beyond_limit(25.0, 10.0, limit=np.inf)
    price = pd.Series(20 + np.sin(np.arange(60)))
    assert is_flat(pd.Series(np.full(60, 20.0)), price)
    assert not is_flat(price, price)
    # Too few to say, and a price that never moved.
    assert not is_flat(pd.Series(np.full(5, 20.0)), price[:5])
    assert not is_flat(pd.Series(np.full(60, 20.0)), pd.Series(np.full(60, 20.0)))
