"""Luck, against the values printed in the papers.

Numbers from evaluation_refs.md section 1.1 (reference_values.json, group "sharpe").
"""

import math

import pytest

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.significance import (
    deflated_sharpe_ratio,
    expected_maximum_sharpe,
    probabilistic_sharpe_ratio,
    smallest_detectable_sharpe,
)

# Bailey and Lopez de Prado (2014), SSRN 2460551: yearly Sharpe 2.5 over 1250 sessions,
# 250 a year; the trials' yearly variance 1/2 is 0.002 a session.
EXAMPLE = {"n": 1250, "variance": 0.002}


@pytest.mark.parametrize(
    ("skew", "kurtosis", "printed"), [(0, 3, 0.982), (-2.448, 10.164, 0.913)]
)
def test_probabilistic_sharpe_ratio_is_the_papers(skew, kurtosis, printed):
    found = probabilistic_sharpe_ratio(
        0.458, benchmark=0, n=24, skew=skew, kurtosis=kurtosis
    )
    assert found == pytest.approx(printed, abs=5e-4)


@pytest.mark.parametrize(
    ("n_trials", "expected"),
    [(10, 1.57459830134575), (100, 2.5306028932016846), (46, 2.2442)],
)
def test_the_best_of_many_worthless_trials_is_the_papers(n_trials, expected):
    found = expected_maximum_sharpe(n_trials, variance=1)
    assert found == pytest.approx(expected, abs=5e-5)


def test_the_benchmark_of_the_papers_example_is_0_1132_a_session():
    found = expected_maximum_sharpe(100, variance=0.002)
    assert found == pytest.approx(0.1132, abs=5e-5)


@pytest.mark.parametrize(
    ("skew", "kurtosis", "n_trials", "printed"),
    [(-3, 10, 100, 0.9004), (-3, 10, 46, 0.9505), (0, 3, 88, 0.9505)],
)
def test_deflated_sharpe_ratio_is_the_papers(skew, kurtosis, n_trials, printed):
    found = deflated_sharpe_ratio(
        2.5 / math.sqrt(250), skew=skew, kurtosis=kurtosis, n_trials=n_trials, **EXAMPLE
    )
    assert found == pytest.approx(printed, abs=5e-5)


def test_one_trial_is_not_deflated():
    assert expected_maximum_sharpe(1, variance=0.5) == 0.0


def test_four_years_can_see_a_sharpe_ratio_of_0_98():
    # 1.959964 / sqrt(4)
    found = smallest_detectable_sharpe(4, confidence=0.95)
    assert found == pytest.approx(0.979982, abs=1e-6)


def test_moments_that_leave_no_variance_are_refused():
    with pytest.raises(StudyError, match="positive variance"):
        probabilistic_sharpe_ratio(2.0, benchmark=0, n=24, skew=3, kurtosis=1)
    with pytest.raises(StudyError, match="n_trials >= 1"):
        expected_maximum_sharpe(0, variance=1)
