"""CRPS, PIT and value-at-risk tests against arithmetic and published likelihoods."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.distribution_scores import score_distributions
from nse_lstm.evaluation.quantile_scores import (
    COLUMNS,
    LEVELS,
    crps,
    level_weights,
    pinball_loss,
    pit,
    pit_distance,
    value_at_risk_test,
)
from nse_lstm.tables import QUANTILE_COLUMNS


def test_columns_name_their_levels():
    assert QUANTILE_COLUMNS[0] == "q005" and QUANTILE_COLUMNS[-1] == "q995"
    assert [int(name[1:]) for name in COLUMNS] == [round(1000 * x) for x in LEVELS]
    assert (np.diff(LEVELS) > 0).all()
    np.testing.assert_allclose(LEVELS + LEVELS[::-1], 1, atol=1e-12)
    assert level_weights().sum() == pytest.approx(1)


def test_pinball_loss_is_the_textbook_one():
    quantiles = np.full((2, LEVELS.size), 1.0)
    losses = pinball_loss([3.0, 0.0], quantiles)
    np.testing.assert_allclose(losses[0], 2 * LEVELS)
    np.testing.assert_allclose(losses[1], 1 - LEVELS)


@pytest.mark.parametrize("y", [-2.0, -0.3, 0.0, 1.1])
def test_crps_of_a_normal_forecast_is_near_its_closed_form(y: float):
    # Gneiting and Raftery (2007), eq. 21, of the standard normal.
    exact = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y)
    exact -= 1 / math.sqrt(math.pi)
    found = crps([y], stats.norm.ppf(LEVELS)[np.newaxis])[0]
    assert found == pytest.approx(exact, rel=0.03)


def test_crps_of_a_certain_forecast_is_its_absolute_error():
    found = crps([0.5, -2.0], np.zeros((2, LEVELS.size)))
    # 2 |y| times the mean level, which is 1/2.
    np.testing.assert_allclose(found, [0.5, 2.0], rtol=1e-3)


def test_crps_prefers_the_true_distribution():
    draws = np.random.default_rng(1).standard_t(5, 4000)
    true = np.tile(stats.t.ppf(LEVELS, 5), (draws.size, 1))
    scores = [crps(draws, shape * true).mean() for shape in (0.8, 1.0, 1.25)]
    shifted = crps(draws, true + 0.3).mean()
    assert scores[1] < min(scores[0], scores[2], shifted)


def test_pit_is_uniform_under_the_truth_and_with_an_atom():
    generator = np.random.default_rng(2)
    moves = generator.normal(size=6000)
    y = np.where(generator.random(6000) < 0.3, 0.0, moves)
    # 0.3 of the mass at 0, the rest normal: half of it below, half above.
    low, high = stats.norm.ppf(LEVELS / 0.7), stats.norm.ppf((LEVELS - 0.3) / 0.7)
    atom = np.where(LEVELS < 0.35, low, np.where(LEVELS > 0.65, high, 0.0))
    found = pit(y, np.tile(atom, (y.size, 1)), seed=0)
    assert ((found >= 0) & (found <= 1)).all()
    assert pit_distance(found) < 0.02
    narrow = pit(y, np.tile(0.5 * atom, (y.size, 1)), seed=0)
    assert pit_distance(narrow) > 0.05


def test_kupiec_statistic_by_hand():
    # 8 breaches in 200 at 5 %: -2 ln[(.95^192 .05^8) / (.96^192 .04^8)]
    breaches = np.zeros(200, bool)
    breaches[::25] = True
    ratio = 192 * math.log(0.96 / 0.95) + 8 * math.log(0.04 / 0.05)
    found = value_at_risk_test(breaches, level=0.05)
    assert (found.n, found.n_breaches) == (200, 8)
    assert found.kupiec == pytest.approx(stats.chi2.sf(2 * ratio, 1))


def test_kupiec_rejects_at_the_published_bounds():
    # Kupiec (1995), table: at 1 % and 255 days fewer than 7 failures are accepted at
    # the 5 % level; at 5 % and 255 days 7 to 20 are.
    def p_value(n_breaches: int, level: float) -> float:
        breaches = np.arange(255) < n_breaches
        return value_at_risk_test(breaches, level=level).kupiec

    assert p_value(6, 0.01) > 0.05 > p_value(7, 0.01)
    assert p_value(7, 0.05) > 0.05 > p_value(6, 0.05)
    assert p_value(20, 0.05) > 0.05 > p_value(21, 0.05)


def test_christoffersen_rejects_breaches_in_runs_and_not_spread_ones():
    spread, runs = np.zeros(500, bool), np.zeros(500, bool)
    spread[10::20] = True
    runs[100:125] = True
    assert value_at_risk_test(spread, level=0.05).christoffersen > 0.05
    found = value_at_risk_test(runs, level=0.05)
    assert found.kupiec == pytest.approx(1.0)
    assert found.christoffersen < 1e-6


def test_christoffersen_statistic_by_plain_counts():
    hits = (np.random.default_rng(4).random(300) < 0.08).tolist()
    counts = {(a, b): 0 for a in (False, True) for b in (False, True)}
    for before, after in itertools.pairwise(hits):
        counts[before, after] += 1
    n00, n01 = counts[False, False], counts[False, True]
    n10, n11 = counts[True, False], counts[True, True]

    def log(n: int, p: float) -> float:
        return n * math.log(p) if n else 0.0

    one, zero = n01 / (n00 + n01), n11 / (n10 + n11) if n10 + n11 else 0.0
    pooled = (n01 + n11) / (n00 + n01 + n10 + n11)
    free = log(n00, 1 - one) + log(n01, one) + log(n10, 1 - zero) + log(n11, zero)
    tied = log(n00 + n10, 1 - pooled) + log(n01 + n11, pooled)
    x = sum(hits)
    rate = x / 300
    kupiec = log(x, rate / 0.05) + log(300 - x, (1 - rate) / 0.95)
    expected = stats.chi2.sf(2 * (kupiec + free - tied), 2)
    found = value_at_risk_test(hits, level=0.05)
    assert found.christoffersen == pytest.approx(expected)


def test_one_session_is_no_value_at_risk_test():
    with pytest.raises(StudyError, match="two sessions"):
        value_at_risk_test([True], level=0.05)


def test_scores_of_a_year_compare_the_models_by_date():
    generator = np.random.default_rng(5)
    days = pd.bdate_range("2023-01-02", periods=200)
    blocks = []
    for ticker in ("AAA", "BBB"):
        y = 0.01 * generator.normal(size=200)
        for model, width in (("stock_lstm", 0.01), ("garch", 0.03)):
            q = np.tile(width * stats.norm.ppf(LEVELS), (200, 1))
            rows = pd.DataFrame(q, columns=list(COLUMNS)).assign(
                ticker=ticker,
                model=model,
                fold=2023,
                horizon=1,
                origin=days,
                target_date=days + pd.offsets.BDay(1),
                y=y,
                crps=crps(y, q),
            )
            blocks.append(rows)
    joined = pd.concat(blocks, ignore_index=True)
    scores = score_distributions(joined, model="stock_lstm", seed=1)
    value = scores.set_index(["ticker", "model", "metric"])["value"]
    own = joined[joined["model"] == "stock_lstm"]
    assert value["ALL", "stock_lstm", "crps"] == pytest.approx(own["crps"].mean())
    inside = own["y"].between(own["q050"], own["q950"]).mean()
    assert value["ALL", "stock_lstm", "coverage_90"] == pytest.approx(inside)
    below = own.loc[own["ticker"] == "AAA", "y"] < -0.01 * stats.norm.ppf(0.95)
    assert value["AAA", "stock_lstm", "below_05"] == pytest.approx(below.mean())
    assert value["ALL", "garch", "dm_statistic"] < -5
    assert ("ALL", "stock_lstm", "dm_statistic") not in value.index
    assert (
        value["AAA", "garch", "kupiec_95"]
        < 0.01
        < value["AAA", "stock_lstm", "kupiec_95"]
    )
