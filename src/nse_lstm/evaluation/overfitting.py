"""How often the best of the past is below the middle afterwards.

Combinatorially symmetric cross-validation: the sessions are cut into blocks, half of
them choose the best trial, the other half says where it then stood, for every such
half. Where choosing is worth nothing the chosen one lands anywhere.

Conventions, each fixed by a test: a rank of exactly the middle counts as overfit
(λ ≤ 0, as in the paper); trials that tie for the best share the choice evenly, those
that tie afterwards their mean rank; sessions that do not fill the blocks are left out
at the start; a trial that did not vary over a half has a Sharpe ratio of 0 there.

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
"""Even odds may come out this far from 0, and a variance this share of a square."""


@dataclass(frozen=True, eq=False)
class Overfitting:
    """What choosing by the past was worth.

    ``logits`` has one entry a split, in lexicographic order of the choosing blocks: the
    log odds of the chosen trial's rank afterwards, the mean over tied choices.
    ``slope`` is of the chosen one's score afterwards on its score before, over the
    splits, and missing where the latter does not vary. ``loss_share`` is how often the
    chosen one's score was negative afterwards.
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
        What a trial is chosen and ranked by: the Sharpe ratio a session with the
        sample's standard deviation, or the mean return.

    Raises
    ------
    StudyError
        If there are fewer than 2 trials or 2 sessions a block, a return is missing, or
        ``n_blocks`` is not even.

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
    """Return the sessions that fill the blocks, the latest ones."""
    if n_blocks < 2 or n_blocks % 2:
        raise StudyError(f"`n_blocks` must be even. Received: {n_blocks}")
    wide = table.ndim == 2 and table.shape[1] >= 2
    if not wide or len(table) < 2 * n_blocks or np.isnan(table).any():
        raise StudyError(
            "Expected at least 2 trials and 2 sessions a block, no return missing. "
            f"Received: shape {table.shape}, {int(np.isnan(table).sum())} missing, "
            f"{n_blocks} blocks"
        )
    return table[len(table) % n_blocks :]


def _halves(table: Array, n_blocks: int, measure: Measure) -> tuple[Array, Array]:
    """Scores of every trial on the choosing half and on the other, (n_splits, n)."""
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
