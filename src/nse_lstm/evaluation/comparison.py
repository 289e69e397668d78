"""Forecast comparison tests: Diebold-Mariano, Clark-West and Holm's correction.

A loss difference is the first model's loss minus the second's, so a negative statistic
favours the first. Errors of forecasts that reach ``ahead`` sessions overlap with the
``ahead - 1`` before them, and every variance is adjusted for that. Stocks of one
session move together, so a session is one observation (``losses_by_date``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtr

from nse_lstm.errors import StudyError, TableError
from nse_lstm.evaluation.hac import Kernel, long_run_variance

Array = NDArray[np.float64]
Alternative = Literal["two-sided", "less", "greater"]
Loss = Literal["squared", "absolute"]

NAIVE = "persistence"
"""The benchmark model: no price change, ``y_hat = 0``."""

ROUNDING = 1e-12
"""A variance below this fraction of the mean square is rounding."""


@dataclass(frozen=True)
class Comparison:
    """Test of whether a mean is zero.

    ``statistic`` and ``p_value`` are missing where the values do not vary. ``kernel``
    is the one used for the variance, which may be the fallback.
    """

    mean: float
    statistic: float
    p_value: float
    n: int
    kernel: Kernel


def diebold_mariano(
    loss: ArrayLike,
    other: ArrayLike,
    *,
    ahead: int = 1,
    alternative: Alternative = "two-sided",
    kernel: Kernel = "rectangular",
) -> Comparison:
    """Test whether two forecasts have the same expected loss (Diebold-Mariano).

    The statistic of Diebold and Mariano with the correction of Harvey, Leybourne and
    Newbold for few observations, compared with Student's t with n - 1 degrees of
    freedom. The rectangular kernel can give a negative variance. Then Bartlett weights
    over the same lags, which cannot, replace it.

    Parameters
    ----------
    loss, other : array of shape (n,)
        Losses of the two forecasts at the same dates, in order, none missing.
    ahead : int
        Sessions from origin to target: ``delay + horizon``.
    alternative : {"two-sided", "less", "greater"}
        "less" tests whether the first forecast has the smaller loss.
    kernel : {"rectangular", "bartlett"}
        Weights of the lags 1 to ``ahead - 1``.

    Raises
    ------
    StudyError
        If the losses differ in length, one is missing, or n is not above ``ahead``.

    References
    ----------
    .. [1] F. Diebold and R. Mariano (1995). Comparing predictive accuracy. JBES 13(3),
       253-263.
    .. [2] D. Harvey, S. Leybourne and P. Newbold (1997). Testing the equality of
       prediction mean squared errors. IJF 13(2), 281-291.

    Examples
    --------
    >>> found = diebold_mariano([1, 1, 4, 2], [2, 3, 4, 5])
    >>> print(found.mean, round(found.statistic, 3))  # -1.5 / sqrt(1.25 / 3)
    -1.5 -2.324
    """
    difference = _same_length(loss, other)
    n = difference.size
    _check_ahead(ahead, n)
    variance, used = _variance(difference, lags=ahead - 1, kernel=kernel)
    mean = float(difference.mean())
    plain = mean / np.sqrt(variance / n) if variance > 0 else float("nan")
    statistic = float(plain * small_sample_factor(n, ahead))
    p_value = _tail(statistic, alternative, partial(stdtr, n - 1))
    return Comparison(mean, statistic, p_value, n, used)


def small_sample_factor(n: int, ahead: int) -> float:
    """Return Harvey, Leybourne and Newbold's small-sample factor of the statistic.

    Parameters
    ----------
    n : int
        Observations.
    ahead : int
        Sessions from origin to target.

    Examples
    --------
    >>> round(small_sample_factor(10, 2), 6)
    0.848528
    """
    return float(np.sqrt((n + 1 - 2 * ahead + ahead * (ahead - 1) / n) / n))


def clark_west(
    y: ArrayLike,
    y_hat: ArrayLike,
    *,
    benchmark: ArrayLike = 0.0,
    ahead: int = 1,
) -> Comparison:
    """Test a forecast against a nested one, such as no price change (Clark-West).

    Useless terms of a larger model raise its squared error. The adjusted difference
    e1² - (e2² - (b - f)²) removes that cost. One-sided, standard normal: a small
    p-value means that returns are predictable, not that this forecast is more accurate
    (``diebold_mariano`` tests that). For many stocks use ``mean_test`` on
    ``adjusted_difference`` averaged by date.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast, in order of time, none missing.
    benchmark : float or array of shape (n,)
        The smaller model's forecast; with 0 the difference is 2 y y_hat.
    ahead : int
        Sessions from origin to target; Bartlett weights over ``ahead - 1`` lags.

    References
    ----------
    .. [1] T. Clark and K. West (2007). Approximately normal tests for equal predictive
       accuracy in nested models. Journal of Econometrics 138(1), 291-311.
    """
    adjusted = adjusted_difference(y, y_hat, benchmark=benchmark)
    return mean_test(adjusted, ahead=ahead, alternative="greater")


def adjusted_difference(
    y: ArrayLike, y_hat: ArrayLike, *, benchmark: ArrayLike = 0.0
) -> Array:
    """Return Clark and West's adjusted difference of squared errors.

    Parameters
    ----------
    y, y_hat, benchmark
        As for ``clark_west``.

    Returns
    -------
    array of shape (n,)
        (y - b)² - ((y - f)² - (b - f)²) for benchmark b and forecast f.
    """
    y, y_hat = np.asarray(y, float), np.asarray(y_hat, float)
    smaller = np.broadcast_to(np.asarray(benchmark, float), y.shape)
    return (y - smaller) ** 2 - ((y - y_hat) ** 2 - (smaller - y_hat) ** 2)


def mean_test(
    values: ArrayLike,
    *,
    ahead: int = 1,
    alternative: Alternative = "two-sided",
) -> Comparison:
    """Test whether a mean is zero, over its Newey-West standard error.

    Parameters
    ----------
    values : array of shape (n,)
        One per date, in order, none missing.
    ahead : int
        Bartlett weights over ``ahead - 1`` lags. The variance is multiplied by
        n / (n - 1), and the statistic compared with the standard normal.
    alternative : {"two-sided", "less", "greater"}
        Side of the test.
    """
    series = np.asarray(values, float)
    n = series.size
    _check_ahead(ahead, n)
    variance, kernel = _variance(series, lags=ahead - 1, kernel="bartlett")
    mean = float(series.mean())
    error = np.sqrt(variance / (n - 1))
    statistic = mean / float(error) if variance > 0 else float("nan")
    return Comparison(mean, statistic, _tail(statistic, alternative, ndtr), n, kernel)


def holm(p_values: pd.Series) -> pd.Series:
    """Adjust the p-values of one test over many stocks (Holm's correction).

    Parameters
    ----------
    p_values : Series of shape (n,)
        By stock; a missing one is not tested and stays missing.

    Returns
    -------
    Series of shape (n,)
        Smallest family-wise error rate at which each is rejected, valid under any
        dependence of the stocks.

    References
    ----------
    .. [1] S. Holm (1979). A simple sequentially rejective multiple test procedure.
       Scandinavian Journal of Statistics 6(2), 65-70.

    Examples
    --------
    >>> holm(pd.Series({"AAA": 0.01, "BBB": 0.04, "CCC": 0.03})).tolist()
    [0.03, 0.06, 0.06]
    """
    asked = p_values.dropna()
    adjusted = p_values.astype(float).copy()
    # Not statsmodels' multipletests, which collects garbage on every call: 0.05 s.
    order = np.argsort(asked.to_numpy(), kind="stable")
    times = asked.to_numpy()[order] * np.arange(len(asked), 0, -1)
    adjusted[asked.index[order]] = np.minimum(np.maximum.accumulate(times), 1.0)
    return adjusted


def losses_by_date(
    joined: pd.DataFrame, *, loss: Loss = "squared", tickers: Sequence[str] = ()
) -> pd.DataFrame:
    """Return one loss per date and model, over the same stocks for all models.

    Seeds are averaged first, then stocks. A stock and date enters where every model
    has a forecast of it and its return is known, so that all models face the same
    cases.

    Parameters
    ----------
    joined : DataFrame
        Forecasts with ``y`` (``scoring.realised``), one delay and horizon.
    loss : {"squared", "absolute"}
        Of ``y - y_hat``, log returns.
    tickers : sequence of str
        Only these stocks; all if empty.

    Returns
    -------
    DataFrame of shape (n_dates, n_models)
        By ``target_date``, increasing. The column ``persistence`` has the loss of
        ``y_hat = 0``, even if it was not among the forecasts.

    Raises
    ------
    TableError
        If no date is left, or the forecasts are of several delays or horizons.
    """
    chosen = joined[joined["ticker"].isin(list(tickers))] if tickers else joined
    if len(chosen[["delay", "horizon"]].drop_duplicates()) > 1:
        raise TableError("Expected one delay and horizon. Received: several")
    error = (chosen["y"] - chosen["y_hat"]).abs()
    size = 2 if loss == "squared" else 1
    rows = chosen.assign(loss=error**size, naive=chosen["y"].abs() ** size)
    place = ["ticker", "target_date"]
    # A seed without a forecast leaves its model without one.
    seeds = rows.groupby([*place, "model"])["loss"].agg(["mean", "count", "size"])
    whole = seeds["mean"].where(seeds["count"] == seeds["size"])
    table = whole.unstack("model")
    table[NAIVE] = rows.groupby(place)["naive"].first()
    table = table.dropna()
    if table.empty:
        raise TableError(
            "Expected dates that every model has a forecast of. Received: none"
        )
    return table.groupby("target_date").mean().sort_index()


def _variance(values: Array, *, lags: int, kernel: Kernel) -> tuple[float, Kernel]:
    """Return the long-run variance, 0 where it is rounding, and the kernel used."""
    variance = long_run_variance(values, lags=lags, kernel=kernel)
    if variance <= 0 and kernel == "rectangular":
        kernel = "bartlett"
        variance = long_run_variance(values, lags=lags, kernel=kernel)
    rounding = ROUNDING * float(np.mean(values**2))
    return (variance if variance > rounding else 0.0), kernel


def _same_length(loss: ArrayLike, other: ArrayLike) -> Array:
    first, second = np.asarray(loss, float), np.asarray(other, float)
    if first.ndim != 1 or first.shape != second.shape:
        raise StudyError(
            "Expected two series of losses of one length. "
            f"Received: shapes {first.shape} and {second.shape}"
        )
    return first - second


def _check_ahead(ahead: int, n: int) -> None:
    if not 1 <= ahead < n:
        raise StudyError(
            "`ahead` must be at least 1 and below the number of observations. "
            f"Received: ahead={ahead}, n={n}"
        )


def _tail(
    statistic: float, alternative: Alternative, cdf: Callable[[float], float]
) -> float:
    """Return a statistic's p-value under a distribution that is symmetric about 0."""
    if alternative == "less":
        return float(cdf(statistic))
    if alternative == "greater":
        return float(cdf(-statistic))
    return float(2 * cdf(-abs(statistic)))
