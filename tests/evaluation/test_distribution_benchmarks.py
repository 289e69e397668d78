"""The benchmarks of the distribution against slow plain computations."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nse_lstm.evaluation.distribution_benchmarks import (
    PastReturns,
    conformal_bands,
    empirical,
    ewma_volatility,
    fit_garch,
    garch,
)
from nse_lstm.evaluation.quantile_scores import LEVELS

DAYS = pd.bdate_range("2020-01-06", periods=600).as_unit("us")
START = pd.Timestamp("2021-12-01")


def past(*, horizon: int = 1, daily: np.ndarray | None = None) -> PastReturns:
    if daily is None:
        daily = 0.01 * np.random.default_rng(0).standard_t(6, len(DAYS))
    moves = np.convolve(daily, np.ones(horizon), "valid")
    return PastReturns(
        daily=pd.Series(daily, DAYS),
        known=DAYS[horizon - 1 :].to_numpy(),
        moves=moves,
        origins=DAYS[DAYS >= START][:5].to_numpy(),
        volatility=fit_garch(pd.Series(daily, DAYS), start=START),
        horizon=horizon,
    )


@pytest.mark.parametrize("horizon", [1, 5])
def test_empirical_quantiles_are_those_of_the_moves_known_at_the_origin(horizon: int):
    own = past(horizon=horizon)
    for found, origin in zip(empirical(own), own.origins, strict=True):
        known = own.moves[own.known <= origin]
        np.testing.assert_allclose(found, np.quantile(known[-1000:], LEVELS))


def test_ewma_variance_is_the_weighted_mean_of_past_squares():
    own = past(horizon=5)
    found = ewma_volatility(own)
    for row, origin in zip(found, own.origins, strict=True):
        squares = own.daily[own.daily.index <= origin].to_numpy()[::-1] ** 2
        weights = 0.94 ** np.arange(len(squares))
        sigma = np.sqrt(5 * (weights * squares).sum() / weights.sum())
        np.testing.assert_allclose(row, sigma * stats.norm.ppf(LEVELS))


def test_conformal_bands_hold_the_stated_share_of_the_last_250_moves():
    own = past()
    found = conformal_bands(own)[0]
    moves = own.moves[own.known <= own.origins[0]][-250:]
    np.testing.assert_allclose(found, -found[::-1])
    # Rank ceil(251 * 0.9) = 226 of the sorted sizes is the radius of nine in ten.
    assert found[list(LEVELS).index(0.95)] == np.sort(np.abs(moves))[225]
    assert found[list(LEVELS).index(0.5)] == 0


@pytest.mark.parametrize(
    "benchmark", [empirical, ewma_volatility, garch, conformal_bands]
)
@pytest.mark.parametrize("horizon", [1, 5])
def test_no_benchmark_sees_what_comes_after_an_origin(benchmark, horizon: int):
    own = past(horizon=horizon)
    other = own.daily.to_numpy().copy()
    later = own.daily.index > own.origins[2]
    other[later] = 0.05
    again = past(horizon=horizon, daily=other)
    np.testing.assert_array_equal(benchmark(own)[:3], benchmark(again)[:3])


def test_garch_recovers_a_simulated_volatility():
    generator = np.random.default_rng(7)
    draws = generator.standard_t(8, 3000) * np.sqrt(6 / 8)
    variance, returns = np.empty(3000), np.empty(3000)
    now = 1e-4
    for i, draw in enumerate(draws):
        variance[i], returns[i] = now, np.sqrt(now) * draw
        now = 2e-6 + 0.08 * returns[i] ** 2 + 0.90 * now
    days = pd.bdate_range("2010-01-04", periods=3000).as_unit("us")
    own = PastReturns(
        daily=pd.Series(returns, days),
        known=days.to_numpy(),
        moves=returns,
        origins=days[2500:-1].to_numpy(),
        volatility=fit_garch(pd.Series(returns, days), start=days[2500]),
        horizon=1,
    )
    found = garch(own)
    spread = found[:, -4] - found[:, 3]
    true = np.sqrt(variance[2501:]) * np.sqrt(6 / 8) * 2 * stats.t.ppf(0.95, 8)
    assert np.corrcoef(spread, true)[0, 1] > 0.95
    assert spread.mean() == pytest.approx(true.mean(), rel=0.1)
    below = (returns[2501:] < found[:, 3]).mean()
    assert below == pytest.approx(0.05, abs=0.03)


def test_garchs_variance_counts_the_origins_own_return():
    daily = past().daily * (1 + 0.8 * np.sin(np.arange(len(DAYS)) / 40))
    one = fit_garch(daily, start=START)
    assert one.alpha > 0.01
    place = len(daily) - 3
    moved = daily.copy()
    moved.iloc[place] += 0.05
    other = fit_garch(moved, start=START)
    squares = [(100 * each.iloc[place] - one.mean) ** 2 for each in (moved, daily)]
    rise = one.alpha * (squares[0] - squares[1])
    later = (other.ahead - one.ahead).iloc[place:]
    expected = [rise, one.beta * rise, one.beta**2 * rise]
    np.testing.assert_allclose(later, expected, rtol=1e-9)
    assert (other.ahead - one.ahead).iloc[:place].abs().max() == 0


def test_garch_over_five_sessions_is_wider_by_the_root_of_time():
    one, five = garch(past()), garch(past(horizon=5))
    ratio = (five[:, -4] - five[:, 3]).mean() / (one[:, -4] - one[:, 3]).mean()
    assert ratio == pytest.approx(np.sqrt(5), rel=0.15)
