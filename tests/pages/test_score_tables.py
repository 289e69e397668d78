from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import Backtest
from nse_lstm.evaluation.price_averaging import score_delayed_direction
from nse_lstm.evaluation.random_positions import score_random
from nse_lstm.evaluation.report_card import report_card
from nse_lstm.evaluation.robustness import score_robustness
from nse_lstm.evaluation.scoring import score_accuracy, score_strategies, score_traded
from nse_lstm.evaluation.strategies import strategy_returns, tradability_by_stock
from nse_lstm.evaluation.total_return import ReturnBasis
from nse_lstm.features.returns import with_returns
from nse_lstm.pages.score_tables import (
    capacity_sentence,
    capacity_table,
    declared_table,
    fragile_sentence,
    pooled_accuracy,
    pooled_scores,
    random_comparison,
    sensitivity_table,
    traded_table,
)
from nse_lstm.tables import FORECASTS

BACKTEST = Backtest()


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
    returns = strategy_returns(forecasts, panel, backtest=BACKTEST)
    calendars = tradability_by_stock(forecasts, with_returns(panel), backtest=BACKTEST)
    one_later = replace(BACKTEST, delay=BACKTEST.delay + 1)
    return pd.concat(
        [
            score_accuracy(forecasts, panel),
            score_traded(forecasts, panel),
            score_delayed_direction(forecasts, panel),
            score_strategies(returns, backtest=BACKTEST),
            score_robustness(
                forecasts,
                calendars,
                returns=returns,
                later=strategy_returns(forecasts, panel, backtest=one_later),
                model="v2",
                backtest=BACKTEST,
            ),
            score_random(
                returns, calendars, model="v2", backtest=BACKTEST, draws=20, seed=1
            ),
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
    assert table["strategy"].iloc[-1] == "price index, no costs"


def test_the_pools_win_rate_is_the_report_cards(scores) -> None:
    card = report_card(
        scores,
        model="v2",
        rule="gate",
        year=2020,
        backtest=BACKTEST,
        basis=ReturnBasis(1.0, 0.05),
        cash=0.08,
    )
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


def set_scores(scores: pd.DataFrame, **values: float) -> pd.DataFrame:
    """Return the scores with v2's gate rule having these values."""
    own = (scores["model"] == "v2") & (scores["rule"] == "gate")
    changed = scores.copy()
    for metric, value in values.items():
        changed.loc[own & (changed["metric"] == metric), "value"] = value
    return changed


def test_a_strategy_that_keeps_less_than_half_a_session_later_is_flagged(
    scores,
) -> None:
    for gross, later, fragile in ((0.2, 0.09, True), (0.2, 0.11, False)):
        changed = set_scores(scores, gross_excess=gross, gross_excess_later=later)
        row = sensitivity_table(changed).set_index(["strategy", "rule"])
        assert row.loc[("v2 LSTM", "gate"), "fragile"] == fragile
    changed = set_scores(scores, gross_excess=-0.2, gross_excess_later=-0.4)
    table = sensitivity_table(changed).set_index(["strategy", "rule"])
    assert pd.isna(table.loc[("v2 LSTM", "gate"), "fragile"])
    gained = int((table["gross_excess"] > 0).sum())
    assert f"Of {len(table)} strategies that traded, {gained} gain" in (
        fragile_sentence(changed)
    )


def test_a_strategy_that_never_traded_is_not_listed(scores) -> None:
    table = sensitivity_table(scores)
    assert "persistence" not in set(table["strategy"])
    assert list(table.columns[:3]) == ["strategy", "rule", "excess_over_holding"]


def test_the_declared_strategy_has_a_row_a_year_with_its_start_days(scores) -> None:
    both = pd.concat([scores, scores.assign(fold=2021)])
    table = declared_table(both, model="v2", rule="gate")
    assert table["year_traded"].to_list() == [2020, 2021]
    assert (table["start_worst"] <= table["start_day_excess"]).all()
    assert (table["start_day_excess"] <= table["start_best"]).all()


def test_years_of_a_capital_count_by_what_was_ordered_and_by_their_sessions() -> None:
    rows = [
        # fold, capital, filled, ordered, excess, exposure, sessions
        (2021, 1e6, 1.0, 100.0, 0.10, 0.2, 250),
        (2022, 1e6, 0.8, 300.0, 0.00, 0.6, 750),
        (2021, 1e7, np.nan, 0.0, 0.00, 0.0, 250),
        (2022, 1e7, 0.5, 300.0, -0.10, 0.4, 750),
    ]
    columns = ["fold", "capital_kes", "fill_share", "ordered"]
    columns += ["net_excess", "exposure", "n"]
    capacity = pd.DataFrame(rows, columns=columns)
    table = capacity_table(capacity).set_index("capital_kes")
    # (1 x 100 + 0.8 x 300) / 400; (0.10 + 0) / 4; (0.2 + 3 x 0.6) / 4
    assert table.loc[1e6].to_list() == pytest.approx([0.85, 0.025, 0.5])
    assert table.loc[1e7].to_list() == pytest.approx([0.5, -0.075, 0.3])
    assert "At none" in capacity_sentence(capacity)
    easier = capacity.assign(fill_share=[1.0, 1.0, np.nan, 0.5])
    assert "KES 1,000,000." in capacity_sentence(easier)


def test_accuracy_on_traded_sessions_stands_beside_all(scores) -> None:
    table = traded_table(scores).set_index("strategy")
    assert table.loc["persistence", ["skill", "skill_traded"]].to_list() == [0, 0]
    # Persistence always answers "unchanged".
    assert table.loc["persistence", "three_way_accuracy"] < 0.2
