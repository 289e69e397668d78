"""Autocorrelation of returns per stock, with robust errors and multiple testing.

The printed price is the day's volume-weighted average. Averages of a random walk have a
lag-1 autocorrelation of about +0.25 [1]_, which explains most of a liquid stock's and
cannot be traded. A thin stock's price bounces between the two sides of its spread,
which makes its lag-1 autocorrelation negative.

References
----------
.. [1] H. Working (1960). Note on the correlation of first differences of averages in a
   random chain. Econometrica 28(4), 916-918.
"""

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from nse_lstm import tables
from nse_lstm.data.market_statistics.stock_years import MIN_MOVES
from nse_lstm.data.market_statistics.wide_panel import (
    Numbers,
    WidePanel,
    select_sessions,
)

LAGS = (1, 2, 3, 4, 5)
"""Lags in sessions: a week."""
LIQUID_TURNOVER = 1e6
"""Median KES per session from which a price is an average of many trades."""
LEVEL = 0.05
MIN_TESTED = 250
"""Fewest returns for a test, about a year's."""
LIQUID, THIN = "liquid", "thin"


def lag_sums(moves: Numbers, *, span: np.ndarray, lag: int) -> tuple[Numbers, Numbers]:
    """Return the sums over time of e(t) e(t-lag) and of its square, per column.

    ``e`` is the return less its column's mean.

    Parameters
    ----------
    moves, span, lag
        As for ``autocorrelations``. A pair counts if neither return is missing.
    """
    e = moves - pd.DataFrame(moves).mean().to_numpy("float64")
    product = e[lag:] * e[:-lag]
    product[span[lag:] != span[:-lag]] = np.nan
    return np.nansum(product, axis=0), np.nansum(product**2, axis=0)


def autocorrelations(
    moves: Numbers, *, span: np.ndarray, lag: int
) -> tuple[Numbers, Numbers]:
    """Return each column's autocorrelation at one lag, and its standard error.

    Parameters
    ----------
    moves : array of shape (n_sessions, n_tickers)
        Log returns, NaN where missing.
    span : array of shape (n_sessions,)
        Number of the unbroken stretch; no pair spans two.
    lag : int
        Sessions, at least 1.

    Returns
    -------
    value, error : arrays of shape (n_tickers,)
        The error is heteroskedasticity-robust: the root of the sum of e(t)^2 e(t-lag)^2
        over the sum of e^2 [1]_. It is valid under the null of no autocorrelation. NaN
        where nothing moves.

    References
    ----------
    .. [1] S. J. Taylor (1984). Estimating the variances of autocorrelations calculated
       from financial time series. Applied Statistics 33(3), 300-308.
    """
    total, squares = lag_sums(moves, span=span, lag=lag)
    frame = pd.DataFrame(moves)
    power = ((frame - frame.mean()) ** 2).sum().to_numpy("float64")
    power = np.where(power > 0, power, np.nan)
    return total / power, np.sqrt(squares) / power


def stock_autocorrelations(wide: WidePanel) -> pd.DataFrame:
    """Return every ordinary share's autocorrelations at lags 1 to 5 by year.

    Returns
    -------
    DataFrame
        ``tables.AUTOCORRELATIONS``, without stocks that have fewer than 60 returns in
        the year.
    """
    years = wide.sessions.year.to_numpy()
    blocks = []
    for year in np.unique(years):
        of_year = select_sessions(wide, years == year)
        chosen = _chosen(of_year, MIN_MOVES)
        moves = of_year.moves[:, chosen]
        for lag in LAGS:
            value, error = autocorrelations(moves, span=of_year.span, lag=lag)
            block = {
                "ticker": np.array(wide.tickers)[chosen],
                "year": int(year),
                "lag": lag,
                "n": np.isfinite(moves).sum(axis=0),
                **_interval(value, error),
            }
            blocks.append(pd.DataFrame(block).astype({"ticker": tables.TEXT}))
    table = pd.concat(blocks).dropna().sort_values(["ticker", "year", "lag"])
    columns = list(tables.AUTOCORRELATIONS.columns)
    return tables.check(table[columns], tables.AUTOCORRELATIONS)


