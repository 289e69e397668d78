"""Baselines with a parameter or a few, fitted by least squares on training windows.

Each is a rule ``(windows, train) -> adjusted prices``: it is fitted on ``train`` and
forecasts from each window, and nothing else reaches it. A
forecast depends on its own window and on ``train`` only, to the last bit. Training
windows are regressed directly, one row per window, because the sessions between two
windows may be missing: that is least squares, and no library does it otherwise.
"""

import numpy as np
from numpy.typing import NDArray

from nse_lstm.errors import DataError
from nse_lstm.features.windows import Windows

Numbers = NDArray[np.float64]

ALPHAS = np.arange(1, 101) / 100
"""Smoothing weights that are tried; 1 is persistence."""


def drift(windows: Windows, train: Windows) -> Numbers:
    """Forecast that the price grows as it did in training.

    ``y_hat`` is the mean log return from origin to target over the training windows.

    Parameters
    ----------
    windows : Windows
        To forecast from, with delay 0.
    train : Windows
        Of the same stock and horizon, before the fold.

    Returns
    -------
    array of shape (n,)
        Forecast adjusted prices, KES, all positive.

    Raises
    ------
    DataError
        If there is no training window.
    """
    _check(train, least=1)
    return windows.last_price * np.exp(_log_return(train).mean())


def autoregression(windows: Windows, train: Windows, *, order: int) -> Numbers:
    """Forecast the log return to the target linearly from the last ``order`` ones.

    For a horizon above 1 it is the direct forecast: the whole return is regressed.

    Parameters
    ----------
    windows, train : Windows
        As for ``drift``, of a lookback above ``order``.
    order : int
        Number of lags, at least 1.

    Returns
    -------
    array of shape (n,)
        Forecast adjusted prices, KES, all positive.

    Raises
    ------
    DataError
        If a window holds fewer than ``order`` returns, or the training windows do not
        outnumber the coefficients.
    """
    coefficients = fit_autoregression(train, order=order)
    # No matrix product: its last bits depend on how many windows are asked for.
    lagged = (_lags(windows, order) * coefficients[1:]).sum(axis=1)
    return windows.last_price * np.exp(coefficients[0] + lagged)


def fit_autoregression(train: Windows, *, order: int) -> Numbers:
    """Return the constant and the coefficients of the lags, the origin's return first.

    Parameters
    ----------
    train : Windows
        Of a lookback above ``order``.
    order : int
        Number of lags, at least 1.

    Raises
    ------
    DataError
        As ``autoregression``.
    """
    _check(train, least=order + 2)
    design = np.column_stack([np.ones(len(train)), _lags(train, order)])
    coefficients, *_ = np.linalg.lstsq(design, _log_return(train))
    return coefficients.astype(np.float64)


def exponential_smoothing(windows: Windows, train: Windows) -> Numbers:
    """Forecast the exponentially weighted mean of the window's prices.

    Simple exponential smoothing: ``level = alpha * price + (1 - alpha) * level``,
    started at the window's oldest price. ``alpha`` is ``fit_smoothing``'s; where it is
    1 the forecast is persistence, and trending prices always end there.

    Parameters
    ----------
    windows, train : Windows
        As for ``drift``.

    Returns
    -------
    array of shape (n,)
        Forecast adjusted prices, KES, all positive.

    Raises
    ------
    DataError
        If there is no training window.

    References
    ----------
    .. [1] R. Hyndman and G. Athanasopoulos (2021). Forecasting: principles and
       practice, 3rd edition, section 8.1.
    """
    weights = _weights(np.array([fit_smoothing(train)]), windows.X.shape[1])
    return (windows.X * weights[:, 0]).sum(axis=1)


def fit_smoothing(train: Windows) -> float:
    """Return the alpha of ``ALPHAS`` with the smallest squared log error in training.

    The error is taken on logs so that years of high and of low prices count alike.
    Of equals the largest wins, the one nearest to persistence.

    Raises
    ------
    DataError
        If there is no training window.
    """
    _check(train, least=1)
    alphas = ALPHAS[::-1]
    levels = train.X @ _weights(alphas, train.X.shape[1])
    errors = np.log(train.y[:, np.newaxis] / levels)
    return float(alphas[np.argmin((errors**2).mean(axis=0))])


def _weights(alphas: Numbers, lookback: int) -> Numbers:
    """Weights of a window's prices, one column per alpha; each sums to 1."""
    age = np.arange(lookback - 1, -1, -1)[:, np.newaxis]
    weights = alphas * (1 - alphas) ** age
    weights[0] = (1 - alphas) ** (lookback - 1)
    return weights


def _log_return(windows: Windows) -> Numbers:
    """Return the log return from origin to target."""
    return np.log(windows.y / windows.last_price)


def _lags(windows: Windows, order: int) -> Numbers:
    """Return the last log returns of each window, the origin's first."""
    if order < 1 or windows.X.shape[1] <= order:
        raise DataError(
            f"Expected windows of more than {order} sessions for {order} returns. "
            f"Received: {windows.X.shape[1]} sessions"
        )
    returns = np.diff(np.log(windows.X[:, -order - 1 :]), axis=1)
    return np.ascontiguousarray(returns[:, ::-1])


def _check(train: Windows, *, least: int) -> None:
    if len(train) < least:
        raise DataError(
            f"Expected at least {least} windows to train on. Received: {len(train)}"
        )
