"""What the simulated market plants to be forecast, and what a perfect reader expects.

Every share keeps three short memories of what was printed: how its price moved, how
busy it was and how restless, each beside its own long run. After a session they set
the drift of the latent price over the next one, so whoever reads the same prints can
learn it, and it is still there to be earned a session later. The directions are the
ones found on real markets: moves revert [1]_, busy sessions and quiet prices come
before gains, and a move on heavy dealing reverts the most [2]_.

Each memory fades at a known rate, so what a reader who knows the plan expects of the
next sessions is a formula (``expected_returns``), not a fit.

References
----------
.. [1] N. Jegadeesh (1990). Evidence of predictable behavior of security returns.
   Journal of Finance 45(3), 881-898.
.. [2] J. Campbell, S. Grossman and J. Wang (1993). Trading volume and serial
   correlation in stock returns. Quarterly Journal of Economics 108(4), 905-939.
"""

from dataclasses import dataclass

import numpy as np

from nse_lstm.data.simulation.printed_prices import Numbers

FADING = 0.85
"""Share of a memory left a session later: a half-life of four sessions."""
LEARNING = 1 / 60
"""Weight of one session in a share's long run."""
MAX_SURPRISE = 3.0
POOLED = np.array([-0.75, 0.47, -0.47])
"""Weights of the price, busyness and restlessness memories; their squares sum to 1."""
BUSY_SPREAD = 0.9
"""First guess of the standard deviation of the log turnover."""
MEAN_MOVE = 0.7
"""First guess of the mean absolute return over its standard deviation."""

DRIFT_PER_SIGNAL = 1.1
"""Daily drift over daily volatility for each unit of the signal."""
MOOD = 0.7
"""Share of the market's recent return that goes on, from ``FULL_MOOD`` on: a larger one
would feed on itself without end."""
FULL_MOOD = 0.06
"""Signal below which the mood shrinks with it."""

# The linear and stock-specific drift fade as a memory does; the product of two
# memories as their product; the mood feeds on the market it moves.
N_DRIFTS = 3


@dataclass(frozen=True)
class SignalPlan:
    """What is planted: how much of it, and which way for each share."""

    signal: float
    """The rank IC that the perfect reader has, about."""
    parts: tuple[float, float, float]
    """Shares of the drift's variance: linear, nonlinear, stock-specific."""
    volatility: Numbers
    """Of shape (n_tickers,): the drift is in its units."""
    loading: Numbers
    """Of the market's mood, of shape (n_tickers,)."""
    own: Numbers
    """Stock-specific weights of the price and busyness memories, (2, n_tickers)."""


@dataclass(frozen=True)
class Memory:
    """What the prints so far left behind: rows price, busyness, restlessness."""

    recent: Numbers
    """Fading sums of surprises, of shape (3, n_tickers), variance about 1."""
    level: Numbers
    """Long-run means of the three, of shape (3, n_tickers)."""
    variance: Numbers
    """Long-run variances around them, of shape (3, n_tickers)."""
    market: float
    """Fading mean of the market's surprises: the shares' mean return less its level."""
    market_level: float
    """Long-run mean of the market's return."""

    @classmethod
    def blank(cls, *, volatility: Numbers, turnover: Numbers) -> "Memory":
        """Start where a share is expected to be: nothing has happened yet."""
        move = MEAN_MOVE * volatility
        spread = np.full_like(volatility, BUSY_SPREAD)
        return cls(
            recent=np.zeros((3, len(volatility))),
            level=np.stack([np.zeros_like(move), np.log(turnover), move]),
            variance=np.stack([volatility, spread, move]) ** 2,
            market=0.0,
            market_level=0.0,
        )


def remember(memory: Memory, log_return: Numbers, turnover: Numbers) -> Memory:
    """Take one session's prints into the memory.

    Parameters
    ----------
    log_return : array of shape (n_tickers,)
        Of the printed price, adjusted for a bonus issue; 0 on a first session.
    turnover : array of shape (n_tickers,)
        Printed price times volume, KES; NaN without a deal, which is no surprise.
    """
    seen = np.stack([log_return, np.log(turnover), np.abs(log_return)])
    surprise = np.where(np.isnan(turnover), 0.0, seen - memory.level)
    standard = surprise / np.sqrt(memory.variance)
    news = np.clip(standard, -MAX_SURPRISE, MAX_SURPRISE)
    # A price has no trend to learn.
    level = memory.level + LEARNING * surprise * np.array([[0.0], [1], [1]])
    market = float(log_return.mean()) - memory.market_level
    learnt = LEARNING * (surprise**2 - memory.variance)
    return Memory(
        recent=FADING * memory.recent + np.sqrt(1 - FADING**2) * news,
        level=level,
        variance=memory.variance + np.where(np.isnan(turnover), 0.0, learnt),
        market=FADING * memory.market + (1 - FADING) * market,
        market_level=memory.market_level + LEARNING * market,
    )


def drifts(memory: Memory, plan: SignalPlan) -> Numbers:
    """Return the next session's log drift by how fast it fades.

    Returns
    -------
    array of shape (N_DRIFTS, n_tickers)
        Linear with stock-specific, nonlinear, and the market's mood. All zero at a
        signal of zero.
    """
    price, busyness, _ = memory.recent
    linear = (POOLED[:, None] * memory.recent).sum(axis=0)
    own = plan.own[0] * price + plan.own[1] * busyness
    scale = DRIFT_PER_SIGNAL * plan.signal * plan.volatility
    weight = np.sqrt(plan.parts)
    return np.stack(
        [
            scale * (weight[0] * linear + weight[2] * own),
            scale * weight[1] * -price * busyness,
            _mood(plan.signal) * plan.loading * memory.market,
        ]
    )


def expected_returns(drift: Numbers, *, horizon: int, signal: float) -> Numbers:
    """Return the expected log return from session t+1 to t+1+horizon, known after t.

    A printed price is an average over its session, in which half of the session's
    drift is earned. So the return from one average to a later one holds half the drift
    of the first session, all of those between and half of the last one's.

    Parameters
    ----------
    drift : array of shape (N_DRIFTS, ...)
        As ``drifts`` returned it after session t, for session t+1.
    horizon : int
        Sessions, at least 1.
    signal : float
        Of the plan; the mood lasts the longer the stronger it is.

    Returns
    -------
    array of shape (...)
        Fractions.

    Examples
    --------
    >>> mood_only = np.array([0.0, 0.0, 0.01])
    >>> round(float(expected_returns(mood_only, horizon=1, signal=0.0)), 6)  # x 0.925
    0.00925
    """
    mood = FADING + (1 - FADING) * _mood(signal)
    fading = np.array([FADING, FADING**2, mood])
    left = fading[:, None] ** np.arange(horizon + 1)
    weights = left[:, :-1].sum(axis=1) - 0.5 + left[:, -1] / 2
    return (weights.reshape(-1, *[1] * (drift.ndim - 1)) * drift).sum(axis=0)


def _mood(signal: float) -> float:
    return MOOD * min(1.0, signal / FULL_MOOD)
