"""Folds of the calendar: walk-forward years, the test year, combinatorial folds.

Walk-forward years and the test year train on the past alone. A combinatorial fold tests
on some blocks of the calendar and trains on the rest, later sessions included, so
windows that overlap a block are purged on both sides.

Folds hold dates only. ``windows.split_fold`` applies a yearly fold to one stock's
windows, ``split_combinatorial`` a combinatorial one to their dates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.errors import ConfigurationError, DataError

MIN_TEST_SESSIONS = 200
"""Sessions of a year that may be the test year unasked, about ten months."""

Dates = NDArray[np.datetime64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Fold:
    """One forecast year, with models trained on the years before it."""

    year: int
    kind: Literal["walk_forward", "test"]
    """Choices may use walk-forward years; the test year is read once."""
    start: pd.Timestamp
    """1 January of ``year``; training uses earlier sessions only."""
    end: pd.Timestamp
    """1 January of the next year, outside the fold."""


@dataclass(frozen=True)
class CombinatorialFold:
    """Blocks of the calendar that are tested with models trained on the rest."""

    number: int
    """From 0, in lexicographic order of the groups."""
    groups: tuple[int, ...]
    """Numbers of the tested groups, from 0, increasing."""
    spans: tuple[tuple[pd.Timestamp, pd.Timestamp], ...]
    """First and last session of each group, both inside."""


def make_folds(test_year: int, n_walk_forward: int) -> tuple[Fold, ...]:
    """Return the walk-forward years in order, then the test year.

    Parameters
    ----------
    test_year : int
        The last fold's year.
    n_walk_forward : int
        Years before it that choices are made on, at least 0.

    Raises
    ------
    ConfigurationError
        If ``n_walk_forward`` is negative.

    Examples
    --------
    >>> [(fold.year, fold.kind) for fold in make_folds(2023, 2)]
    [(2021, 'walk_forward'), (2022, 'walk_forward'), (2023, 'test')]
    """
    if n_walk_forward < 0:
        raise ConfigurationError(
            f"`n_walk_forward` must be at least 0. Received: {n_walk_forward}"
        )
    return folds_of_years(range(test_year - n_walk_forward, test_year), test_year)


def folds_of_years(walk_forward: Sequence[int], test_year: int) -> tuple[Fold, ...]:
    """Return the folds of the walk-forward years, then that of the test year.

    Parameters
    ----------
    walk_forward : sequence of int
        Years that choices are made on, in order. Between them may lie years that are
        not scored.
    test_year : int
        The last fold's year.

    Raises
    ------
    ConfigurationError
        If the years do not increase up to the test year.
    """
    years = [*walk_forward, test_year]
    if any(now >= then for now, then in pairwise(years)):
        raise ConfigurationError(
            f"Expected walk-forward years in order before {test_year}. Received: "
            f"{list(walk_forward)}"
        )
    before = (_fold(year, "walk_forward") for year in walk_forward)
    return (*before, _fold(test_year, "test"))


def make_combinatorial_folds(
    sessions: pd.DatetimeIndex, *, n_groups: int, n_test: int
) -> tuple[CombinatorialFold, ...]:
    """Cut a calendar into groups and return a fold for every choice of test groups.

    Parameters
    ----------
    sessions : DatetimeIndex of shape (n_sessions,)
        Strictly increasing, all before the test year.
    n_groups : int
        Consecutive groups of sessions whose sizes differ by at most one.
    n_test : int
        Groups that a fold tests, at least 1 and below ``n_groups``.

    Raises
    ------
    ConfigurationError
        If the numbers do not fit each other or the calendar.

    References
    ----------
    .. [1] M. Lopez de Prado (2018). Advances in financial machine learning, ch. 12.

    Examples
    --------
    >>> sessions = pd.date_range("2024-01-01", periods=6)
    >>> folds = make_combinatorial_folds(sessions, n_groups=3, n_test=2)
    >>> [fold.groups for fold in folds]
    [(0, 1), (0, 2), (1, 2)]
    """
    if not (1 <= n_test < n_groups <= len(sessions)):
        raise ConfigurationError(
            "Expected 1 <= `n_test` < `n_groups` <= the number of sessions. "
            f"Received: {n_test}, {n_groups} and {len(sessions)}"
        )
    places = np.array_split(np.arange(len(sessions)), n_groups)
    spans = [(sessions[place[0]], sessions[place[-1]]) for place in places]
    choices = combinations(range(n_groups), n_test)
    return tuple(
        CombinatorialFold(number, groups, tuple(spans[group] for group in groups))
        for number, groups in enumerate(choices)
    )


def combinatorial_paths(n_groups: int, n_test: int) -> NDArray[np.intp]:
    """Return the fold that tests each group, on each path through the calendar.

    Every group is tested equally often, so the folds combine to complete histories.

    Parameters
    ----------
    n_groups, n_test : int
        As for ``make_combinatorial_folds``.

    Returns
    -------
    array of shape (n_paths, n_groups)
        Number of the fold, by path and group.

    Examples
    --------
    >>> combinatorial_paths(3, 2).tolist()
    [[0, 0, 1], [1, 2, 2]]
    """
    choices = list(combinations(range(n_groups), n_test))
    paths = np.empty((comb(n_groups - 1, n_test - 1), n_groups), np.intp)
    for group in range(n_groups):
        paths[:, group] = [n for n, chosen in enumerate(choices) if group in chosen]
    return paths


def split_combinatorial(
    fold: CombinatorialFold,
    sessions: pd.DatetimeIndex,
    *,
    origin: Dates,
    entry_date: Dates,
    target_date: Dates,
    lookback: int,
) -> tuple[Flags, Flags]:
    """Split one stock's windows by a combinatorial fold, purged on both sides.

    A window is tested if its target lies in one of the fold's blocks. It trains if no
    session from its first input to its target belongs to a tested label, from entry to
    target. That purges ``delay + horizon`` sessions on both sides of a block, and the
    lookback after it.

    Parameters
    ----------
    fold : CombinatorialFold
    sessions : DatetimeIndex
        The market's calendar.
    origin, entry_date, target_date : array of shape (n,)
        One per window, all on the calendar.
    lookback : int
        Sessions of a window's input, up to its origin.

    Returns
    -------
    train, test : bool array of shape (n,)
        No window is in both. Purged windows are in neither.

    Raises
    ------
    DataError
        If a date is not on the calendar or a lookback begins before it.
    """
    place = sessions.get_indexer(pd.DatetimeIndex(origin)) - lookback + 1
    if np.any(place < 0) or np.isnat(entry_date).any() or np.isnat(target_date).any():
        raise DataError(
            f"Expected windows with {lookback} sessions up to their origin and a known "
            f"target. Received: {int(np.sum(place < 0))} origins too early or off the "
            f"calendar, {int(np.isnat(target_date).sum())} targets missing"
        )
    first = sessions.to_numpy(target_date.dtype)[place]
    test = np.zeros(len(origin), bool)
    for start, end in fold.spans:
        test |= (target_date >= np.datetime64(start)) & (
            target_date <= np.datetime64(end)
        )
    met = overlaps(first, target_date, entry_date[test], target_date[test])
    return ~test & ~met, test


def overlaps(first: Dates, last: Dates, starts: Dates, ends: Dates) -> Flags:
    """Return whether each span overlaps any of the other spans.

    Parameters
    ----------
    first, last : array of shape (n,)
        First and last day of each span, both inside.
    starts, ends : array of shape (m,)
        The other spans, in any order.

    Examples
    --------
    >>> day = np.array(["2024-01-01", "2024-01-02", "2024-01-03"], "datetime64[D]")
    >>> overlaps(day, day, day[1:2], day[2:]).tolist()
    [False, True, True]
    """
    # A span that ended before `first` also began before `last`, so the difference of
    # the two counts is the number of spans that meet.
    begun = np.searchsorted(np.sort(starts), last, side="right")
    over = np.searchsorted(np.sort(ends), first, side="left")
    return np.asarray(begun > over)


def resolve_test_year(panel: pd.DataFrame, test_year: int) -> int:
    """Return the test year; 0 means the last year with at least 200 sessions.

    A year that has only begun is loaded and forecast, but tells too little to judge a
    model on. It is the test year if it is asked for, or if no year is longer.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL``.
    test_year : int

    Raises
    ------
    ConfigurationError
        If the panel has no session in that year.
    """
    sessions = pd.DatetimeIndex(panel["session"].unique())
    counts = pd.Series(sessions.year).value_counts().sort_index()
    if counts.empty:
        raise ConfigurationError("Expected a panel with sessions. Received: no rows")
    if test_year == 0:
        whole = counts[counts >= MIN_TEST_SESSIONS]
        return int((counts if whole.empty else whole).index[-1])
    if test_year not in counts.index:
        raise ConfigurationError(
            f"`test_year` must be 0 or one of {[int(y) for y in counts.index]}. "
            f"Received: {test_year}"
        )
    return test_year


def _fold(year: int, kind: Literal["walk_forward", "test"]) -> Fold:
    return Fold(year, kind, pd.Timestamp(year, 1, 1), pd.Timestamp(year + 1, 1, 1))
