"""Planted signal of the simulated market, and the returns that it makes predictable.

Every stock has three exponentially decaying signals, computed from its printed data:
return, turnover and absolute return, each relative to its long-run level. After a
session they set the drift of the latent price over the next one. So the drift can be
learnt from the printed data and still be earned one session later. The directions are
those of real markets: returns revert [1]_, high turnover and low absolute returns
precede gains, and returns on heavy turnover revert the most [2]_.

The signals decay at known rates, so expected returns are a formula
(``expected_returns``), not a fit.

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

DECAY = 0.85
"""Share of a signal left a session later: a half-life of four sessions."""
LEVEL_WEIGHT = 1 / 60
"""Weight of one session in a stock's long-run level."""
MAX_SURPRISE = 3.0
POOLED = np.array([-0.75, 0.47, -0.47])
"""Weights of return, turnover and absolute return; their squares sum to 1."""
TURNOVER_SPREAD = 0.9
"""Initial standard deviation of the log turnover."""
MEAN_MOVE = 0.7
"""Initial mean absolute return over the standard deviation of returns."""

DRIFT_PER_SIGNAL = 1.1
"""Daily drift over daily volatility for each unit of the signal."""
MOMENTUM = 0.7
"""Share of the market's recent return that continues, at signals from
``FULL_MOMENTUM`` on. A larger share would feed on itself without end."""
FULL_MOMENTUM = 0.06
"""Signal below which the momentum shrinks in proportion."""

# Drifts by decay: linear and stock-specific (DECAY), the product of two signals
# (DECAY^2), and market momentum, which feeds on the market that it moves.
N_DRIFTS = 3


@dataclass(frozen=True)
class SignalPlan:
    """The planted signal: its strength, and its direction for each stock."""

    signal: float
    """Approximate rank IC of the oracle."""
    parts: tuple[float, float, float]
    """Fractions of the drift's variance: linear, nonlinear, stock-specific."""
    volatility: Numbers
    """Of shape (n_tickers,), the unit of the drift."""
    loading: Numbers
    """Loading of the market momentum, of shape (n_tickers,)."""
    own: Numbers
    """Stock-specific weights of return and turnover, (2, n_tickers)."""


@dataclass(frozen=True)
class SignalState:
    """State of the signals: rows return, turnover, absolute return."""

    recent: Numbers
    """Decaying sums of standardised surprises, (3, n_tickers), variance about 1."""
    level: Numbers
    """Long-run means, of shape (3, n_tickers)."""
    variance: Numbers
    """Long-run variances, of shape (3, n_tickers)."""
    market: float
    """Decaying mean of the market's surprises: mean return less its level."""
    market_level: float
    """Long-run mean of the market's return."""

    @classmethod
    def initial(cls, *, volatility: Numbers, turnover: Numbers) -> "SignalState":
        """Return the state before the first session, at the stocks' expected levels.

        Parameters
        ----------
        volatility, turnover : ndarray of shape (n_tickers,)
            Of the daily log return, and expected KES per session, above 0.
        """
        move = MEAN_MOVE * volatility
        spread = np.full_like(volatility, TURNOVER_SPREAD)
        return cls(
            recent=np.zeros((3, len(volatility))),
            level=np.stack([np.zeros_like(move), np.log(turnover), move]),
            variance=np.stack([volatility, spread, move]) ** 2,
            market=0.0,
            market_level=0.0,
        )


def update_state(
    state: SignalState, log_return: Numbers, turnover: Numbers
) -> SignalState:
    """Update the signals with one session's printed data.

    Parameters
    ----------
    state : SignalState
        After the session before.
    log_return : array of shape (n_tickers,)
        Of the printed price, adjusted; 0 on a first session.
    turnover : array of shape (n_tickers,)
        Printed price times volume, KES; NaN without a trade, which is no surprise.
    """
    seen = np.stack([log_return, np.log(turnover), np.abs(log_return)])
    surprise = np.where(np.isnan(turnover), 0.0, seen - state.level)
    standard = surprise / np.sqrt(state.variance)
    news = np.clip(standard, -MAX_SURPRISE, MAX_SURPRISE)
    # The level of the return stays 0: a price has no trend.
    level = state.level + LEVEL_WEIGHT * surprise * np.array([[0.0], [1], [1]])
    market = float(log_return.mean()) - state.market_level
    learnt = LEVEL_WEIGHT * (surprise**2 - state.variance)
    return SignalState(
        recent=DECAY * state.recent + np.sqrt(1 - DECAY**2) * news,
        level=level,
        variance=state.variance + np.where(np.isnan(turnover), 0.0, learnt),
        market=DECAY * state.market + (1 - DECAY) * market,
        market_level=state.market_level + LEVEL_WEIGHT * market,
    )


def drifts(state: SignalState, plan: SignalPlan) -> Numbers:
    """Return the next session's log drift, by its rate of decay.

    Parameters
    ----------
    state : SignalState
    plan : SignalPlan

    Returns
    -------
    array of shape (N_DRIFTS, n_tickers)
        Linear with stock-specific, nonlinear, and market momentum. All zero at a
        signal of zero.
    """
    log_return, turnover, _ = state.recent
    linear = (POOLED[:, None] * state.recent).sum(axis=0)
    own = plan.own[0] * log_return + plan.own[1] * turnover
    scale = DRIFT_PER_SIGNAL * plan.signal * plan.volatility
    weight = np.sqrt(plan.parts)
    return np.stack(
        [
            scale * (weight[0] * linear + weight[2] * own),
            scale * weight[1] * -log_return * turnover,
            _momentum(plan.signal) * plan.loading * state.market,
        ]
    )


def expected_returns(drift: Numbers, *, horizon: int, signal: float) -> Numbers:
    """Return the expected log return from session t+1 to t+1+horizon, known after t.

    A printed price is its session's average, which contains half of the session's
    drift. So the return between two averages holds half the drift of the first
    session, all of those between and half of the last one's.

    Parameters
    ----------
    drift : array of shape (N_DRIFTS, ...)
        From ``drifts`` after session t, for session t+1.
    horizon : int
        Sessions, at least 1.
    signal : float
        The plan's. Momentum decays the more slowly the larger it is.

    Returns
    -------
    array of shape (...)
        Fractions.

    Examples
    --------
    >>> drift = np.array([0.0, 0.0, 0.01])
    >>> round(float(expected_returns(drift, horizon=1, signal=0.0)), 6)  # x 0.925
    0.00925
    """
    momentum = DECAY + (1 - DECAY) * _momentum(signal)
    decay = np.array([DECAY, DECAY**2, momentum])
    left = decay[:, None] ** np.arange(horizon + 1)
    weights = left[:, :-1].sum(axis=1) - 0.5 + left[:, -1] / 2
    return (weights.reshape(-1, *[1] * (drift.ndim - 1)) * drift).sum(axis=0)


def _momentum(signal: float) -> float:
    return MOMENTUM * min(1.0, signal / FULL_MOMENTUM)
