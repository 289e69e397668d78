"""What the market says of a share: sensitivities to it, and the market itself.

The market is the mean log return of the session's universe. Spans are those of
``price_indicators.trailing``. Sectors are left out: their labels are today's, and in
2015 and 2016 a sector's return added nothing to a ridge that knew the rest.
"""

import numpy as np
import pandas as pd

from nse_lstm.features.market_panel import MarketPanel
from nse_lstm.features.price_indicators import reversal, trailing

BETA_SESSIONS = 120
LEVEL_SESSIONS = 250
LARGEST = 3.0


def beta(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the slope of ``n`` log returns on the market's."""
    return _slope(board.log_return, _beside(board, board.market), n)


def lagged_beta(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the slope of ``n`` log returns on the market's of the session before."""
    return _slope(board.log_return, _beside(board, board.market.shift()), n)


def residual_reversal(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return minus the log return of ``n`` sessions beyond beta times the market's."""
    market = trailing(_beside(board, board.market), n).sum()
    return reversal(board, n) + beta(board, BETA_SESSIONS) * market


def idiosyncratic_volatility(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the standard deviation of ``n`` log returns beyond beta times the market.

    Each session's return is taken beyond that session's own beta.
    """
    explained = beta(board, BETA_SESSIONS) * _beside(board, board.market)
    return trailing(board.log_return - explained, n).std()


def market_return(board: MarketPanel, n: int) -> "pd.Series[float]":
    """Return the market's log return of ``n`` sessions in its usual spread, -3 to 3.

    The spread is the standard deviation of 250 sessions' returns times the square root
    of ``n``. One number a session: the same for every share.
    """
    market = board.market.to_frame()
    spread = trailing(market, LEVEL_SESSIONS).std() * np.sqrt(n)
    scaled = trailing(market, n).sum() / spread.where(spread > 0)
    return scaled.clip(-LARGEST, LARGEST).iloc[:, 0]


def _beside(board: MarketPanel, market: "pd.Series[float]") -> pd.DataFrame:
    """Put the market's numbers beside every share's."""
    shape = board.log_return.shape
    values = np.broadcast_to(market.to_numpy()[:, np.newaxis], shape)
    return pd.DataFrame(values, board.log_return.index, board.log_return.columns)


def _slope(y: pd.DataFrame, x: pd.DataFrame, n: int) -> pd.DataFrame:
    """Least squares over the sessions of the span where both are known."""
    both = y.notna() & x.notna()
    y, x = y.where(both), x.where(both)
    mean_x, mean_y = trailing(x, n).mean(), trailing(y, n).mean()
    variance = trailing(x**2, n).mean() - mean_x**2
    covariance = trailing(x * y, n).mean() - mean_x * mean_y
    return covariance / variance.where(variance > 0)
