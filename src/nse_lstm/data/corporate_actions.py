"""Bonus issues, splits and consolidations, found in the printed ``Adjust`` column.

``Adjust`` is the price times the factor of all events known when the file was made, so
its mere presence looks ahead: an event of 2019 shows from 2013 on. Only its *steps* are
used here, each on its own date, and the column goes no further than this module. It
misses events too; a jump without one is reported for review, never explained away.
"""

from fractions import Fraction

import numpy as np
import pandas as pd

__all__ = ["add_factor", "find_events"]

MIN_STEP = 0.02
"""Smallest step of the log factor taken for an event; the smallest seen is 0.09."""
HALF_UNIT = 0.005
"""Prices are printed to the cent, so a printed value is this far off at most."""
MAX_DENOMINATOR = 10
"""Terms of an issue are ratios of small numbers: 1 for 10 is the finest seen."""


def find_events(rows: pd.DataFrame) -> pd.DataFrame:
    """Find the events that ``Adjust`` shows.

    The factor of a row is ``Adjust / price`` (1 where ``Adjust`` is missing). An event
    is a row whose factor moved towards 1 from a value other than 1; a factor that
    starts or moves away from 1 only says that a later event is known, and is ignored.
    Row t is judged from the ticker's rows up to t.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session, with ``ticker session price adjust``
        as printed.

    Returns
    -------
    DataFrame
        One row an event, indexed like ``rows``: ``ticker``, ``session`` (the ex-date as
        printed) and ``factor``, shares held after per share held before: 2 for a 1:1
        bonus. It is the step of the printed factor, or the ratio of small whole numbers
        that prints the same.
    """
    printed = (rows["adjust"] / rows["price"]).where(rows["adjust"].notna(), 1.0)
    known = printed.where(rows["price"].notna()).groupby(rows["ticker"]).ffill()
    log_now = pd.Series(np.log(known))
    log_before = log_now.groupby(rows["ticker"]).shift()
    error = (HALF_UNIT / rows["adjust"]).fillna(0.0)
    error = error + error.groupby(rows["ticker"]).shift(fill_value=0.0)
    step = log_now - log_before
    is_event = (step.abs() > MIN_STEP + error) & (log_now.abs() < log_before.abs())
    events = rows.loc[is_event, ["ticker", "session"]]
    ratios = zip(np.exp(step[is_event]), error[is_event], strict=True)
    return events.assign(
        factor=np.array([_terms(ratio, error=e) for ratio, e in ratios], float)
    )


def add_factor(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with ``factor`` in place of ``adjust``.

    An event takes effect on the first row with volume on or after its ex-date, because
    a suspended stock keeps printing its old price. Elsewhere the factor is 1. Factors
    compound forward from the first row, so no later event rewrites an earlier value.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session, with ``ticker session price adjust
        volume`` as printed and ``stale`` (a copy of the session before, so no deal).
    """
    events = find_events(rows)
    is_traded = rows["volume"].notna() & ~rows["stale"]
    position = pd.Series(np.arange(len(rows)), index=rows.index)
    first_traded = position.where(is_traded).groupby(rows["ticker"]).bfill()
    effective = first_traded.loc[events.index]
    factor = np.ones(len(rows))
    applied = effective.notna().to_numpy()
    np.multiply.at(
        factor,
        effective[applied].astype(int).to_numpy(),
        events["factor"].to_numpy()[applied],
    )
    return rows.drop(columns="adjust").assign(factor=factor)


def _terms(ratio: float, *, error: float) -> float:
    """Return the simplest ratio of whole numbers within the rounding error."""
    simple = Fraction(ratio).limit_denominator(MAX_DENOMINATOR)
    # The error is a first-order bound; a twentieth more covers the rest.
    if simple and abs(float(simple) / ratio - 1) <= 1.05 * error + 1e-9:
        return float(simple)
    return ratio
