"""Forecasts that nothing is fitted for: what a network has to beat.

They are made on the same windows as the network's, so every model is scored on the same
origins. ``forecast_rows`` gives all models their one table.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.errors import DataError
from nse_lstm.features.windows import Windows
from nse_lstm.tables import FORECASTS, check

__all__ = ["forecast_rows", "persistence", "repeat_sign"]

Numbers = NDArray[np.float64]


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


def repeat_sign(
    windows: Windows, train: Windows, *, ticker: str, year: int, horizon: int
) -> pd.DataFrame:
    """Forecast that the origin session's direction is repeated, at the usual size.

    ``y_hat`` is the sign of the origin session's own log return, times the mean
    absolute log return from origin to target over the training windows.

    Parameters
    ----------
    windows : Windows
        To forecast from, with delay 0 and a lookback of at least 2.
    train : Windows
        Of the same stock, before the fold.
    ticker, year, horizon
        Of the rows: stock, fold and sessions ahead.

    Returns
    -------
    DataFrame
        ``FORECASTS`` rows of model "repeat_sign", seed 0.

    Raises
    ------
    DataError
        If the lookback is 1, or there is nothing to take the usual size from.
    """
    if windows.X.shape[1] < 2 or len(train) == 0:
        raise DataError(
            f"Expected windows of 2 sessions at least and some to train on for {ticker}"
            f" {year}. Received: {windows.X.shape[1]} sessions, {len(train)} windows"
        )
    size = np.abs(np.log(train.y / train.last_price)).mean()
    direction = np.sign(windows.X[:, -1] - windows.X[:, -2])
    return forecast_rows(
        windows,
        windows.last_price * np.exp(direction * size),
        ticker=ticker,
        model="repeat_sign",
        seed=0,
        year=year,
        horizon=horizon,
    )


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
        What was forecast from, with delay 0.
    adjusted_hat : array of shape (n,)
        Forecast adjusted prices, KES, of whatever sign.
    ticker, model, seed, year, horizon
        Of the rows; ``year`` is the fold.

    Returns
    -------
    DataFrame
        Valid ``FORECASTS``: ``price_hat`` in shares of the origin; ``y_hat`` from the
        origin's price, missing where the forecast is not positive; no interval.
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
    types = {name: str(column.dtype) for name, column in FORECASTS.columns.items()}
    return check(table[list(types)].astype(types), FORECASTS)
