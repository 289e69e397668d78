"""Listings, sectors and holidays of the Nairobi Securities Exchange, for the simulator.

Every fact is published by the exchange: codes, sectors, the order of its price list and
the rule of its holidays. Nothing here is a price.
"""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
from dateutil.easter import easter

LISTINGS = {
    "Agricultural": "EGAD KUKZ KAPC LIMT SASN WTK",
    "Automobiles and Accessories": "CGEN",
    "Banking": "ABSA BKG COOP DTK EQTY HFCK IMH KCB NBK NCBA SBIC SCBK",
    "Commercial and Services": (
        "DCON EVRD XPRS HBE KQ LKL NBV NMG SMER SGL TPSE UCHM SCAN"
    ),
    "Construction and Allied": "ARM BAMB CRWN CABL PORT",
    "Energy and Petroleum": "KENO KEGN KPLC-P4 KPLC-P7 KPLC TOTL UMME",
    "Insurance": "BRIT CIC JUB KNRE LBTY SLAM",
    "Investment": "CTUM HAFR KURV OCH TCL",
    "Investment Services": "NSE",
    "Manufacturing and Allied": "BOC BAT CARB EABL FTGH ORCH MSC UNGA",
    "Telecommunication and Technology": "SCOM",
    "Real Estate Investment Trusts": "FAHR LAPR",
    "Exchange Traded Funds": "GLD",
    "Indices": "^FNK15 ^FNK25 ^N10I ^N20I ^N25I ^NASI ^ZKEQTK ^ZKEQTU",
}

SECTORS: dict[str, str] = {
    ticker: sector for sector, tickers in LISTINGS.items() for ticker in tickers.split()
}
"""Sector of every ticker, in the order in which the exchange prints them."""

LIQUIDITY_ORDER: tuple[str, ...] = tuple(
    (
        "SCOM EQTY KCB EABL COOP ABSA KENO CTUM NCBA SCBK KEGN KPLC DTK BAT BRIT NMG "
        "KNRE CIC IMH BAMB SBIC HFCK JUB KQ MSC NSE CARB SCAN WTK TOTL HAFR SASN LBTY "
        "CABL UCHM TPSE LKL SLAM NBK CRWN SMER TCL UNGA EVRD UMME FTGH NBV OCH SGL "
        "PORT EGAD XPRS ARM BKG BOC CGEN DCON KAPC KUKZ LIMT ORCH KURV HBE"
    ).split()
)
"""The 63 ordinary shares, the most traded first."""

LISTED: dict[str, tuple[str, str]] = {
    "FAHR": ("2015-11-27", "2022-05-31"),
    "GLD": ("2017-03-27", "2024-12-31"),
    "LAPR": ("2023-03-22", "2024-12-31"),
    "^FNK15": ("2013-01-01", "2021-12-31"),
    "^FNK25": ("2013-01-01", "2021-12-31"),
    "^N10I": ("2023-09-01", "2024-12-31"),
    "^N25I": ("2015-10-02", "2024-12-31"),
    "^ZKEQTK": ("2019-01-01", "2024-12-31"),
    "^ZKEQTU": ("2019-01-01", "2024-12-31"),
}
"""First and last day of other securities that are not always listed."""

# New Year, Labour, Madaraka, Mashujaa, Jamhuri, Christmas, Boxing Day.
FIXED_HOLIDAYS = ((1, 1), (5, 1), (6, 1), (10, 20), (12, 12), (12, 25), (12, 26))
# Moi Day has been a holiday again since 2018.
MOI_DAY, MOI_DAY_FROM = (10, 10), 2018


def sessions_between(first_year: int, last_year: int) -> pd.DatetimeIndex:
    """Return the weekdays of whole years without the public holidays fixed by rule.

    The exchange also closes on moon-sighted feasts and proclaimed days, which follow no
    rule.

    Parameters
    ----------
    first_year, last_year : int
        Both included, 2013 to 2024.
    """
    days = pd.bdate_range(f"{first_year}-01-01", f"{last_year}-12-31").as_unit("us")
    closed = [
        day for year in range(first_year, last_year + 1) for day in holidays_of(year)
    ]
    return days.difference(pd.DatetimeIndex(closed))


def within(sessions: pd.DatetimeIndex, first: str, last: str) -> npt.NDArray[np.bool_]:
    """Mark the sessions from one day to another, both included.

    Parameters
    ----------
    sessions : DatetimeIndex of shape (n_sessions,)
    first, last : str
        Days as YYYY-MM-DD.
    """
    inside = (sessions >= pd.Timestamp(first)) & (sessions <= pd.Timestamp(last))
    return np.asarray(inside, bool)


def holidays_of(year: int) -> list[date]:
    """Return the public holidays of a year that are fixed by rule."""
    fixed = FIXED_HOLIDAYS + ((MOI_DAY,) if year >= MOI_DAY_FROM else ())
    days = [_observed(date(year, *month_day)) for month_day in fixed]
    sunday = easter(year)
    return [*days, sunday - timedelta(days=2), sunday + timedelta(days=1)]


def _observed(day: date) -> date:
    """Move a holiday on a Sunday to the Monday."""
    return day + timedelta(days=1) if day.weekday() == 6 else day
