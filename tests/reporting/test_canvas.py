from itertools import pairwise

import matplotlib.pyplot as plt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nse_lstm.evaluation.portfolio_rules import MONTHLY
from nse_lstm.evaluation.random_positions import RANDOM
from nse_lstm.evaluation.strategies import BENCHMARKS
from nse_lstm.models.baselines import BASELINES
from nse_lstm.models.stock_lstm import STOCK_LSTM, THRESHOLDED
from nse_lstm.models.tabular_models import FOUR_SIGNALS, RULES
from nse_lstm.reporting import strategy_figures
from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    LABEL_STEP,
    NAMES,
    colour_of,
    label_ends,
    start_axes,
)
from nse_lstm.study.ranking.rank_lstm import SINGLE
from nse_lstm.study.ranking.rank_models import ENSEMBLE, EQUAL, WITHOUT_LSTM


def test_every_model_of_every_table_has_a_name() -> None:
    tabular = {"ridge", "boosting", "ridge_per_stock", FOUR_SIGNALS, *RULES}
    networks = {"v1", "v2", "rank_lstm", SINGLE}
    networks |= {STOCK_LSTM, THRESHOLDED}
    blends = {ENSEMBLE, EQUAL, WITHOUT_LSTM}
    named = networks | tabular | blends | {*BASELINES, *BENCHMARKS, *MONTHLY, RANDOM}
    assert set(NAMES) == named
    assert len(set(NAMES.values())) == len(NAMES)


def test_the_yardsticks_have_colours_and_the_fitted_baselines_are_grey() -> None:
    assert set(BENCHMARKS) <= set(COLOURS)
    assert {colour_of(name) for name in set(BASELINES) - {"persistence"}} == {GREY}
    drawn = [colour_of(name) for name in ("v2", "persistence", *BENCHMARKS)]
    assert len(set(drawn)) == len(drawn)


def test_figures_call_models_and_rules_what_the_tables_do() -> None:
    # Reporting reads tables only, so the names stand there a second time.
    assert strategy_figures.RANDOM == RANDOM
    assert strategy_figures.NO_COST == BENCHMARKS["index_hold"]


@given(heights=st.lists(st.integers(0, 100), min_size=1, max_size=12))
@settings(max_examples=12)
def test_labels_stand_apart_in_the_lines_order_and_none_above_the_axes(
    heights: list[int],
) -> None:
    figure, axes = start_axes((8.0, 3.6))
    axes.set_ylim(0, 100)
    label_ends(axes, [(0.0, y, str(y), GREY) for y in heights])
    points = 72 / figure.dpi
    top = axes.get_window_extent().y1 * points
    placed = sorted(
        (
            axes.transData.transform(text.xy)[1] * points + text.get_position()[1],
            int(text.get_text()),
        )
        for text in axes.texts
    )
    plt.close(figure)
    assert [y for _, y in placed] == sorted(heights)
    assert placed[-1][0] <= top + 1e-6
    for (below, _), (above, _) in pairwise(placed):
        assert above - below >= LABEL_STEP - 1e-6


def test_a_lone_label_stays_at_its_line() -> None:
    figure, axes = start_axes((8.0, 3.6))
    axes.set_ylim(0, 1)
    label_ends(axes, [(0.0, 0.5, "one", GREY)])
    assert axes.texts[0].get_position()[1] == pytest.approx(0.0)
    plt.close(figure)
