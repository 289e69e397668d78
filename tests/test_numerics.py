"""A ratio over a spread that is rounding alone has no value, whoever computes it."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nse_lstm.evaluation.hac import newey_west
from nse_lstm.evaluation.metrics import out_of_sample_r_squared, r_squared, sharpe_ratio
from nse_lstm.evaluation.metrics import skill as skill_of
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.evaluation.significance import moments_of
from nse_lstm.numerics import is_constant

LEVELS = st.floats(1e-8, 1e8)
NOISE = st.lists(st.integers(-4, 4), min_size=3, max_size=40)


def nearly(level: float, steps: list[int]) -> np.ndarray:
    """Return a level, off by up to four units in the last place."""
    return level + np.array(steps) * np.spacing(level)


@given(LEVELS, NOISE, st.booleans())
def test_rounding_is_no_spread(level: float, steps: list[int], falls: bool) -> None:
    values = nearly(level, steps) * (-1 if falls else 1)
    noise = np.random.default_rng(0).normal(size=len(values))
    assert is_constant(values)
    assert math.isnan(sharpe_ratio(values, sessions_per_year=250))
    assert math.isnan(sharpe_ratio(values, sessions_per_year=250, cash=values[::-1]))
    assert math.isnan(moments_of(values).sharpe)
    assert math.isnan(r_squared(values, values + noise))
    benchmark = values[::-1]
    assert math.isnan(out_of_sample_r_squared(values, noise, benchmark=benchmark))
    assert newey_west(values, lags=2)[1] == 0.0


@given(LEVELS, st.floats(1e-4, 1.0))
def test_a_spread_of_a_ten_thousandth_counts(level: float, share: float) -> None:
    values = level * np.array([1.0, 1.0 + share, 1.0])
    assert not is_constant(values)
    found = sharpe_ratio(values, sessions_per_year=1)
    # mean m (1 + s / 3), standard deviation m s / sqrt(3)
    assert found == pytest.approx((1 + share / 3) * math.sqrt(3) / share, rel=1e-6)


def test_prices_that_grow_by_one_percent_have_no_sharpe_ratio() -> None:
    price = 50 * 1.01 ** np.arange(300)
    returns = price[1:] / price[:-1] - 1
    assert np.ptp(returns) > 0
    assert math.isnan(sharpe_ratio(returns, sessions_per_year=250))
    assert math.isnan(skill_of(np.zeros(5), np.ones(5)))


def test_forecasts_that_differ_by_rounding_rank_nothing(
    tiny_panel: pd.DataFrame,
) -> None:
    session = tiny_panel["session"].unique()
    rows = pd.DataFrame(
        {
            "ticker": ["AAA", "BBB", "CCC"] * 2,
            "model": ["flat"] * 3 + ["ranks"] * 3,
            "seed": 1,
            "fold": 2020,
            "origin": session[10],
            "delay": 0,
            "horizon": 1,
            "entry_date": session[10],
            "target_date": session[11],
            "price_hat": np.nan,
            "y_hat": [*nearly(0.01, [0, 1, 2]), 0.01, 0.02, 0.03],
            "lower": np.nan,
            "upper": np.nan,
        }
    )
    assert daily_rank_ic(rows, tiny_panel)["model"].tolist() == ["ranks"]
