"""Benchmark forecasts of a return's distribution: empirical, EWMA, GARCH and conformal.

Each gives quantiles at ``LEVELS`` of the log return over a horizon, from prices known
at the origin. They judge the stock LSTM's distribution and serve nothing.

References
----------
.. [1] T. Bollerslev (1987). A conditionally heteroskedastic time series model for
   speculative prices and rates of return. REStat 69(3), 542-547.
.. [2] J.P. Morgan (1996). RiskMetrics technical document.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from arch import arch_model
from numpy.typing import NDArray
from scipy.stats import norm, t

from nse_lstm.evaluation.conformal import ERRORS, conformal_rank
from nse_lstm.evaluation.quantile_scores import LEVELS

Numbers = NDArray[np.float64]
Dates = NDArray[np.datetime64]

DECAY = 0.94
"""RiskMetrics' decay of daily squared returns."""
RECENT = 1000
"""Past returns of the empirical distribution: four years of sessions."""
PATHS = 2000
"""Simulated paths of GARCH beyond one session."""
BLOCK = 16
"""Origins simulated at once: their paths stay in the processor's cache."""
LOWEST_FREEDOM = 2.05
"""Student's t needs more than 2 degrees of freedom for a variance."""
PERCENT = 100.0
"""GARCH is fitted to returns in per cent, which its optimiser expects."""


@dataclass(frozen=True, eq=False)
class GarchVolatility:
    """A fitted GARCH(1,1), filtered through every session; returns in per cent."""

    mean: float
    omega: float
    alpha: float
    beta: float
    freedom: float
    """Degrees of freedom of Student's t."""
    ahead: pd.Series
    """Variance of the next session's return, by session."""


@dataclass(frozen=True, eq=False)
class PastReturns:
    """One stock's returns, each with the day on which it was known."""

    daily: pd.Series
    """Log returns of single sessions by session, none missing."""
    known: Dates
    """(n,): days on which returns over the horizon were known, in order."""
    moves: Numbers
    """(n,): those returns, whose origins may lie anywhere before."""
    origins: Dates
    """(m,): sessions to forecast from."""
    volatility: GarchVolatility
    """Of the same stock."""
    horizon: int

    def last(self, n: int) -> list[Numbers]:
        """Return the last ``n`` known returns over the horizon at each origin."""
        ends = np.searchsorted(self.known, self.origins, side="right")
        return [self.moves[max(0, end - n) : end] for end in ends]


def empirical(past: PastReturns) -> Numbers:
    """Return the quantiles of the stock's past returns over the horizon.

    Parameters
    ----------
    past : PastReturns

    Returns
    -------
    array of shape (m, n_levels)
        Those of the last 1,000 known at each origin.
    """
    return np.array([np.quantile(moves, LEVELS) for moves in past.last(RECENT)])


def ewma_volatility(past: PastReturns) -> Numbers:
    """Return normal quantiles with RiskMetrics' exponentially weighted variance.

    Parameters
    ----------
    past : PastReturns

    Returns
    -------
    array of shape (m, n_levels)
        The variance of one session times the horizon, about 0.
    """
    variance = (past.daily**2).ewm(alpha=1 - DECAY).mean()
    deviation = np.sqrt(_at(variance, past.origins) * past.horizon)
    return np.outer(deviation, norm.ppf(LEVELS))


