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
    month = sessions.to_period("M")
    member = pd.DataFrame(False, index=sessions, columns=traded.columns)
    for start in month.unique():
        known = traded[traded.index < start.start_time]
        recent = known.tail(cross_section.liquidity_sessions)
        if len(recent) == cross_section.liquidity_sessions:
            member.loc[month == start, _most_traded(recent, cross_section)] = True
    return member


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
    rounded = values.round(DECIMALS).to_numpy()
    rows = [
        _mid_rank(row, row[is_member & ~np.isnan(row)])
        for row, is_member in zip(rounded, member.to_numpy(), strict=True)
    ]
    return pd.DataFrame(np.array(rows), index=values.index, columns=values.columns)


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


def _most_traded(recent: pd.DataFrame, cross_section: CrossSection) -> list[str]:
    often = (recent > 0).mean() >= cross_section.min_traded_share
    ordered = recent.median()[often].sort_values(ascending=False, kind="stable")
    return list(ordered.index[: cross_section.size])


def _mid_rank(
    row: NDArray[np.float64], among: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n_below + n_not_above) / (2 n) - 1/2 of each value."""
    if len(among) < 2:
        return np.full(len(row), np.nan)
    ordered = np.sort(among)
    below = np.searchsorted(ordered, row, side="left")
    up_to = np.searchsorted(ordered, row, side="right")
    rank = (below + up_to) / (2 * len(ordered)) - 0.5
    return np.where(np.isnan(row), np.nan, rank)
