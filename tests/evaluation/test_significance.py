"""Luck, against the values printed in the papers.

Numbers from evaluation_refs.md section 1.1 (reference_values.json, group "sharpe").
"""

import math
from dataclasses import replace

import numpy as np
import pytest

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.significance import (
    Moments,
    deflate_by_trials,
    deflated_sharpe_ratio,
    expected_maximum_sharpe,
    moments_of,
    probabilistic_sharpe_ratio,
    smallest_detectable_sharpe,
    trial_variance,
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


def test_the_trials_variance_is_twice_the_mean_square_of_their_gains():
    # 2 x (0.1^2 + 0.05^2) / 4
    found = trial_variance([0.1, -0.3, 0.05, -0.02], 1001)
    assert found == pytest.approx(0.00625)


def test_draws_around_zero_have_their_own_variance():
    draws = np.random.default_rng(5).normal(0, 0.2, 20_000)
    assert trial_variance(draws, 1001) == pytest.approx(0.04, rel=0.05)


def test_how_badly_a_trial_loses_is_all_one():
    # Yearly -0.8 or -8 over 250 sessions; the plain variances are 0.0038 and 0.0727.
    mild, absurd = (
        trial_variance([0.06, 0.04, -0.02, yearly / math.sqrt(250)], 501)
        for yearly in (-0.8, -8.0)
    )
    # 2 x (0.06^2 + 0.04^2) / 4
    assert mild == absurd == pytest.approx(0.0026)


def test_trials_never_spread_less_than_one_worthless_ratio_does():
    assert trial_variance([-0.5, -0.4, 0.001], 251) == pytest.approx(1 / 250)
    # The best of 16 such trials over a year has a yearly ratio of 1.80, the formula
    # with z(1 - 1/16) = 1.5341 and z(1 - 1/16e) = 1.9940.
    variance = trial_variance([-0.5] * 16, 251)
    best = expected_maximum_sharpe(16, variance=variance) * math.sqrt(250)
    weight = 0.5772156649
    assert best == pytest.approx((1 - weight) * 1.5341 + weight * 1.9940, abs=1e-3)


@pytest.mark.parametrize(("sharpes", "n"), [([0.1, math.nan], 250), ([0.1], 1)])
def test_trials_without_a_ratio_are_refused(sharpes, n):
    with pytest.raises(StudyError, match="without a missing one"):
        trial_variance(sharpes, n)


def test_without_another_trial_only_chance_is_left():
    assert trial_variance([], 251) == pytest.approx(1 / 250)


def test_the_judged_ratio_counts_as_a_trial_but_not_in_the_variance():
    found = Moments(sharpe=0.2, n=501, skew=0.0, kurtosis=3.0)
    others = [0.05, -0.3, math.nan]
    # Two of three trials traded. 2 x 0.05^2 / 2 is above the floor of 1 / 500.
    expected = deflated_sharpe_ratio(
        0.2, n=501, skew=0.0, kurtosis=3.0, n_trials=3, variance=0.0025
    )
    assert deflate_by_trials(found, others) == pytest.approx(expected)
    inside = deflate_by_trials(found, [*others, 0.2], n_trials=3)
    assert inside is not None and inside < expected
    # The only trial is not deflated: its probability of being above 0.
    alone = probabilistic_sharpe_ratio(0.2, benchmark=0, n=501, skew=0, kurtosis=3)
    assert deflate_by_trials(found, []) == pytest.approx(alone)
    assert deflate_by_trials(replace(found, sharpe=math.nan), others) is None


def test_moments_are_per_session_and_kurtosis_is_raw():
    # Mean 1, squared deviations 4 x 1 / 3; third moment 0; fourth over squared 1.
    found = moments_of([0.0, 2.0, 0.0, 2.0])
    assert found.sharpe == pytest.approx(1 / math.sqrt(4 / 3))
    assert (found.n, found.skew, found.kurtosis) == (4, 0.0, pytest.approx(1.0))
    # 0, 0, 0, 4: deviations -1 and 3; m2 = 3, m3 = 6, m4 = 21.
    found = moments_of([0.0, 0.0, 0.0, 4.0])
    assert found.skew == pytest.approx(6 / 3**1.5)
    assert found.kurtosis == pytest.approx(21 / 9)


@pytest.mark.parametrize("returns", [[], [0.1], [0.1] * 9, [1e-17, 0.0, -1e-17]])
def test_returns_that_do_not_vary_have_no_moments(returns):
    found = moments_of(returns)
    assert found.n == len(returns)
    assert math.isnan(found.sharpe) and math.isnan(found.kurtosis)


def test_moments_that_leave_no_variance_are_refused():
    with pytest.raises(StudyError, match="positive variance"):
        probabilistic_sharpe_ratio(2.0, benchmark=0, n=24, skew=3, kurtosis=1)
    with pytest.raises(StudyError, match="n_trials >= 1"):
        expected_maximum_sharpe(0, variance=1)
