"""Baseline forecasts, such as persistence and drift, that a network has to beat.

They are made on the same windows as the network's, so every model is scored on the same
origins. ``BASELINES`` is the one list of them; ``forecast_rows`` gives all models their
one table.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.errors import DataError
from nse_lstm.features.windows import FoldSplit, Windows
from nse_lstm.models.linear_baselines import (
    autoregression,
    drift,
    exponential_smoothing,
)
from nse_lstm.tables import FORECASTS, conform

Numbers = NDArray[np.float64]
Rule = Callable[[Windows, Windows], Numbers]
"""From windows and training windows to forecast adjusted prices, KES."""


def persistence(
    windows: Windows, *, ticker: str, year: int, horizon: int
) -> pd.DataFrame:
    """Forecast that the price stays: ``y_hat`` is 0.

    Parameters
    ----------
    windows : Windows
        To forecast from, with delay 0.
    ticker, year, horizon
        Of the rows: stock, fold and sessions ahead.

    Returns
    -------
    DataFrame
        ``FORECASTS`` rows of model "persistence", seed 0.
    """
    return forecast_rows(
        windows,
        windows.last_price,
        ticker=ticker,
        model="persistence",
        seed=0,
        year=year,
        horizon=horizon,
    )


def repeat_sign(windows: Windows, train: Windows) -> Numbers:
    """Forecast that the origin session's direction is repeated, at the usual size.

    ``y_hat`` is the sign of the origin session's own log return, times the mean
    absolute log return from origin to target over the training windows.

    Parameters
    ----------
    windows : Windows
        To forecast from, with delay 0 and a lookback of at least 2.
    train : Windows
        Of the same stock and horizon, before the fold.

    Returns
    -------
    array of shape (n,)
        Forecast adjusted prices, KES, all positive.

    Raises
    ------
    DataError
        If the lookback is 1, or there is nothing to take the usual size from.
    """
    if windows.X.shape[1] < 2 or len(train) == 0:
        raise DataError(
            "Expected windows of 2 sessions at least and some to train on. "
            f"Received: {windows.X.shape[1]} sessions, {len(train)} windows"
        )
    size = np.abs(np.log(train.y / train.last_price)).mean()
    direction = np.sign(windows.X[:, -1] - windows.X[:, -2])
    return windows.last_price * np.exp(direction * size)


def _last_price(windows: Windows, train: Windows) -> Numbers:
    return windows.last_price


BASELINES: dict[str, Rule] = {
    "persistence": _last_price,
    "drift": drift,
    "repeat_sign": repeat_sign,
    "ar1": partial(autoregression, order=1),
    "ar5": partial(autoregression, order=5),
    "ewma": exponential_smoothing,
}
"""Every baseline by the name it has in all tables."""


def forecast_baselines(
    split: FoldSplit, *, ticker: str, year: int, horizon: int
) -> pd.DataFrame:
    """Forecast a fold with every baseline, fitted on its training windows only.

    Parameters
    ----------
    split : FoldSplit
        Of the stock and fold. Its validation windows are not used: no baseline stops
        early.
    ticker, year, horizon
        Of the rows: stock, fold and sessions ahead.

    Returns
    -------
    DataFrame
        ``FORECASTS`` rows of every model of ``BASELINES``, seed 0, each on the same
        origins.

    Raises
    ------
    DataError
        If the windows are too short or too few to fit on, with stock and year.
    """
    try:
        prices = {
            model: rule(split.forecast, split.train)
            for model, rule in BASELINES.items()
        }
    except DataError as error:
        raise DataError(f"{error} ({ticker} {year})") from None
    blocks = [
        forecast_rows(
            split.forecast,
            adjusted_hat,
            ticker=ticker,
            model=model,
            seed=0,
            year=year,
            horizon=horizon,
        )
        for model, adjusted_hat in prices.items()
    ]
    return pd.concat(blocks, ignore_index=True)


def forecast_rows(
    windows: Windows,
    adjusted_hat: Numbers,
    *,
    ticker: str,
    model: str,
    seed: int,
    year: int,
    horizon: int,
) -> pd.DataFrame:
    """Turn forecasts of adjusted prices into rows of the one forecast table.

    Parameters
    ----------
    windows : Windows
        The inputs of the forecasts.
    adjusted_hat : array of shape (n,)
        Forecast adjusted prices, KES, of any sign.
    ticker, model, seed, year, horizon
        Of the rows; ``year`` is the fold.

    Returns
    -------
    DataFrame
        Valid ``FORECASTS`` of delay 0: ``price_hat`` in units of a share at the origin;
        ``y_hat`` from the origin's price, missing where the forecast is not positive;
        no interval.
    """
    positive = adjusted_hat > 0
    y_hat = np.full(len(windows), np.nan)
    y_hat[positive] = np.log(adjusted_hat[positive] / windows.last_price[positive])
    rows = {
        "origin": windows.origin,
        "entry_date": windows.entry_date,
        "target_date": windows.target_date,
        "price_hat": adjusted_hat / windows.shares,
        "y_hat": y_hat,
        "lower": np.nan,
        "upper": np.nan,
    }
    table = pd.DataFrame(rows, index=range(len(windows))).assign(
        ticker=ticker, model=model, seed=seed, fold=year, delay=0, horizon=horizon
    )
    return conform(table, FORECASTS)
