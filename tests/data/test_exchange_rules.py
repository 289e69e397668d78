"""Trading rules of the exchange."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.data.exchange_rules import tick_size


@pytest.mark.parametrize(
    ("price", "old", "new"),
    # The two published tables, each band by its lower edge and a value inside.
    [
        (1, 0.05, 0.01), (5, 0.05, 0.02), (9.98, 0.05, 0.02), (10, 0.05, 0.05),
        (20, 0.25, 0.05), (50, 0.5, 0.25), (100, 1, 0.25), (499, 1, 0.25),
        (500, 1, 1), (999, 1, 1), (1000, 1, 5),
    ],
)  # fmt: skip
def test_the_tick_table_changed_on_26_november_2018(price, old, new):
    before, after = pd.Timestamp("2018-11-23"), pd.Timestamp("2018-11-26")
    assert tick_size(np.array([price]), before).item() == old
    assert tick_size(np.array([price]), after).item() == new


def test_a_price_short_of_an_edge_by_its_last_bit_is_on_the_edge():
    almost = np.array([np.nextafter(50.0, 0)])
    assert tick_size(almost, pd.Timestamp("2018-01-02")).item() == 0.5
