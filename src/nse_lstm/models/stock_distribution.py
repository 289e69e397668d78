"""Forecast distributions of the stock LSTM over 1, 5 and 10 sessions.

The network gives the mean, ``return_distribution`` the rest. The latter is fitted to
prices only, so it can be fitted again at any session with what is known there.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.errors import DataError
from nse_lstm.features.returns import market_sessions
from nse_lstm.features.risk_features import RiskFeatures
from nse_lstm.features.windows import Windows, make_windows, select_windows
from nse_lstm.models.return_distribution import (
    PastMoves,
    ReturnDistribution,
    fit_return_distribution,
)
from nse_lstm.tables import QUANTILE_COLUMNS, QUANTILE_LEVELS, QUANTILES, conform

Numbers = NDArray[np.float64]

HORIZONS = (1, 5, 10)
"""Sessions from origin to target."""


def horizon_windows(
    prices: pd.DataFrame, tickers: Sequence[str], *, lookback: int, horizon: int
) -> dict[str, Windows]:
    """Cut each stock's windows with targets a horizon ahead.

    Parameters
    ----------
    prices : DataFrame
        Rows of ``with_returns`` as far as they may be seen.
    tickers : sequence of str
    lookback, horizon : int
        Sessions.
    """
    sessions = market_sessions(prices)
    return {
        ticker: make_windows(
            prices[prices["ticker"] == ticker],
            sessions,
            lookback=lookback,
            horizon=horizon,
        )
        for ticker in tickers
    }


def windows_before(windows: Windows, day: pd.Timestamp) -> Windows:
    """Return the windows whose targets lie before a day.

    Parameters
    ----------
    windows : Windows
    day : Timestamp
    """
    return select_windows(windows, windows.target_date < day.to_datetime64())


def fit_stock_distribution(
    stocks: Mapping[str, Windows], risk: RiskFeatures, *, horizon: int
) -> ReturnDistribution:
    """Fit the distribution of some stocks' returns over a horizon.

    Parameters
    ----------
    stocks : mapping of str to Windows
        By ticker, all with targets that may be seen.
    risk : RiskFeatures
    horizon : int
        Sessions.

    Raises
    ------
    DataError
        If a stock has no window in which its price moved.
    """
    past = {
        ticker: PastMoves(
            features=risk.at(ticker, windows.origin),
            y=np.log(windows.y / windows.last_price),
        )
        for ticker, windows in stocks.items()
    }
    return fit_return_distribution(past, horizon=horizon)


def forecast_quantiles(
    distribution: ReturnDistribution,
    risk: RiskFeatures,
    *,
    ticker: str,
    origins: NDArray[np.datetime64],
    targets: NDArray[np.datetime64],
    mean: Numbers,
    model: str,
    year: int,
) -> pd.DataFrame:
    """Forecast one stock's quantiles as ``QUANTILES``.

    Parameters
    ----------
    distribution : ReturnDistribution
        Fitted to this stock, among others.
    risk : RiskFeatures
        As far as they may be seen.
    ticker : str
    origins, targets : array of shape (n,)
        Sessions to forecast from, and the days forecast.
    mean : array of shape (n,)
        The network's forecast of the next session's log return.
    model : str
        Name of the rows.
    year : int
        The fold that the rows belong to.
    """
    features = risk.at(ticker, origins)
    found = distribution.quantiles(ticker, features, mean, np.array(QUANTILE_LEVELS))
    return quantile_rows(
        found,
        ticker=ticker,
        model=model,
        year=year,
        origins=origins,
        targets=targets,
        horizon=distribution.horizon,
        unchanged=distribution.unchanged(features),
    )


def quantile_rows(
    quantiles: Numbers,
    *,
    ticker: str,
    model: str,
    year: int,
    origins: NDArray[np.datetime64],
    targets: NDArray[np.datetime64],
    horizon: int,
    unchanged: Numbers | float = float("nan"),
) -> pd.DataFrame:
    """Return one stock's quantiles as rows of ``QUANTILES``.

    Parameters
    ----------
    quantiles : array of shape (n, n_levels)
        Log returns at ``QUANTILE_LEVELS``; they must not fall along a row.
    ticker, model : str
    year : int
        The fold.
    origins, targets : array of shape (n,)
    horizon : int
        Sessions.
    unchanged : array of shape (n,) or float
        Probability of an unchanged price; missing where not modelled.

    Raises
    ------
    DataError
        If quantiles cross, naming the first origin.
    """
    crossed = (np.diff(quantiles, axis=1) < 0).any(axis=1)
    if crossed.any():
        raise DataError(
            f"Expected quantiles of {ticker} by {model} that do not cross. Received: "
            f"crossing ones from origin {str(origins[crossed][0])[:10]}"
        )
    rows = pd.DataFrame(quantiles, columns=list(QUANTILE_COLUMNS))
    return conform(
        rows.assign(
            ticker=ticker,
            model=model,
            fold=year,
            origin=origins,
            target_date=targets,
            horizon=horizon,
            unchanged=unchanged,
        ),
        QUANTILES,
    )
