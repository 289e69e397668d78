"""Every strategy traded over the same stocks and sessions."""

import time

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import Backtest
from nse_lstm.errors import StudyError
from nse_lstm.evaluation.scoring import POOL, score_strategies
from nse_lstm.evaluation.strategies import (
    BENCHMARKS,
    EQUAL_WEIGHT,
    HOLD,
    INDEX,
    strategy_returns,
)

BACKTEST = Backtest()


@pytest.fixture
def panel():
    return make_tiny_panel(start="2019-11-04")


@pytest.fixture
def returns(panel, forecasts_of):
    parts = [
        forecasts_of(
            panel, model="persistence", y_hat=lambda r: r["ahead"] * 0, fold=2020
        ),
        forecasts_of(panel, model="oracle", y_hat=lambda r: r["ahead"], fold=2020),
    ]
    return strategy_returns(pd.concat(parts), panel, backtest=BACKTEST)


def test_every_model_rule_and_cost_is_traded_on_every_session_of_the_year(
    panel, returns
):
    in_year = panel.loc[panel["session"].dt.year == 2020, "session"].nunique()
    accounts = returns.groupby(["ticker", "model", "rule", "cost_bps"]).size()
    assert (accounts == in_year).all()
    # (3 tickers x (2 models x 2 rules + holding) + equal weight) x 5 costs
    assert len(accounts) == (3 * 5 + 1) * 5


def test_the_first_order_of_a_year_comes_from_the_last_session_before(returns):
    first = returns["session"].min()
    held = returns[(returns["model"] == HOLD) & (returns["session"] == first)]
    held = held[held["ticker"] != "CCC"]  # suspended over the turn of the year
    assert (held["turnover"] == 1).all()
    assert (held["position"] == 0).all()


def test_holding_buys_once_and_stays(returns):
    held = returns[returns["model"] == HOLD]
    bought = held.groupby(["ticker", "cost_bps"])["turnover"].sum()
    assert (bought == 1).all()
    assert set(held["rule"]) == {"hold"}


def test_equal_weight_is_one_account_beside_the_stocks(returns):
    equal = returns[returns["model"] == EQUAL_WEIGHT]
    assert set(equal["ticker"]) == {POOL}
    assert set(equal["rule"]) == {BENCHMARKS[EQUAL_WEIGHT]}
    scores = score_strategies(returns, backtest=BACKTEST)
    own = scores[(scores["model"] == EQUAL_WEIGHT) & (scores["metric"] == "net_return")]
    assert set(own["ticker"]) == {POOL}
    at_headline = equal[equal["cost_bps"] == 66]["net_return"]
    found = own[own["cost_bps"] == 66]["value"].item()
    assert found == pytest.approx((1 + at_headline).prod() - 1)


def test_the_index_stands_under_its_own_ticker_at_no_cost_only(panel, forecasts_of):
    index = panel[panel["ticker"] == "AAA"].assign(
        ticker="^NASI", kind="index", volume=np.nan
    )
    whole = pd.concat([panel, index], ignore_index=True)
    forecasts = pd.concat(
        forecasts_of(panel, model="oracle", y_hat=lambda r: r["ahead"], fold=fold)
        for fold in (2019, 2020)
    )
    returns = strategy_returns(forecasts, whole, backtest=BACKTEST)
    rows = returns[returns["model"] == INDEX]
    assert set(rows["ticker"]) == {"^NASI"}
    assert set(rows["cost_bps"]) == {0}
    assert set(rows["fold"]) == {2019, 2020}
    # Each account is of its own year, which the next one follows.
    assert (returns["session"].dt.year == returns["fold"]).all()
    # The pool of the stocks is not moved by it.
    others = returns[returns["model"] != INDEX].reset_index(drop=True)
    without = strategy_returns(forecasts, panel, backtest=BACKTEST)
    pd.testing.assert_frame_equal(others, without)


def test_a_day_on_which_only_the_index_is_printed_is_no_session(panel, forecasts_of):
    sessions = pd.Series(panel["session"].unique())
    saturday = pd.Timestamp("2020-01-11")
    days = pd.concat([sessions, pd.Series([saturday])], ignore_index=True)
    index = panel.iloc[: len(days)].assign(
        ticker="^NASI", kind="index", session=days.to_numpy(), volume=np.nan
    )
    index = index.assign(price=100.0, factor=1.0, suspended=False)
    forecasts = forecasts_of(
        panel, model="oracle", y_hat=lambda r: r["ahead"], fold=2020
    )
    whole = pd.concat([panel, index], ignore_index=True)
    returns = strategy_returns(forecasts, whole, backtest=BACKTEST)
    assert saturday not in set(returns["session"])
    others = returns[returns["model"] != INDEX].reset_index(drop=True)
    without = strategy_returns(forecasts, panel, backtest=BACKTEST)
    pd.testing.assert_frame_equal(others, without)


def test_a_forecast_of_more_than_one_session_is_refused(panel, forecasts_of):
    forecasts = forecasts_of(
        panel, model="oracle", y_hat=lambda r: r["ahead"], fold=2020
    )
    with pytest.raises(StudyError, match="horizon=5 \\(model oracle, ticker AAA\\)"):
        strategy_returns(forecasts.assign(horizon=5), panel, backtest=BACKTEST)


def test_persistence_earns_cash_at_every_cost(returns):
    idle = returns[returns["model"] == "persistence"]
    assert idle["turnover"].sum() == 0
    # One plus a return less one keeps 16 digits of the one, not of the return.
    cash = pytest.approx(idle["cash_return"].to_numpy(), abs=1e-15)
    assert idle["net_return"].to_numpy() == cash


def test_a_dearer_level_never_earns_more_from_the_same_signals(returns):
    signed = returns[(returns["model"] == "oracle") & (returns["rule"] == "sign")]
    total = signed.groupby(["cost_bps", "ticker"])["net_return"].sum().unstack()
    assert (total.diff().dropna() < 0).all(axis=None)


def test_the_gate_trades_less_the_dearer_a_trade_is(returns):
    gated = returns[(returns["model"] == "oracle") & (returns["rule"] == "gate")]
    turnover = gated.groupby("cost_bps")["turnover"].sum()
    assert (turnover.diff().dropna() <= 0).all()


def test_ten_stocks_and_eight_models_take_seconds(forecasts_of):
    panel = pd.concat(
        make_tiny_panel(500, seed=i, start="2019-01-01").assign(ticker=f"T{i}")[:500]
        for i in range(10)
    )
    parts = [
        forecasts_of(panel, model=name, y_hat=lambda r: np.sign(r["ahead"]), fold=2020)
        for name in "abcdefgh"
    ]
    begun = time.perf_counter()
    strategy_returns(pd.concat(parts), panel, backtest=BACKTEST)
    # Measured 0.7 s on one core; the limit only catches a loop over sessions.
    assert time.perf_counter() - begun < 20
