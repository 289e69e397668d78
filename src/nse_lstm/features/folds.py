"""The calendar cut into folds: yearly ones to study by, combinatorial ones to doubt by.

Walk-forward years and the test year after them train on the past alone. A combinatorial
fold tests on some blocks of the calendar and trains on all the rest, later sessions
too, so what overlaps is purged on both sides of every block.

Only dates live here; ``windows.split_fold`` applies a yearly fold to one ticker's
windows, ``split_combinatorial`` a combinatorial one to their dates.
"""

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.errors import ConfigurationError, DataError

Dates = NDArray[np.datetime64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Fold:
    """One year that is forecast by models trained on the years before it."""

    year: int
    kind: Literal["walk_forward", "test"]
    """Choices may use walk-forward years; the test year is read once."""
    start: pd.Timestamp
    """1 January of ``year``: what is trained has seen no session from here on."""
    end: pd.Timestamp
    """1 January of the year after, itself outside the fold."""


@dataclass(frozen=True)
class CombinatorialFold:
    """Some blocks of the calendar that are tested by what is trained on the rest."""

    number: int
    """From 0, in lexicographic order of the groups."""
    groups: tuple[int, ...]
    """The groups that are tested, from 0, increasing."""
    spans: tuple[tuple[pd.Timestamp, pd.Timestamp], ...]
    """First and last session of each of them, both inside."""


def make_folds(test_year: int, n_walk_forward: int) -> tuple[Fold, ...]:
    """Return the walk-forward years in order, then the test year.

    Parameters
    ----------
    test_year : int
        The last fold's year.
    n_walk_forward : int
        Number of years before it that choices are made on, at least 0.

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
    before = range(test_year - n_walk_forward, test_year)
    return (*(_fold(year, "walk_forward") for year in before), _fold(test_year, "test"))


def make_combinatorial_folds(
    sessions: pd.DatetimeIndex, *, n_groups: int, n_test: int
) -> tuple[CombinatorialFold, ...]:
    """Cut a calendar into groups and return every choice of some of them to test.

    Parameters
    ----------
    sessions : DatetimeIndex of shape (n_sessions,)
        Strictly increasing; before the test year, which stays sealed.
    n_groups : int
        Consecutive groups of sessions, of sizes that differ by one at most.
    n_test : int
        Groups of a fold that are tested, at least 1 and below ``n_groups``.

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
    """Return which fold tests each group on each whole path through the calendar.

    Every group is tested as often as any other, so the folds can be laid side by side
    to as many complete histories.

    Returns
    -------
    array of shape (n_paths, n_groups)
        Number of the fold: the path's own among those that test the group, in order.

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
    """Say which windows of one ticker a combinatorial fold trains on and tests.

    A window is tested if its target lies in one of the fold's blocks. It trains if
    nothing of it, from the first session of its input to its target, is a session of
    a tested label, which reaches from entry to target, both included. That purges
    ``delay + horizon`` sessions on both sides of a block, and the look-back after it.

    Parameters
    ----------
    sessions : DatetimeIndex
        The market's calendar.
    origin, entry_date, target_date : array of shape (n,)
        Of the windows, all on the calendar.
    lookback : int
        Sessions of their input, the last being the origin.

    Returns
    -------
    train, test : bool array of shape (n,)
        Never both; purged windows are neither.

    Raises
    ------
    DataError
        If a date is not on the calendar or the look-back begins before it.
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
    """Say which spans share a day with any of some others, ends included.

    Parameters
    ----------
    first, last : array of shape (n,)
        The spans that are asked about.
    starts, ends : array of shape (m,)
        The others, in any order.

    Examples
    --------
    >>> day = np.array(["2024-01-01", "2024-01-02", "2024-01-03"], "datetime64[D]")
    >>> overlaps(day, day, day[1:2], day[2:]).tolist()
    [False, True, True]
    """
    # An other that ended before a span's first day had begun before its last as well.
    begun = np.searchsorted(np.sort(starts), last, side="right")
    over = np.searchsorted(np.sort(ends), first, side="left")
    return np.asarray(begun > over)


def resolve_test_year(panel: pd.DataFrame, test_year: int) -> int:
    """Return the test year, 0 standing for the last calendar year in the panel.

    Raises
    ------
    ConfigurationError
        If the panel has no session in that year.
    """
    years = sorted({int(year) for year in panel["session"].dt.year.unique()})
    if not years:
        raise ConfigurationError("Expected a panel with sessions. Received: no rows")
    if test_year == 0:
        return years[-1]
    if test_year not in years:
        raise ConfigurationError(
            f"`test_year` must be 0 or one of {years}. Received: {test_year}"
        )
    return test_year


def _fold(year: int, kind: Literal["walk_forward", "test"]) -> Fold:
    return Fold(year, kind, pd.Timestamp(year, 1, 1), pd.Timestamp(year + 1, 1, 1))
