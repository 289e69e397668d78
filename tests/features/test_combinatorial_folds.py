"""No session is shared by a label that trains and one that is tested.

Two times 500 random configurations, against a plain re-implementation that lists the
sessions of every label.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.plain_windows import by_reference

from nse_lstm.errors import ConfigurationError, DataError
from nse_lstm.features.folds import (
    Fold,
    make_combinatorial_folds,
    overlaps,
    split_combinatorial,
)
from nse_lstm.features.windows import Windows, split_fold


def make_calendar(n: int, seed: int) -> pd.DatetimeIndex:
    """Return n sessions with days off between them."""
    days = np.sort(np.random.default_rng(seed).permutation(2 * n)[:n])
    start = np.datetime64("2019-01-01", "us")
    return pd.DatetimeIndex(start + days * np.timedelta64(1, "D"))


def make_dates(
    sessions: pd.DatetimeIndex, *, delay: int, horizon: int, lookback: int, seed: int
) -> dict[str, np.ndarray]:
    """Return the dates of one ticker's windows, a tenth of them missing."""
    place = np.arange(lookback - 1, len(sessions) - delay - horizon)
    place = place[np.random.default_rng(seed).random(len(place)) > 0.1]
    dates = sessions.to_numpy("datetime64[us]")
    return {
        "origin": dates[place],
        "entry_date": dates[place + delay],
        "target_date": dates[place + delay + horizon],
    }


def label_sessions(sessions: pd.DatetimeIndex, starts, ends) -> np.ndarray:
    """Mark every session of some labels, entry and target included, one by one."""
    marked = np.zeros(len(sessions), bool)
    days = sessions.to_numpy("datetime64[us]")
    for start, end in zip(starts, ends, strict=True):
        marked[(days >= start) & (days <= end)] = True
    return marked


CONFIGURATION = {
    "n": st.integers(40, 90),
    "horizon": st.integers(1, 6),
    "delay": st.integers(0, 3),
    "lookback": st.integers(1, 15),
    "seed": st.integers(0, 10_000),
}


@settings(max_examples=500)
@given(**CONFIGURATION, share=st.floats(0.05, 0.5), start=st.integers(25, 85))
def test_a_yearly_fold_shares_no_label_session_between_training_and_test(
    n, horizon, delay, lookback, seed, share, start
):
    assume(start < n - 1)
    sessions = make_calendar(n, seed)
    dates = make_dates(
        sessions, delay=delay, horizon=horizon, lookback=lookback, seed=seed
    )
    count = len(dates["origin"])
    nothing = np.zeros(count)
    windows = Windows(
        **by_reference(np.zeros((count, lookback))),
        y=nothing,
        last_price=nothing,
        shares=nothing,
        **dates,
        dropped_target=np.array([], "datetime64[us]"),
        dropped_reason=np.array([], "U1"),
    )
    fold = Fold(2020, "test", sessions[start], sessions[-1] + pd.Timedelta(days=1))
    try:
        split = split_fold(windows, fold, validation_share=share, purge=delay + horizon)
    except DataError:
        assume(False)
    trained = label_sessions(sessions, split.train.entry_date, split.train.target_date)
    for other in (split.validation, split.forecast):
        tested = label_sessions(sessions, other.entry_date, other.target_date)
        assert not (trained & tested).any()
    # What stops the training ends before the fold as well.
    assert split.validation.target_date.max() < np.datetime64(fold.start)


@settings(max_examples=500)
@given(**CONFIGURATION, n_groups=st.integers(2, 7), n_test=st.integers(1, 3))
def test_a_combinatorial_fold_shares_none_and_embargoes_the_look_back(
    n, horizon, delay, lookback, seed, n_groups, n_test
):
    assume(n_test < n_groups)
    sessions = make_calendar(n, seed)
    dates = make_dates(
        sessions, delay=delay, horizon=horizon, lookback=lookback, seed=seed
    )
    folds = make_combinatorial_folds(sessions, n_groups=n_groups, n_test=n_test)
    fold = folds[seed % len(folds)]
    train, test = split_combinatorial(fold, sessions, **dates, lookback=lookback)
    entry, target = dates["entry_date"], dates["target_date"]
    tested = label_sessions(sessions, entry[test], target[test])
    trained = label_sessions(sessions, entry[train], target[train])
    assert not (trained & tested).any()
    assert not (train & test).any()
    # A window is purged only for a session it shares with a tested label.
    first = sessions.get_indexer(pd.DatetimeIndex(dates["origin"])) - lookback + 1
    last = sessions.get_indexer(pd.DatetimeIndex(target))
    for i in np.flatnonzero(~test):
        assert train[i] == (not tested[first[i] : last[i] + 1].any())


