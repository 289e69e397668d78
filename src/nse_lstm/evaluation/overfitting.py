"""Probability of backtest overfitting by combinatorially symmetric cross-validation.

Sessions are cut into blocks. For every half of the blocks, the best trial of that half
is chosen and ranked on the other half. Without skill its rank there is uniform.

Conventions, each fixed by a test: a rank of exactly the middle counts as overfit
(λ ≤ 0, as in the paper). Trials that tie for the best share the choice evenly, those
that tie afterwards their mean rank. Sessions that do not fill the blocks are dropped at
the start. A trial without variance in a half has a Sharpe ratio of 0 there.

References
----------
.. [1] D. Bailey, J. Borwein, M. Lopez de Prado and Q. Zhu (2017). The probability of
   backtest overfitting. Journal of Computational Finance 20(4), 39-69.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from nse_lstm.errors import StudyError

Array = NDArray[np.float64]
Measure = Literal["sharpe", "mean"]

DIGITS = 12
"""Scores that agree to this many decimals are a tie."""

ROUNDING = 1e-12
"""Tolerance: even log odds this far from 0, a variance this fraction of a square."""


@dataclass(frozen=True, eq=False)
class Overfitting:
    """Out-of-sample performance of the trial chosen in sample.

    ``logits`` has one entry per split, in lexicographic order of the choosing blocks:
    the log odds of the chosen trial's later rank, the mean over tied choices. ``slope``
    is the regression slope of its later score on its earlier one over the splits,
    missing where the latter does not vary. ``loss_share`` is the share of splits with a
    negative later score.
    """

    probability: float
    logits: Array
    slope: float
    loss_share: float
    n_trials: int
    n_splits: int


def backtest_overfitting(
    returns: ArrayLike, *, n_blocks: int = 16, measure: Measure = "sharpe"
) -> Overfitting:
    """Estimate the probability of backtest overfitting.

    Parameters
    ----------
    returns : array of shape (n_sessions, n_trials)
        Session returns of every trial over the same sessions, in order, none missing.
    n_blocks : int
        Even; 16 gives 12,870 splits.
    measure : {"sharpe", "mean"}
        Criterion of choice and rank: the Sharpe ratio per session with the sample
        standard deviation, or the mean return.

    Raises
    ------
    StudyError
        If there are fewer than 2 trials or 2 sessions per block, a return is missing,
        or ``n_blocks`` is not even.

    Examples
    --------
    >>> always_ahead = [[2.0, 1.0], [2.2, 1.1], [2.0, 1.0], [2.2, 1.1]]
    >>> backtest_overfitting(always_ahead, n_blocks=2, measure="mean").probability
    0.0
    """
    table = _check(np.asarray(returns, float), n_blocks)
    before, after = _halves(table, n_blocks, measure)
    chosen = before == before.max(axis=1, keepdims=True)
    share = chosen / chosen.sum(axis=1, keepdims=True)
    rank = rankdata(after, axis=1) / (table.shape[1] + 1)
    logit = np.log(rank / (1 - rank))
    best, then = before.max(axis=1), (share * after).sum(axis=1)
    return Overfitting(
        probability=float((share * (logit <= ROUNDING)).sum(axis=1).mean()),
        logits=(share * logit).sum(axis=1),
        slope=_slope(best, then),
        loss_share=float((share * (after < 0)).sum(axis=1).mean()),
        n_trials=table.shape[1],
        n_splits=len(before),
    )


def _check(table: Array, n_blocks: int) -> Array:
    """Return the latest sessions that fill the blocks."""
    if n_blocks < 2 or n_blocks % 2:
        raise StudyError(f"`n_blocks` must be even. Received: {n_blocks}")
    wide = table.ndim == 2 and table.shape[1] >= 2
    if not wide or len(table) < 2 * n_blocks or np.isnan(table).any():
        raise StudyError(
            "Expected at least 2 trials and 2 sessions per block, no return missing. "
            f"Received: shape {table.shape}, {int(np.isnan(table).sum())} missing, "
            f"{n_blocks} blocks"
        )
    return table[len(table) % n_blocks :]


def _halves(table: Array, n_blocks: int, measure: Measure) -> tuple[Array, Array]:
    """Return each trial's scores on the choosing half and the other, (n_splits, n)."""
    centre = table.mean(axis=0)
    blocks = (table - centre).reshape(n_blocks, -1, table.shape[1])
    splits = list(combinations(range(n_blocks), n_blocks // 2))
    member = np.zeros((len(splits), n_blocks))
    np.put_along_axis(member, np.array(splits), 1.0, axis=1)
    n = len(table) // 2
    found = []
    for half in (member, 1 - member):
        mean = half @ blocks.sum(axis=1) / n
        score = mean + centre
        if measure == "sharpe":
            square = half @ (blocks**2).sum(axis=1)
            # sum((x - mean)²) = sum(x²) - n mean²
            around = square - n * mean**2
            varies = around > ROUNDING * square
            deviation = np.sqrt(np.where(varies, around, 1.0) / (n - 1))
            score = np.where(varies, score / deviation, 0.0)
        found.append(score.round(DIGITS))
    return found[0], found[1]


def _slope(before: Array, after: Array) -> float:
    around = before - before.mean()
    spread = float(around @ around)
    return float(around @ after / spread) if np.ptp(before) > 0 else float("nan")
