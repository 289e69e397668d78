"""A path that never acts is an alarm that names it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nse_lstm.study.audit import activity

KEY = ["model", "rule", "cost_bps"]


def returns(*traded: tuple[str, str, int, float]) -> pd.DataFrame:
    """Two sessions per account, each with the same turnover."""
    rows = [row for row in traded for _ in range(2)]
    table = pd.DataFrame(rows, columns=[*KEY, "turnover"])
    return table.assign(gross_return=0.02, net_return=0.01)


def idle(table: pd.DataFrame) -> list[str]:
    return [where for where, _ in activity._idle_accounts(table, "accounts")]


def test_a_rule_that_never_trades_at_a_cost_is_named() -> None:
    table = returns(("v2", "gate", 0, 1.0), ("v2", "gate", 2, 0.0))
    assert idle(table) == ["accounts: v2 gate at 2 bps"]


def test_a_turnover_of_a_rounding_error_is_no_trade() -> None:
    assert idle(returns(("v2", "sign", 0, 1e-12))) == ["accounts: v2 sign at 0 bps"]


def test_a_portfolio_rule_that_never_trades_is_named() -> None:
    table = returns(("ridge", "buffer", 66, 0.0), ("ridge", "optimised", 66, 1))
    assert idle(table) == ["accounts: ridge buffer at 66 bps"]


def test_a_benchmark_need_not_trade() -> None:
    assert idle(returns(("buy_and_hold", "hold", 0, 0.0))) == []


def test_a_model_that_forecasts_no_change_may_stay_out() -> None:
    forecasts = pd.DataFrame({"model": ["ewma", "v2"], "y_hat": [1e-5, -0.02]})
    assert activity._still_models(forecasts) == {"persistence", "ewma"}


@pytest.mark.parametrize(("net", "n"), [(0.01, 0), (0.02, 1)])
def test_costs_that_nobody_paid_are_an_alarm(net: float, n: int) -> None:
    table = returns(("v2", "sign", 2, 1.0)).assign(net_return=net)
    assert len(list(activity._without_cost(table))) == n


def test_a_market_without_a_limit_day_is_an_alarm() -> None:
    # Without a trade on the session before an ex-date.
    prices = pd.DataFrame(
        {
            "ticker": "AAA",
            "simple_return": [0.02, 0.0],
            "volume": [np.nan, 0.0],
            "stale": False,
            "factor": [1.0, 2.0],
        }
    )
    held = pd.DataFrame({"ticker": ["AAA"], "model": ["v2"]})
    backtest = SimpleNamespace(limit=0.015)
    run = SimpleNamespace(
        returns=held,
        prices=prices,
        workspace=SimpleNamespace(study=SimpleNamespace(backtest=backtest)),
    )
    found = [where for where, _ in activity._never_lapsed(run)]
    assert found == ["a sale at the daily limit"]
