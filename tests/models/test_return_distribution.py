"""The hurdle distribution: its atom, its mean and its quantiles by simulation."""

import numpy as np
import pytest

from nse_lstm.errors import DataError
from nse_lstm.models.return_distribution import (
    PastMoves,
    ReturnDistribution,
    fit_return_distribution,
)

LEVELS = np.array([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])


def past(n: int = 4000, *, seed: int = 0, unchanged: bool = True) -> PastMoves:
    """Moves whose size doubles with the first feature, unchanged with the second."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(n, 3))
    y = 0.01 * 2 ** features[:, 0] * generator.normal(size=n)
    odds = np.exp(-1 + features[:, 1])
    still = unchanged & (generator.random(n) < odds / (1 + odds))
    return PastMoves(features=features, y=np.where(still, 0.0, y))


def fitted(**how: bool) -> ReturnDistribution:
    stocks = {"AAA": past(seed=1, **how), "BBB": past(seed=2, **how)}
    return fit_return_distribution(stocks, horizon=1)


def test_chance_and_size_are_those_that_made_the_moves():
    distribution, new = fitted(), past(seed=3)
    odds = np.exp(-1 + new.features[:, 1])
    found = distribution.unchanged(new.features)
    np.testing.assert_allclose(found, odds / (1 + odds), atol=0.04)
    # The mean of |N(0, 1)| is sqrt(2 / pi).
    size = 0.01 * 2 ** new.features[:, 0] * np.sqrt(2 / np.pi)
    np.testing.assert_allclose(np.exp(distribution.size(new.features)), size, rtol=0.2)


@pytest.mark.parametrize("unchanged", [True, False])
def test_quantiles_hold_their_share_of_new_outcomes(unchanged: bool):
    distribution, new = fitted(unchanged=unchanged), past(seed=3, unchanged=unchanged)
    found = distribution.quantiles("AAA", new.features, np.zeros(4000), LEVELS)
    assert (np.diff(found, axis=1) >= 0).all()
    below = (new.y[:, np.newaxis] < found).mean(axis=0)
    upto = (new.y[:, np.newaxis] <= found).mean(axis=0)
    assert (below < LEVELS + 0.015).all() and (upto > LEVELS - 0.015).all()


def test_quantiles_are_those_of_draws_of_the_stated_mixture():
    distribution = fitted()
    features, mean = past(n=1, seed=8).features, np.array([0.004])
    generator = np.random.default_rng(5)
    p = distribution.unchanged(features)[0]
    size = np.exp(distribution.size(features))[0]
    shape = generator.choice(distribution.shapes["BBB"], 400_000)
    moves = mean[0] / (1 - p) + size * shape
    draws = np.where(generator.random(400_000) < p, 0.0, moves)
    found = distribution.quantiles("BBB", features, mean, LEVELS)[0]
    np.testing.assert_allclose(found, np.quantile(draws, LEVELS), atol=2e-4)


def test_the_mean_forecast_moves_the_mean_by_itself():
    distribution, new = fitted(), past(n=5, seed=9)
    grid = (np.arange(20_000) + 0.5) / 20_000
    means = [
        distribution.quantiles("AAA", new.features, np.full(5, m), grid).mean(axis=1)
        for m in (0.0, 0.003)
    ]
    np.testing.assert_allclose(means[1] - means[0], 0.003, rtol=0.02)


def test_an_atom_is_a_run_of_levels_at_no_change():
    distribution = fitted()
    features = np.array([[0.0, 1.0, 0.0]])
    p = distribution.unchanged(features)[0]
    grid = (np.arange(1000) + 0.5) / 1000
    found = distribution.quantiles("AAA", features, np.zeros(1), grid)[0]
    assert (found == 0).mean() == pytest.approx(p, abs=0.002)


def test_a_price_that_always_moves_has_no_atom():
    distribution = fitted(unchanged=False)
    assert distribution.chance is None
    assert not distribution.unchanged(past(n=3).features).any()


def test_a_price_that_never_moved_is_refused():
    still = PastMoves(features=np.zeros((5, 3)), y=np.zeros(5))
    with pytest.raises(DataError, match="BBB"):
        fit_return_distribution({"AAA": past(), "BBB": still}, horizon=1)
