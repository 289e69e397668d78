"""Power analysis of the challenger's test: promotion rate and time, before it starts.

A small edge needs years of sessions. Knowing that beforehand prevents both stopping a
test too early and trusting the first good month.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap
from numpy.typing import ArrayLike, NDArray

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.e_process import BETS, PROMOTE_AT

Array = NDArray[np.float64]

SESSIONS = (60, 125, 250, 500, 1000)
"""Planned lengths of a test: a quarter to four years."""

MEAN_BLOCK = 10
"""Mean block of the bootstrap of gains, which keeps volatile weeks together."""


def promotion_power(
    past: ArrayLike,
    *,
    edges: Sequence[float],
    ahead: int = 1,
    sessions: Sequence[int] = SESSIONS,
    reps: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Simulate the power of the betting test: how often and when it promotes.

    The sizes of gains are drawn from the past in blocks. Their signs are drawn at
    random so that the mean gain equals the assumed edge.

    Parameters
    ----------
    past : array of shape (n,)
        Gains of earlier sessions, in [-1, 1]; missing ones are left out.
    edges : sequence of float
        Assumed mean gains, from 0 to the mean size of a gain.
    ahead : int
        Interleaved streams, see ``betting_e_process``.
    sessions : sequence of int
        Lengths of the test.
    reps : int
        Tests simulated per edge.
    seed : int
        Of the simulation; the same for every edge.

    Returns
    -------
    DataFrame
        One row per edge and length: ``edge sessions promoted`` (share of tests promoted
        by then), ``expected_sessions`` (mean sessions until promotion or the end) and
        ``median_sessions`` (to promotion, of the promoted tests; missing without one).

    Raises
    ------
    StudyError
        If there is no past gain, or an edge is more than the sizes allow.
    """
    known = np.asarray(past, float)
    size = np.abs(known[~np.isnan(known)])
    if not size.any() or not all(0 <= edge <= size.mean() for edge in edges):
        raise StudyError(
            "Expected past gains, and edges from 0 to their mean size. Received: "
            f"{size.size} gains, mean size {size.mean() if size.size else 0:.3g}, "
            f"edges {tuple(edges)}"
        )
    longest = max(sessions)
    drawn = _sizes(size, longest, reps=reps, seed=seed)
    chance = np.random.default_rng(seed).random(drawn.shape)
    rows = []
    for edge in edges:
        # P(gain > 0) = (1 + edge / mean size) / 2, so that the mean gain is the edge
        won = chance < (1 + edge / size.mean()) / 2
        when = _promotion(np.where(won, drawn, -drawn), ahead=ahead)
        rows += [{"edge": edge, **_summary(when, length)} for length in sessions]
    return pd.DataFrame(rows)


def _sizes(size: Array, length: int, *, reps: int, seed: int) -> Array:
    """Draw sizes of gains in blocks of consecutive sessions, (reps, length)."""
    needed = np.resize(size, max(length, size.size))
    bootstrap = StationaryBootstrap(min(MEAN_BLOCK, size.size), needed, seed=seed)
    draws = [data[0][0][:length] for data in bootstrap.bootstrap(reps)]
    return np.stack(draws)


def _promotion(gains: Array, *, ahead: int) -> NDArray[np.int64]:
    """Return the session, from 1, at which each row is promoted; 0 for never."""
    best = np.full(gains.shape, -np.inf)
    place = np.arange(gains.shape[1]) % ahead
    for stream in range(ahead):
        own = np.where(place == stream, gains, 0.0)
        wealth = np.full(gains.shape, -np.log(len(BETS) * ahead))
        mixed = np.full(gains.shape, -np.inf)
        for bet in BETS:
            mixed = np.logaddexp(mixed, wealth + np.cumsum(np.log1p(bet * own), axis=1))
        best = np.maximum(best, mixed)
    reached = best >= np.log(PROMOTE_AT)
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, 0)


def _summary(when: NDArray[np.int64], length: int) -> dict[str, float]:
    promoted = (when > 0) & (when <= length)
    return {
        "sessions": length,
        "promoted": float(promoted.mean()),
        "expected_sessions": float(np.where(promoted, when, length).mean()),
        "median_sessions": float(np.median(when[promoted]))
        if promoted.any()
        else float("nan"),
    }
