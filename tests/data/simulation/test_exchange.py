"""Public rules of the exchange."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.data.simulation.exchange import (
    LIQUIDITY_ORDER,
    SECTORS,
    sessions_between,
    tick_size,
)


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


def test_the_exchange_lists_63_ordinary_shares_each_once():
    assert len(LIQUIDITY_ORDER) == len(set(LIQUIDITY_ORDER)) == 63
    assert set(LIQUIDITY_ORDER) <= set(SECTORS)
    assert len(SECTORS) == 76


def test_holidays_on_a_sunday_are_kept_on_the_monday():
    sessions = sessions_between(2016, 2016)
    # 1 May and 25 December 2016 were Sundays; Easter was on 27 March.
    for closed in ("2016-05-02", "2016-12-26", "2016-03-25", "2016-03-28"):
        assert pd.Timestamp(closed) not in sessions
    assert pd.Timestamp("2016-03-24") in sessions


def test_moi_day_is_kept_from_2018_on():
    assert pd.Timestamp("2017-10-10") in sessions_between(2017, 2017)
    assert pd.Timestamp("2018-10-10") not in sessions_between(2018, 2018)
