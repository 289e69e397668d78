"""Direction, where many sessions do not move at all."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.diagnostic import pesaran_timmermann as statsmodels_pt

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.direction import (
    direction_by_date,
    direction_counts,
    pesaran_timmermann,
    three_way_accuracy,
)

# evaluation_refs.md section 1.4: 20 points, P .80, P* .52.
CAME = np.array([1, -1, 1, 1, -1, 1, -1, -1, 1, 1, -1, 1, 1, -1, 1, -1, 1, 1, -1, 1])
SAID = np.array([1, -1, 1, -1, -1, 1, 1, -1, 1, 1, -1, 1, -1, -1, 1, -1, 1, 1, 1, 1])
SIGNS = arrays(float, 40, elements=st.sampled_from([-1.0, 0.0, 1.0]))


def test_the_statistic_is_the_papers():
    found = pesaran_timmermann(CAME, SAID)
    assert found.statistic == pytest.approx(2.676517, abs=5e-7)
    assert found.p_value == pytest.approx(0.003720, abs=5e-7)
    # statsmodels leaves out the paper's term in one over n squared.
    other = statsmodels_pt(CAME, SAID, alternative="larger")
    assert float(other.statistic) == pytest.approx(2.608746, abs=5e-7)


def test_sessions_without_a_move_or_a_call_are_left_out_of_two_classes():
    came = np.concatenate([CAME, [0, 0, 1]]) * 0.01
    said = np.concatenate([SAID, [-1, 1, 0]]) * 0.02
    assert pesaran_timmermann(came, said) == pesaran_timmermann(CAME, SAID)
    assert pesaran_timmermann(came, said).n == 20


def test_no_move_as_a_class_of_its_own_is_counted_by_hand():
    # Rows: came down, unchanged, up.
    counts = direction_counts(
        [-0.1, 0.0, 0.0, 0.1, 0.1], [-0.1, 0.001, -0.1, 0.1, -0.002], band=0.002
    )
    assert counts.tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    found = three_way_accuracy(
        [-0.1, 0.0, 0.0, 0.1, 0.1], [-0.1, 0.001, -0.1, 0.1, -0.002], band=0.002
    )
    assert found == pytest.approx(3 / 5)
    assert math.isnan(three_way_accuracy([], []))


def test_without_a_band_a_forecast_of_exactly_zero_alone_says_unchanged():
    assert direction_counts([0.0, 0.0], [0.0, 1e-9]).tolist() == [
        [0, 0, 0],
        [0, 1, 1],
        [0, 0, 0],
    ]


@pytest.mark.parametrize("said", [np.ones(20), np.zeros(20)])
def test_saying_one_thing_always_is_no_skill_that_could_be_tested(said):
    found = pesaran_timmermann(CAME, said)
    assert math.isnan(found.statistic) and math.isnan(found.p_value)


def test_no_session_is_no_test():
    assert math.isnan(pesaran_timmermann([], []).hits)


@given(SIGNS, SIGNS)
@settings(max_examples=60)
def test_turning_every_call_round_turns_the_two_class_statistic_round(came, said):
    found, turned = pesaran_timmermann(came, said), pesaran_timmermann(came, -said)
    assert turned.statistic == pytest.approx(-found.statistic, nan_ok=True)
    assert turned.n == found.n
    # Mirroring the market and the forecast together changes nothing.
    mirrored = pesaran_timmermann(-came, -said)
    assert mirrored.statistic == pytest.approx(found.statistic, nan_ok=True)


def test_a_missing_return_is_refused():
    with pytest.raises(StudyError, match="without a missing value"):
        direction_counts([0.1, np.nan], [0.1, 0.1])


def panel_of(came, said):
    n, k = came.shape
    return pd.DataFrame(
        {
            "ticker": np.tile(np.arange(k), n),
            "target_date": np.repeat(pd.bdate_range("2022-01-03", periods=n), k),
            "y": came.ravel(),
            "y_hat": said.ravel(),
        }
    )


def test_direction_by_date_counts_a_date_once_and_sees_skill():
    rng = np.random.default_rng(1)
    came = rng.normal(size=(120, 5))
    skilled = panel_of(came, came + 2 * rng.normal(size=came.shape))
    found = direction_by_date(skilled, ahead=1)
    assert found.n == 120
    assert found.p_value < 0.001
    twice = pd.concat([skilled, skilled])
    assert direction_by_date(twice, ahead=1).statistic == pytest.approx(found.statistic)


@pytest.mark.slow
def test_worthless_calls_are_rejected_as_often_as_stated():
    rng = np.random.default_rng(6)
    rejected = 0
    for _ in range(2000):
        came = rng.choice([-1, 0, 1], size=250, p=[0.4, 0.2, 0.4])
        said = rng.choice([-1, 0, 1], size=250, p=[0.5, 0.1, 0.4])
        rejected += pesaran_timmermann(came, said).p_value < 0.05
    assert rejected / 2000 == pytest.approx(0.05, abs=0.015)
