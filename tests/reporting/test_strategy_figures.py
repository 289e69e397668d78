"""What the figures of Phase 4 show, and what they leave out."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes

from nse_lstm.reporting.canvas import NAMES
from nse_lstm.reporting.strategy_figures import (
    draw_costs,
    draw_coverage,
    draw_errors,
    draw_net_value,
)

COSTS = (0, 66)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def score_rows() -> pd.DataFrame:
    """Scores of the pool: v2 and AR(1) trade, persistence and drift never do."""
    rows = []
    for model, exposure in {
        "v2": 0.5,
        "ar1": 0.4,
        "drift": 0,
        "persistence": 0,
    }.items():
        for rule in ("sign", "gate"):
            for cost in COSTS:
                rows.append((model, rule, "net_return", cost, 0.1 - cost / 1e3))
                rows.append((model, rule, "exposure", cost, exposure))
    for model, rule in {"buy_and_hold": "hold", "equal_weight": "rebalance"}.items():
        for cost in COSTS:
            rows.append((model, rule, "net_return", cost, 0.05))
            rows.append((model, rule, "exposure", cost, 1.0))
    rows.append(("index_hold", "no_cost", "net_return", 0, 0.07))
    rows.append(("index_hold", "no_cost", "exposure", 0, 1.0))
    for rule in ("sign", "gate"):
        for cost in COSTS:
            rows.append(("random_positions", rule, "net_return", cost, 0.0))
            rows.append(("random_positions", rule, "exposure", cost, 0.5))
    table = pd.DataFrame(rows, columns=["model", "rule", "metric", "cost_bps", "value"])
    return table.assign(
        ticker="ALL", fold=2020, lower=table["value"] - 0.1, upper=table["value"] + 0.1
    )


def labels(axes: Axes) -> set[str]:
    return {text.get_text() for text in axes.texts}


def test_costs_name_every_invested_strategy_in_both_panels() -> None:
    figure = draw_costs(score_rows(), year=2020, headline=66)
    invested = {"v2", "ar1", "buy_and_hold", "equal_weight", "index_hold"}
    expected = {NAMES[name] for name in invested} | {"random positions, 5–95%"}
    for axes in figure.axes:
        assert labels(axes) == expected


def test_the_index_is_level_across_costs_as_it_pays_none() -> None:
    axes = draw_costs(score_rows(), year=2020, headline=66).axes[0]
    level = [line for line in axes.lines if list(line.get_ydata()) == [0.07, 0.07]]
    assert [list(line.get_xdata()) for line in level] == [[0, 66]]


def test_values_start_from_what_was_held_at_the_headline_cost_and_the_index() -> None:
    sessions = pd.bdate_range("2020-01-01", periods=2)
    books = [
        ("v2", "sign", 66, 1.0),
        ("v2", "sign", 0, 1.0),
        ("drift", "sign", 66, 0.0),
        ("index_hold", "no_cost", 0, 1.0),
    ]
    returns = pd.concat(
        pd.DataFrame(
            {
                "ticker": "AAA",
                "fold": 2020,
                "model": model,
                "rule": rule,
                "cost_bps": cost,
                "position": position,
                "session": sessions,
                "net_return": [0.1, -0.1],
                "cash_return": 0.0,
            }
        )
        for model, rule, cost, position in books
    )
    sign, gate = draw_net_value(returns, year=2020, cost_bps=66).axes
    assert labels(sign) == {"cash", "v2 LSTM", "price index, no costs"}
    assert labels(gate) == {"cash", "price index, no costs"}
    ends = {round(float(line.get_ydata()[-1]), 6) for line in sign.lines}
    assert ends == {1.0, 0.99}  # cash, and 1.1 * 0.9


def test_errors_show_the_baselines_as_one_grey_group() -> None:
    scores = pd.DataFrame(
        [
            (ticker, model, 2020, "mae", value)
            for ticker in ("AAA", "BBB")
            for model, value in {"v2": 3, "persistence": 1, "ar1": 2, "ewma": 1}.items()
        ],
        columns=["ticker", "model", "fold", "metric", "value"],
    )
    (axes,) = draw_errors(scores, year=2020).axes
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == ["baselines: AR(1), EWMA", "v2 LSTM"]


def test_every_quarter_has_its_dots_and_the_band_around_them() -> None:
    coverage = pd.DataFrame(
        {
            "model": "v2",
            "ticker": ["AAA", "BBB", "AAA", "BBB"],
            "quarter": ["2021Q1", "2021Q1", "2021Q2", "2021Q2"],
            "coverage": [0.9, 0.8, 1.0, 0.9],
            "lower": 0.8,
            "upper": 0.97,
        }
    )
    figure = draw_coverage(coverage, model="v2", aim=0.9)
    (axes,) = figure.axes
    named = {line.get_label(): line for line in axes.lines}
    assert len(named["a stock"].get_xdata()) == 4
    assert named["mean of the stocks"].get_ydata() == pytest.approx([0.85, 0.95])
    assert [t.get_text() for t in axes.get_xticklabels()] == ["2021Q1", "2021Q2"]
