"""Scores of forecast quantiles: CRPS, pinball loss, PIT, coverage and value at risk.

A forecast distribution is its quantiles at ``LEVELS``. Two thirds of a stock's sessions
may move its price and the others not, so a distribution can have an atom: a run of
levels with one quantile. The scores allow for that.

References
----------
.. [1] T. Gneiting and A. Raftery (2007). Strictly proper scoring rules, prediction, and
   estimation. JASA 102(477), 359-378.
.. [2] P. Kupiec (1995). Techniques for verifying the accuracy of risk measurement
   models. Journal of Derivatives 3(2), 73-84.
.. [3] P. Christoffersen (1998). Evaluating interval forecasts. International Economic
   Review 39(4), 841-862.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlog1py, xlogy
from scipy.stats import chi2

from nse_lstm.errors import StudyError
from nse_lstm.tables import QUANTILE_COLUMNS, QUANTILE_LEVELS

Numbers = NDArray[np.float64]

LEVELS: Numbers = np.array(QUANTILE_LEVELS)
"""Probabilities of the forecast quantiles, increasing and symmetric about 1/2."""
COLUMNS = QUANTILE_COLUMNS
"""Names of the quantiles' columns in tables, in the order of ``LEVELS``."""


@dataclass(frozen=True)
class RiskTest:
    """Value at risk of one stock against what happened."""

    n: int
    n_breaches: int
    """Sessions whose return was below the value at risk."""
    kupiec: float
    """p-value: breaches come as often as stated."""
    christoffersen: float
    """p-value: as often as stated, and independent of each other."""


def level_weights() -> Numbers:
    """Return the span of probability that each level stands for; they sum to 1.

    A span reaches half-way to the levels beside it, and to 0 or 1 at the ends.
    """
    middles = (LEVELS[1:] + LEVELS[:-1]) / 2
    return np.diff(np.concatenate([[0.0], middles, [1.0]]))


def pinball_loss(y: ArrayLike, quantiles: ArrayLike) -> Numbers:
    """Return the pinball loss of each quantile.

    It is tau d where d = y - q is above 0, else (tau - 1) d.

    Parameters
    ----------
    y : array of shape (n,)
        Realised values.
    quantiles : array of shape (n, n_levels)
        At ``LEVELS``.

    Returns
    -------
    array of shape (n, n_levels)
    """
    gap = np.asarray(y, float)[:, np.newaxis] - np.asarray(quantiles, float)
    return np.maximum(LEVELS * gap, (LEVELS - 1) * gap)


def crps(y: ArrayLike, quantiles: ArrayLike) -> Numbers:
    """Return the continuous ranked probability score in its quantile form.

    Twice the pinball loss, integrated over the levels: CRPS = 2 int rho_tau dtau. It
    has the unit of y. Lower is better.

    Parameters
    ----------
    y, quantiles
        As for ``pinball_loss``.

    Returns
    -------
    array of shape (n,)
    """
    return np.asarray(2 * pinball_loss(y, quantiles) @ level_weights())


def pit(y: ArrayLike, quantiles: ArrayLike, *, seed: int) -> Numbers:
    """Return the probability integral transform, randomised within an atom.

    Where the distribution holds, it is uniform on (0, 1). Between two quantiles it is
    interpolated, beyond the outermost it is drawn in the tail.

    Parameters
    ----------
    y, quantiles
        As for ``pinball_loss``; quantiles do not fall along a row.
    seed : int
        Of the draws.

    Returns
    -------
    array of shape (n,)
    """
    y, q = np.asarray(y, float), np.asarray(quantiles, float)
    draw = np.random.default_rng(seed).random(y.size)
    ends = np.concatenate([[0.0], LEVELS, [1.0]])
    # Levels strictly below y, and those not above it: they differ within an atom.
    below, upto = (q < y[:, np.newaxis]).sum(1), (q <= y[:, np.newaxis]).sum(1)
    atom = upto > below
    low = np.where(atom, ends[np.minimum(below + 1, LEVELS.size)], ends[below])
    high = np.where(atom, ends[upto], ends[np.minimum(below + 1, LEVELS.size + 1)])
    where = draw.copy()
    rows = np.flatnonzero(~atom & (below > 0) & (below < LEVELS.size))
    left, right = q[rows, below[rows] - 1], q[rows, below[rows]]
    where[rows] = (y[rows] - left) / (right - left)
    return np.asarray(low + where * (high - low))


def pit_distance(values: ArrayLike) -> float:
    """Return the largest distance of the PIT's distribution from uniform, at deciles.

    Parameters
    ----------
    values : array of shape (n,)
        From ``pit``.
    """
    deciles = np.arange(1, 10) / 10
    found = (np.asarray(values, float)[:, np.newaxis] <= deciles).mean(axis=0)
    return float(np.abs(found - deciles).max())


def value_at_risk_test(breaches: ArrayLike, *, level: float) -> RiskTest:
    """Test the breaches of one value at risk (Kupiec, Christoffersen).

    Both compare likelihoods, asymptotically chi-squared: Kupiec's unconditional
    coverage with one degree of freedom, Christoffersen's conditional coverage with two.

    Parameters
    ----------
    breaches : array of shape (n,)
        Bool, by session in order: the return was below the value at risk.
    level : float
        Stated probability of a breach, such as 0.05.

    Raises
    ------
    StudyError
        With fewer than two sessions.

    Examples
    --------
    >>> every_twentieth = [i % 20 == 0 for i in range(200)]
    >>> round(value_at_risk_test(every_twentieth, level=0.05).kupiec, 3)
    1.0
    """
    hit = np.asarray(breaches, bool)
    if hit.size < 2:
        raise StudyError(f"Expected at least two sessions. Received: {hit.size}")
    n, x = hit.size, int(hit.sum())
    # 2 [log L(x / n) - log L(level)]
    unconditional = 2 * (_log_likelihood(x, n, x / n) - _log_likelihood(x, n, level))
    after, calm = hit[1:][hit[:-1]], hit[1:][~hit[:-1]]
    free = sum(
        _log_likelihood(int(part.sum()), part.size, float(part.mean()))
        for part in (after, calm)
        if part.size
    )
    later = hit[1:]
    tied = _log_likelihood(int(later.sum()), later.size, float(later.mean()))
    conditional = unconditional + 2 * (free - tied)
    return RiskTest(
        n=n,
        n_breaches=x,
        kupiec=float(chi2.sf(max(unconditional, 0.0), 1)),
        christoffersen=float(chi2.sf(max(conditional, 0.0), 2)),
    )


def _log_likelihood(hits: int, n: int, rate: float) -> float:
    """Return the log likelihood of Bernoulli draws: 0 log 0 is 0."""
    return float(xlogy(hits, rate) + xlog1py(n - hits, -rate))
