"""Market indicators: betas, residual returns and the market's own return.

The market is the mean log return of the session's universe. Spans are those of
``price_indicators.trailing``. Sectors are left out because their labels are today's. In
2015 and 2016 sector returns added nothing to a ridge that had the other features.
"""

import numpy as np
import pandas as pd

from nse_lstm.features.market_panel import MarketPanel
from nse_lstm.features.price_indicators import reversal, trailing

BETA_SESSIONS = 120
LEVEL_SESSIONS = 250
LARGEST = 3.0


def beta(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the market beta: the slope of ``n`` log returns on the market's.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    return _slope(wide.log_return, _broadcast(wide, wide.market), n)


def lagged_beta(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the beta of ``n`` log returns to the market's of the session before.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    return _slope(wide.log_return, _broadcast(wide, wide.market.shift()), n)


def residual_reversal(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return minus the log return of ``n`` sessions beyond beta times the market's.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the log return.
    """
    market = trailing(_broadcast(wide, wide.market), n).sum()
    return reversal(wide, n) + beta(wide, BETA_SESSIONS) * market


def idiosyncratic_volatility(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the standard deviation of ``n`` log returns beyond beta times the market.

    Each session's residual uses that session's beta.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    explained = beta(wide, BETA_SESSIONS) * _broadcast(wide, wide.market)
    return trailing(wide.log_return - explained, n).std()


def market_return(wide: MarketPanel, n: int) -> "pd.Series[float]":
    """Return the market's standardised log return of ``n`` sessions, from -3 to 3.

    The divisor is the standard deviation of 250 sessions' returns times sqrt(n). The
    value is the same for every stock of a session.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the log return.
    """
    market = wide.market.to_frame()
    scale = trailing(market, LEVEL_SESSIONS).std() * np.sqrt(n)
    scaled = trailing(market, n).sum() / scale.where(scale > 0)
    return scaled.clip(-LARGEST, LARGEST).iloc[:, 0]


def _broadcast(wide: MarketPanel, market: "pd.Series[float]") -> pd.DataFrame:
    """Repeat the market's values for every stock: (n_sessions,) to a frame."""
    shape = wide.log_return.shape
    values = np.broadcast_to(market.to_numpy()[:, np.newaxis], shape)
    return pd.DataFrame(values, wide.log_return.index, wide.log_return.columns)


def _slope(y: pd.DataFrame, x: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return the least-squares slope over the span's sessions where both are known."""
    both = y.notna() & x.notna()
    y, x = y.where(both), x.where(both)
    mean_x, mean_y = trailing(x, n).mean(), trailing(y, n).mean()
    variance = trailing(x**2, n).mean() - mean_x**2
    covariance = trailing(x * y, n).mean() - mean_x * mean_y
    # The difference of two squares rounds at 1e-16 of each.
    return covariance / variance.where(variance > 1e-12 * trailing(x**2, n).mean())
