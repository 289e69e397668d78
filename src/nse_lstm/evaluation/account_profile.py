"""Profile of one account: rolling Sharpe ratio, months and worst drawdowns.

All describe an account that is judged elsewhere.
"""

import numpy as np
import pandas as pd

YEAR = 250
"""Sessions of the rolling Sharpe ratio, and of a year."""
N_DRAWDOWNS = 5


def rolling_sharpe(
    net: pd.Series, cash: pd.Series, *, n_sessions: int = YEAR
) -> pd.Series:
    """Return the annualised Sharpe ratio over cash of the last sessions.

    Parameters
    ----------
    net, cash : Series of shape (n,)
        Simple returns by session.
    n_sessions : int
        Length of the rolling span; earlier sessions have no value.

    Returns
    -------
    Series
        Missing where the excess does not vary.
    """
    excess = net - cash
    window = excess.rolling(n_sessions)
    deviation = window.std(ddof=1)
    ratio = window.mean() / deviation.where(deviation > 0) * np.sqrt(YEAR)
    return ratio.dropna()


def monthly_returns(net: pd.Series) -> pd.DataFrame:
    """Return the compounded return of every month, one column per year.

    Parameters
    ----------
    net : Series of shape (n,)
        Simple returns by session.

    Returns
    -------
    DataFrame
        Months 1 to 12 as rows, and 13 for the year; missing without a session.
    """
    days = pd.DatetimeIndex(net.index)
    growth = (1 + net).groupby([days.month, days.year]).prod().unstack() - 1
    whole = (1 + net).groupby(days.year).prod() - 1
    table = growth.reindex(range(1, 13))
    table.loc[13] = whole
    return table.rename_axis(index="month", columns="year")


def worst_drawdowns(net: pd.Series, *, n: int = N_DRAWDOWNS) -> pd.DataFrame:
    """Return the deepest falls of an account below its highest value, deepest first.

    Parameters
    ----------
    net : Series of shape (n,)
        Simple returns by session; the account starts at 1.
    n : int
        Falls at most.

    Returns
    -------
    DataFrame
        ``depth`` (at most 0), ``from`` (first session below the peak), ``lowest`` and
        ``recovered`` (missing if it never did), ``sessions`` below the peak.
    """
    value = (1 + net).cumprod()
    below = value / value.cummax().clip(lower=1.0) - 1
    under = below < 0
    spell = (under & ~under.shift(fill_value=False)).cumsum()
    rows = []
    for _, fall in below[under].groupby(spell[under]):
        after = below.index[below.index > fall.index[-1]]
        rows.append(
            {
                "depth": float(fall.min()),
                "from": fall.index[0],
                "lowest": fall.idxmin(),
                "recovered": after[0] if len(after) else pd.NaT,
                "sessions": len(fall),
            }
        )
    columns = ["depth", "from", "lowest", "recovered", "sessions"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("depth", kind="stable").head(n).reset_index(drop=True)
