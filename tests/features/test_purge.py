"""Purge and embargo: a leak falls with the purge and is gone at the true horizon.

A label is a sum of independent returns after its origin. So the labels of two origins
correlate by the share of returns that they have in common, and by nothing else: that is
the leak. With a purge of ``delay + horizon`` sessions, which a trade spans, none is
left. Expected values are arithmetic; the leak is also measured on simulated returns.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from support.plain_windows import by_reference

from nse_lstm.features.folds import (
    Fold,
    make_combinatorial_folds,
    split_combinatorial,
)
from nse_lstm.features.windows import Windows, split_fold
from nse_lstm.models.tabular_models import split_rows

N = 300
HORIZONS = ((1, 0), (1, 1), (5, 1), (10, 1))
SESSIONS = pd.bdate_range("2020-01-06", periods=N + 20).as_unit("us")
DRAWS = 4000


def label_span(origin: int, horizon: int, delay: int) -> set[int]:
    """The sessions whose returns make an origin's label."""
    return set(range(origin + delay + 1, origin + delay + horizon + 1))


def windows_at(horizon: int, delay: int) -> Windows:
    days, origin = SESSIONS.to_numpy(), np.arange(N)
    return Windows(
        **by_reference(np.ones((N, 1))),
        y=np.ones(N),
        last_price=np.ones(N),
        shares=np.ones(N),
        origin=days[origin],
        entry_date=days[origin + delay],
        target_date=days[origin + delay + horizon],
        dropped_target=days[:0],
        dropped_reason=np.array([], str),
    )


def place(day: np.datetime64) -> int:
    return int(SESSIONS.get_loc(pd.Timestamp(day)))


def edges(horizon: int, delay: int, purge: int) -> tuple[int, int]:
    """Origins of the last training window and of the first validation window.

    The dates of targets are set before the split's own check of them, so that the purge
    alone decides: a purge that is too short must be able to show.
    """
    windows = windows_at(horizon, delay)
    known = replace(windows, target_date=windows.origin)
    fold = Fold(2021, "test", pd.Timestamp("2021-01-01"), pd.Timestamp("2022-01-01"))
    split = split_fold(known, fold, validation_share=0.2, purge=purge)
    return place(split.train.origin[-1]), place(split.validation.origin[0])


def shared_fraction(horizon: int, delay: int, purge: int) -> float:
    last, first = edges(horizon, delay, purge)
    # What training knows: every return up to the end of its last label.
    seen = set(range(last + delay + horizon + 1))
    return len(seen & label_span(first, horizon, delay)) / horizon


@pytest.mark.parametrize(("horizon", "delay"), HORIZONS)
def test_the_leak_falls_with_the_purge_and_is_gone_at_the_horizon(horizon, delay):
    purges = range(horizon + delay + 4)
    leaks = [shared_fraction(horizon, delay, purge) for purge in purges]
    # A row is lost per session of purge; the first row apart shares h - 1 of h returns.
    assert leaks == pytest.approx(
        [max(0, horizon - 1 - purge) / horizon for purge in purges]
    )
    assert all(one >= other for one, other in pairwise(leaks))


@pytest.mark.parametrize(("horizon", "delay"), HORIZONS)
def test_the_study_purges_all_that_a_trade_spans(horizon, delay):
    """Not one session of a training trade is a session that validation decides in."""
    purge = horizon + delay
    fold = Fold(2021, "test", pd.Timestamp("2021-01-01"), pd.Timestamp("2022-01-01"))
    split = split_fold(
        windows_at(horizon, delay), fold, validation_share=0.2, purge=purge
    )
    last, first = place(split.train.origin[-1]), place(split.validation.origin[0])
    assert last + delay + horizon < first <= last + delay + horizon + 1


@pytest.mark.parametrize(("horizon", "delay"), [(5, 1), (10, 1)])
def test_a_learner_of_the_last_label_gains_exactly_the_shared_fraction(horizon, delay):
    """R of the last known label for the first held one, on simulated returns."""
    returns = np.random.default_rng(7).normal(size=(DRAWS, N + 20))
    found = []
    for purge in range(horizon + 2):
        last, first = edges(horizon, delay, purge)
        one, other = (
            returns[:, sorted(label_span(origin, horizon, delay))].sum(axis=1)
            for origin in (last, first)
        )
        found.append(np.corrcoef(one, other)[0, 1])
    expected = [max(0, horizon - 1 - purge) / horizon for purge in range(horizon + 2)]
    # Standard error of a correlation near 0.
    assert found == pytest.approx(expected, abs=4 / np.sqrt(DRAWS))
    gone = horizon - 1
    assert found[gone - 1] > 4 / np.sqrt(DRAWS) > abs(found[gone])


@pytest.mark.parametrize("purge", [0, 1, 5])
def test_a_rank_label_ends_before_the_purged_sessions(purge):
    horizon, delay = 3, 1
    days = SESSIONS[:N]
    origin = days[: N - horizon - delay]
    targets = pd.DataFrame(
        {
            "ticker": "AAA",
            "origin": origin,
            "target_date": days[horizon + delay :],
            "y_rank": 0.1,
        }
    )
    features = pd.DataFrame(
        {"ticker": "AAA", "session": days, "usable": True, "member": True}
    )
    fold = Fold(2021, "test", pd.Timestamp("2021-01-01"), pd.Timestamp("2022-01-01"))
    rows = split_rows(features, targets, fold, purge=purge)
    start = int(days.searchsorted(fold.start))
    assert place(rows.train["target_date"].max().to_datetime64()) == start - purge - 1


@pytest.mark.parametrize(("horizon", "delay", "lookback"), [(1, 1, 3), (5, 1, 10)])
def test_both_sides_of_a_block_are_purged_and_the_lookback_after_it(
    horizon, delay, lookback
):
    """No return of a tested label is in a training input or label, and no row more."""
    origin = np.arange(lookback, N)
    days = SESSIONS.to_numpy()
    spans = {
        "origin": days[origin],
        "entry_date": days[origin + delay],
        "target_date": days[origin + delay + horizon],
    }
    for fold in make_combinatorial_folds(SESSIONS, n_groups=5, n_test=1):
        train, test = split_combinatorial(fold, SESSIONS, lookback=lookback, **spans)
        # A trade's price at entry is as much a part of its label as the one at exit.
        tested = {
            s for o in origin[test] for s in range(o + delay, o + delay + horizon + 1)
        }
        apart = [
            not tested & set(range(o - lookback + 1, o + delay + horizon + 1))
            for o in origin[~test]
        ]
        assert train[~test].tolist() == apart
        assert 0 < len(apart) - sum(apart) <= 2 * (horizon + delay) + lookback
