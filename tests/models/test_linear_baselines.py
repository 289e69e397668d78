"""Fitted baselines against arithmetic and slow plain re-implementations."""

import numpy as np
import pytest
from support.plain_windows import make_history, make_windows, windows_of

from nse_lstm.errors import DataError
from nse_lstm.models.linear_baselines import (
    autoregression,
    drift,
    exponential_smoothing,
    fit_autoregression,
    fit_smoothing,
)


def test_drift_is_the_mean_log_return_of_training():
    train = make_windows([[1, 10], [1, 10]], [10 * np.e, 10])
    windows = make_windows([[1, 20]], [20])
    # Mean of 1 and 0.
    assert drift(windows, train) == pytest.approx([20 * np.exp(0.5)], rel=1e-12)


def test_an_autoregression_without_noise_is_recovered():
    truth = np.array([0.001, 0.5, -0.2, 0.1, 0.05, -0.1])
    returns = list(np.random.default_rng(0).normal(0, 0.02, 5))
    for _ in range(60):
        returns.append(truth[0] + truth[1:] @ np.array(returns[:-6:-1]))
    windows = windows_of(np.array(returns), lookback=9)
    assert fit_autoregression(windows, order=5) == pytest.approx(truth, abs=1e-9)
    # Then it forecasts every target.
    assert autoregression(windows, windows, order=5) == pytest.approx(windows.y)


def test_one_lag_has_the_slope_of_a_regression_line():
    train = make_history(3)
    before = np.log(train.X[:, -1] / train.X[:, -2])
    after = np.log(train.y / train.X[:, -1])
    slope = np.cov(before, after)[0, 1] / np.var(before, ddof=1)
    constant = after.mean() - slope * before.mean()
    assert fit_autoregression(train, order=1) == pytest.approx([constant, slope])


def test_prices_that_never_move_are_forecast_to_stay():
    still = make_windows([[10.0] * 7] * 9, [10.0] * 9)
    assert autoregression(still, still, order=5) == pytest.approx([10.0] * 9)
    assert exponential_smoothing(still, still) == pytest.approx([10.0] * 9)


def test_smoothing_is_the_recursion_over_the_window():
    train, windows = make_history(4), make_history(5)
    alpha = fit_smoothing(train)
    for prices, found in zip(
        windows.X, exponential_smoothing(windows, train), strict=True
    ):
        level = prices[0]
        for price in prices[1:]:
            level = alpha * price + (1 - alpha) * level
        assert found == pytest.approx(level, rel=1e-12)


def test_alpha_is_the_one_that_forecasts_training_exactly():
    # 12 a + 8 (1 - a) = 9 and 8 a + 12 (1 - a) = 11 at a = 1/4.
    train = make_windows([[8, 12], [12, 8]], [9, 11])
    assert fit_smoothing(train) == 0.25


def test_alpha_beats_every_other_of_a_slow_search():
    generator = np.random.default_rng(6)
    price = 50 + generator.normal(0, 1, 80)
    train = make_windows(
        np.lib.stride_tricks.sliding_window_view(price[:-1], 12), price[12:]
    )

    def loss(alpha: float) -> float:
        errors = []
        for prices, y in zip(train.X, train.y, strict=True):
            level = prices[0]
            for value in prices[1:]:
                level = alpha * value + (1 - alpha) * level
            errors.append(np.log(y / level) ** 2)
        return float(np.mean(errors))

    best = min((loss(step / 100), step / 100) for step in range(1, 101))[1]
    assert fit_smoothing(train) == best
    # Noise round a level is smoothed; changes that carry on are not.
    assert best < 0.3


def test_changes_that_carry_on_end_at_persistence():
    train = windows_of(np.linspace(0.001, 0.02, 30), lookback=6)
    assert fit_smoothing(train) == 1.0
    assert np.array_equal(exponential_smoothing(train, train), train.last_price)


def test_of_equal_alphas_the_one_nearest_persistence_wins():
    flat = make_windows([[10, 10], [10, 10]], [10, 10])
    assert fit_smoothing(flat) == 1.0


def test_too_little_to_fit_on_is_refused():
    none = make_windows([], [])
    two = make_windows([[10, 11], [11, 12]], [12, 13])
    for rule in (drift, exponential_smoothing):
        with pytest.raises(DataError, match="at least 1 windows"):
            rule(two, none)
    with pytest.raises(DataError, match="at least 3 windows"):
        autoregression(two, two, order=1)
    with pytest.raises(DataError, match="more than 2 sessions"):
        fit_autoregression(make_windows([[10, 11]] * 9, [12] * 9), order=2)
