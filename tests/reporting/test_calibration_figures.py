import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from nse_lstm.reporting.calibration_figures import draw_power


@pytest.fixture(autouse=True)
def _close_figures() -> None:
    plt.close("all")


def test_each_group_has_its_share_of_yes_over_the_oracles_ratio() -> None:
    counts = pd.DataFrame(
        {
            "signal": [0.2, 0.1, 0.1, 0.0, 0.1],
            "who": ["oracle", "oracle", "ridge", "ridge", "oracle"],
            "rule": ["sign"] * 4 + ["gate"],
            "cost_bps": [66] * 5,
            "oracle_sharpe": [2.0, 1.0, 1.0, 0.5, np.nan],
            "n": 10,
            "yes": [10, 5, 0, 0, 0],
            "lower": [0.7, 0.2, 0.0, 0.0, 0.0],
            "upper": [1.0, 0.8, 0.3, 0.3, 0.3],
        }
    )
    axes = draw_power(counts).axes[0]
    marks = [bars.lines[0] for bars in axes.containers]
    assert [list(line.get_xdata()) for line in marks] == [[1.0, 2.0], [1.0]]
    assert [list(line.get_ydata()) for line in marks] == [[0.5, 1.0], [0.0]]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [
        "skill itself: 66 bps, sign",
        "a model that must learn it: 66 bps, sign",
    ]
