"""Length of record and autocorrelation; published values are in the reference file."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.metrics import sharpe_ratio
from nse_lstm.evaluation.sharpe import (
    adjusted_sharpe_ratio,
    aggregation_factor,
    iid_standard_error,
    minimum_backtest_length,
    minimum_track_record,
)
from nse_lstm.evaluation.significance import (
    probabilistic_sharpe_ratio,
    sharpe_standard_error,
    smallest_detectable_sharpe,
)


@pytest.mark.parametrize(
    ("sharpe", "n", "printed"),
    # Lo (2002), table 1.
    [(0.5, 12, 0.306), (0.5, 60, 0.137), (1, 24, 0.25), (1.5, 60, 0.188)],
)
def test_los_table_of_standard_errors_is_met(sharpe, n, printed):
    assert iid_standard_error(sharpe, n) == pytest.approx(printed, abs=5e-4)


@pytest.mark.parametrize(
    ("rho", "expected"), [(0.2, 2.879), (0.5, 2.121), (-0.2, 4.171)]
)
def test_the_ar1_factor_of_twelve_periods(rho, expected):
    # evaluation_refs.md 1.1, the closed form of Lo's equation 20.
    found = aggregation_factor(12, rho ** np.arange(1, 12))
    assert found == pytest.approx(expected, abs=5e-4)


@given(st.integers(1, 300))
def test_independent_returns_have_the_square_root_of_time(periods):
    assert aggregation_factor(periods) == pytest.approx(math.sqrt(periods))
    assert aggregation_factor(periods, [0.0] * 400) == pytest.approx(math.sqrt(periods))


def test_averaged_prices_have_less_than_the_square_root():
    # 250 / sqrt(250 + 2 x 249 x 0.25)
    found = aggregation_factor(250, [0.25])
    assert found == pytest.approx(250 / math.sqrt(374.5))


def test_autocorrelations_that_leave_no_variance_have_no_factor():
    assert math.isnan(aggregation_factor(10, [-0.9]))
    with pytest.raises(StudyError, match="at least 1 period"):
        aggregation_factor(0)


def test_the_adjusted_ratio_divides_by_the_spread_of_yearly_sums():
    # Over 2 sessions a year with autocorrelation r: mean 2m, variance 2 s² (1 + r).
    returns = np.array([0.01, 0.03, 0.02, 0.04, 0.0, 0.01, 0.03, 0.02])
    around = returns - returns.mean()
    r = (around[1:] @ around[:-1]) / (around @ around)
    plain = sharpe_ratio(returns, sessions_per_year=1)
    found = adjusted_sharpe_ratio(returns, sessions_per_year=2, lags=1)
    assert found == pytest.approx(plain * 2 / math.sqrt(2 * (1 + r)))
    none = adjusted_sharpe_ratio(returns, sessions_per_year=2, lags=0)
    assert none == pytest.approx(sharpe_ratio(returns, sessions_per_year=2))
    assert math.isnan(adjusted_sharpe_ratio([0.1] * 5, sessions_per_year=2, lags=1))


def test_more_lags_than_returns_are_cut_to_what_there_is():
    found = adjusted_sharpe_ratio([0.01, 0.03, 0.02], sessions_per_year=4, lags=50)
    full = adjusted_sharpe_ratio([0.01, 0.03, 0.02], sessions_per_year=4, lags=2)
    assert found == pytest.approx(full, nan_ok=True)


@given(st.floats(0.02, 0.4), st.floats(-1, 1), st.floats(3, 8))
def test_at_the_minimum_record_the_probability_is_the_confidence(sharpe, skew, kurt):
    needed = minimum_track_record(
        sharpe, benchmark=0.01, skew=skew, kurtosis=kurt, confidence=0.95
    )
    if needed >= 2:
        reached = probabilistic_sharpe_ratio(
            sharpe, benchmark=0.01, n=needed, skew=skew, kurtosis=kurt
        )
        assert reached == pytest.approx(0.95)


@pytest.mark.parametrize("sharpe", [0.1, 0.05, math.nan])
def test_no_record_establishes_a_ratio_below_its_benchmark(sharpe):
    found = minimum_track_record(
        sharpe, benchmark=0.1, skew=0, kurtosis=3, confidence=0.95
    )
    assert found == math.inf


def test_two_funds_of_the_paper_need_less_than_fourteen_months():
    # Bailey and Lopez de Prado (2012): 0.7152 and 1.1593 years of months.
    for sharpe, skew, kurtosis, years in [
        (0.7079, -0.225, 2.957, 0.7152),
        (0.8183, -1.4455, 7.0497, 1.1593),
    ]:
        found = minimum_track_record(
            sharpe, benchmark=0, skew=skew, kurtosis=kurtosis, confidence=0.95
        )
        assert found / 12 == pytest.approx(years, abs=5e-5)


def test_a_weekly_record_of_two_against_one_needs_2_83_years():
    found = minimum_track_record(
        2 / math.sqrt(52),
        benchmark=1 / math.sqrt(52),
        skew=0,
        kurtosis=3,
        confidence=0.95,
    )
    assert found / 52 == pytest.approx(2.83, abs=5e-3)


def test_twice_the_sharpe_takes_a_quarter_of_the_backtest():
    assert minimum_backtest_length(45, sharpe=2) == pytest.approx(
        minimum_backtest_length(45) / 4
    )
    with pytest.raises(StudyError, match="above 0"):
        minimum_backtest_length(45, sharpe=0)


def test_being_seen_in_four_of_five_needs_a_larger_ratio():
    # (1.959964 + 0.841621) / sqrt(4)
    found = smallest_detectable_sharpe(4, confidence=0.95, power=0.8)
    assert found == pytest.approx(1.400793, abs=1e-6)


def test_the_standard_error_of_normal_returns_is_los_but_for_n_minus_one():
    found = sharpe_standard_error(0.3, n=101, skew=0, kurtosis=3)
    assert found == pytest.approx(iid_standard_error(0.3, 100))


@pytest.mark.slow
def test_the_standard_error_is_the_spread_of_skewed_samples_ratios():
    # Exponential returns less a shift: skew 2, kurtosis 9, ratio (1 - 0.8) / 1.
    draws = np.random.default_rng(1).exponential(size=(5000, 400)) - 0.8
    ratios = draws.mean(axis=1) / draws.std(axis=1, ddof=1)
    stated = sharpe_standard_error(0.2, n=400, skew=2, kurtosis=9)
    assert ratios.std() == pytest.approx(stated, rel=0.05)
