"""Trading rules of the exchange."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.data.exchange_rules import off_tick, tick_size


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


def test_another_market_has_one_price_step_or_none():
    price, session = np.array([7.0, 600.0]), pd.Timestamp("2019-01-02")
    assert tick_size(price, session, 0.05).tolist() == [0.05, 0.05]
    assert np.isnan(tick_size(price, session, "none")).all()


def test_prices_off_the_tick_are_told_by_the_table_of_their_session():
    # 20.05 is no multiple of the old tick of 0.25; single precision is forgiven.
    price = np.array([20.05, 20.05, 20.25, 27.450001, 27.46])
    days = ["2018-11-23", "2018-11-26", "2018-11-23", "2018-11-26", "2018-11-26"]
    sessions = pd.Series(pd.to_datetime(days))
    assert off_tick(price, sessions, "nse").tolist() == [True, *[False] * 3, True]
    assert not off_tick(price, sessions, "none").any()
    assert off_tick(price, sessions, 0.25).tolist() == [True, True, False, True, True]
