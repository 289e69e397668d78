"""Intervals from past errors: ranks, causality, bands and scores."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.conformal import (
    adaptive_bound,
    adaptive_levels,
    conformal_intervals,
    conformal_radius,
    conformal_rank,
    coverage_band,
    coverage_law,
    interval_score,
    score_coverage,
)
from nse_lstm.tables import COVERAGE, check


def make_joined(n=300, *, ahead=1, seed=1, ticker="AAA", spread=0.01):
    """Forecasts of zero whose errors are noise, known ``ahead`` sessions later."""
    sessions = pd.bdate_range("2020-01-01", periods=n + ahead).as_unit("us")
    return pd.DataFrame(
        {
            "ticker": ticker,
            "model": "m",
            "seed": 1,
            "origin": sessions[:n],
            "target_date": sessions[ahead:],
            "y": np.random.default_rng(seed).normal(0, spread, n),
            "y_hat": 0.0,
        }
    )


def test_floating_point_does_not_widen_the_interval_by_a_rank():
    # crepes 0.9.1 takes 19 of 19, none of 9 and 91 of 99 at 90 %.
    assert [conformal_rank(n, 0.1) for n in (19, 9, 99)] == [18, 9, 90]


def test_too_few_errors_give_no_bound_and_extreme_levels_are_defined():
    errors = [0.01, -0.02, 0.03]
    assert conformal_radius(errors, 0.1) == math.inf
    assert conformal_radius([], 0.1) == math.inf
    assert conformal_radius(errors, 0.25) == 0.03  # ceil(4 x .75) = 3
    assert conformal_radius(errors, 0.5) == 0.02
    assert conformal_radius(errors, -0.01) == math.inf
    assert conformal_radius(errors, 1.0) == 0.0


@given(st.integers(10, 200), st.floats(0.05, 0.4), st.integers(0, 999))
@settings(max_examples=40)
def test_the_radius_is_the_least_that_holds_the_stated_share(n, alpha, seed):
    errors = np.random.default_rng(seed).normal(size=n)
    radius = conformal_radius(errors, alpha)
    if math.isfinite(radius):
        held = np.sum(np.abs(errors) <= radius)
        assert held >= (n + 1) * (1 - alpha) - 1e-6
        assert held - 1 < (n + 1) * (1 - alpha)


def test_an_interval_takes_errors_known_at_its_origin_and_no_later_ones():
    joined = make_joined(60, ahead=3)
    found = conformal_intervals(joined, alpha=0.2, window=20)
    for i in range(60):
        # The errors of rows 0 .. i - 3 have targets up to origin i.
        known = joined["y"].to_numpy()[: max(i - 2, 0)][-20:]
        assert found["n_errors"].iloc[i] == len(known)
        assert found["upper"].iloc[i] == conformal_radius(known, 0.2)


@pytest.mark.parametrize("rate", [0.0, 0.05])
def test_another_future_leaves_every_earlier_interval_as_it_was(rate):
    joined = make_joined(80, ahead=2)
    other = joined.assign(y=joined["y"].where(joined.index < 50, 9.0))
    before, after = (
        conformal_intervals(rows, alpha=0.2, window=30, rate=rate)
        for rows in (joined, other)
    )
    same = before["origin"] < joined["target_date"][50]
    assert same.sum() == 52
    columns = ["lower", "upper", "level", "n_errors"]
    pd.testing.assert_frame_equal(
        before.loc[same, columns], after.loc[same, columns], check_exact=True
    )
    assert (before["upper"] != after["upper"])[~same].any()


def test_the_level_moves_as_the_adaptive_path_says():
    joined = make_joined(100)
    found = conformal_intervals(joined, alpha=0.1, window=50, rate=0.02)
    missed = (found["y"].abs() > found["upper"]).to_numpy()[:-1]
    expected = adaptive_levels(missed, alpha=0.1, rate=0.02)
    assert found["level"].to_numpy() == pytest.approx(expected)


def test_the_share_of_misses_keeps_its_bound_even_when_errors_grow():
    joined = make_joined(1000)
    joined["y"] *= np.linspace(1, 20, 1000)
    fixed, adaptive = (
        conformal_intervals(joined, alpha=0.1, window=250, rate=rate)
        for rate in (0.0, 0.02)
    )
    misses = [
        float((rows["y"].abs() > rows["upper"]).mean()) for rows in (fixed, adaptive)
    ]
    assert misses[0] > 0.15
    assert abs(misses[1] - 0.1) <= adaptive_bound(1000, alpha=0.1, rate=0.02)


def test_stocks_and_seeds_do_not_teach_each_other():
    calm, wild = make_joined(), make_joined(ticker="BBB", spread=0.1, seed=2)
    both = conformal_intervals(pd.concat([wild, calm]), alpha=0.1, window=100)
    alone = conformal_intervals(calm, alpha=0.1, window=100)
    pd.testing.assert_frame_equal(
        both[both["ticker"] == "AAA"].reset_index(drop=True), alone
    )


def test_a_row_without_a_return_gets_an_interval_and_teaches_nothing():
    joined = make_joined(40)
    joined.loc[5, "y"] = np.nan
    found = conformal_intervals(joined, alpha=0.2, window=100)
    assert np.isfinite(found["upper"][6]) and found["n_errors"][7] == 6
    joined.loc[5, "y_hat"] = np.nan
    assert np.isnan(conformal_intervals(joined, alpha=0.2, window=100)["upper"][5])


def test_the_interval_score_is_the_width_and_two_over_alpha_a_unit_beyond():
    found = interval_score([0.0, 3.0, -2.0], [-1] * 3, [1] * 3, alpha=0.1)
    assert found == pytest.approx([2, 2 + 20 * 2, 2 + 20 * 1])


def test_bands_hold_the_luck_of_errors_and_of_sessions():
    # Coverage given 1000 errors: Beta(901, 100), 5 to 95 % .884 to .915.
    assert coverage_law(1000, 0.1) == (901, 100)
    many = coverage_band(20_000, n_errors=1000, alpha=0.1, confidence=0.9)
    assert many == pytest.approx((0.884, 0.915), abs=2e-3)
    few = coverage_band(60, n_errors=1000, alpha=0.1, confidence=0.9)
    law = betabinom(60, 901, 100)
    low, high = (round(60 * bound) for bound in few)
    assert law.cdf(low - 1) < 0.05 <= law.cdf(low)
    assert law.cdf(high - 1) < 0.95 <= law.cdf(high)
    with pytest.raises(StudyError, match=r"5 at alpha=0\.1"):
        coverage_law(5, 0.1)


def test_coverage_is_scored_by_stock_and_quarter():
    joined = pd.concat([make_joined(), make_joined(ticker="BBB", seed=3)])
    intervals = conformal_intervals(joined, alpha=0.1, window=100)
    table = check(score_coverage(intervals, alpha=0.1, confidence=0.99), COVERAGE)
    assert len(table) == 10  # two stocks, five quarters of 60 sessions
    assert table["n"].sum() + table["n_open"].sum() == 600
    first = table[(table["ticker"] == "AAA") & (table["quarter"] == "2020Q1")].iloc[0]
    rows = intervals[(intervals["ticker"] == "AAA")]
    rows = rows[rows["target_date"] < "2020-04-01"]
    finite = rows[np.isfinite(rows["upper"])]
    assert first["n_open"] == 9 == len(rows) - len(finite)
    assert first["coverage"] == pytest.approx(
        (finite["y"].abs() <= finite["upper"]).mean()
    )
    assert first["width"] == pytest.approx(2 * finite["upper"].mean())
    assert (
        (table["lower"] <= table["coverage"]) & (table["coverage"] <= table["upper"])
    ).all()


def test_a_broken_promise_falls_out_of_the_band():
    joined = make_joined(400)
    joined.loc[joined.index >= 300, "y"] *= 5
    intervals = conformal_intervals(joined, alpha=0.1, window=250)
    table = score_coverage(intervals, alpha=0.1, confidence=0.99)
    last = table[table["quarter"] == "2021Q2"].iloc[0]
    assert last["coverage"] < last["lower"]


@pytest.mark.parametrize(
    "wrong", [{"alpha": 0.0, "window": 5}, {"alpha": 0.1, "window": 0}]
)
def test_levels_and_windows_that_mean_nothing_are_refused(wrong):
    with pytest.raises(StudyError, match="0 < alpha < 1"):
        conformal_intervals(make_joined(5), **wrong)


@pytest.mark.slow
def test_coverage_over_many_worlds_is_what_the_band_says():
    rng = np.random.default_rng(1)
    n, tests = 100, 60
    inside = 0
    for _ in range(2000):
        radius = conformal_radius(rng.normal(size=n), 0.1)
        held = np.mean(np.abs(rng.normal(size=tests)) <= radius)
        low, high = coverage_band(tests, n_errors=n, alpha=0.1, confidence=0.9)
        inside += low <= held <= high
    # Counts are whole, so the band holds somewhat more than it says.
    assert 0.89 <= inside / 2000 <= 0.95
