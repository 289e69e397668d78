"""Curves and losses are drawn where their tables say."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from nse_lstm.reporting.curve_figures import (
    draw_hidden_features,
    draw_hidden_sessions,
    draw_learning_curve,
    draw_shuffled,
)


def test_a_curve_ends_with_all_data_and_its_bars_are_of_the_difference() -> None:
    cuts = [("all", 0), ("years", 1), ("years", 7), ("stocks", 30), ("stocks", 5)]
    table = pd.DataFrame(
        [
            (cut, number, model, horizon, number / 100)
            for cut, number in cuts
            for model in ("ridge", "boosting")
            for horizon in (1, 5)
        ],
        columns=["cut", "number", "model", "horizon", "value"],
    ).assign(change=-0.02, change_lower=-0.05, change_upper=0.02)
    figure = draw_learning_curve(table)
    assert len(figure.axes) == 4
    years, shares = figure.axes[-2:]
    for axes, labels in ((years, ["1", "7", "all"]), (shares, ["5", "30", "all"])):
        assert [text.get_text() for text in axes.get_xticklabels()] == labels
    line = shares.lines[0]
    np.testing.assert_allclose(line.get_ydata(orig=False), [0.05, 0.3, 0.0])
    (bars,) = shares.containers[0].lines[2]
    # 0.03 below the point and 0.04 above, as the difference's interval reaches.
    np.testing.assert_allclose(bars.get_segments()[0][:, 1], [0.02, 0.09])
    assert {"ridge", "boosted trees"} <= {text.get_text() for text in shares.texts}
    plt.close(figure)


def losses(n_features: int, n_sessions: int) -> pd.DataFrame:
    rows = [("everything", "", 0.2)]
    rows += [("feature", f"feature_{n}", n / 100) for n in range(n_features)]
    rows += [("lag", str(n), 0.01) for n in range(n_sessions)]
    rows += [("older", str(n), 0.03) for n in range(1, n_sessions)]
    table = pd.DataFrame(rows, columns=["form", "what", "loss"])
    return table.assign(error=0.01, control=0.0, control_error=0.01)


def test_losses_stand_beside_their_control() -> None:
    table = losses(20, 3)
    own = table[table["form"] == "feature"].rename(columns={"what": "feature"})
    for figure in (draw_hidden_features(table), draw_shuffled(own, model="ridge")):
        (axes,) = figure.axes
        labels = [text.get_text() for text in axes.get_yticklabels()]
        # The fifteen that lose most, the largest first.
        assert labels == [f"feature {n}" for n in range(19, 4, -1)]
        hidden, control = (bars.lines[0] for bars in axes.containers)
        expected = np.arange(19, 4, -1) / 100
        np.testing.assert_allclose(hidden.get_xdata(orig=False), expected)
        np.testing.assert_allclose(control.get_xdata(orig=False), 0)
        plt.close(figure)


def test_sessions_stand_where_they_are_counted_back_to() -> None:
    figure = draw_hidden_sessions(losses(1, 4))
    (axes,) = figure.axes
    older, lag, control = (bars.lines[0] for bars in axes.containers)
    np.testing.assert_allclose(older.get_xdata(orig=False), [1, 2, 3])
    np.testing.assert_allclose(older.get_ydata(orig=False), 0.03)
    np.testing.assert_allclose(lag.get_ydata(orig=False), [0.01] * 4)
    np.testing.assert_allclose(control.get_ydata(orig=False), [0.0] * 4)
    assert [text.get_text() for text in axes.texts] == [
        "rank IC with nothing hidden, 0.200"
    ]
    plt.close(figure)
