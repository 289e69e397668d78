"""What past prices say of a share: one function an indicator, a board in, a frame out.

A value is known in the evening of its session. A trailing span of ``n`` sessions ends
at the session itself; of its values half at least must be known, else the indicator is
missing. The return across a gap of the calendar is not known, so it counts for nothing.
A fading mean has no end: what happened counts half as much every ``n`` sessions.
"""

import numpy as np
import pandas as pd

from nse_lstm.data.exchange_rules import tick_size
from nse_lstm.features.market_panel import MarketPanel

USUAL_SESSIONS = 60


def trailing(frame: pd.DataFrame, n: int) -> "pd.api.typing.Rolling[pd.DataFrame]":
    """Open the trailing span of ``n`` sessions of which half must be known."""
    return frame.rolling(n, min_periods=(n + 1) // 2)


def fading(frame: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return the mean of all values so far, each ``n`` sessions counting half as much.

    A session without a value passes and counts for nothing; ``n`` values must be known.
    """
    return frame.ewm(halflife=n, min_periods=n).mean()


def reversal(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return minus the log return of the last ``n`` sessions."""
    return -trailing(board.log_return, n).sum()


def ewm_reversal(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return minus the fading mean of the log return, its half-life ``n`` sessions."""
    return -fading(board.log_return, n)


def ewm_abs_return(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the fading mean of the absolute log return beyond its mean of 60."""
    moves = board.log_return.abs()
    return fading(moves - trailing(moves, USUAL_SESSIONS).mean(), n)


def momentum(board: MarketPanel, n: int, *, skip: int = 20) -> pd.DataFrame:
    """Return the log return of the last ``n`` sessions without the last ``skip``."""
    return trailing(board.log_return.shift(skip), n - skip).sum()


def volatility(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the standard deviation of ``n`` log returns."""
    return trailing(board.log_return, n).std()


def skewness(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the unbiased skewness of ``n`` log returns; missing where none moves."""
    moves = trailing(board.log_return.abs(), n).max() > 0
    return trailing(board.log_return, n).skew().where(moves)


def largest_return(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the largest of ``n`` log returns: what draws those who play lotteries."""
    return trailing(board.log_return, n).max()


def autocorrelation(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the mean product of neighbouring log returns over their mean square.

    Above 0 prices are averages of a drift, below 0 they bounce between bid and ask.
    """
    product = trailing(board.log_return * board.log_return.shift(), n).mean()
    square = trailing(board.log_return**2, n).mean()
    return product / square.where(square > 0)


def range_position(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return where the printed average lies in the session's range, mean of ``n``.

    1/2 at the high, -1/2 at the low; 0 where nothing but one price was dealt. A price
    outside the range counts as its edge.
    """
    width = board.high - board.low
    middle = (board.high + board.low) / 2
    place = ((board.price - middle) / width.where(width > 0)).clip(-0.5, 0.5)
    return trailing(place.mask(width == 0, 0.0), n).mean()


def range_width(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the mean of (high - low) / price over ``n`` sessions."""
    return trailing((board.high - board.low) / board.price, n).mean()


def channel_position(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the adjusted price's place between its extremes of ``n`` sessions.

    0 at the lowest, 1 at the highest, 1/2 where it did not move.
    """
    low, high = trailing(board.adjusted, n).min(), trailing(board.adjusted, n).max()
    width = high - low
    return ((board.adjusted - low) / width.where(width > 0)).mask(width == 0, 0.5)


def relative_tick(board: MarketPanel) -> pd.DataFrame:
    """Return the smallest step of the price over the price, both as printed."""
    ticks = [
        tick_size(row, session)
        for session, row in zip(board.sessions, board.price.to_numpy(), strict=True)
    ]
    return pd.DataFrame(np.array(ticks), board.price.index, board.price.columns).div(
        board.price
    )
