"""Rules that turn the ranking of a universe into target weights, and benchmarks.

Each rule sees what was known at the close before its orders: the month's universe, the
forecasts, the weights held, and returns of the sessions before. A stock that has left
the universe is sold. A member without a forecast keeps its weight. A stuck stock, which
no order could trade for some time, keeps its weight until it trades again, and the rest
of the account is divided among the others.

With few stocks the rules shrink: at most a third of them is held by ``buffer``, and a
weight may be up to twice the mean.
"""

from dataclasses import dataclass
from functools import partial
from math import fsum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from nse_lstm.config import Portfolio
from nse_lstm.errors import StudyError
from nse_lstm.evaluation.portfolio_optimisation import (
    optimise_weights,
    shrunk_covariance,
)
from nse_lstm.evaluation.weighted_account import Rule

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

TILTS = ("partial", "buffer", "optimised")
"""Rules on forecasts. Each of them with each model is a trial."""
MONTHLY = ("equal_weight", "inverse_volatility", "minimum_variance")
"""Benchmarks without a forecast, rebalanced each month."""
BUY_AND_HOLD = "buy_and_hold"
"""The first universe at equal weight, never traded again."""
HELD = 1e-6
"""Smallest weight that counts as held."""
REST = 0.002
"""Weight below which the rest of a leaver's holding is sold at once."""
SMALLEST_TRADE = 1e-4
"""Smallest change of weight that the optimisation orders."""


@dataclass(frozen=True, eq=False)
class RuleInputs:
    """Knowledge of a rule by session of its orders, shape (n_sessions, n_stocks).

    Row s was known at the close of the session that orders for s are sent after.

    Parameters
    ----------
    rank : float64
        Fraction of the ranked members below, from 0 to 1; missing without a forecast.
    member : bool
        In the month's universe.
    stuck : bool
        No order could be filled for some time.
    turnover : float64
        Trailing median turnover of a session, KES.
    past : float64
        Log returns on the whole market's calendar, of shape (n_all, n_stocks).
    place : int64
        Row of ``past`` of the session that orders for s are sent after, of shape
        (n_sessions,). Risk is estimated from the rows before it alone.
    """

    rank: Numbers
    member: Flags
    stuck: Flags
    turnover: Numbers
    past: Numbers
    place: NDArray[np.int64]


def rule_of(
    name: str,
    inputs: RuleInputs,
    *,
    portfolio: Portfolio,
    cost_bps: int,
    capital: float,
    max_volume_share: float,
) -> Rule:
    """Return a rule by its name.

    Parameters
    ----------
    name : str
        One of ``TILTS`` and ``MONTHLY``, or ``BUY_AND_HOLD``.
    inputs : RuleInputs
    portfolio : Portfolio
    cost_bps : int
        Basis points per side that the optimisation charges, times ``cost_multiple``.
    capital : float
        KES, for the optimisation's limit by volume.
    max_volume_share : float
        Largest fraction of a session's volume that one order takes.

    Raises
    ------
    StudyError
        If there is no such rule.
    """
    if name == "optimised":
        return partial(
            _optimised,
            inputs,
            portfolio,
            cost=portfolio.cost_multiple * cost_bps / 1e4,
            volume=max_volume_share * portfolio.volume_sessions / capital,
        )
    rules = {
        "partial": _partial,
        "buffer": _buffer,
        "equal_weight": _equal_weight,
        BUY_AND_HOLD: _equal_weight,
        "inverse_volatility": _inverse_volatility,
        "minimum_variance": _minimum_variance,
    }
    if name not in rules:
        raise StudyError(
            f"`name` must be one of {[*rules, 'optimised']}. Received: {name!r}"
        )
    return partial(rules[name], inputs, portfolio)


@dataclass(frozen=True, eq=False)
class _Scope:
    """Stocks that a decision can weigh, its targets so far, and the free money."""

    free: Flags
    target: Numbers
    budget: float


def _scope(inputs: RuleInputs, s: int, held: Numbers, *, ranked: bool) -> _Scope:
    """Sell leavers, leave stuck and unranked stocks alone, and count what is free."""
    stuck, member = inputs.stuck[s], inputs.member[s]
    free = member & ~stuck
    if ranked:
        free &= ~np.isnan(inputs.rank[s])
    stays = stuck | (member & ~free)
    target = np.where(stays | ~(held > 0), np.nan, 0.0)
    return _Scope(free, target, max(1.0 - fsum(held[stays]), 0.0))


def _partial(
    inputs: RuleInputs, portfolio: Portfolio, s: int, held: Numbers
) -> Numbers:
    """Move a part of the way towards weights that rise with the squared rank.

    The first decision goes all the way.
    """
    scope = _scope(inputs, s, held, ranked=True)
    if not scope.free.any():
        return np.full(len(held), np.nan)
    order = _order(inputs.rank[s, scope.free])
    ideal = np.zeros(len(held))
    ideal[scope.free] = scope.budget * order**2 / (order**2).sum()
    part = 1.0 if fsum(held) < HELD else portfolio.adjustment
    moved = held + part * (ideal - held)
    moved[(ideal == 0) & (moved < REST)] = 0.0
    return np.where(scope.free | ~np.isnan(scope.target), moved, np.nan)