def fit_garch(daily: pd.Series, *, start: pd.Timestamp) -> GarchVolatility:
    """Fit a GARCH(1,1) with a constant mean and Student's t errors.

    Parameters
    ----------
    daily : Series
        Log returns by session, none missing.
    start : Timestamp
        Of the fold: parameters are fitted to the sessions before it, and the variance
        is filtered through all of them.
    """
    returns = PERCENT * daily
    before = returns[returns.index < start]
    fitted = arch_model(before, mean="Constant", p=1, q=1, dist="t").fit(
        disp="off", show_warning=False
    )
    mean, omega, alpha, beta, freedom = map(float, fitted.params)
    variance, now = np.empty(len(returns)), float(before.var())
    for place, value in enumerate(returns.to_numpy()):
        # sigma^2(t+1) = omega + alpha e(t)^2 + beta sigma^2(t)
        now = omega + alpha * (value - mean) ** 2 + beta * now
        variance[place] = now
    return GarchVolatility(
        mean=mean,
        omega=omega,
        alpha=alpha,
        beta=beta,
        freedom=max(freedom, LOWEST_FREEDOM),
        ahead=pd.Series(variance, returns.index),
    )


def garch(past: PastReturns) -> Numbers:
    """Return the quantiles of the fitted GARCH(1,1).

    Over several sessions its paths are simulated, with the same draws from every
    origin.

    Parameters
    ----------
    past : PastReturns

    Returns
    -------
    array of shape (m, n_levels)
    """
    own = past.volatility
    # Of an error with variance 1.
    unit = np.sqrt((own.freedom - 2) / own.freedom)
    ahead = _at(own.ahead, past.origins)
    if past.horizon == 1:
        shape = unit * t.ppf(LEVELS, own.freedom)
        return np.asarray((own.mean + np.outer(np.sqrt(ahead), shape)) / PERCENT)
    generator = np.random.default_rng(0)
    draws = unit * generator.standard_t(own.freedom, (past.horizon, PATHS))
    total = np.concatenate(
        [
            _simulate(own, ahead[start : start + BLOCK], draws)
            for start in range(0, len(ahead), BLOCK)
        ]
    )
    return np.asarray(np.quantile(total, LEVELS, axis=1).T / PERCENT)


def _simulate(own: GarchVolatility, ahead: Numbers, draws: Numbers) -> Numbers:
    """Return the paths' returns, of shape (n_origins, n_paths), in per cent."""
    spread = np.repeat(ahead[:, np.newaxis], draws.shape[1], axis=1)
    total, error = np.zeros_like(spread), np.empty_like(spread)
    for draw in draws:
        np.sqrt(spread, out=error)
        error *= draw
        total += own.mean + error
        # sigma^2 = (omega + alpha e^2) + beta sigma^2
        error *= error
        error *= own.alpha
        error += own.omega
        spread *= own.beta
        spread += error
    return total


def conformal_bands(past: PastReturns) -> Numbers:
    """Return the conformal bands around an unchanged price, as quantiles.

    The band of each pair of symmetric levels holds as many of the last 250 moves,
    their signs left out, as split-conformal intervals do.

    Parameters
    ----------
    past : PastReturns

    Returns
    -------
    array of shape (m, n_levels)
        The largest move where a band would be infinite.
    """
    sign, recent = np.sign(LEVELS - 0.5), past.last(ERRORS)
    ranks = {n: _band_ranks(n) for n in {len(moves) for moves in recent}}
    bands = []
    for moves in recent:
        sizes = np.append(0.0, np.sort(np.abs(moves)))
        bands.append(sign * sizes[ranks[len(moves)]])
    return np.array(bands)


def _band_ranks(n: int) -> NDArray[np.intp]:
    """Return the rank of each level's band among n moves; 0 is no width."""
    misses = 2 * np.minimum(LEVELS, 1 - LEVELS)
    return np.clip([conformal_rank(n, miss) for miss in misses], 0, n)


BENCHMARKS: dict[str, Callable[[PastReturns], Numbers]] = {
    "empirical": empirical,
    "ewma_volatility": ewma_volatility,
    "garch": garch,
    "conformal": conformal_bands,
}
"""Every benchmark by its name in tables."""


def _at(series: pd.Series, sessions: Dates) -> Numbers:
    """Return a series' last value up to each session."""
    places = np.searchsorted(series.index.to_numpy(), sessions, side="right") - 1
    return np.asarray(series.to_numpy(float)[places])
