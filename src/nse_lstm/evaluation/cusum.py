"""CUSUM alarms for drift, with thresholds calibrated by a block bootstrap of history.

A *signal* is one number per session and stock, higher is worse: an error, a miss, a
fault. It is standardised by the stock's own history. The excess over a small allowance
is summed; the sum stays at or above 0, raises an alarm at its threshold and restarts
(Page 1954). One rule serves every signal.

The threshold is the level that resampled history crosses no more often than allowed.
Blocks hold all stocks of a session, because bad sessions cluster and affect all stocks.

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
"""Deviations per session that are ignored: a shift of 0.5 is then detected fastest."""

LARGEST = 4.0
"""Largest number of deviations per session: one outlier is no drift."""

MIN_OWN = 60
"""Sessions of history needed for a stock's own moments."""

MARGIN = 0.6
"""Fraction of the allowed rate that is targeted: blocks cut through runs, so new years
of a dependent market raise 25 to 50 % more alarms than resampled ones."""

STEPS = 20
"""Bisection steps of the search for a threshold."""


@dataclass(frozen=True)
class Baseline:
    """Mean and deviation of each signal, arrays of shape (n_stocks, n_signals)."""

    mean: Array
    deviation: Array


def fit_baseline(history: Array) -> Baseline:
    """Measure the mean and deviation of past signals per stock.

    Parameters
    ----------
    history : array of shape (n_sessions, n_stocks, n_signals)
        A missing value is ignored.

    Returns
    -------
    Baseline
        A stock with fewer than ``MIN_OWN`` values of a signal has the moments of all
        stocks; missing where no stock has a value.
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
    """Standardise signals by their history: (signal - mean) / deviation, clipped.

    Parameters
    ----------
    signals : array of shape (n_sessions, n_stocks, n_signals)
        Missing where unknown.
    baseline : Baseline
        From ``fit_baseline``. Where a signal never varied, any other value becomes
        plus or minus ``LARGEST``.

    Returns
    -------
    array of the same shape
        Between plus and minus ``LARGEST``; missing where the signal or its history is.
    """
    around = signals - baseline.mean
    around[np.abs(around) < 1e-12] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = around / baseline.deviation
    scaled = np.where(around == 0, 0.0, scaled)
    return np.clip(scaled, -LARGEST, LARGEST)


def run_cusum(scaled: Array, threshold: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    """Run a CUSUM: sum the excess over the allowance and raise alarms at a threshold.

    Parameters
    ----------
    scaled : array of shape (n_sessions, ...)
        From ``to_z_scores``; a missing value leaves the sum unchanged.
    threshold : array that broadcasts to the shape of one session
        An alarm is raised where the sum reaches it.

    Returns
    -------
    level, alarms : arrays of the same shape
        The sum after each session, and whether it raised an alarm; then it restarts.

    Examples
    --------
    >>> level, alarms = run_cusum(np.array([1.25, 1.25, -1.0, 0.5]), 2.0)
    >>> level.tolist(), alarms.tolist()
    ([1.0, 2.0, 0.0, 0.25], [False, True, False, False])
    """
    beyond = np.where(np.isnan(scaled), 0.0, scaled - ALLOWANCE)
    level = np.empty_like(beyond)
    alarms = np.empty(beyond.shape, bool)
    now = np.zeros(beyond.shape[1:])
    for session, step in enumerate(beyond):
        now = np.maximum(now + step, 0.0)  # S[t] = max(S[t-1] + z[t] - allowance, 0)
        level[session] = now
        alarms[session] = now >= threshold
        now = np.where(alarms[session], 0.0, now)
    return level, alarms


def calibrate_thresholds(
    history: Array,
    *,
    rate: float,
    sessions_per_year: int,
    block: int,
    reps: int,
    seed: int,
) -> Array:
    """Calibrate each signal's threshold to an allowed rate of false alarms.

    Each draw is a resampled history of the same length and a year after it, in blocks
    of sessions with all stocks and signals together. The year is standardised by that
    history, so the estimation error of the moments is included.

    Parameters
    ----------
    history : array of shape (n_sessions, n_stocks, n_signals)
        From ``deployment.monitoring``, of sessions without a known fault.
    rate : float
        Allowed alarms of one signal per stock and year, above 0.
    sessions_per_year : int
        Length of the year.
    block : int
        Mean length of a block, sessions.
    reps : int
        Years drawn.
    seed : int
        Of the bootstrap.

    Returns
    -------
    array of shape (n_signals,)
        Thresholds.

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
    # Upper bound of the sum: LARGEST in every session of the year.
    high = np.full(n_signals, LARGEST * sessions_per_year)
    for _ in range(STEPS):
        middle = (low + high) / 2
        _, alarms = run_cusum(years, middle)
        too_many = alarms.sum(axis=(0, 1, 2)) / (reps * n_stocks) > MARGIN * rate
        low, high = np.where(too_many, middle, low), np.where(too_many, high, middle)
    return high


def _draws(
    n: int, length: int, *, block: int, reps: int, seed: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Draw row numbers of resampled histories of n sessions and of the years after."""
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
