"""The return of cash: idle money earns the 91-day bill of the month before.

The bill's average rate of a month is known when the month is over, so a session earns
the rate of the month before its own. A month without a sourced rate takes the higher of
the last sourced rate and the study's constant, which asks more of a strategy. Where a
market has no bill rates at all, the constant holds throughout.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nse_lstm.config import Backtest

MONTH = "datetime64[M]"


def cash_returns(sessions: ArrayLike, backtest: Backtest) -> NDArray[np.float64]:
    """Return the simple return of cash in each session, after withholding tax.

    Parameters
    ----------
    sessions : array of datetime64, of shape (n,)
        Any sessions. The return depends on their month and year alone.
    backtest : Backtest
        ``bill_rates``, ``cash_rate``, ``withholding_tax`` and ``sessions_per_year`` are
        used. Tax is withheld in the years for which it is known.

    Returns
    -------
    array of shape (n,)
        Yearly rate over ``sessions_per_year``.

    Examples
    --------
    >>> rates = {"2020-01": 0.07, "2020-02": 0.10}
    >>> backtest = Backtest(cash_rate=0.08, bill_rates=rates, sessions_per_year=100)
    >>> days = np.array(["2020-02-03", "2020-03-31", "2020-04-01"], "datetime64[D]")
    >>> cash_returns(days, backtest).round(6).tolist()
    [0.0007, 0.001, 0.001]
    """
    days = np.asarray(sessions, "datetime64[D]")
    months, place = np.unique(days.astype(MONTH), return_inverse=True)
    yearly = [_rate_of(month, backtest)[0] * _kept(month, backtest) for month in months]
    return np.array(yearly, float)[place] / backtest.sessions_per_year


def tax_on_cash(sessions: ArrayLike, backtest: Backtest) -> float:
    """Return the mean yearly tax on cash over some sessions, as a fraction.

    A comparison in price return withholds it from cash alone, since dividends, which
    are taxed alike, are left out.

    Parameters
    ----------
    sessions, backtest
        As for ``cash_returns``.

    Examples
    --------
    >>> taxed = {2020: {"bill": 0.15, "dividend": 0.05}}
    >>> backtest = Backtest(cash_rate=0.10, withholding_tax=taxed)
    >>> days = np.array(["2020-02-03", "2021-02-03"], "datetime64[D]")
    >>> round(tax_on_cash(days, backtest), 6)
    0.0075
    """
    gross = cash_returns(sessions, replace(backtest, withholding_tax={}))
    withheld = gross - cash_returns(sessions, backtest)
    return float(withheld.mean() * backtest.sessions_per_year)


def compound_cash(returns: pd.DataFrame) -> float:
    """Return what cash earned over the sessions of some accounts, compounded.

    Parameters
    ----------
    returns : DataFrame
        ``STRATEGY_RETURNS``, whose ``cash_return`` is the same in every account.
    """
    by_session = returns.groupby("session")["cash_return"].first().to_numpy(float)
    return float(np.prod(1 + by_session) - 1)


def assumed_cash(sessions: ArrayLike, backtest: Backtest) -> NDArray[np.bool_]:
    """Mark the sessions whose bill rate is assumed, because none is sourced.

    Parameters
    ----------
    sessions : array of datetime64, of shape (n,)
    backtest : Backtest
        Without ``bill_rates`` the constant is declared, and nothing is marked.
    """
    days = np.asarray(sessions, "datetime64[D]")
    if not backtest.bill_rates:
        return np.zeros(len(days), bool)
    months, place = np.unique(days.astype(MONTH), return_inverse=True)
    return np.array([_rate_of(m, backtest)[1] for m in months], bool)[place]


def last_sourced_session(backtest: Backtest) -> pd.Timestamp | None:
    """Return the last day whose bill rate is sourced; claims against cash end there.

    Parameters
    ----------
    backtest : Backtest
        ``bill_rates`` is used.

    Returns
    -------
    Timestamp or None
        The last day of the month after the last sourced one. None where the market has
        no bill rates.

    Examples
    --------
    >>> last_sourced_session(Backtest(bill_rates={"2021-09": 0.07})).date()
    datetime.date(2021, 10, 31)
    """
    if not backtest.bill_rates:
        return None
    after = pd.Period(max(backtest.bill_rates), "M") + 1
    return after.end_time.normalize()


def describe_cash(first: pd.Timestamp, last: pd.Timestamp, backtest: Backtest) -> str:
    """Describe in words what cash earned from one day to another.

    Parameters
    ----------
    first, last : Timestamp
        Both included.
    backtest : Backtest
        As for ``cash_returns``.

    Examples
    --------
    >>> days = pd.Timestamp(2020, 1, 1), pd.Timestamp(2020, 12, 31)
    >>> describe_cash(*days, Backtest())
    '8.5% per year, credited every session'
    """
    if not backtest.bill_rates:
        return f"{backtest.cash_rate:.1%} per year, credited every session"
    days = pd.date_range(first, last, freq="D").to_numpy()
    yearly = cash_returns(days, backtest) * backtest.sessions_per_year
    years = range(first.year, last.year + 1)
    tax = backtest.withholding_tax
    taxed = {year: tax[year]["bill"] for year in years if year in tax}
    low, high = f"{yearly.min():.1%}", f"{yearly.max():.1%}"
    words = "the 91-day bill rate of the month before, " + (
        f"{low} per year" if low == high else f"{low} to {high} per year"
    )
    if taxed:
        rates = " or ".join(f"{rate:.0%}" for rate in sorted(set(taxed.values())))
        words += f" after {rates} tax"
        if len(taxed) < len(years):
            words += f" (in {', '.join(map(str, taxed))})"
    n_assumed = len(np.unique(days[assumed_cash(days, backtest)].astype(MONTH)))
    if n_assumed:
        words += f" (assumed in {n_assumed} month{'s' if n_assumed > 1 else ''})"
    return words


def _rate_of(month: np.datetime64, backtest: Backtest) -> tuple[float, bool]:
    """Return a month's yearly rate before tax, and whether it is assumed."""
    before, rates = str(month - 1), backtest.bill_rates
    if before in rates:
        return rates[before], False
    earlier = [name for name in rates if name < before]
    last = rates[max(earlier)] if earlier else 0.0
    return max(last, backtest.cash_rate), True


def _kept(month: np.datetime64, backtest: Backtest) -> float:
    """Return the fraction of a bill's interest that is left after tax."""
    withheld = backtest.withholding_tax.get(int(str(month)[:4]), {"bill": 0.0})
    return 1 - withheld["bill"]
