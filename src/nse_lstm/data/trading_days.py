"""Trading days to come: weekdays that are no public holiday, and sourced exceptions.

The sessions of the files say when the exchange traded. This calendar says when it will:
the next session of a forecast. It knows nothing of days that are proclaimed late, so it
may err by a day. Nothing heavy is imported until a calendar is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from nse_lstm.config import Market
from nse_lstm.data.sourced import DAY, NOTE, SOURCE, Field, one_of, read_rows

SATURDAY = 5
SIMULATED = "simulated"
"""In place of a country: the rule of the simulated market."""

FIELDS = {
    "day": DAY,
    "trades": Field("yes or no as trades", one_of("yes", "no")),
    "source": SOURCE,
    "note": NOTE,
}


@dataclass(frozen=True)
class TradingDays:
    """The rule of a market's trading days."""

    country: str = ""
    """Country code of the public holidays, ``SIMULATED``, or nothing for none."""
    exceptions: Mapping[date, bool] = field(default_factory=dict)
    """Whether the market trades on a day, against the rule."""

    def trades_on(self, day: date) -> bool:
        """Return whether the market trades on a day."""
        if day in self.exceptions:
            return self.exceptions[day]
        return day.weekday() < SATURDAY and day not in _holidays(self.country, day.year)

    def shift(self, day: date, n_sessions: int) -> date:
        """Return the day that lies some trading days after another, or before it.

        Parameters
        ----------
        day : date
            It need not be a trading day.
        n_sessions : int
            Below 0 for a day before.

        Examples
        --------
        >>> TradingDays("KE").shift(date(2024, 12, 31), 1)
        datetime.date(2025, 1, 2)
        >>> TradingDays().shift(date(2024, 12, 30), -1)
        datetime.date(2024, 12, 27)
        """
        step = timedelta(days=1 if n_sessions > 0 else -1)
        left = abs(n_sessions)
        while left:
            day += step
            left -= self.trades_on(day)
        return day


WEEKDAYS = TradingDays()
"""Every weekday."""


def trading_days_of(market: Market) -> TradingDays:
    """Return the rule of a market's trading days."""
    country = SIMULATED if market.simulated else market.holidays
    return TradingDays(country, market.trading_days)


def read_trading_days(path: Path | None) -> dict[date, bool]:
    """Read the sourced exceptions to a market's public holidays.

    Parameters
    ----------
    path : Path or None
        CSV file with ``day`` (2022-09-12), ``trades`` (``yes`` or ``no``), ``source``
        and ``note``.

    Returns
    -------
    dict of date to bool
        Whether the exchange trades on the day, in the order of days.

    Raises
    ------
    DataError
        For the first line that is invalid or repeats a day; names file and line.
    """
    rows = read_rows(path, FIELDS, key=["day"], one="row per day")
    return {
        row.cells["day"]: row.cells["trades"] == "yes"
        for row in sorted(rows, key=lambda row: row.cells["day"])
    }


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    if not country:
        return frozenset()
    if country == SIMULATED:
        from nse_lstm.data.simulation.exchange import holidays_of

        return frozenset(holidays_of(year))
    from holidays import country_holidays

    return frozenset(country_holidays(country, years=year))
