"""Price indicators: reversal, momentum, volatility, range position, tick size.

Each function takes a ``MarketPanel`` and returns a frame of shape (n_sessions,
n_tickers). A value is known after the close of its session. A trailing span of ``n``
sessions ends at the session itself. The indicator is missing where less than half of
the span's values are known. Returns across a gap of the calendar are missing.
"""

import numpy as np
import pandas as pd

from nse_lstm.data.exchange_rules import tick_size
from nse_lstm.features.market_panel import MarketPanel

USUAL_SESSIONS = 60


def trailing(frame: pd.DataFrame, n: int) -> "pd.api.typing.Rolling[pd.DataFrame]":
    """Return a rolling window of ``n`` sessions of which half must be known.

    Parameters
    ----------
    frame : DataFrame of shape (n_sessions, n_tickers)
    n : int
        Sessions, the row's own being the last.
    """
    return frame.rolling(n, min_periods=(n + 1) // 2)


def ewm_mean(frame: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return the exponentially weighted mean of all values so far.

    Parameters
    ----------
    frame : DataFrame of shape (n_sessions, n_tickers)
        A missing value has no weight, but its session counts as passed.
    n : int
        Half-life in sessions, and the number of values that must be known.
    """
    return frame.ewm(halflife=n, min_periods=n).mean()


def reversal(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return minus the log return of the last ``n`` sessions.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    return -trailing(wide.log_return, n).sum()


def ewm_reversal(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return minus the exponentially weighted mean log return, half-life ``n``.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Half-life in sessions.
    """
    return -ewm_mean(wide.log_return, n)


def ewm_abs_return(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the exponentially weighted absolute log return, less its mean of 60.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Half-life in sessions.
    """
    moves = wide.log_return.abs()
    return ewm_mean(moves - trailing(moves, USUAL_SESSIONS).mean(), n)


def momentum(wide: MarketPanel, n: int, *, skip: int = 20) -> pd.DataFrame:
    """Return the log return of the last ``n`` sessions without the last ``skip``.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span, those left out included.
    skip : int
        Latest sessions left out, fewer than ``n``.
    """
    return trailing(wide.log_return.shift(skip), n - skip).sum()


def volatility(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the standard deviation of ``n`` log returns.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    return trailing(wide.log_return, n).std()


def skewness(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the unbiased skewness of ``n`` log returns; missing where none moves.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    moves = trailing(wide.log_return.abs(), n).max() > 0
    return trailing(wide.log_return, n).skew().where(moves)


def largest_return(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the largest of ``n`` log returns, the lottery effect.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    return trailing(wide.log_return, n).max()


def autocorrelation(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the mean product of neighbouring log returns over their mean square.

    Averaged prices raise it, the bounce between bid and ask lowers it.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    product = trailing(wide.log_return * wide.log_return.shift(), n).mean()
    square = trailing(wide.log_return**2, n).mean()
    return product / square.where(square > 0)


def range_position(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the printed average's position in the session's range, mean of ``n``.

    It is 1/2 at the high, -1/2 at the low and 0 where low and high are equal. A price
    outside the range counts as its edge.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    width = wide.high - wide.low
    middle = (wide.high + wide.low) / 2
    position = ((wide.price - middle) / width.where(width > 0)).clip(-0.5, 0.5)
    return trailing(position.mask(width == 0, 0.0), n).mean()


def range_width(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the mean of (high - low) / price over ``n`` sessions.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    return trailing((wide.high - wide.low) / wide.price, n).mean()


def channel_position(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the adjusted price's position between its extremes of ``n`` sessions.

    It is 0 at the lowest, 1 at the highest and 1/2 where the price did not move.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    low, high = trailing(wide.adjusted, n).min(), trailing(wide.adjusted, n).max()
    width = high - low
    return ((wide.adjusted - low) / width.where(width > 0)).mask(width == 0, 0.5)


def relative_tick(wide: MarketPanel) -> pd.DataFrame:
    """Return the tick size over the printed price, NaN without price steps."""
    ticks = [
        tick_size(row, session, wide.ticks)
        for session, row in zip(wide.sessions, wide.price.to_numpy(), strict=True)
    ]
    return pd.DataFrame(np.array(ticks), wide.price.index, wide.price.columns).div(
        wide.price
    )
