"""When a run of bad sessions is more than bad luck: cumulative sums, calibrated.

A *signal* is a number a session and stock of which more is worse: an error, a miss, a
fault. It is held against the stock's own history, and the excess over a small allowance
is summed up; the sum never falls below nought, rings at its threshold and starts anew
(Page 1954). One rule serves every signal.

A threshold is what history would have crossed no more often than is allowed, drawn
again and again in blocks, all stocks of a session together, since bad sessions follow
each other and hit all stocks at once.

References
----------
.. [1] E. Page (1954). Continuous inspection schemes. Biometrika 41, 100-115.
.. [2] D. Politis and J. Romano (1994). The stationary bootstrap. JASA 89, 1303-1313.
"""

from dataclasses import dataclass

import numpy as np
from arch.bootstrap import StationaryBootstrap
from numpy.typing import ArrayLike, NDArray

from nse_lstm.errors import StudyError

Array = NDArray[np.float64]

ALLOWANCE = 0.25
"""Deviations a session that are let pass: a shift of half of one is found soonest."""

LARGEST = 4.0
"""Deviations that one session counts at most: one outlier is no drift."""

MIN_OWN = 60
"""Sessions of history from which a stock is held against its own."""

MARGIN = 0.6
"""Share of the allowed rate that is aimed at: blocks cut through runs, so that fresh
years of a dependent market ring a quarter to a half oftener than drawn ones."""

STEPS = 20
"""Halvings of the span in which a threshold is looked for."""


@dataclass(frozen=True)
class Baseline:
    """What each stock's signals were like: arrays of shape (n_stocks, n_signals)."""

    mean: Array
    deviation: Array


def fit_baseline(history: Array) -> Baseline:
    """Measure signals of sessions past.

    Parameters
    ----------
    history : array of shape (n_sessions, n_stocks, n_signals)
        A missing value is a session that says nothing.

    Returns
    -------
    Baseline
        A stock with fewer than ``MIN_OWN`` values of a signal has all stocks'; missing
        where no stock has any.
    """
    given = ~np.isnan(history)
    own = _moments(history, given, axis=(0,))
    pooled = _moments(history, given, axis=(0, 1))
    enough = given.sum(axis=0) >= MIN_OWN
    mean, deviation = (
        np.where(enough, mine, ours) for mine, ours in zip(own, pooled, strict=True)
    )
    return Baseline(mean, deviation)


def to_z_scores(signals: Array, baseline: Baseline) -> Array:
    """Return signals in deviations from their history, at most ``LARGEST`` of them.

    Parameters
    ----------
    signals : array of shape (n_sessions, n_stocks, n_signals)
    baseline : Baseline
        From ``fit_baseline``. Where a signal never varied, any other value is as far
        away as can be.

    Returns
    -------
    array of the same shape
        Missing where the signal or its history is.
    """
    around = signals - baseline.mean
    around[np.abs(around) < 1e-12] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = around / baseline.deviation
    scaled = np.where(around == 0, 0.0, scaled)
    return np.clip(scaled, -LARGEST, LARGEST)


def run_cusum(scaled: Array, threshold: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    """Sum up what is beyond the allowance, session by session.

    Parameters
    ----------
    scaled : array of shape (n_sessions, ...)
        From ``to_z_scores``; a missing value leaves the sum as it is.
    threshold : array that broadcasts to the shape of one session
        What the sum rings at.

    Returns
    -------
    level, rings : arrays of the same shape
        The sum after each session, and whether it rang; then it starts anew.

    Examples
    --------
    >>> level, rings = run_cusum(np.array([1.25, 1.25, -1.0, 0.5]), 2.0)
    >>> level.tolist(), rings.tolist()
    ([1.0, 2.0, 0.0, 0.25], [False, True, False, False])
    """
    beyond = np.where(np.isnan(scaled), 0.0, scaled - ALLOWANCE)
    level = np.empty_like(beyond)
    rings = np.empty(beyond.shape, bool)
    now = np.zeros(beyond.shape[1:])
    for session, step in enumerate(beyond):
        now = np.maximum(now + step, 0.0)
        level[session] = now
        rings[session] = now >= threshold
        now = np.where(rings[session], 0.0, now)
    return level, rings


def calibrate_thresholds(
    history: Array,
    *,
    rate: float,
    sessions_per_year: int,
    block: int,
    reps: int,
    seed: int,
) -> Array:
    """Return the threshold of each signal that luck reaches no oftener than allowed.

    Each draw is a history of the same length and a year after it, in blocks of sessions
    of the history, all stocks and signals of a session together; the year is held
    against that history. So what is not known of a mean from so short a history is
    allowed for.

    Parameters
    ----------
    history : array of shape (n_sessions, n_stocks, n_signals)
        From ``deploy.monitoring``, of sessions without a known fault.
    rate : float
        Alarms of one signal allowed a stock-year, above 0.
    sessions_per_year : int
        Length of the year.
    block : int
        Mean length of a block, sessions.
    reps : int
        Years drawn.
    seed : int
        Of the drawing.

    Returns
    -------
    array of shape (n_signals,)

    Raises
    ------
    StudyError
        If there is no history.
    """
    n, n_stocks, n_signals = history.shape
    if n < 2 or not n_stocks or rate <= 0:
        raise StudyError(
            "Expected a history of sessions and a rate above 0. "
            f"Received: {n} sessions of {n_stocks} stocks, rate={rate}"
        )
    years = np.stack(
        [
            to_z_scores(history[after], fit_baseline(history[before]))
            for before, after in _draws(
                n, sessions_per_year, block=block, reps=reps, seed=seed
            )
        ],
        axis=1,
    )
    low = np.zeros(n_signals)
    # More than every session's worst cannot add up.
    high = np.full(n_signals, LARGEST * sessions_per_year)
    for _ in range(STEPS):
        middle = (low + high) / 2
        _, rings = run_cusum(years, middle)
        too_many = rings.sum(axis=(0, 1, 2)) / (reps * n_stocks) > MARGIN * rate
        low, high = np.where(too_many, middle, low), np.where(too_many, high, middle)
    return high


def _draws(
    n: int, length: int, *, block: int, reps: int, seed: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Draw places of a history of n sessions and of a year after it."""
    places = np.resize(np.arange(n), n + length)
    bootstrap = StationaryBootstrap(block, places, seed=seed)
    drawn = [data[0][0] for data in bootstrap.bootstrap(reps)]
    return [(rows[:n], rows[n:]) for rows in drawn]


def _moments(
    history: Array, given: NDArray[np.bool_], *, axis: tuple[int, ...]
) -> tuple[Array, Array]:
    count = given.sum(axis=axis).astype(float)
    count[count == 0] = np.nan
    filled = np.where(given, history, 0.0)
    mean = filled.sum(axis=axis) / count
    squares = np.where(given, (history - mean) ** 2, 0.0).sum(axis=axis)
    return mean, np.sqrt(squares / count)
