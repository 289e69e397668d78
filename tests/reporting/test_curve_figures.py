"""Curves and losses are drawn where their tables say."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from nse_lstm.reporting.curve_figures import draw_learning_curve, draw_occlusion


def test_a_curve_ends_with_all_shares() -> None:
    table = pd.DataFrame(
        [
            (cut, number, model, horizon, number / 100)
            for cut, numbers in (("years", (1, 7)), ("shares", (0, 5, 30)))
            for number in numbers
            for model in ("ridge", "boosting")
            for horizon in (1, 5)
        ],
        columns=["cut", "number", "model", "horizon", "value"],
    )
    table = table.assign(lower=table["value"] - 0.01, upper=table["value"] + 0.02)
    figure = draw_learning_curve(table)
    assert len(figure.axes) == 4
    years, shares = figure.axes[-2:]
    assert [text.get_text() for text in years.get_xticklabels()] == ["1", "7"]
    assert [text.get_text() for text in shares.get_xticklabels()] == ["5", "30", "all"]
    (line, _, bars) = shares.containers[0].lines
    np.testing.assert_allclose(line.get_ydata(orig=False), [0.05, 0.3, 0.0])
    ends = bars[0].get_segments()[0][:, 1]
    np.testing.assert_allclose(ends, [0.04, 0.07])
    plt.close(figure)


def test_losses_stand_beside_their_control() -> None:
    rows = [("feature", f"feature_{n}", n / 100) for n in range(20)]
    rows += [("lag", str(n), 0.01) for n in range(3)]
    table = pd.DataFrame(rows, columns=["form", "what", "loss"])
    table = table.assign(error=0.01, control=0.0, control_error=0.01)
    figure = draw_occlusion(table)
    above, below = figure.axes
    labels = [text.get_text() for text in above.get_yticklabels()]
    # The fifteen that lose most, the largest first.
    assert labels == [f"feature {n}" for n in range(19, 4, -1)]
    hidden, control = (bars.lines[0] for bars in above.containers)
    np.testing.assert_allclose(hidden.get_xdata(orig=False), np.arange(19, 4, -1) / 100)
    np.testing.assert_allclose(control.get_xdata(orig=False), 0)
    assert [text.get_text() for text in below.get_yticklabels()] == ["0", "1", "2"]
    plt.close(figure)