def test_the_groups_are_the_calendar_and_every_fold_tests_its_own() -> None:
    sessions = make_calendar(50, 1)
    folds = make_combinatorial_folds(sessions, n_groups=6, n_test=2)
    assert len(folds) == 15
    assert [fold.number for fold in folds] == list(range(15))
    assert folds[9].groups == (2, 3)
    spans = {
        group: span
        for fold in folds
        for group, span in zip(fold.groups, fold.spans, strict=True)
    }
    sizes = [
        sessions.get_loc(spans[g][1]) - sessions.get_loc(spans[g][0]) + 1
        for g in range(6)
    ]
    assert sum(sizes) == 50 and max(sizes) - min(sizes) <= 1
    assert spans[0][0] == sessions[0] and spans[5][1] == sessions[-1]


def test_every_window_is_tested_once_on_each_path() -> None:
    sessions = make_calendar(80, 2)
    dates = make_dates(sessions, delay=1, horizon=1, lookback=3, seed=2)
    folds = make_combinatorial_folds(sessions, n_groups=5, n_test=2)
    times = sum(
        split_combinatorial(fold, sessions, **dates, lookback=3)[1].astype(int)
        for fold in folds
    )
    assert (times == 4).all()  # 2 / 5 of 10 folds


def test_a_middle_block_costs_horizon_and_delay_before_and_the_look_back_after() -> (
    None
):
    sessions = pd.date_range("2022-01-01", periods=30).as_unit("us")
    dates = make_dates(sessions, delay=1, horizon=2, lookback=4, seed=0)
    # All windows: origins 3 to 26, targets 6 to 29.
    place = np.arange(3, 27)
    days = sessions.to_numpy("datetime64[us]")
    dates = {
        "origin": days[place],
        "entry_date": days[place + 1],
        "target_date": days[place + 3],
    }
    fold = make_combinatorial_folds(sessions, n_groups=3, n_test=1)[1]
    train, test = split_combinatorial(fold, sessions, **dates, lookback=4)
    # Targets 10 to 19, so origins 7 to 16 and labels from 8 to 19.
    assert place[test].tolist() == list(range(7, 17))
    # Before: targets below 8, origins to 4. After: inputs from 20 on, origins from 23.
    assert place[train].tolist() == [3, 4, 23, 24, 25, 26]


def test_overlap_is_whether_any_day_is_shared() -> None:
    rng = np.random.default_rng(3)
    first, other = rng.integers(0, 40, 60), rng.integers(0, 40, 5)
    last, end = first + rng.integers(0, 6, 60), other + rng.integers(0, 6, 5)
    plain = [
        any(a <= d and c <= b for c, d in zip(other, end, strict=True))
        for a, b in zip(first, last, strict=True)
    ]
    day = np.datetime64("2022-01-01")
    found = overlaps(day + first, day + last, day + other, day + end)
    assert found.tolist() == plain


def test_numbers_that_make_no_folds_are_refused() -> None:
    sessions = make_calendar(5, 0)
    for n_groups, n_test in [(3, 3), (3, 0), (6, 2)]:
        with pytest.raises(ConfigurationError, match=f"{n_test}, {n_groups} and 5"):
            make_combinatorial_folds(sessions, n_groups=n_groups, n_test=n_test)


def test_windows_off_the_calendar_or_without_a_target_are_refused() -> None:
    sessions = make_calendar(40, 0)
    dates = make_dates(sessions, delay=0, horizon=1, lookback=5, seed=0)
    fold = make_combinatorial_folds(sessions, n_groups=4, n_test=1)[0]
    with pytest.raises(DataError, match="origins too early"):
        split_combinatorial(fold, sessions, **dates, lookback=20)
    unknown = dates["target_date"].copy()
    unknown[-1] = np.datetime64("NaT")
    with pytest.raises(DataError, match="1 targets missing"):
        split_combinatorial(
            fold, sessions, **{**dates, "target_date": unknown}, lookback=5
        )
