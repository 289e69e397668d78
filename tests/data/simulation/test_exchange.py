"""Listings and holidays of the exchange."""

import pandas as pd

from nse_lstm.data.simulation.exchange import (
    LIQUIDITY_ORDER,
    SECTORS,
    sessions_between,
)


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
