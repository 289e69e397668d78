"""What is planted, and what a perfect reader expects of it."""

import numpy as np
import pytest

from nse_lstm.data.simulation.signals import (
    DECAY,
    MOMENTUM,
    SignalPlan,
    SignalState,
    drifts,
    expected_returns,
    update_state,
)

VOLATILITY = np.array([0.02, 0.03])


def plan(signal: float, parts: tuple[float, float, float] = (1, 0, 0)) -> SignalPlan:
    return SignalPlan(
        signal=signal,
        parts=parts,
        volatility=VOLATILITY,
        loading=np.array([1.0, 0.5]),
        own=np.array([[1.0, 0.0], [0.0, 1.0]]),
    )


def after(log_return, turnover) -> SignalState:
    blank = SignalState.initial(volatility=VOLATILITY, turnover=np.array([1e6, 1e6]))
    return update_state(blank, np.array(log_return), np.array(turnover))


@pytest.mark.parametrize("horizon", [1, 2, 5, 10])
@pytest.mark.parametrize("signal", [0.0, 0.06])
def test_the_expected_return_adds_up_the_drift_earned_between_two_averages(
    horizon, signal
):
    drift = np.array([0.004, -0.002, 0.001])
    momentum = DECAY + (1 - DECAY) * MOMENTUM * (signal / 0.06)
    latent, averages = 0.0, []
    for session in range(horizon + 1):
        today = (drift * np.array([DECAY, DECAY**2, momentum]) ** session).sum()
        # Deals are spread evenly over a session that drifts evenly.
        averages.append(latent + today / 2)
        latent += today
    expected = expected_returns(drift, horizon=horizon, signal=signal)
    assert expected == pytest.approx(averages[-1] - averages[0])


def test_without_a_signal_nothing_drifts():
    memory = after([0.05, -0.05], [5e6, 2e5])
    assert not drifts(memory, plan(0.0, (0.4, 0.3, 0.3))).any()


def test_a_share_that_fell_drifts_up_and_one_that_rose_drifts_down():
    # As restless and as busy as each other, and no market move.
    linear = drifts(after([-0.02, 0.03], [1e6, 1e6]), plan(0.06))[0]
    assert linear[0] > 0 > linear[1]


def test_a_move_on_heavy_dealing_reverts_and_one_on_light_dealing_goes_on():
    nonlinear = drifts(after([0.02, 0.03], [4e6, 2.5e5]), plan(0.06, (0, 1, 0)))[1]
    assert nonlinear[0] < 0 < nonlinear[1]


def test_a_session_without_a_deal_only_fades_the_memory():
    memory = after([0.02, 0.03], [4e6, 2.5e5])
    later = update_state(memory, np.zeros(2), np.full(2, np.nan))
    np.testing.assert_allclose(later.recent, DECAY * memory.recent)
    np.testing.assert_array_equal(later.level, memory.level)
    np.testing.assert_array_equal(later.variance, memory.variance)


def test_memories_of_unrelated_prints_vary_by_about_one():
    generator = np.random.default_rng(0)
    memory = SignalState.initial(volatility=VOLATILITY, turnover=np.array([1e6, 1e6]))
    seen = []
    for _ in range(4000):
        turnover = 1e6 * np.exp(generator.normal(0, 0.9, 2))
        memory = update_state(memory, generator.normal(0, VOLATILITY), turnover)
        seen.append(memory.recent)
    deviation = np.std(seen[200:], axis=0)
    # Slow sums: 3800 sessions hold about 300 independent ones, so 4 % and clipping.
    assert (np.abs(deviation - 1) < 0.15).all()
