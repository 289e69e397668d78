"""What a run's figure says."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from nse_lstm.reporting.laboratory_figures import draw_run, gains_on_persistence


def joined() -> pd.DataFrame:
    days = pd.to_datetime(["2022-01-03", "2022-01-04", "2022-01-05"])
    mine = pd.DataFrame(
        {
            "target_date": days,
            "model": "mine",
            "y": [0.02, np.nan, -0.01],
            "y_hat": [0.02, 0.01, 0.01],
            "level": [10.2, np.nan, 10.1],
            "price_hat": [10.2, 10.3, 10.3],
        }
    )
    return pd.concat([mine, mine.assign(model="persistence", y_hat=0.0)])


def test_gains_are_the_squared_errors_saved_so_far() -> None:
    gains = gains_on_persistence(joined(), model="mine")
    # First all of 2² is saved; then an error of 2 in place of one of 1: 4 - 3.
    assert gains.to_list() == pytest.approx([4.0, 1.0])
    assert gains_on_persistence(joined(), model="persistence").to_list() == [0.0, 0.0]


def test_the_figure_names_its_lines() -> None:
    figure = draw_run(joined(), ticker="AAA", model="mine")
    above, below = figure.axes
    assert "AAA" in above.get_title(loc="left")
    assert {text.get_text() for text in above.texts} == {"printed price", "mine"}
    assert [text.get_text() for text in below.texts] == ["mine"]
    plt.close(figure)