def _buffer(inputs: RuleInputs, portfolio: Portfolio, s: int, held: Numbers) -> Numbers:
    """Hold the first names, each until it falls below a lower place."""
    scope = _scope(inputs, s, held, ranked=True)
    places = np.flatnonzero(scope.free)
    if not len(places):
        return np.full(len(held), np.nan)
    best = places[np.argsort(-inputs.rank[s, places], kind="stable")]
    n_names = max(min(portfolio.n_names, len(best) // 3), 1)
    n_kept = max(min(portfolio.sold_below, 2 * len(best) // 3), n_names)
    most = max(portfolio.max_weight, 2 / n_names)
    kept = best[:n_kept][held[best[:n_kept]] > HELD][:n_names]
    target = scope.target.copy()
    target[kept] = np.where(held[kept] > most, most, np.nan)
    new = best[~np.isin(best, kept) & (held[best] <= HELD)][: n_names - len(kept)]
    if len(new):
        money = max(scope.budget - float(np.minimum(held[kept], most).sum()), 0.0)
        target[new] = min(money / len(new), most)
    return target


def _optimised(
    inputs: RuleInputs,
    portfolio: Portfolio,
    s: int,
    held: Numbers,
    *,
    cost: float,
    volume: float,
) -> Numbers:
    """Maximise forecast less cost less risk; ``volume`` times turnover caps a weight.

    The forecast is strength * volatility * normal score (Grinold and Kahn 2000), all
    over the horizon of the ranking. Risk is that of the difference from equal weight.
    """
    scope = _scope(inputs, s, held, ranked=True)
    free = scope.free
    if not free.any():
        return np.full(len(held), np.nan)
    covariance = portfolio.horizon * _covariance(inputs, portfolio, s, free)
    order, n = _order(inputs.rank[s, free]), int(free.sum())
    score = norm.ppf((order - 0.5) / n)
    most = np.minimum(_most(portfolio, n), volume * inputs.turnover[s, free])
    weights = optimise_weights(
        forecast=portfolio.strength * np.sqrt(np.diag(covariance)) * score,
        covariance=covariance,
        held=held[free],
        benchmark=np.full(n, scope.budget / n),
        most=scope.budget * most,
        total=scope.budget,
        cost=cost,
        risk_aversion=portfolio.risk_aversion,
    )
    target = scope.target.copy()
    small = np.abs(weights - held[free]) < SMALLEST_TRADE
    target[free] = np.where(small, np.nan, weights)
    return target


def _equal_weight(
    inputs: RuleInputs, portfolio: Portfolio, s: int, held: Numbers
) -> Numbers:
    scope = _scope(inputs, s, held, ranked=False)
    return _divided(scope, np.ones(int(scope.free.sum())))


def _inverse_volatility(
    inputs: RuleInputs, portfolio: Portfolio, s: int, held: Numbers
) -> Numbers:
    scope = _scope(inputs, s, held, ranked=False)
    if not scope.free.any():
        return scope.target
    variance = np.diag(_covariance(inputs, portfolio, s, scope.free))
    return _divided(scope, 1 / np.sqrt(variance))


def _minimum_variance(
    inputs: RuleInputs, portfolio: Portfolio, s: int, held: Numbers
) -> Numbers:
    scope = _scope(inputs, s, held, ranked=False)
    n = int(scope.free.sum())
    if not n:
        return scope.target
    covariance = _covariance(inputs, portfolio, s, scope.free)
    weights = optimise_weights(
        forecast=np.zeros(n),
        covariance=covariance / np.diag(covariance).mean(),
        held=np.zeros(n),
        benchmark=np.zeros(n),
        most=np.full(n, _most(portfolio, n)),
        total=1.0,
        cost=0.0,
        risk_aversion=1.0,
    )
    return _divided(scope, weights)


def _divided(scope: _Scope, parts: Numbers) -> Numbers:
    """Divide the free money in proportion to some parts of the free stocks."""
    target = scope.target.copy()
    if len(parts):
        target[scope.free] = scope.budget * parts / parts.sum()
    return target


def _covariance(
    inputs: RuleInputs, portfolio: Portfolio, s: int, stocks: Flags
) -> Numbers:
    """Estimate the covariance per session from the sessions before the origin."""
    end = int(inputs.place[s])
    first = max(end - portfolio.risk_sessions, 0)
    return shrunk_covariance(inputs.past[first:end][:, stocks])


def _most(portfolio: Portfolio, n: int) -> float:
    return max(portfolio.max_weight, min(2 / n, 1.0))


def _order(rank: Numbers) -> Numbers:
    """Return places from 1 for the lowest to n; equal ranks go by column."""
    order = np.empty(len(rank))
    order[np.argsort(rank, kind="stable")] = np.arange(1, len(rank) + 1)
    return order
