"""Cumulative sums against a plain loop, and how often luck makes them ring."""

import numpy as np
import pytest

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.cusum import (
    calibrate_thresholds,
    fit_baseline,
    run_cusum,
    to_z_scores,
)

YEAR = 250


def plain_sum(scaled: list[float], threshold: float) -> tuple[list[float], list[bool]]:
    """Page's rule as one would write it on paper, with an allowance of a quarter."""
    levels, rings, level = [], [], 0.0
    for value in scaled:
        if not np.isnan(value):
            level = max(0.0, level + value - 0.25)
        levels.append(level)
        rings.append(level >= threshold)
        if rings[-1]:
            level = 0.0
    return levels, rings


def test_sums_are_those_of_a_plain_loop():
    scaled = np.random.default_rng(1).normal(0.2, 1, (80, 3))
    scaled[[5, 6, 40], 1] = np.nan
    level, rings = run_cusum(scaled, np.array([1.5, 2.0, 3.0]))
    for column, threshold in enumerate((1.5, 2.0, 3.0)):
        expected = plain_sum(scaled[:, column].tolist(), threshold)
        assert level[:, column] == pytest.approx(expected[0])
        assert rings[:, column].tolist() == expected[1]
    assert rings.any()


def test_what_rang_by_a_session_does_not_depend_on_what_came_after():
    scaled = np.random.default_rng(2).normal(0.3, 1, (60, 2))
    level, rings = run_cusum(scaled, 2.0)
    early = run_cusum(scaled[:33], 2.0)
    assert np.array_equal(early[0], level[:33])
    assert np.array_equal(early[1], rings[:33])


def test_signals_are_held_against_the_stocks_own_history():
    history = np.zeros((100, 2, 1))
    history[:, 0, 0] = np.tile([1.0, 3.0], 50)  # mean 2, deviation 1
    history[:, 1, 0] = np.tile([10.0, 30.0], 50)  # mean 20, deviation 10
    now = np.array([[[3.5], [5.0]], [[99.0], [np.nan]]])
    scaled = to_z_scores(now, fit_baseline(history))
    assert scaled[:, :, 0] == pytest.approx(
        np.array([[1.5, -1.5], [4, np.nan]]), nan_ok=True
    )


def test_a_signal_that_never_varied_is_far_off_as_soon_as_it_does():
    scaled = to_z_scores(
        np.array([[[0.0]], [[1.0]]]), fit_baseline(np.zeros((99, 1, 1)))
    )
    assert scaled[:, 0, 0].tolist() == [0.0, 4.0]


def test_a_stock_without_a_history_of_its_own_has_all_stocks():
    history = np.full((200, 2, 1), np.nan)
    history[:, 0, 0] = np.tile([1.0, 3.0], 100)
    usual = fit_baseline(history)
    assert usual.mean[:, 0].tolist() == [2.0, 2.0]
    nothing = fit_baseline(np.full((9, 1, 1), np.nan))
    assert np.isnan(to_z_scores(np.ones((1, 1, 1)), nothing)).all()


def test_a_threshold_needs_a_history():
    given = {"sessions_per_year": YEAR, "block": 20, "reps": 2, "seed": 1}
    with pytest.raises(StudyError, match="history"):
        calibrate_thresholds(np.zeros((0, 3, 1)), rate=1.0, **given)
    with pytest.raises(StudyError, match="rate"):
        calibrate_thresholds(np.zeros((9, 3, 1)), rate=0.0, **given)


def clean_signals(generator: np.random.Generator, n: int, n_stocks: int) -> np.ndarray:
    """Four signals of stocks that share bad and lasting sessions, with heavy tails.

    A loss, a miss (one in ten), a shortfall and a move: autoregressions of 0.3, half of
    whose shocks all stocks share.
    """
    shocks = generator.standard_t(4, (n + 50, n_stocks, 4))
    shocks += 0.7 * generator.standard_t(4, (n + 50, 1, 4))
    values = np.empty_like(shocks)
    values[0] = shocks[0]
    for session in range(1, n + 50):
        values[session] = 0.3 * values[session - 1] + shocks[session]
    values = values[50:]
    values[:, :, 1] = values[:, :, 1] > 2.5
    values[:, :, 3] = np.abs(values[:, :, 3])
    return values


def ring_in_new_years(
    reps: int, *, seed: int, n_history: int = 500, n_stocks: int = 10
) -> tuple[float, list[np.ndarray]]:
    """Return alarms a stock-year in clean years, and sessions until a shift rings."""
    counts, delays = [], []
    for rep in range(reps):
        generator = np.random.default_rng([seed, rep])
        values = clean_signals(generator, n_history + YEAR, n_stocks)
        history, year = values[:n_history], values[n_history:]
        threshold = calibrate_thresholds(
            history, rate=1 / 4, sessions_per_year=YEAR, block=20, reps=40, seed=1
        )
        usual = fit_baseline(history)
        _, rings = run_cusum(to_z_scores(year, usual), threshold)
        counts.append(rings.sum() / n_stocks)
        shifted = to_z_scores(year + usual.deviation, usual)
        _, late = run_cusum(shifted, threshold)
        delays.append(np.where(late.any(0), late.argmax(0) + 1, YEAR))
    return float(np.mean(counts)), delays


def test_a_shift_of_one_deviation_is_found_and_luck_seldom_is():
    rate, delays = ring_in_new_years(2, seed=5, n_stocks=5)
    # 10 stock-years: 1 each is allowed, 1.9 would be beyond luck (Poisson, 1 %).
    assert rate <= 1.9
    assert np.median(delays) < 60


@pytest.mark.slow
@pytest.mark.parametrize("n_history", [250, 750])
def test_luck_rings_at_most_once_a_stock_year(n_history):
    rate, delays = ring_in_new_years(20, seed=6, n_history=n_history)
    found = np.median(np.concatenate(delays), axis=0)
    print(f"{n_history} sessions: {rate:.2f} a stock-year; shift found after {found}")
    # 200 stock-years, a common part in them: a tenth above 1 is within luck.
    assert rate <= 1.1
    assert (found < 60).all()
