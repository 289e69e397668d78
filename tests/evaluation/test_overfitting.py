"""Overfitting by CSCV: conventions by hand, invariances, and a slow double."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.overfitting import backtest_overfitting

# evaluation_refs.md 1.2: rows are time.
EXAMPLE = [
    [-3, -2, 3, 0],
    [-1, -4, 2, 1],
    [-2, 3, -3, 4],
    [-4, -1, 3, -3],
    [-3, -1, 3, 1],
    [-3, -2, -2, 2],
    [3, 5, 2, -1],
    [-2, 0, 0, 3],
]


def plain(returns, n_blocks):
    """Return the share of splits whose chosen trial is in the lower half after."""
    blocks = np.split(np.asarray(returns, float), n_blocks)

    def score(places):
        rows = np.concatenate([blocks[place] for place in places])
        return rows.mean(axis=0) / rows.std(axis=0, ddof=1)

    found = []
    for chosen in combinations(range(n_blocks), n_blocks // 2):
        best = int(np.argmax(score(chosen)))
        rest = [place for place in range(n_blocks) if place not in chosen]
        rank = rankdata(score(rest))[best] / (len(returns[0]) + 1)
        found.append(rank <= 0.5)
    return np.mean(found)


def test_the_worked_example_by_sharpe_ratio_is_one_in_six():
    found = backtest_overfitting(EXAMPLE, n_blocks=4)
    assert found.probability == pytest.approx(1 / 6)
    assert (found.n_trials, found.n_splits) == (4, 6)


def test_it_is_what_a_plain_loop_finds():
    for seed in range(5):
        returns = np.random.default_rng(seed).normal(0.0003, 0.01, size=(96, 7))
        found = backtest_overfitting(returns, n_blocks=8)
        assert found.probability == pytest.approx(plain(returns, 8))


def test_the_exact_middle_counts_as_overfit():
    # Three trials, two blocks: the best of each half is second of three in the other.
    returns = [[3.0, 2.0, 1.0]] * 2 + [[2.0, 3.0, 1.0]] * 2
    found = backtest_overfitting(returns, n_blocks=2, measure="mean")
    assert found.logits == pytest.approx([0.0, 0.0])
    assert found.probability == 1.0


def test_tied_choices_share_and_do_not_depend_on_the_order_of_the_trials():
    # The first two tie in the first half; in the second one is best, one is worst.
    returns = np.array([[2.0, 2, 1, 0]] * 2 + [[3.0, 0, 1, 2]] * 2)
    found = backtest_overfitting(returns, n_blocks=2, measure="mean")
    # First split: half of it overfit. Second: trial 0 chosen, tied for 3.5 of 4.
    assert found.probability == pytest.approx(0.25)
    other = backtest_overfitting(returns[:, [1, 3, 0, 2]], n_blocks=2, measure="mean")
    assert other.probability == pytest.approx(0.25)


@given(st.integers(0, 1000), st.floats(0.01, 100))
@settings(max_examples=25)
def test_order_of_trials_and_size_of_bets_do_not_matter(seed, size):
    rng = np.random.default_rng(seed)
    returns = rng.normal(size=(48, 5))
    found = backtest_overfitting(returns, n_blocks=6).probability
    shuffled = returns[:, rng.permutation(5)]
    assert backtest_overfitting(shuffled, n_blocks=6).probability == pytest.approx(
        found
    )
    assert backtest_overfitting(
        returns * size, n_blocks=6
    ).probability == pytest.approx(found)


def test_what_always_leads_is_never_overfit_and_what_turns_always_is():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, size=(80, 6))
    steady = noise.copy()
    steady[:, 2] += 3
    found = backtest_overfitting(steady, n_blocks=8)
    assert found.probability == 0.0
    assert found.loss_share == 0.0
    # What each trial earns in one half of time it loses in the other.
    turning = np.concatenate([noise[:40], -noise[:40]])
    worst = backtest_overfitting(turning, n_blocks=2)
    assert worst.probability == 1.0 and worst.loss_share == 1.0
    # Where all means are 0, what was gained before is lost after, to the last cent.
    zero = noise - noise.mean(axis=0)
    found = backtest_overfitting(zero, n_blocks=8, measure="mean")
    assert found.slope == pytest.approx(-1)


def test_sessions_that_do_not_fill_the_blocks_are_left_out_at_the_start():
    extra = [[100.0, 0, 0, 0], [0, 100.0, 0, 0], [0, 0, -100.0, 0]]
    found = backtest_overfitting([*extra, *EXAMPLE], n_blocks=4, measure="mean")
    assert found.probability == pytest.approx(1 / 3)


def test_a_trial_that_never_trades_has_a_ratio_of_zero():
    losing = np.random.default_rng(0).normal(-1, 0.1, size=(16, 2))
    idle = np.column_stack([losing, np.zeros(16)])
    found = backtest_overfitting(idle, n_blocks=4)
    assert found.probability == 0.0  # the idle one is best, before and after
    assert np.isnan(found.slope)


@pytest.mark.parametrize(
    ("shape", "n_blocks"), [((8, 1), 4), ((7, 3), 4), ((8, 3), 3), ((8, 3), 0)]
)
def test_what_cannot_be_split_is_refused(shape, n_blocks):
    with pytest.raises(StudyError, match=r"Received"):
        backtest_overfitting(np.zeros(shape), n_blocks=n_blocks)


def test_a_missing_return_is_refused():
    with pytest.raises(StudyError, match="1 missing"):
        backtest_overfitting([[np.nan, 1.0]] + [[0.0, 1.0]] * 7, n_blocks=4)
