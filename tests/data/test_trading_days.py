"""The next session is the next one by the public holidays, exceptions first."""

from datetime import date

import pandas as pd
import pytest
from support.places import REAL_FILES

from nse_lstm.config import Market
from nse_lstm.data.panel import build_panel
from nse_lstm.data.simulation.exchange import holidays_of, sessions_between
from nse_lstm.data.trading_days import (
    SIMULATED,
    WEEKDAYS,
    TradingDays,
    trading_days_of,
)
from nse_lstm.features.returns import market_sessions

KENYA = TradingDays("KE")
EASTER = {
    2013: (3, 31), 2014: (4, 20), 2015: (4, 5), 2016: (3, 27),
    2017: (4, 16), 2018: (4, 1), 2019: (4, 21), 2020: (4, 12),
    2021: (4, 4), 2022: (4, 17), 2023: (4, 9), 2024: (3, 31), 2025: (4, 20),
}  # fmt: skip
"""As printed in almanacs."""


@pytest.mark.parametrize(
    ("origin", "n", "expected"),
    [
        (date(2024, 12, 31), 1, date(2025, 1, 2)),  # New Year
        (date(2024, 12, 24), 1, date(2024, 12, 27)),  # Christmas, Boxing Day
        (date(2024, 3, 28), 1, date(2024, 4, 2)),  # Good Friday, Easter Monday
        (date(2025, 1, 2), -1, date(2024, 12, 31)),
        (date(2024, 1, 5), 1, date(2024, 1, 8)),  # a weekend
        (date(2024, 5, 31), 2, date(2024, 6, 4)),  # Madaraka Day on a Saturday
    ],
)
def test_holidays_and_weekends_are_no_sessions(origin, n, expected):
    assert KENYA.shift(origin, n) == expected


def test_exceptions_overrule_the_holidays_both_ways():
    traded = TradingDays("KE", {date(2022, 9, 12): True, date(2022, 9, 14): False})
    # The 13th was the president's inauguration, the 12th no holiday of the exchange.
    assert KENYA.shift(date(2022, 9, 9), 1) == date(2022, 9, 14)
    assert traded.shift(date(2022, 9, 9), 1) == date(2022, 9, 12)
    assert traded.shift(date(2022, 9, 13), 1) == date(2022, 9, 15)


def test_without_a_country_every_weekday_is_a_session():
    assert WEEKDAYS.shift(date(2024, 12, 31), 1) == date(2025, 1, 1)
    assert trading_days_of(Market(name="any", label="Any")) == WEEKDAYS


def test_the_simulated_market_follows_the_rule_that_made_its_sessions():
    days = trading_days_of(Market(name="any", label="Any", simulated=True))
    assert days.country == SIMULATED
    sessions = [day.date() for day in sessions_between(2020, 2022)]
    walked, day = [], date(2019, 12, 31)
    while (day := days.shift(day, 1)) <= sessions[-1]:
        walked.append(day)
    assert walked == sessions
    # Beyond its last year too: no session on 1 January 2025.
    assert days.shift(date(2024, 12, 31), 1) == date(2025, 1, 2)


@pytest.mark.parametrize("year", EASTER)
def test_good_friday_and_easter_monday_are_those_of_the_almanac(year):
    sunday = pd.Timestamp(year, *EASTER[year])
    days = pd.DatetimeIndex(holidays_of(year))
    assert sunday - pd.Timedelta(days=2) in days
    assert sunday + pd.Timedelta(days=1) in days


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason="needs the real files")
def test_the_rule_misses_few_of_the_files_sessions():
    sessions = market_sessions(build_panel(REAL_FILES).panel)
    known = {day.date() for day in sessions}
    wrong = [
        day
        for day in pd.bdate_range("2021-01-04", "2023-12-29").date
        if KENYA.trades_on(day) != (day in known)
    ]
    # Moon-sighted feasts and proclaimed days, lost sessions, and 12 September 2022.
    assert date(2022, 9, 12) in wrong
    assert len(wrong) < 12
