import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import Dealing
from nse_lstm.evaluation.averaging import score_later
from nse_lstm.evaluation.random_positions import score_random
from nse_lstm.evaluation.report_card import report_card
from nse_lstm.evaluation.scoring import score_accuracy, score_strategies
from nse_lstm.evaluation.strategies import strategy_returns
from nse_lstm.features.returns import with_returns
from nse_lstm.study.score_tables import (
    pooled_accuracy,
    pooled_scores,
    random_comparison,
)
from nse_lstm.tables import FORECASTS

DEALING = Dealing()


def forecast_table(panel: pd.DataFrame) -> pd.DataFrame:
    rows = with_returns(panel)
    rows["target_date"] = rows.groupby("ticker")["session"].shift(-1)
    rows = rows[rows["target_date"].dt.year == 2020].assign(
        origin=lambda r: r["session"], entry_date=lambda r: r["session"]
    )
    sizes = {"v2": 0.03, "persistence": 0.0, "ar1": 0.001}
    parts = [
        rows.assign(
            model=model,
            seed=0,
            fold=2020,
            delay=0,
            horizon=1,
            price_hat=rows["price"],
            y_hat=np.sign(rows["log_return"]) * size,
            lower=np.nan,
            upper=np.nan,
        )
        for model, size in sizes.items()
    ]
    return pd.concat(parts)[list(FORECASTS.columns)].reset_index(drop=True)


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    panel = make_tiny_panel(120, start="2019-11-04")
    forecasts = forecast_table(panel)
    returns = strategy_returns(forecasts, panel, dealing=DEALING)
    return pd.concat(
        [
            score_accuracy(forecasts, panel),
            score_later(forecasts, panel),
            score_strategies(returns, dealing=DEALING),
            score_random(returns, panel, model="v2", dealing=DEALING, draws=20, seed=1),
        ],
        ignore_index=True,
    )


def test_the_pool_lists_models_first_and_the_yardsticks_after(scores) -> None:
    table = pooled_scores(scores, cost_bps=66)
    assert table[["strategy", "rule"]].to_numpy().tolist() == [
        ["v2 LSTM", "gate"],
        ["v2 LSTM", "sign"],
        ["persistence", "gate"],
        ["persistence", "sign"],
        ["AR(1)", "gate"],
        ["AR(1)", "sign"],
        ["buy and hold", "hold"],
        ["equal weight, monthly", "rebalance"],
    ]


def test_a_free_index_stands_in_the_table_of_any_cost(scores) -> None:
    free = scores[scores["model"] == "buy_and_hold"]
    free = free[free["cost_bps"] == 0].assign(model="index_hold", rule="no_cost")
    table = pooled_scores(pd.concat([scores, free]), cost_bps=66)
    assert table["strategy"].iloc[-1] == "index, no costs"


def test_the_pools_win_rate_is_the_report_cards(scores) -> None:
    card = report_card(scores, model="v2", rule="gate", year=2020, dealing=DEALING)
    found = card.set_index("target").loc["Win rate above 50 %", "found"]
    table = pooled_scores(scores, cost_bps=66).set_index(["strategy", "rule"])
    assert found == f"{100 * table.loc[('v2 LSTM', 'gate'), 'win_rate']:.1f} %"


def test_luck_has_a_row_a_rule_with_an_ordered_band(scores) -> None:
    table = random_comparison(scores, model="v2", cost_bps=66)
    assert table["rule"].tolist() == ["gate", "sign"]
    assert (table["lower"] <= table["median"]).all()
    assert (table["median"] <= table["upper"]).all()
    assert table["random_beaten"].dropna().between(0, 1).all()
    own = pooled_scores(scores, cost_bps=66).set_index(["strategy", "rule"])
    for row in table.itertuples():
        assert row.net_return == own.loc[(row.strategy, row.rule), "net_return"]


def test_accuracy_has_a_row_a_model_and_no_direction_where_none_is_called(
    scores,
) -> None:
    table = pooled_accuracy(scores).set_index("strategy")
    assert table.index.tolist() == ["v2 LSTM", "persistence", "AR(1)"]
    assert np.isnan(table.loc["persistence", "directional_accuracy"])
    assert table.loc["persistence", "skill"] == 0
    assert table["directional_accuracy_later"].drop("persistence").between(0, 1).all()
