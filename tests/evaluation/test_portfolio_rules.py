"""Rules and benchmarks by hand, and the optimiser against another solver."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, minimize

from nse_lstm.config import Portfolio
from nse_lstm.errors import StudyError
from nse_lstm.evaluation.portfolio_optimisation import (
    optimise_weights,
    shrunk_covariance,
)
from nse_lstm.evaluation.portfolio_rules import RuleInputs, rule_of

N = 9
KEEP = np.nan


def inputs_of(rank, *, member=None, stuck=None, past=None, turnover=1e9) -> RuleInputs:
    rank = np.array(rank, float)[np.newaxis]
    n = rank.shape[1]
    yes, no = np.ones((1, n), bool), np.zeros((1, n), bool)
    if past is None:
        past = np.random.default_rng(1).normal(0, 0.02, (300, n))
    return RuleInputs(
        rank=rank,
        member=yes if member is None else np.array([member], bool),
        stuck=no if stuck is None else np.array([stuck], bool),
        turnover=np.full((1, n), turnover),
        past=past,
        place=np.array([len(past)]),
    )


def decide(name, inputs, held, portfolio=None, *, capital=1e7) -> np.ndarray:
    rule = rule_of(
        name,
        inputs,
        portfolio=portfolio or Portfolio(),
        cost_bps=66,
        capital=capital,
        max_volume_share=0.1,
    )
    return rule(0, np.array(held, float))


def test_squared_ranks_are_bought_at_once_and_then_approached_by_a_tenth() -> None:
    inputs = inputs_of([0.0, 0.5, 1.0])
    ideal = np.array([1, 4, 9]) / 14
    assert decide("partial", inputs, [0, 0, 0]) == pytest.approx(ideal)
    held = np.array([0.5, 0.3, 0.2])
    moved = decide("partial", inputs, held)
    assert moved == pytest.approx(0.9 * held + 0.1 * ideal)


def test_a_leaver_is_sold_by_parts_and_its_last_rest_at_once() -> None:
    inputs = inputs_of([0.0, 0.5, np.nan], member=[1, 1, 0])
    assert decide("partial", inputs, [0.4, 0.4, 0.2])[2] == pytest.approx(0.18)
    assert decide("partial", inputs, [0.4, 0.5, 0.002])[2] == 0


def test_a_member_without_a_forecast_and_a_stuck_stock_keep_their_weight() -> None:
    inputs = inputs_of([0.2, 0.9, np.nan, 0.5], stuck=[0, 0, 0, 1])
    target = decide("partial", inputs, [0.0, 0.0, 0.25, 0.25])
    assert np.isnan(target[2:]).all()
    # The other half goes a tenth of the way to 1/5 and 4/5 of it.
    assert target[:2] == pytest.approx([0.1 * 0.5 / 5, 0.1 * 0.5 * 4 / 5])
    equal = decide("equal_weight", inputs, [0.0, 0.0, 0.0, 0.25])
    assert equal[:3] == pytest.approx([0.25] * 3) and np.isnan(equal[3])


RANKS = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0]
"""Of nine stocks; the ninth is the best."""
THREE = Portfolio(n_names=3, sold_below=6, max_weight=0.4)


def test_the_first_three_are_bought_and_held_until_below_the_sixth_place() -> None:
    inputs = inputs_of(RANKS)
    bought = decide("buffer", inputs, np.zeros(N), THREE)
    assert bought[6:] == pytest.approx([1 / 3] * 3)
    assert np.isnan(bought[:6]).all()
    # The fourth stock is the sixth best and stays; the third is the seventh best.
    held = [0, 0, 0.3, 0.3, 0, 0, 0, 0.4, 0]
    target = decide("buffer", inputs, held, THREE)
    assert target[2] == 0
    assert np.isnan(target[[0, 1, 3, 4, 5, 6, 7]]).all()
    # The money of the seller buys the best that is not held.
    assert target[8] == pytest.approx(0.3)


def test_a_held_stock_that_has_grown_too_large_is_cut() -> None:
    held = np.zeros(N)
    held[[6, 7, 8]] = [0.1, 0.1, 0.8]
    target = decide("buffer", inputs_of(RANKS), held, THREE)
    assert target[8] == pytest.approx(2 / 3)  # twice the mean of three


def test_few_stocks_leave_the_rule_with_a_third_of_them() -> None:
    target = decide("buffer", inputs_of([0.1, 0.5, 0.9]), np.zeros(3))
    assert target[2] == 1 and np.isnan(target[:2]).all()


def test_inverse_volatility_and_minimum_variance_of_independent_stocks() -> None:
    random = np.random.default_rng(3)
    past = random.normal(0, 1, (4000, 3)) * [0.01, 0.02, 0.04]
    inputs = inputs_of([0.1, 0.2, 0.3], past=past)
    free = Portfolio(risk_sessions=4000, max_weight=1.0)
    inverse = np.array([1, 1 / 2, 1 / 4])
    weights = decide("inverse_volatility", inputs, np.zeros(3), free)
    assert weights == pytest.approx(inverse / inverse.sum(), rel=0.05)
    weights = decide("minimum_variance", inputs, np.zeros(3), free)
    assert weights == pytest.approx(inverse**2 / (inverse**2).sum(), rel=0.1)


def test_the_optimisation_leans_on_the_ranking_and_stays_below_its_limits() -> None:
    inputs = inputs_of(np.linspace(0, 1, 25), turnover=1e8)
    target = decide("optimised", inputs, np.zeros(25))
    weights = np.nan_to_num(target)
    assert weights.sum() == pytest.approx(1, abs=1e-3)
    assert weights.max() <= Portfolio().max_weight + 1e-6
    assert weights[-8:].sum() > weights[:8].sum()
    # 20 sessions of a tenth of KES 100,000 are 2 % of ten million.
    thin = replace(inputs, turnover=inputs.turnover.copy())
    thin.turnover[0, -1] = 1e5
    assert decide("optimised", thin, np.zeros(25))[-1] == pytest.approx(0.02, abs=1e-5)


def test_a_cost_above_every_forecast_trades_nothing() -> None:
    inputs = inputs_of(np.linspace(0, 1, 10))
    dear = Portfolio(cost_multiple=1000.0)
    held = np.full(10, 0.1)
    assert np.isnan(decide("optimised", inputs, held, dear)).all()


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(StudyError, match=r"minimum_variance.*Received: 'guess'"):
        decide("guess", inputs_of([0.5]), [0.0])


def value_of(x, parts) -> float:
    gap = x - parts["benchmark"]
    risk = parts["risk_aversion"] / 2 * gap @ parts["covariance"] @ gap
    paid = parts["cost"] * np.abs(x - parts["held"]).sum()
    return float(parts["forecast"] @ x - paid - risk)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_no_other_solver_finds_better_weights(seed: int) -> None:
    random, n = np.random.default_rng(seed), 5
    mixing = random.normal(0, 0.05, (n, n))
    parts = {
        "forecast": random.normal(0, 0.01, n),
        "covariance": mixing @ mixing.T + 1e-4 * np.eye(n),
        "held": random.dirichlet(np.ones(n)),
        "benchmark": np.full(n, 1 / n),
        "most": np.full(n, 0.5),
        "total": 1.0,
        "cost": 0.005,
        "risk_aversion": 5.0,
    }
    weights = optimise_weights(**parts)
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert (weights >= 0).all() and (weights <= 0.5 + 1e-6).all()
    assert (weights == optimise_weights(**parts)).all()

    # SLSQP on x = held + bought - sold, which has no kink.
    def loss(z):
        x = parts["held"] + z[:n] - z[n:]
        gap = x - parts["benchmark"]
        risk = 2.5 * gap @ parts["covariance"] @ gap
        return -parts["forecast"] @ x + parts["cost"] * z.sum() + risk

    change = np.hstack([np.eye(n), -np.eye(n)])
    rows = [
        LinearConstraint(change, -parts["held"], 0.5 - parts["held"]),
        LinearConstraint(np.ones((1, n)) @ change, 0, 0),
    ]
    start = np.zeros(2 * n)
    other = minimize(
        loss, start, bounds=[(0, 1)] * (2 * n), constraints=rows, method="SLSQP"
    )
    best = parts["held"] + other.x[:n] - other.x[n:]
    if other.success and (best <= 0.5 + 1e-9).all():
        assert value_of(weights, parts) >= value_of(best, parts) - 1e-6


def test_a_stock_that_never_moved_has_a_risk_above_zero() -> None:
    assert (np.diag(shrunk_covariance(np.zeros((50, 2)))) > 0).all()
    with pytest.raises(StudyError, match="at least 2 sessions"):
        shrunk_covariance(np.zeros((1, 2)))
