"""Faults of the simulated files, of the kinds that the real files have."""

from dataclasses import replace

import numpy as np
import pandas as pd

from nse_lstm.data.simulation.price_dialect import PRICE_FILES, FileFaults
from nse_lstm.data.simulation.printed_prices import Flags, PrintedPrices

# Each kind has months of its own, so no two fall on one session. Bonus issues are in
# July to September. Stale copies and early boards take turns by year.
TWICE_MONTHS = (1,)
STALE_MONTHS = EARLY_MONTHS = (2, 3, 4)
MISDATED_MONTHS = (5,)
SLIP_MONTHS = (6,)
SATURDAY = 5
FEWEST_MOVED = 4
"""Shares that must move before an early board differs enough from a copy."""
# Years of the real faults, used if the market covers them.
MISDATED_YEAR = 2017
COMMA_ROW_YEAR = 2014
SLIPPED_INDEX = "^NASI"
COPIED = ("low", "high", "price", "previous", "volume")


def draw_file_faults(
    generator: np.random.Generator, printed: PrintedPrices
) -> FileFaults:
    """Draw the session printed twice, the misdated one and the file with a comma row.

    The false date is a Saturday two years before, which cannot be a session. The real
    fault was found that way.

    Parameters
    ----------
    generator : Generator
    printed : PrintedPrices
    """
    years = np.unique(printed.sessions.year)
    misdated_year = MISDATED_YEAR if MISDATED_YEAR in years else years[0]
    two_years_before = printed.sessions - pd.DateOffset(years=2)
    misdated = _draw_session(
        generator,
        printed,
        year=misdated_year,
        months=MISDATED_MONTHS,
        where=np.asarray(two_years_before.day_of_week == SATURDAY),
    )
    # The first months of 2021 are in two files.
    single = [year for year in years if year != 2021] or list(years)
    twice = _draw_session(
        generator, printed, year=single[len(single) // 2], months=TWICE_MONTHS
    )
    return FileFaults(
        twice=printed.sessions[twice],
        misdated=printed.sessions[misdated],
        comma_row_in=_comma_row_in(years),
    )


def with_number_faults(
    generator: np.random.Generator, printed: PrintedPrices
) -> PrintedPrices:
    """Add stale sessions, early boards and one decimal slip to the printed prices.

    Every second year one session repeats the session before, and in the years between
    one session shows tomorrow's board, where enough prices moved to tell. The next
    session's `previous` holds the true price of both. In the last year one index value
    is ten times too large.

    Parameters
    ----------
    generator : Generator
    printed : PrintedPrices
    """
    columns = {name: getattr(printed, name).copy() for name in COPIED}
    years = np.unique(printed.sessions.year)
    for year in years[::2]:
        day = _draw_session(generator, printed, year=year, months=STALE_MONTHS)
        for values in columns.values():
            values[day] = np.where(
                printed.listed[day - 1], values[day - 1], values[day]
            )
    slip = _draw_session(generator, printed, year=years[-1], months=SLIP_MONTHS)
    index = printed.tickers.index(SLIPPED_INDEX)
    for name in ("low", "high", "price"):
        columns[name][slip, index] *= 10
    for year in years[1::2]:
        days = _inside(printed, year, EARLY_MONTHS) & _tells_early(printed)
        if days.any():
            day = int(generator.choice(np.flatnonzero(days)))
            both = printed.listed[day] & printed.listed[day + 1]
            for values in columns.values():
                values[day] = np.where(both, values[day + 1], values[day])
    return replace(printed, **columns)


def _tells_early(printed: PrintedPrices) -> Flags:
    """Mark sessions amid consecutive weekdays on which half of the stocks moved."""
    n = len(printed.sessions)
    days = printed.sessions.to_numpy().astype("datetime64[D]")
    follows = np.zeros(n, bool)
    follows[1:] = np.busday_count(days[:-1], days[1:]) == 1
    is_share = np.array([not ticker.startswith("^") for ticker in printed.tickers])
    moved = np.zeros(printed.price.shape, bool)
    moved[1:] = np.abs(np.diff(printed.price, axis=0)) > 0.01
    known = printed.listed & is_share
    n_moved = (moved & known).sum(axis=1)
    enough = (n_moved >= FEWEST_MOVED) & (2 * n_moved >= known.sum(axis=1))
    # True prices must differ from those of the session after, too.
    later = np.append(enough[1:] & follows[1:], False)
    return enough & follows & later


def _draw_session(
    generator: np.random.Generator,
    printed: PrintedPrices,
    *,
    year: int,
    months: tuple[int, ...],
    where: Flags | bool = True,
) -> int:
    days = np.flatnonzero(_inside(printed, year, months) & where)
    return int(generator.choice(days))


def _inside(printed: PrintedPrices, year: int, months: tuple[int, ...]) -> Flags:
    """Mark a year's sessions of some months, never the first: a copy needs another."""
    sessions = printed.sessions
    inside = (sessions.year == year) & sessions.month.isin(months)
    return np.asarray(inside & (np.arange(len(inside)) > 0))


def _comma_row_in(years: np.ndarray) -> str:
    year = COMMA_ROW_YEAR if COMMA_ROW_YEAR in years else years[-1]
    return [file.name for file in PRICE_FILES if file.suffix.startswith(str(year))][-1]
