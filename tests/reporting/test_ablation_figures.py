"""The ablation on a page: one row a change, factors from logarithms."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from nse_lstm.reporting.ablation_figures import (
    CHANGE_NAMES,
    ablation_rows,
    draw_ablation,
)


def table() -> pd.DataFrame:
    forms = [(c, f) for c in CHANGE_NAMES if c != "all" for f in ("alone", "removed")]
    rows = pd.DataFrame([*forms, ("all", "all")], columns=["change", "form"])
    # Halved by each, between a quarter and the same.
    return rows.assign(
        value=np.log(0.5), lower=np.log(0.25), upper=0.0, n_seeds_better=4, n_seeds=5
    )


def test_a_change_has_one_row_with_factors_and_their_interval() -> None:
    rows = ablation_rows(table())
    assert list(rows["change"]) == list(CHANGE_NAMES.values())
    assert set(rows["alone: error times"]) == {"0.5 (0.25 to 1)"}
    assert set(rows["alone: better"]) == {"4 of 5 seeds"}
    assert rows["last: error times"].tolist()[-1] == "–"


def test_every_change_is_drawn_at_its_factor() -> None:
    figure = draw_ablation(table())
    (axes,) = figure.axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == list(CHANGE_NAMES.values())
    points = [bars.lines[0] for bars in axes.containers]
    assert [len(line.get_xdata()) for line in points] == [7, 7, 1]
    assert all(np.allclose(line.get_xdata(), 0.5) for line in points)
    plt.close(figure)
