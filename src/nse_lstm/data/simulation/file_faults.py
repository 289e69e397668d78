"""Faults of the simulated files, of the kinds that the real files have."""

from dataclasses import replace

import numpy as np
import pandas as pd

from nse_lstm.data.simulation.price_dialect import PRICE_FILES, FileFaults
from nse_lstm.data.simulation.printed_prices import Flags, PrintedPrices

# Each kind has months of its own, so no two fall on one session. Bonus issues are in
# July to September.
TWICE_MONTHS = (1,)
STALE_MONTHS = (2, 3, 4)
MISDATED_MONTHS = (5,)
SLIP_MONTHS = (6,)
SATURDAY = 5
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
    """Add stale sessions and one decimal slip to the printed prices.

    Every second year one session repeats the session before, while the next session's
    `previous` holds the true price. In the last year one index value is ten times too
    large.

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
    return replace(printed, **columns)


def _draw_session(
    generator: np.random.Generator,
    printed: PrintedPrices,
    *,
    year: int,
    months: tuple[int, ...],
    where: Flags | bool = True,
) -> int:
    inside = (printed.sessions.year == year) & printed.sessions.month.isin(months)
    # Never the first session: a copy needs one before it.
    days = np.flatnonzero(inside & where & (np.arange(len(inside)) > 0))
    return int(generator.choice(days))


def _comma_row_in(years: np.ndarray) -> str:
    year = COMMA_ROW_YEAR if COMMA_ROW_YEAR in years else years[-1]
    return [file.name for file in PRICE_FILES if file.suffix.startswith(str(year))][-1]
