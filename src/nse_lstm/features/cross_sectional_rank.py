"""Monthly universe of liquid stocks, and ranks within it.

Frames have one row per session and one column per stock. A row uses its own session and
earlier ones only.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import CrossSection

MIN_STOCKS = 3
"""Stocks needed per session: the rank correlation of two is always 1 or -1."""
DECIMALS = 10
"""Values equal to this many decimals are ties: rounding of a sum is no difference."""


def monthly_universe(
    turnover: pd.DataFrame, sessions: pd.DatetimeIndex, cross_section: CrossSection
) -> pd.DataFrame:
    """Select each month's universe of the most traded stocks, before the month starts.

    The universe holds the ``size`` stocks with the highest median turnover over the
    trailing ``liquidity_sessions``, among those that traded on ``min_traded_share`` of
    them. A session without a row counts as one without a trade. Ties go by ticker.

    Parameters
    ----------
    turnover : DataFrame of shape (n_fresh, n_tickers)
        KES, without stale sessions.
    sessions : DatetimeIndex of shape (n_sessions,)
        The market's calendar.
    cross_section : CrossSection

    Returns
    -------
    DataFrame of shape (n_sessions, n_tickers)
        Bool. Months with less than ``liquidity_sessions`` of history have no members.
    """
    traded = turnover.fillna(0.0).sort_index(axis=1)
    kes = traded.to_numpy(float)
    month = sessions.to_period("M")
    member = np.zeros((len(sessions), len(traded.columns)), bool)
    for start in month.unique():
        end = int(traded.index.searchsorted(start.start_time))
        if end >= cross_section.liquidity_sessions:
            recent = kes[end - cross_section.liquidity_sessions : end]
            chosen = _most_traded(recent, cross_section)
            member[np.ix_(np.asarray(month == start), chosen)] = True
    return pd.DataFrame(member, index=sessions, columns=traded.columns)


def cross_sectional_rank(values: pd.DataFrame, member: pd.DataFrame) -> pd.DataFrame:
    """Rank each value among the session's universe members, from -1/2 to 1/2.

    The rank is the share of members with a lower value, plus half the share with an
    equal one, less 1/2. A member is equal to itself. Stocks outside the universe are
    ranked against the members too.

    Parameters
    ----------
    values, member : DataFrame of shape (n_sessions, n_tickers)
        Numbers, and bool. A member without a value is not counted.

    Returns
    -------
    DataFrame of shape (n_sessions, n_tickers)
        Missing where the value is, and where fewer than two members have one.

    Examples
    --------
    >>> values = pd.DataFrame({"AAA": [3.0], "BBB": [1.0], "CCC": [9.0]})
    >>> among = pd.DataFrame({"AAA": [True], "BBB": [True], "CCC": [False]})
    >>> cross_sectional_rank(values, among).iloc[0].tolist()
    [0.25, -0.25, 0.5]
    """
    rounded = values.round(DECIMALS).to_numpy(float)
    known = ~np.isnan(rounded)
    row = np.nonzero(known)[0]
    distinct, place = np.unique(rounded[known], return_inverse=True)
    # Whole numbers in the order of the values within a row, and of the rows.
    order = row * len(distinct) + place
    among = member.to_numpy(bool)[known]
    ordered = np.sort(order[among])
    counts = np.bincount(row[among], minlength=len(rounded))
    n, earlier = counts[row], (np.cumsum(counts) - counts)[row]
    below = np.searchsorted(ordered, order, side="left") - earlier
    up_to = np.searchsorted(ordered, order, side="right") - earlier
    ranks = np.full(rounded.shape, np.nan)
    # (n_below + n_not_above) / (2 n) - 1/2
    ranks[known] = np.where(
        n < 2, np.nan, (below + up_to) / (2 * np.maximum(n, 1)) - 0.5
    )
    return pd.DataFrame(ranks, index=values.index, columns=values.columns)


def above_mean(values: pd.DataFrame, member: pd.DataFrame) -> pd.DataFrame:
    """Subtract the mean of the session's universe members from each value.

    Parameters
    ----------
    values, member : DataFrame of shape (n_sessions, n_tickers)
        Numbers, and bool. A member without a value is not counted.

    Returns
    -------
    DataFrame of shape (n_sessions, n_tickers)
        Missing where the value is, and where no member has one.
    """
    return values.sub(values.where(member).mean(axis=1), axis=0)


def _most_traded(
    recent: NDArray[np.float64], cross_section: CrossSection
) -> NDArray[np.intp]:
    """Return the places of the universe's stocks, the most traded first."""
    often = np.flatnonzero((recent > 0).mean(axis=0) >= cross_section.min_traded_share)
    order = np.argsort(-np.median(recent[:, often], axis=0), kind="stable")
    return often[order[: cross_section.size]]
