"""E-processes: printed values, what they may never do, and how often they are wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.e_process import (
    BETS,
    PROMOTE_AT,
    asymptotic_half_width,
    best_mixing,
    betting_e_process,
    betting_wealth,
    confidence_sequence,
    log_gamma_mixture,
    robbins_bound,
    weak_null_e_process,
)
from nse_lstm.evaluation.power_analysis import promotion_power

STOCKS, FIRST_LOOK = 10, 20


def test_wealth_is_the_product_of_what_each_bet_leaves():
    # 1.1; x 0.95 = 1.045; x 1.2 = 1.254; x 1.15 = 1.4421.
    wealth = betting_wealth([0.2, -0.1, 0.4, 0.3], bet=0.5)
    assert wealth == pytest.approx([1.1, 1.045, 1.254, 1.4421], abs=1e-12)


@pytest.mark.parametrize(
    ("total", "variance", "scale", "expected"),
    [(10, 20, 1, 2.469246), (15, 20, 1, 15.715408), (5, 20, 2, 0.435649)],
)
def test_the_gamma_mixture_has_its_published_values(total, variance, scale, expected):
    # comparecast 1.0.0, confirmed by numerical integration (facts, section 2).
    mixing = best_mixing(10, alpha=0.05)
    assert mixing == pytest.approx(1.580063490685053, rel=1e-12)
    found = np.exp(log_gamma_mixture(total, variance, scale=scale, mixing=mixing))
    assert found == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize("s", [4.0, -5.0, -40.0])
def test_the_gamma_mixture_is_a_mean_over_bets(s):
    # Integrate exp(b s - psi(b) v) over the density that proposition 9 mixes with.
    from scipy.integrate import quad
    from scipy.special import gammainc, gammaln

    v, c, rho = 9.0, 2.0, 1.58
    shape = rho / c**2
    log_constant = (
        shape * np.log(shape) - gammaln(shape) - np.log(gammainc(shape, shape))
    )

    def density(b):
        z = (1 - c * b) * shape
        # 1 - c b is gamma distributed with that shape and rate, cut off at 1.
        return np.exp(log_constant - z) * (1 - c * b) ** (shape - 1) * c

    def integrand(b):
        psi = (-np.log(1 - c * b) - c * b) / c**2
        return np.exp(b * s - psi * v) * density(b)

    assert quad(density, 0, 1 / c)[0] == pytest.approx(1, rel=1e-7)
    expected = quad(integrand, 0, 1 / c)[0]
    found = np.exp(log_gamma_mixture(s, v, scale=c, mixing=rho))
    assert found == pytest.approx(expected, rel=1e-7)


def test_the_bounds_of_sums_and_means_have_their_reference_values():
    bound = robbins_bound([100, 1000], mixing=10, alpha=0.05)
    assert bound == pytest.approx([30.378110214259525, 103.50193676733173], abs=1e-9)
    width = asymptotic_half_width([100, 500], alpha=0.05, tuned=500)
    assert width == pytest.approx([0.3363887725782781, 0.13573867256799613], abs=1e-9)


def test_evidence_is_the_mean_wealth_of_the_bets():
    gains = [0.4, -0.2, 0.9, -1.0, 0.1]
    by_hand = np.mean([betting_wealth(gains, bet=bet) for bet in BETS], axis=0)
    assert betting_e_process(gains) == pytest.approx(by_hand, rel=1e-12)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12))
@settings(max_examples=50)
def test_a_fair_coin_leaves_the_wealth_where_it_was_on_average(sizes):
    # One more gain of either sign: the mean of both futures is the present.
    now = betting_e_process(sizes)[-1]
    futures = [betting_e_process([*sizes, sign * 0.7])[-1] for sign in (1, -1)]
    assert np.mean(futures) == pytest.approx(now, rel=1e-9)
    worse = [weak_null_e_process([*sizes, sign * 0.7])[-1] for sign in (1, -1)]
    assert np.mean(worse) <= weak_null_e_process(sizes)[-1] * (1 + 1e-9)


def test_a_session_without_a_pair_changes_nothing():
    gains = np.array([0.3, np.nan, -0.2, np.nan, 0.8])
    for evidence in (betting_e_process, weak_null_e_process):
        found = evidence(gains)
        assert found[[0, 2, 4]] == pytest.approx(evidence(gains[[0, 2, 4]]), rel=1e-12)
        assert found[1] == found[0]
        assert found[3] == found[2]


def test_overlapping_losses_are_streams_of_their_own():
    gains = np.array([0.5, -0.5, 0.5, -0.5, 0.5, -0.5])
    # Stream 0 has three gains of 0.5, stream 1 three losses: the best one over two.
    best = betting_e_process([0.5, 0.5, 0.5])[-1]
    assert betting_e_process(gains, ahead=2)[-1] == pytest.approx(best / 2, rel=1e-12)
    worst = weak_null_e_process([-0.5, -0.5, -0.5])[-1]
    found = weak_null_e_process(gains, ahead=2)[-1]
    assert found == pytest.approx(worst, rel=1e-12)


def test_a_gain_out_of_bounds_and_a_whole_bet_are_refused():
    with pytest.raises(StudyError, match=r"\[-1, 1\]"):
        betting_e_process([0.5, 1.5])
    with pytest.raises(StudyError, match="ahead"):
        betting_e_process([0.5], ahead=0)
    with pytest.raises(StudyError, match="bet"):
        betting_wealth([0.5], bet=1.0)


def test_the_interval_holds_the_mean_at_all_times():
    draws = np.random.default_rng(5).choice([-0.3, 0.6], size=(400, 500))  # mean 0.15
    missed = 0
    for row in draws:
        _, lower, upper = confidence_sequence(row, alpha=0.05)
        assert np.isnan(lower[: FIRST_LOOK - 1]).all()
        missed += bool((lower > 0.15).any() or (upper < 0.15).any())
    # At most 5 % of 400 are 20; 31 would be beyond luck (binomial, 1 %).
    assert missed <= 31


def exchangeable_gains(reps: int, length: int, seed: int) -> tuple[np.ndarray, ...]:
    """Two forecasters as good as each other: gains, and losses capped at 5 %.

    Heavy-tailed returns with a part that all stocks share; both forecasts of a stock
    are drawn from one law, so that the losses can be exchanged.
    """
    generator = np.random.default_rng(seed)
    shape = (reps, length, STOCKS)
    y = 0.01 * generator.standard_t(3, shape)
    y += 0.01 * generator.standard_t(3, shape[:2])[..., None]
    first, second = 0.01 * generator.standard_t(4, (2, *shape))
    losses = np.abs(y - first), np.abs(y - second)
    difference = (losses[0] - losses[1]).mean(axis=-1)
    # Clipped by the last bit of a rounded mean.
    gains = np.clip(difference / np.abs(first - second).mean(axis=-1), -1, 1)
    capped = [np.minimum(loss, 0.05) / 0.05 for loss in losses]
    return gains, (capped[0] - capped[1]).mean(axis=-1)


def naive_t_rejects(values: np.ndarray, *, one_sided: bool) -> np.ndarray:
    """Which rows a t-test would ever reject, looked at every session from the 20th."""
    n = np.arange(1, values.shape[1] + 1)
    mean = np.cumsum(values, axis=1) / n
    variance = np.cumsum(values**2, axis=1) / n - mean**2
    looks = slice(FIRST_LOOK - 1, None)
    statistic = mean[:, looks] / np.sqrt(variance[:, looks] / (n[looks] - 1))
    size = statistic if one_sided else np.abs(statistic)
    return (size > (1.645 if one_sided else 1.96)).any(axis=1)


def promoted(rows: np.ndarray, *, ahead: int = 1) -> float:
    found = [(betting_e_process(row, ahead=ahead) >= PROMOTE_AT).any() for row in rows]
    return float(np.mean(found))


def test_daily_looks_promote_a_twin_less_often_than_a_t_test_would():
    gains, _ = exchangeable_gains(150, 250, seed=3)
    naive = naive_t_rejects(gains, one_sided=False).mean()
    # 5 % of 150 is 7.5; 15 would be beyond luck (binomial, 1 %).
    assert promoted(gains) <= 15 / 150
    assert naive >= 0.2


@pytest.mark.slow
@pytest.mark.parametrize("length", [100, 250, 1000])
def test_at_most_one_twin_in_twenty_is_ever_promoted(length):
    reps = 1500 if length < 1000 else 600
    gains, capped = exchangeable_gains(reps, length, seed=11)
    rates = {
        "betting": promoted(gains),
        "betting, capped losses": promoted(capped),
        "naive t, one-sided": naive_t_rejects(gains, one_sided=True).mean(),
        "naive t, two-sided": naive_t_rejects(gains, one_sided=False).mean(),
    }
    print(length, rates)
    assert rates["betting"] <= 0.05
    assert rates["betting, capped losses"] <= 0.05
    # The facts' simulation: .241, .314 and .422 two-sided.
    expected = {100: 0.241, 250: 0.314, 1000: 0.422}[length]
    assert rates["naive t, two-sided"] == pytest.approx(expected, abs=0.06)


@pytest.mark.slow
def test_overlapping_losses_promote_a_twin_no_more_often():
    # Gains of five-session targets: means of five neighbours, so each leans on the
    # four before it; one stream of them would be invalid.
    sessions, _ = exchangeable_gains(800, 504, seed=12)
    kernel = np.ones(5) / 5
    rows = np.stack([np.convolve(row, kernel, "valid") for row in sessions])
    rates = promoted(rows, ahead=5), promoted(np.clip(3 * rows, -1, 1))
    print("five streams, one stream:", rates)
    assert rates[0] <= 0.05


@pytest.mark.slow
def test_the_weak_null_is_kept_by_a_challenger_that_is_better_only_at_times():
    generator = np.random.default_rng(4)
    wave = np.where(np.arange(500) // 25 % 2, 0.2, -0.2)  # worse first, then better
    rows = np.clip(wave + generator.normal(0, 0.4, (600, 500)), -1, 1)
    weak = [(weak_null_e_process(row) >= PROMOTE_AT).any() for row in rows]
    assert np.mean(weak) <= 0.05


def test_a_plan_says_what_a_test_can_find_and_how_long_it_takes():
    past = np.random.default_rng(1).choice([-0.3, 0.3], 200)
    plan = promotion_power(past, edges=(0.0, 0.06), sessions=(250, 1000), reps=300)
    found = plan.set_index(["edge", "sessions"])
    assert (found.loc[0.0, "promoted"] <= 0.05).all()
    early, late = found["promoted"].loc[0.06]
    assert 0 < early < late
    # All gains are +-0.3: 300 sessions of mean 0.06 win about e^6 (0.06^2/2/0.09 a
    # session), so nearly every test ends well within 1,000.
    assert late > 0.95
    assert found.loc[(0.06, 1000), "expected_sessions"] < 500
    again = promotion_power(past, edges=(0.0, 0.06), sessions=(250, 1000), reps=300)
    assert plan.equals(again)


def test_a_planned_test_stops_where_the_evidence_of_its_gains_would():
    from nse_lstm.evaluation.power_analysis import _promotion

    gains = np.random.default_rng(2).choice([-0.4, 0.5], (20, 400))
    for ahead in (1, 3):
        by_hand = []
        for row in gains:
            reached = np.flatnonzero(betting_e_process(row, ahead=ahead) >= PROMOTE_AT)
            by_hand.append(reached[0] + 1 if reached.size else 0)
        assert _promotion(gains, ahead=ahead).tolist() == by_hand


def test_a_plan_refuses_an_edge_that_no_gains_of_that_size_have():
    with pytest.raises(StudyError, match=r"mean size 0\.1"):
        promotion_power([0.1, -0.1, np.nan], edges=(0.2,))
    with pytest.raises(StudyError, match="0 gains"):
        promotion_power([np.nan], edges=(0.0,))
