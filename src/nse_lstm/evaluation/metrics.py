"""Forecast and strategy metrics: errors, R², direction, Sharpe ratio, drawdown.

Every function takes one-dimensional arrays without missing values (the caller drops
those and counts the rest in ``n``). It works in fractions (0.01 is 1 %) and returns NaN
where the metric is undefined: no rows, no variance, no call, no trade.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nse_lstm.errors import StudyError
from nse_lstm.numerics import CONSTANT, is_constant

Array = NDArray[np.float64]


def mae(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Return the mean absolute error, in the unit of ``y``.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast values.
    """
    y, y_hat = paired(y, y_hat)
    return _mean(np.abs(y - y_hat))


def rmse(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Return the root mean squared error, in the unit of ``y``.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast values.
    """
    y, y_hat = paired(y, y_hat)
    return float(np.sqrt(_mean((y - y_hat) ** 2)))


def bias(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Return the bias, the mean of forecast minus realised: positive if too high.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast values.
    """
    y, y_hat = paired(y, y_hat)
    return _mean(y_hat - y)


def mape(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Return the mean absolute percentage error, as a fraction of the realised price.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised (positive) and forecast prices, KES.
    """
    y, y_hat = paired(y, y_hat)
    return _mean(np.abs(y - y_hat) / np.abs(y))


def r_squared(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Return R²: 1 - SSE / SSE of the mean of the scored span.

    On price levels it does not measure skill: persistence has 0.95 and more, because
    the mean of the span is a poor forecast.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast values.

    Examples
    --------
    >>> r_squared([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    0.5
    """
    y, y_hat = paired(y, y_hat)
    if is_constant(y):
        return float("nan")
    return float(1 - np.sum((y - y_hat) ** 2) / np.sum((y - y.mean()) ** 2))


def skill(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Return skill on log returns: 1 - SSE / SSE of the naive forecast ``y_hat = 0``.

    Positive means more accurate than no price change. This is Campbell and Thompson's
    out-of-sample R² with zero instead of the historical mean.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast log returns.

    References
    ----------
    .. [1] J. Campbell and S. Thompson (2008). Predicting excess stock returns out of
       sample. RFS 21(4), 1509-1531.
    """
    y, y_hat = paired(y, y_hat)
    return out_of_sample_r_squared(y, y_hat, benchmark=np.zeros_like(y))


def out_of_sample_r_squared(
    y: ArrayLike, y_hat: ArrayLike, *, benchmark: ArrayLike
) -> float:
    """Return Campbell and Thompson's out-of-sample R²: 1 - SSE / SSE of a benchmark.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast log returns.
    benchmark : array of shape (n,)
        Benchmark forecast from the same information: ``expanding_mean``, or 0.
    """
    y, y_hat = paired(y, y_hat)
    _, benchmark = paired(y, benchmark)
    error = y - benchmark
    if np.abs(error).max(initial=0.0) <= CONSTANT * np.abs(y).max(initial=0.0):
        return float("nan")
    return float(1 - np.sum((y - y_hat) ** 2) / np.sum(error**2))


def expanding_mean(y: ArrayLike, *, lag: int = 1, history: ArrayLike = ()) -> Array:
    """Return the expanding mean of the returns known when each return was forecast.

    Parameters
    ----------
    y : array of shape (n,)
        Realised returns, one per session, in order.
    lag : int
        Rows until a return is known: ``delay + horizon`` of its forecast.
    history : array
        Returns known before the first row, such as the training span's.

    Returns
    -------
    array of shape (n,)
        Missing where no return was known yet.

    Examples
    --------
    >>> expanding_mean([0.02, 0.04, 0.0]).tolist()
    [nan, 0.02, 0.03]
    """
    y, history = np.asarray(y, float), np.asarray(history, float)
    if lag < 1:
        raise StudyError(f"`lag` must be at least 1 row. Received: {lag}")
    place = np.maximum(np.arange(y.size) - lag + 1, 0)
    count = place + history.size
    total = np.concatenate([[0.0], np.cumsum(y)])[place] + history.sum()
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def expected_return_gain(r_squared: float, *, sharpe: float) -> float:
    """Return the economic value of an R²: the relative gain in expected return.

    Parameters
    ----------
    r_squared : float
        Out of sample, below 1.
    sharpe : float
        Of the asset itself, over the same period as the R²; not 0.

    References
    ----------
    .. [1] J. Campbell and S. Thompson (2008). Predicting excess stock returns out of
       sample. RFS 21(4), 1509-1531, eq. 14.

    Examples
    --------
    >>> round(expected_return_gain(0.0043, sharpe=0.012**0.5), 2)
    0.36
    """
    return r_squared / (1 - r_squared) * (1 + sharpe**2) / sharpe**2


def mase(y: ArrayLike, y_hat: ArrayLike, *, scale: ArrayLike) -> float:
    """Return the mean absolute scaled error: MAE over the random walk's in-sample MAE.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast log returns.
    scale : float or array of shape (n,)
        Mean absolute log return of the training span (the error of ``y_hat = 0``
        there); an array where the rows are of several tickers. NaN if not positive.
    """
    y, y_hat = paired(y, y_hat)
    scale = np.broadcast_to(np.asarray(scale, float), y.shape)
    if not np.all(scale > 0):
        return float("nan")
    return _mean(np.abs(y - y_hat) / scale)


def directional_calls(y: ArrayLike, y_hat: ArrayLike) -> NDArray[np.bool_]:
    """Return the rows with a directional call that is right or wrong.

    A session without a move proves no call wrong, and ``y_hat = 0`` makes no call. At
    the NSE 13 to 23 % of the sessions of even liquid stocks do not move. Counting them
    as "down" would inflate the rate.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast returns.
    """
    y, y_hat = paired(y, y_hat)
    return (y != 0) & (y_hat != 0)


def directional_accuracy(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Return the share of calls with the right sign; NaN without a call.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast returns.

    Examples
    --------
    >>> directional_accuracy([0.01, -0.02, 0.0, 0.03], [0.02, 0.01, 0.01, 0.0])
    0.5
    """
    y, y_hat = paired(y, y_hat)
    called = directional_calls(y, y_hat)
    return _mean(np.sign(y[called]) == np.sign(y_hat[called]))


def negative_count(price_hat: ArrayLike) -> int:
    """Return the number of price forecasts at or below zero; missing is none."""
    return int(np.sum(np.asarray(price_hat, float) <= 0))


def sharpe_ratio(
    returns: ArrayLike, *, sessions_per_year: int, cash: ArrayLike = 0.0
) -> float:
    """Return the annualised Sharpe ratio of session returns.

    Parameters
    ----------
    returns : array of shape (n,)
        Simple returns per session.
    sessions_per_year : int
        Annualises by its square root, which overstates the ratio of positively
        autocorrelated returns (Lo 2002); the NSE's averaged prices have +0.15 to +0.26.
    cash : float or array of shape (n,)
        Return of cash per session, subtracted first; 0 gives the Sharpe over zero.

    Returns
    -------
    float
        NaN with fewer than two sessions or without variance (never invested).

    References
    ----------
    .. [1] A. Lo (2002). The statistics of Sharpe ratios. FAJ 58(4), 36-52.

    Examples
    --------
    >>> round(sharpe_ratio([0.01, 0.03], sessions_per_year=1), 4)  # 0.02 / 0.01414
    1.4142
    """
    returns, cash = np.asarray(returns, float), np.asarray(cash, float)
    excess = returns - cash
    if excess.size < 2:
        return float("nan")
    if is_constant(excess, scale=float(max(np.abs(returns).max(), np.abs(cash).max()))):
        return float("nan")
    deviation = excess.std(ddof=1)
    return float(excess.mean() / deviation * np.sqrt(sessions_per_year))


def total_return(returns: ArrayLike) -> float:
    """Return the compounded return of the span; 0 without a session."""
    return float(np.prod(1 + np.asarray(returns, float)) - 1)


def max_drawdown(returns: ArrayLike) -> float:
    """Return the maximum drawdown from an earlier peak, at most 0.

    The start value 1 counts as a peak, so a loss in the first session is a drawdown.

    Examples
    --------
    >>> max_drawdown([-0.5, 1.0])
    -0.5
    """
    value = np.cumprod(np.concatenate([[1.0], 1 + np.asarray(returns, float)]))
    return float(np.min(value / np.maximum.accumulate(value)) - 1)


def win_rate(returns: ArrayLike, position: ArrayLike) -> float:
    """Return the share of invested sessions with a positive return.

    Parameters
    ----------
    returns : array of shape (n,)
        Net simple returns per session.
    position : array of shape (n,)
        Held into the session, which is invested where it is above 0. So the cost of an
        entry falls on a session that is not counted, that of an exit on one that is.
        NaN if never invested.
    """
    returns, position = paired(returns, position)
    return _mean(returns[position > 0] > 0)


def win_rate_all(returns: ArrayLike, position: ArrayLike) -> float:
    """Return the invested sessions with a positive return as a share of all sessions.

    Sessions in cash are no wins, though cash earns interest in each.

    Parameters
    ----------
    returns, position
        As for ``win_rate``.
    """
    returns, position = paired(returns, position)
    return _mean((returns > 0) & (position > 0))


def annual_turnover(turnover: ArrayLike, *, sessions_per_year: int) -> float:
    """Return the turnover per year: absolute position changes; in and out is 2.

    Parameters
    ----------
    turnover : array of shape (n,)
        Absolute changes of position per session.
    sessions_per_year : int
        Annualises.
    """
    return _mean(turnover) * sessions_per_year


def paired(first: ArrayLike, second: ArrayLike) -> tuple[Array, Array]:
    """Return two series as float arrays of one length.

    Parameters
    ----------
    first, second : array of shape (n,)
        Row by row of the same observations.

    Raises
    ------
    StudyError
        If they are not one-dimensional or not of one length.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.ndim != 1 or first.shape != second.shape:
        raise StudyError(
            "Expected two one-dimensional arrays of one length. "
            f"Received: shapes {first.shape} and {second.shape}"
        )
    return first, second


def _mean(values: ArrayLike) -> float:
    values = np.asarray(values, float)
    return float(values.mean()) if values.size else float("nan")