def group_autocorrelations(
    autocorrelation: pd.DataFrame, years: pd.DataFrame
) -> pd.DataFrame:
    """Return the mean autocorrelation of liquid and of thin stocks, lags 1 to 5.

    Stocks move together, so the year is the unit of observation: a year's value is the
    mean over its stocks, and the interval is Student's t over years.

    Parameters
    ----------
    autocorrelation, years : DataFrame
        ``tables.AUTOCORRELATIONS`` and ``tables.STOCK_YEARS``. A stock is liquid in a
        year with a median turnover of a million KES per session.

    Returns
    -------
    DataFrame
        ``tables.AUTOCORRELATION_GROUPS``; the interval is missing for a single year.
    """
    turnover = years[["ticker", "year", "median_turnover"]]
    rows = autocorrelation.merge(turnover, on=["ticker", "year"])
    rows["group"] = _group(rows["median_turnover"].to_numpy())
    yearly = rows.groupby(["group", "lag", "year"])["value"].agg(["mean", "size"])
    by_group = yearly.groupby(["group", "lag"])
    n_years = by_group["mean"].size()
    error = by_group["mean"].std().to_numpy() / np.sqrt(n_years.to_numpy())
    half = error * stats.t.ppf(1 - LEVEL / 2, np.maximum(n_years - 1, 1))
    value = by_group["mean"].mean()
    table = pd.DataFrame(
        {
            "value": value,
            "lower": value - half,
            "upper": value + half,
            "n_years": n_years,
            "n_stock_years": by_group["size"].sum(),
        }
    ).reset_index()
    table = table.astype({"group": tables.TEXT})
    columns = list(tables.AUTOCORRELATION_GROUPS.columns)
    return tables.check(table[columns], tables.AUTOCORRELATION_GROUPS)


def dependence(wide: WidePanel) -> pd.DataFrame:
    """Test every ordinary share for autocorrelation at lags 1 to 5 jointly.

    The statistic is Box and Pierce's with robust errors, chi-squared with 5 degrees of
    freedom under the null [1]_. The p-values of all stocks are corrected by Holm
    (family-wise error rate) and by Benjamini and Hochberg (false discovery rate).

    Parameters
    ----------
    wide : WidePanel

    Returns
    -------
    DataFrame
        ``tables.DEPENDENCE``, for stocks with at least 250 returns.
        ``autocorrelation`` is that of lag 1 with its 95 % interval.

    References
    ----------
    .. [1] I. Lobato, J. Nankervis and N. Savin (2001). Testing for autocorrelation
       using a modified Box-Pierce Q test. International Economic Review 42(1), 187-205.
    """
    is_tested = _chosen(wide, MIN_TESTED)
    moves = wide.moves[:, is_tested]
    statistic = np.zeros(moves.shape[1])
    for lag in LAGS:
        total, squares = lag_sums(moves, span=wide.span, lag=lag)
        statistic += total**2 / np.where(squares > 0, squares, np.nan)
    first = _interval(*autocorrelations(moves, span=wide.span, lag=1))
    turnover = pd.DataFrame(wide.turnover[:, is_tested]).median().to_numpy()
    table = pd.DataFrame(
        {
            "ticker": np.array(wide.tickers)[is_tested],
            "group": _group(turnover),
            "n": np.isfinite(moves).sum(axis=0),
            "autocorrelation": first["value"],
            "lower": first["lower"],
            "upper": first["upper"],
            "statistic": statistic,
            "p_value": stats.chi2.sf(statistic, len(LAGS)),
        }
    ).dropna()
    table = table.astype({"ticker": tables.TEXT, "group": tables.TEXT})
    for column, method in (("p_holm", "holm"), ("p_fdr", "fdr_bh")):
        p = table["p_value"].to_numpy()
        table[column] = multipletests(p, method=method)[1] if len(p) else p
    return tables.check(table[list(tables.DEPENDENCE.columns)], tables.DEPENDENCE)


def _chosen(wide: WidePanel, min_moves: int) -> np.ndarray:
    n = np.isfinite(wide.moves).sum(axis=0)
    return np.asarray((n >= min_moves) & (np.array(wide.kinds) == "ordinary"))


def _interval(value: Numbers, error: Numbers) -> dict[str, Numbers]:
    half = stats.norm.ppf(1 - LEVEL / 2) * error
    return {"value": value, "lower": value - half, "upper": value + half}


def _group(turnover: np.ndarray) -> np.ndarray:
    return np.where(turnover >= LIQUID_TURNOVER, LIQUID, THIN)
