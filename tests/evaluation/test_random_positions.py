"""Random accounts: what they share with the strategy, and that the rest is chance."""

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel
from hypothesis import given, settings
from hypothesis import strategies as st

from nse_lstm.config import Backtest
from nse_lstm.errors import TableError
from nse_lstm.evaluation.random_positions import (
    BEATEN,
    RANDOM,
    draw_paths,
    score_random,
)
from nse_lstm.evaluation.scoring import score_strategies
from nse_lstm.evaluation.strategies import (
    FORECAST_RULES,
    strategy_returns,
    tradability_by_stock,
)
from nse_lstm.features.returns import with_returns
from nse_lstm.tables import SCORES, check

BACKTEST = Backtest()


@given(seed=st.integers(0, 10_000), n=st.integers(1, 40))
@settings(max_examples=60)
def test_a_path_trades_as_often_and_is_invested_as_long_where_it_can_trade(seed, n):
    generator = np.random.default_rng(seed)
    tradable = generator.random(n) < 0.7
    wanted = (generator.random(n) < 0.5) & tradable
    # Follow the wish where a trade is possible, else stay, as a backtest does.
    position, held = np.zeros(n), 0.0
    for s in range(n):
        held = float(wanted[s]) if tradable[s] else held
        position[s] = held
    paths = draw_paths(tradable, position, draws=9, generator=generator)
    assert paths.shape == (9, n) and set(np.unique(paths)) <= {0.0, 1.0}

    def trades(path):
        return np.flatnonzero(np.diff(path, prepend=0.0))

    for path in paths:
        assert len(trades(path)) == len(trades(position))
        assert tradable[trades(path)].all()
        assert path[tradable].sum() == position[tradable].sum()


def test_every_path_is_equally_likely():
    # Two sessions of six invested, in two stretches that both end: four changes.
    position = np.array([0, 1, 0, 1, 0, 0], float)
    possible = [
        path
        for path in itertools.product([0.0, 1.0], repeat=6)
        if sum(path) == 2 and np.abs(np.diff(path, prepend=0.0)).sum() == 4
    ]
    paths = draw_paths(
        np.ones(6, bool), position, draws=6000, generator=np.random.default_rng(0)
    )
    counts = Counter(map(tuple, paths))
    assert set(counts) == set(possible)
    expected = 6000 / len(possible)
    # Five standard deviations of a count.
    assert all(abs(n - expected) < 5 * expected**0.5 for n in counts.values())


def test_a_strategy_that_never_trades_draws_nothing_but_flat_paths():
    flat = draw_paths(
        np.ones(4, bool), np.zeros(4), draws=3, generator=np.random.default_rng(0)
    )
    assert not flat.any()


@pytest.fixture
def panel():
    return make_tiny_panel(200, start="2019-11-04")


def every_third(rows):
    return pd.Series(np.where(np.arange(len(rows)) % 3 == 0, 1.0, -1.0), rows.index)


@pytest.fixture
def returns(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="v2", y_hat=every_third, fold=2020)
    return strategy_returns(forecasts, panel, backtest=BACKTEST)


def score(returns, panel, **names):
    names = {"model": "v2", "draws": 40, "seed": 1} | names
    own = returns[returns["rule"].isin(FORECAST_RULES)]
    calendars = tradability_by_stock(own, with_returns(panel), backtest=BACKTEST)
    return score_random(returns, calendars, backtest=BACKTEST, **names)


def value(scores, metric, *, model=RANDOM, rule="sign", cost_bps=66, field="value"):
    named = {"model": model, "metric": metric, "rule": rule, "cost_bps": cost_bps}
    (row,) = scores[
        np.logical_and.reduce([scores[k] == v for k, v in named.items()])
    ].to_dict("records")
    return row[field]


def test_draws_have_the_strategys_turnover_and_nearly_its_exposure(returns, panel):
    drawn, own = score(returns, panel), score_strategies(returns, backtest=BACKTEST)
    own = own[own["ticker"] == "ALL"]
    check(drawn, SCORES)
    turnover = value(own, "turnover", model="v2")
    for field in ("value", "lower", "upper"):
        assert value(drawn, "turnover", field=field) == pytest.approx(turnover)
    exposure = value(own, "exposure", model="v2")
    assert value(drawn, "exposure") == pytest.approx(exposure, abs=0.03)


def test_without_costs_or_moves_luck_and_strategy_earn_the_same(panel, forecasts_of):
    still = panel.assign(price=20.0, factor=1.0, volume=100.0, suspended=False)
    forecasts = forecasts_of(still, model="v2", y_hat=every_third, fold=2020)
    backtest = Backtest(cash_rate=0.0, cost_bps=(0, 66))
    returns = strategy_returns(forecasts, still, backtest=backtest)
    calendars = tradability_by_stock(forecasts, with_returns(still), backtest=backtest)
    drawn = score_random(
        returns, calendars, model="v2", backtest=backtest, draws=10, seed=1
    )
    assert value(drawn, "net_return", cost_bps=0) == 0.0
    assert np.isnan(value(drawn, BEATEN, model="v2", cost_bps=0))


def test_foresight_beats_every_draw_and_its_opposite_none(panel, forecasts_of):
    def two_ahead(sign):
        # What t + 1 to t + 2 brings, the first session that a trade of t can earn.
        def y_hat(rows):
            return sign * rows.groupby("ticker")["ahead"].shift(-1).fillna(0.0)

        return forecasts_of(panel, model="v2", y_hat=y_hat, fold=2020)

    for sign, beaten in ((1, 1.0), (-1, 0.0)):
        returns = strategy_returns(two_ahead(sign), panel, backtest=BACKTEST)
        assert value(score(returns, panel), BEATEN, model="v2") == beaten


def test_draws_are_seeded_and_the_same_at_every_cost_of_one_path(returns, panel):
    one, again, other = (score(returns, panel, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, again)
    assert value(one, "net_return") != value(other, "net_return")
    # The sign rule trades alike at every cost, and gross returns bear none.
    gross = {value(one, "gross_return", cost_bps=c) for c in BACKTEST.cost_bps}
    assert len(gross) == 1
    net = [value(one, "net_return", cost_bps=c) for c in BACKTEST.cost_bps]
    assert net == sorted(net, reverse=True)


def test_one_stocks_draws_do_not_depend_on_the_others(returns, panel):
    alone = returns[returns["ticker"] == "AAA"]
    few = score(alone, panel)
    widened = score(alone, panel[panel["ticker"].isin(["AAA", "BBB"])])
    pd.testing.assert_frame_equal(few, widened)


def test_the_share_beaten_is_counted_over_all_draws(returns, panel):
    drawn = score(returns, panel, draws=1)
    own = score_strategies(returns, backtest=BACKTEST)
    net = value(own[own["ticker"] == "ALL"], "net_return", model="v2")
    assert np.isnan(value(drawn, BEATEN, model="v2"))
    assert value(drawn, "net_return", field="n") == 1
    many = score(returns, panel, draws=41)
    below = value(many, "net_return") < net
    # With an odd number of draws the median is one of them.
    assert (value(many, BEATEN, model="v2") > 0.5) == below


def test_a_model_without_strategies_is_refused(returns, panel):
    with pytest.raises(TableError, match="'v9'"):
        score(returns, panel, model="v9")
