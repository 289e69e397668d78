import matplotlib.pyplot as plt
import pandas as pd
import pytest

from nse_lstm.reporting.calibration_figures import draw_power


@pytest.fixture(autouse=True)
def _close_figures() -> None:
    plt.close("all")


def test_each_strategy_has_its_share_of_yes_over_the_skill() -> None:
    points = pd.DataFrame(
        {
            "strategy": ["skill", "skill", "a model"],
            "terms": "66 bps, sign",
            "skill": [1.0, 2.0, 1.0],
            "share": [0.5, 1.0, 0.0],
            "lower": [0.2, 0.7, 0.0],
            "upper": [0.8, 1.0, 0.3],
        }
    )
    axes = draw_power(points).axes[0]
    lines = [bars.lines[0] for bars in axes.containers]
    assert [list(line.get_xdata()) for line in lines] == [[1.0, 2.0], [1.0]]
    assert [list(line.get_ydata()) for line in lines] == [[0.5, 1.0], [0.0]]
    assert len({line.get_color() for line in lines}) == 2
    # The bars end at the bounds.
    ends = axes.containers[0].lines[2][0].get_segments()
    assert [list(end[:, 1]) for end in ends] == [[0.2, 0.8], [0.7, 1.0]]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["skill: 66 bps, sign", "a model: 66 bps, sign"]
