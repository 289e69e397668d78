"""What a test of a challenger can find, and how long it takes: said before it starts.

A small edge needs years of sessions. Who knows that beforehand neither stops a test in
despair nor believes the first good month.
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
"""Lengths of a test that are planned for: a quarter to four years."""

MEAN_BLOCK = 10
"""Of the bootstrap that draws the sizes of gains: calm and wild weeks stay weeks."""


def promotion_power(
    past: ArrayLike,
    *,
    edges: Sequence[float],
    ahead: int = 1,
    sessions: Sequence[int] = SESSIONS,
    reps: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Return how often, and after how long, a test would end in a promotion.

    The sizes of the gains are those of the past, drawn in blocks; their signs are
    drawn anew, so that a gain's mean is the assumed edge and nothing else, and at an
    edge of 0 the two forecasters can be exchanged.

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
        Tests drawn for each edge.
    seed : int
        Of the drawing; the same for every edge.

    Returns
    -------
    DataFrame
        One row an edge and length: ``edge sessions promoted`` (share of the tests that
        ended in a promotion by then), ``expected_sessions`` (mean number of sessions
        until promotion or the end) and ``median_sessions`` (to promotion, of the tests
        promoted; missing of none).

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
        won = chance < (1 + edge / size.mean()) / 2
        when = _promotion(np.where(won, drawn, -drawn), ahead=ahead)
        rows += [{"edge": edge, **_summary(when, length)} for length in sessions]
    return pd.DataFrame(rows)


def _sizes(size: Array, length: int, *, reps: int, seed: int) -> Array:
    """Draw sizes of gains, (reps, length), in blocks as they followed each other."""
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
