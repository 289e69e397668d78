"""Shares compared with each other: who is in a month's universe, and places in it.

Frames have a row a session and a column a ticker. Everything is taken from the row's
own session and those before it.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import CrossSection

DECIMALS = 10
"""Values that agree so far are tied: a sum's rounding is no difference."""


def monthly_universe(
    turnover: pd.DataFrame, sessions: pd.DatetimeIndex, cross_section: CrossSection
) -> pd.DataFrame:
    """Say who is in each month's universe, as of the session before the month.

    The ``size`` stocks with the highest median turnover over the trailing
    ``liquidity_sessions``, among those that traded on ``min_traded_share`` of them. A
    session without a row counts as one without a deal; ties go by ticker.

    Parameters
    ----------
    turnover : DataFrame of shape (n_fresh, n_tickers)
        KES, of the sessions that are no stale copies.
    sessions : DatetimeIndex of shape (n_sessions,)
        The market's calendar.
    cross_section : CrossSection

    Returns
    -------
    DataFrame of shape (n_sessions, n_tickers)
        Bool; nobody is in it before ``liquidity_sessions`` of history.
    """
    dealt = turnover.fillna(0.0).sort_index(axis=1)
    month = sessions.to_period("M")
    member = pd.DataFrame(False, index=sessions, columns=dealt.columns)
    for start in month.unique():
        known = dealt[dealt.index < start.start_time]
        recent = known.tail(cross_section.liquidity_sessions)
        if len(recent) == cross_section.liquidity_sessions:
            member.loc[month == start, _most_dealt(recent, cross_section)] = True
    return member


def cross_sectional_rank(values: pd.DataFrame, member: pd.DataFrame) -> pd.DataFrame:
    """Return each value's place among the session's members, from -1/2 to 1/2.

    The share of members below plus half the share that is equal, less 1/2. A member
    counts itself among the equal; a share outside the universe is placed all the same.

    Parameters
    ----------
    values, member : DataFrame of shape (n_sessions, n_tickers)
        Numbers, and bool of the same shape. A member without a value is not counted.

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
        _place(row, row[is_member & ~np.isnan(row)])
        for row, is_member in zip(rounded, member.to_numpy(), strict=True)
    ]
    return pd.DataFrame(np.array(rows), index=values.index, columns=values.columns)


def above_mean(values: pd.DataFrame, member: pd.DataFrame) -> pd.DataFrame:
    """Return each value less the mean of the session's members that have one.

    Missing where the value is, and in sessions without a member's value.
    """
    return values.sub(values.where(member).mean(axis=1), axis=0)


def _most_dealt(recent: pd.DataFrame, cross_section: CrossSection) -> list[str]:
    often = (recent > 0).mean() >= cross_section.min_traded_share
    ordered = recent.median()[often].sort_values(ascending=False, kind="stable")
    return list(ordered.index[: cross_section.size])


def _place(row: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(among) < 2:
        return np.full(len(row), np.nan)
    ordered = np.sort(among)
    below = np.searchsorted(ordered, row, side="left")
    up_to = np.searchsorted(ordered, row, side="right")
    place = (below + up_to) / (2 * len(ordered)) - 0.5
    return np.where(np.isnan(row), np.nan, place)
