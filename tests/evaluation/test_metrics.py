"""Conventions of the metrics, each fixed by arithmetic or a printed value."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nse_lstm.errors import StudyError
from nse_lstm.evaluation import metrics

RETURNS = arrays(float, st.integers(2, 40), elements=st.floats(-0.25, 0.25, width=32))


def test_errors_of_an_over_forecast_have_the_stated_signs():
    level, level_hat = [10.0, 20.0], [11.0, 22.0]
    assert metrics.mae(level, level_hat) == pytest.approx(1.5)  # (1 + 2) / 2
    assert metrics.rmse(level, level_hat) == pytest.approx(math.sqrt(2.5))
    assert metrics.bias(level, level_hat) == pytest.approx(1.5)
    assert metrics.mape(level, level_hat) == pytest.approx(0.1)  # both 10 %


def test_r_squared_is_against_the_mean_of_the_scored_span():
    # SSE of the mean 2 is 2; the forecast's is 0 + 0 + 1.
    assert metrics.r_squared([1.0, 2.0, 3.0], [1.0, 2.0, 2.0]) == pytest.approx(0.5)
    assert metrics.r_squared([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == pytest.approx(0.0)


def test_r_squared_of_a_constant_series_is_not_defined():
    assert math.isnan(metrics.r_squared([0.1] * 3, [0.1, 0.1, 0.2]))


def test_skill_is_one_minus_the_ratio_of_squared_errors_to_no_change():
    # reference_values.json r2os_zero: Campbell and Thompson (2008) against zero.
    y = [0.01, -0.02, 0.015, 0.005, -0.01, 0.02, -0.005, 0.012, -0.008, 0.006]
    f = [0.004, -0.006, 0.006, 0.001, -0.002, 0.007, 0.002, 0.003, -0.004, 0.001]
    assert metrics.skill(y, f) == pytest.approx(0.5174456879526004, abs=1e-10)
    assert metrics.skill(y, np.zeros(10)) == 0.0


def test_a_benchmark_that_saw_the_whole_span_is_harder_than_one_that_could_not():
    # evaluation_refs.md 1.4: 0.680053 against the mean so far, 0.496739 against the
    # full sample's, which nobody had.
    y = [0.01, -0.02, 0.015, 0.005, -0.01, 0.02, -0.005, 0.012, -0.008, 0.006]
    f = [0.004, -0.006, 0.006, 0.001, -0.002, 0.007, 0.002, 0.003, -0.004, 0.001]
    known = metrics.expanding_mean(y)
    found = metrics.out_of_sample_r_squared(y[1:], f[1:], benchmark=known[1:])
    assert found == pytest.approx(0.680053, abs=5e-7)
    whole = np.full(10, np.mean(y))
    cheat = metrics.out_of_sample_r_squared(y, f, benchmark=whole)
    assert cheat == pytest.approx(0.496739, abs=5e-7)


def test_the_mean_so_far_knows_a_return_only_once_its_target_has_passed():
    found = metrics.expanding_mean([1.0, 2.0, 6.0, 9.0], lag=2)
    assert np.isnan(found[:2]).all() and found[2:].tolist() == [1.0, 1.5]
    # History 3 and 5, then 3, 5, 1 and 3, 5, 1, 2.
    found = metrics.expanding_mean([1.0, 2.0, 6.0], history=[3.0, 5.0])
    assert found.tolist() == [4.0, 3.0, 2.75]
    with pytest.raises(StudyError, match="Received: 0"):
        metrics.expanding_mean([1.0], lag=0)


def test_what_an_r_squared_is_worth_depends_on_the_squared_sharpe():
    # R² / (1 - R²) x (1 + S²) / S² with both 0.2: 0.25 x 6.
    found = metrics.expected_return_gain(0.2, sharpe=math.sqrt(0.2))
    assert found == pytest.approx(1.5)


def test_the_naive_forecast_has_mase_one_in_sample():
    y = np.array([0.01, -0.02, 0.03, 0.0])
    assert metrics.mase(y, np.zeros(4), scale=np.abs(y).mean()) == pytest.approx(1.0)


def test_mase_of_several_stocks_scales_each_by_its_own():
    # 0.02 / 0.01 and 0.02 / 0.04: mean of 2 and 0.5.
    scale = [0.01, 0.04]
    assert metrics.mase([0.02, 0.02], [0, 0], scale=scale) == pytest.approx(1.25)


def test_direction_is_judged_on_moving_sessions_with_a_call_only():
    y = [0.01, -0.02, 0.0, 0.03, 0.04]
    y_hat = [0.02, 0.01, 0.01, 0.0, 0.01]
    # Calls: sessions 0 (right), 1 (wrong), 4 (right).
    assert metrics.directional_calls(y, y_hat).tolist() == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert metrics.directional_accuracy(y, y_hat) == pytest.approx(2 / 3)


def test_persistence_makes_no_call_so_it_has_no_directional_accuracy():
    assert math.isnan(metrics.directional_accuracy([0.01, -0.01], [0.0, 0.0]))


def test_a_price_forecast_of_zero_is_negative_and_a_missing_one_is_not():
    assert metrics.negative_count([1.0, 0.0, -2.0, np.nan]) == 2


def test_sharpe_ratio_takes_cash_off_and_annualises():
    # Excess 0.01 and 0.03: mean 0.02, sd 0.01 * sqrt 2; times sqrt 250.
    expected = 0.02 / (0.01 * math.sqrt(2)) * math.sqrt(250)
    found = metrics.sharpe_ratio([0.02, 0.04], sessions_per_year=250, cash=0.01)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("returns", [[], [0.01], [0.085 / 250] * 9])
def test_sharpe_ratio_of_never_being_invested_is_not_defined(returns):
    assert math.isnan(metrics.sharpe_ratio(returns, sessions_per_year=250))


def test_a_first_session_loss_is_a_drawdown():
    assert metrics.max_drawdown([-0.5, 1.0]) == pytest.approx(-0.5)


def test_total_return_compounds():
    assert metrics.total_return([0.1, -0.1]) == pytest.approx(-0.01)
    assert metrics.total_return([]) == 0.0


def test_win_rate_counts_invested_sessions_and_the_other_all():
    net, position = [0.01, -0.01, 0.02, 0.0003], [1.0, 1.0, 1.0, 0.0]
    assert metrics.win_rate(net, position) == pytest.approx(2 / 3)
    assert metrics.win_rate_all(net, position) == pytest.approx(2 / 4)


def test_an_unchanged_price_is_no_win():
    assert metrics.win_rate([0.0, 0.01], [1.0, 1.0]) == pytest.approx(0.5)


def test_win_rate_of_never_being_invested_is_not_defined():
    assert math.isnan(metrics.win_rate([0.01, 0.01], [0.0, 0.0]))


def test_in_and_out_once_a_year_is_a_turnover_of_two():
    turnover = np.zeros(250)
    turnover[[3, 90]] = 1
    assert metrics.annual_turnover(turnover, sessions_per_year=250) == pytest.approx(2)


@pytest.mark.parametrize(
    "metric", [metrics.mae, metrics.rmse, metrics.skill, metrics.r_squared]
)
def test_no_rows_have_no_score(metric):
    assert math.isnan(metric([], []))


def test_arrays_of_different_length_are_refused():
    with pytest.raises(StudyError, match=r"one length.*\(2,\) and \(3,\)"):
        metrics.mae([1.0, 2.0], [1.0, 2.0, 3.0])


@given(RETURNS)
def test_drawdown_is_the_worst_of_all_pairs_of_sessions(returns):
    value = [1.0]
    for simple_return in returns:
        value.append(value[-1] * (1 + simple_return))
    worst = min(
        value[late] / value[early] - 1
        for late in range(len(value))
        for early in range(late + 1)
    )
    assert metrics.max_drawdown(returns) == pytest.approx(worst)


@given(RETURNS)
def test_a_perfect_forecast_is_never_beaten(y):
    if np.any(y):
        assert metrics.skill(y, y) == 1.0
        assert metrics.directional_accuracy(y, y) == 1.0
    assert metrics.rmse(y, y) == 0.0
