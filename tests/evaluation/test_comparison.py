"""Tests of equal accuracy: signs, kernels, fallbacks and what is not defined."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.regression.linear_model import OLS
from statsmodels.tsa.stattools import diebold_mariano_test

from nse_lstm.errors import StudyError, TableError
from nse_lstm.evaluation.comparison import (
    NAIVE,
    adjusted_difference,
    clark_west,
    diebold_mariano,
    holm,
    losses_by_date,
    mean_test,
)
from nse_lstm.evaluation.hac import autocovariances, long_run_variance

# evaluation_refs.md section 1.3, the ten-point example.
Y = np.array([10, 12, 11, 13, 14, 13, 15, 16, 15, 17.0])
FIRST = (Y - [9, 12, 12, 12, 14, 14, 14, 15, 16, 16]) ** 2
SECOND = (Y - [10, 11, 13, 11, 15, 12, 16, 14, 17, 15]) ** 2
LOSSES = arrays(float, 30, elements=st.floats(0, 1, width=32))
# Section 1.4, the ten-point example of Clark and West.
RETURNS = [0.01, -0.02, 0.015, 0.005, -0.01, 0.02, -0.005, 0.012, -0.008, 0.006]
FORECAST = [0.004, -0.006, 0.006, 0.001, -0.002, 0.007, 0.002, 0.003, -0.004, 0.001]


@pytest.mark.parametrize(
    ("ahead", "kernel", "statistic", "p_value"),
    [
        # dieboldmariano 1.1.0
        (1, "rectangular", -3.207135, 0.010708),
        (2, "rectangular", -2.247806, 0.051186),
        (3, "rectangular", -2.803507, 0.020594),
        # statsmodels 0.15.0 with lags = ahead - 1
        (2, "bartlett", -2.502173, None),
        (3, "bartlett", -2.361517, None),
    ],
)
def test_the_ten_point_example_is_met(ahead, kernel, statistic, p_value):
    found = diebold_mariano(FIRST, SECOND, ahead=ahead, kernel=kernel)
    assert found.statistic == pytest.approx(statistic, abs=5e-7)
    if p_value:
        assert found.p_value == pytest.approx(p_value, abs=5e-7)


def test_the_fourth_power_of_the_published_lists_is_met():
    # github johntwk/Diebold-Mariano-Test README; its first powers are in the JSON.
    path = Path(__file__).parent / "reference_values.json"
    cases = {case["id"]: case for case in json.loads(path.read_text("utf-8"))}
    given_ = cases["dm_hln_johntwk_mse"]["inputs"]
    y = np.array(given_["actual"], float)
    found = diebold_mariano((y - given_["pred1"]) ** 4, (y - given_["pred2"]) ** 4)
    assert found.statistic == pytest.approx(0.9124498079, abs=1e-9)
    assert found.p_value == pytest.approx(0.36374862, abs=1e-8)


def test_without_overlap_it_is_statsmodels_with_no_lags():
    table = diebold_mariano_test(
        Y, Y + np.sqrt(FIRST), Y + np.sqrt(SECOND), lags=0, harvey_adj=True
    )
    found = diebold_mariano(FIRST, SECOND)
    assert float(table.statistic) == pytest.approx(found.statistic)


def test_a_negative_statistic_speaks_for_the_first_and_sides_add_up():
    less, greater = (
        diebold_mariano(FIRST, SECOND, alternative=side) for side in ("less", "greater")
    )
    both = diebold_mariano(FIRST, SECOND)
    assert both.mean == pytest.approx(FIRST.mean() - SECOND.mean())
    assert both.mean < 0 and both.statistic < 0
    assert less.p_value == pytest.approx(both.p_value / 2)
    assert less.p_value + greater.p_value == pytest.approx(1)


@given(LOSSES, LOSSES, st.integers(1, 6))
@settings(max_examples=50)
def test_swapping_the_forecasts_swaps_the_sign_and_nothing_else(first, second, ahead):
    found = diebold_mariano(first, second, ahead=ahead)
    other = diebold_mariano(second, first, ahead=ahead)
    scaled = diebold_mariano(first * 7, second * 7, ahead=ahead)
    assert other.statistic == pytest.approx(-found.statistic, nan_ok=True)
    assert other.p_value == pytest.approx(found.p_value, nan_ok=True)
    assert scaled.statistic == pytest.approx(found.statistic, nan_ok=True, rel=1e-6)
    assert math.isnan(found.p_value) or 0 <= found.p_value <= 1


def test_a_negative_variance_falls_back_on_bartlett_weights():
    # Differences that alternate: lag 1 is -1, so 1 + 2 x -19/20 < 0.
    difference = np.tile([1.0, -1.0], 10) + 0.1
    assert long_run_variance(difference, lags=1, kernel="rectangular") < 0
    found = diebold_mariano(difference, np.zeros(20), ahead=2)
    expected = diebold_mariano(difference, np.zeros(20), ahead=2, kernel="bartlett")
    assert found.kernel == "bartlett"
    assert found == expected
    assert diebold_mariano(FIRST, SECOND, ahead=2).kernel == "rectangular"


@pytest.mark.parametrize("constant", [0.0, 0.3])
def test_differences_that_do_not_vary_decide_nothing(constant):
    found = diebold_mariano(FIRST + constant, FIRST)
    assert math.isnan(found.statistic) and math.isnan(found.p_value)
    assert found.mean == pytest.approx(constant)
    same = mean_test(np.full(10, constant))
    assert math.isnan(same.statistic) and math.isnan(same.p_value)


def test_losses_that_do_not_fit_are_refused():
    with pytest.raises(StudyError, match=r"one length.*\(10,\) and \(9,\)"):
        diebold_mariano(FIRST, SECOND[:9])
    with pytest.raises(StudyError, match="ahead=10, n=10"):
        diebold_mariano(FIRST, SECOND, ahead=10)
    with pytest.raises(StudyError, match="1 missing"):
        diebold_mariano(np.where(Y == 10, np.nan, FIRST), SECOND)


def test_the_long_run_variance_is_the_sum_over_all_pairs():
    values = np.array([1.0, -2.0, 0.5, 3.0, 0.0, -1.0])
    around, n, lags = values - values.mean(), 6, 3
    plain = sum(
        around[i] * around[j] * (1 - abs(i - j) / (lags + 1))
        for i in range(n)
        for j in range(n)
        if abs(i - j) <= lags
    )
    assert long_run_variance(values, lags=lags) == pytest.approx(plain / n)
    assert autocovariances(values, 0) == pytest.approx([values.var()])


def test_clark_west_with_overlap_is_ordinary_least_squares_on_a_constant():
    adjusted = adjusted_difference(RETURNS, FORECAST)
    assert adjusted == pytest.approx(2 * np.array(RETURNS) * FORECAST)
    ones = np.ones(10)
    fit = OLS(adjusted, ones).fit(
        cov_type="HAC", cov_kwds={"maxlags": 1, "use_correction": True}
    )
    found = clark_west(RETURNS, FORECAST, ahead=2)
    assert found.statistic == pytest.approx(float(fit.tvalues[0]))
    # The note's 3.462680 divides by n where ours divides by n - 1.
    assert found.statistic == pytest.approx(3.462680 * math.sqrt(0.9), abs=1e-6)


def test_clark_west_is_one_sided():
    good, bad = (
        clark_west(RETURNS, FORECAST),
        clark_west(RETURNS, np.negative(FORECAST)),
    )
    assert good.p_value == pytest.approx(0.00155976, abs=1e-8)
    assert bad.p_value == pytest.approx(1 - good.p_value)


def test_clark_west_against_a_forecast_of_its_own():
    # y 1, benchmark 0.5, forecast 2: 0.25 - (1 - 2.25).
    found = adjusted_difference([1.0], [2.0], benchmark=[0.5])
    assert found.tolist() == [1.5]


def test_holm_steps_down_and_leaves_missing_questions_out():
    raw = pd.Series({"AAA": 0.01, "BBB": 0.04, "CCC": np.nan, "DDD": 0.03})
    # 3 x .01; 2 x .03; then never below the one before: max(.06, .04).
    assert holm(raw).dropna().to_dict() == pytest.approx(
        {"AAA": 0.03, "BBB": 0.06, "DDD": 0.06}
    )
    assert math.isnan(holm(raw)["CCC"])
    assert holm(pd.Series([np.nan])).isna().all()


def joined(**columns):
    rows = pd.DataFrame(columns)
    return rows.assign(
        delay=0, horizon=1, target_date=pd.to_datetime(rows["target_date"])
    )


def test_a_date_is_one_observation_over_the_stocks_that_all_models_forecast():
    table = losses_by_date(
        joined(
            ticker=["A", "B", "A", "A", "B", "A"],
            model=["m", "m", "m", "o", "o", "o"],
            seed=1,
            target_date=["2022-01-04", "2022-01-04", "2022-01-03"] * 2,
            y=[0.1, 0.2, 0.3] * 2,
            y_hat=[0.0, 0.1, 0.2, 0.1, np.nan, 0.5],
        )
    )
    # B is left out on the 4th: model o has no forecast of it.
    assert table.index.is_monotonic_increasing
    assert table["m"].tolist() == pytest.approx([0.01, 0.01])
    assert table["o"].tolist() == pytest.approx([0.04, 0.0])
    assert table[NAIVE].tolist() == pytest.approx([0.09, 0.01])


def test_seeds_are_averaged_before_stocks_and_one_gap_costs_the_stock():
    rows = joined(
        ticker=["A", "A", "B", "A", "A"],
        model="m",
        seed=[1, 2, 1, 1, 2],
        target_date=["2022-01-03"] * 3 + ["2022-01-04"] * 2,
        y=[0.0, 0.0, 0.0, 0.0, 0.0],
        y_hat=[0.1, 0.3, 0.5, 0.1, np.nan],
    )
    found = losses_by_date(rows, loss="absolute")
    assert found["m"].tolist() == pytest.approx([(0.2 + 0.5) / 2])
    assert losses_by_date(rows, loss="absolute", tickers=["B"])["m"].tolist() == [0.5]


def test_forecasts_of_two_delays_or_of_nothing_in_common_are_refused():
    rows = joined(
        ticker="A", model=["m", "o"], seed=1, target_date="2022-01-03", y=0.1, y_hat=0.0
    )
    with pytest.raises(TableError, match="several"):
        losses_by_date(rows.assign(delay=[0, 1]))
    with pytest.raises(TableError, match="none"):
        losses_by_date(rows.assign(y_hat=[np.nan, 0.0]))


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 60])
def test_small_samples_reject_a_true_null_as_often_as_they_say(n):
    draws = np.random.default_rng(2).normal(size=(4000, n))
    found = np.mean([diebold_mariano(d, np.zeros(n)).p_value < 0.05 for d in draws])
    # 4000 draws have a standard error of 0.0034.
    assert found == pytest.approx(0.05, abs=0.011)


@pytest.mark.slow
def test_stocks_that_move_together_reject_too_often_unless_dates_are_counted():
    rng = np.random.default_rng(4)
    rejected = np.zeros(2)
    for _ in range(500):
        # 20 stocks of one market, 100 dates: all of a date share most of it.
        table = rng.normal(size=(100, 1)) + 0.3 * rng.normal(size=(100, 20))
        rejected[0] += mean_test(table.ravel()).p_value < 0.05
        rejected[1] += mean_test(table.mean(axis=1)).p_value < 0.05
    assert rejected[0] / 500 > 0.5
    assert rejected[1] / 500 == pytest.approx(0.05, abs=0.03)
