"""Channels of the stock LSTM: six inputs per stock and session, and its target.

A channel is known after the close of its session. Prices enter as returns and as the
position in the session's range, both in units of the stock's own volatility, so that
one network serves stocks of any price and any risk. A mended price is known one session
after its own, so no window ends on a stale session. What is missing is 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import CrossSection
from nse_lstm.features.market_panel import MarketPanel, make_market_panel
from nse_lstm.features.sequences import Sequences
from nse_lstm.features.windows import Windows

STOCK_CHANNELS = (
    "return",
    "range_position",
    "market_return",
    "unchanged",
    "turnover",
    "range_width",
)

HALF_LIFE, LONG, FEWEST = 20, 250, 20
"""Half-life and span of the two variances, and the returns that must be known."""
SHORT_SHARE = 0.75
"""Weight of the exponentially weighted variance in the stock's variance."""
LOWEST_SIGMA, UNKNOWN_SIGMA = 0.004, 0.02
"""Floor of the volatility, and the volatility of a stock without enough returns."""
USUAL_SESSIONS = 60
LARGEST = 6.0
"""Returns and targets are clipped at so many standard deviations."""
ROUNDING = 1e-12
"""A return of this size is rounding of an unchanged price."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StockChannels:
    """The channels of all ordinary stocks, and the unit of their targets."""

    sequences: Sequences
    """Stocks below each other on the market's calendar; ``STOCK_CHANNELS`` in order,
    or those that were selected."""
    sigma: pd.DataFrame
    """(n_sessions, n_tickers): volatility of a session's log return."""

    @property
    def width(self) -> int:
        """Number of channels."""
        return int(self.sequences.table.shape[1])

    def sigma_at(self, ticker: str, origins: NDArray[np.datetime64]) -> Numbers:
        """Return a stock's volatility as known at some origins.

        Parameters
        ----------
        ticker : str
        origins : array of shape (n,)
            Sessions; missing where one is not on the calendar.
        """
        known = self.sigma[ticker].reindex(pd.DatetimeIndex(origins))
        return known.to_numpy(np.float64)


def build_stock_channels(
    panel: pd.DataFrame, *, cross_section: CrossSection, lookback: int
) -> StockChannels:
    """Compute the stock LSTM's inputs of every ordinary stock and session.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL`` of the whole market, cut where it must not be seen.
    cross_section : CrossSection
        Rule of the monthly universe, whose mean return is the market's.
    lookback : int
        Sessions per window.

    Returns
    -------
    StockChannels
        ``return``: log return over ``sigma``. ``range_position``: ln(price /
        sqrt(low high)) over ``sigma``, 0 on stale sessions. ``market_return``: the
        universe's mean return over its own volatility. ``unchanged``: 1 where the
        return is 0 or unknown. ``turnover``: ln(1 + KES) less its mean of 60 sessions,
        over 3. ``range_width``: ln(high / low) over 2 ``sigma``. All are clipped.

    Raises
    ------
    DataError
        If there is no ordinary share.
    """
    wide = make_market_panel(panel, cross_section)
    sigma = volatility_unit(wide.log_return)
    channels = _channels(wide, sigma)
    n_tickers, n_sessions = sigma.shape[1], sigma.shape[0]
    padded = np.zeros(
        (n_tickers, lookback - 1 + n_sessions, len(STOCK_CHANNELS)), np.float32
    )
    for place, name in enumerate(STOCK_CHANNELS):
        padded[:, lookback - 1 :, place] = np.nan_to_num(channels[name].to_numpy().T)
    table = padded.reshape(-1, len(STOCK_CHANNELS))
    tickers = pd.Index(sigma.columns)
    return StockChannels(Sequences(table, tickers, wide.sessions, lookback), sigma)


def select_channels(channels: StockChannels, names: Sequence[str]) -> StockChannels:
    """Return the same stocks and sessions with some of the channels.

    Parameters
    ----------
    channels : StockChannels
        As built, ``STOCK_CHANNELS`` wide.
    names : sequence of str
        Of ``STOCK_CHANNELS``, in the order that is wanted.
    """
    places = [STOCK_CHANNELS.index(name) for name in names]
    table = np.ascontiguousarray(channels.sequences.table[:, places])
    return replace(channels, sequences=replace(channels.sequences, table=table))


def volatility_unit(log_return: pd.DataFrame) -> pd.DataFrame:
    """Return each stock's volatility: a floor under two trailing variances' root.

    sqrt(3/4 ewma(r^2, half-life 20) + 1/4 mean(r^2, 250)), at least 0.004, and 0.02
    where fewer than 20 returns are known.

    Parameters
    ----------
    log_return : DataFrame of shape (n_sessions, n_tickers)
        Missing returns have no weight.
    """
    square = log_return**2
    short = square.ewm(halflife=HALF_LIFE, min_periods=FEWEST).mean()
    long = square.rolling(LONG, min_periods=FEWEST).mean()
    # The running sum behind a rolling mean may end a rounding below zero.
    variance = (SHORT_SHARE * short + (1 - SHORT_SHARE) * long).clip(lower=0)
    deviation = pd.DataFrame(np.sqrt(variance))
    return deviation.clip(lower=LOWEST_SIGMA).fillna(UNKNOWN_SIGMA)


def turnover_levels(wide: MarketPanel) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return ln(1 + turnover in KES), and its mean of 60 sessions.

    Parameters
    ----------
    wide : MarketPanel
    """
    level = pd.DataFrame(np.log1p(wide.turnover))
    usual = level.rolling(USUAL_SESSIONS, min_periods=USUAL_SESSIONS // 2).mean()
    return level, usual


def for_every_stock(market: "pd.Series[float]", wide: MarketPanel) -> pd.DataFrame:
    """Return a series of the market beside itself, one column per stock.

    Parameters
    ----------
    market : Series of shape (n_sessions,)
    wide : MarketPanel
        Of the same sessions.
    """
    columns = wide.price.columns
    beside = np.broadcast_to(market.to_numpy()[:, np.newaxis], wide.price.shape)
    return pd.DataFrame(beside, index=market.index, columns=columns)


def scaled_targets(windows: Windows, sigma: Numbers) -> Numbers:
    """Return the targets: log returns in units of volatility, clipped at 6.

    Parameters
    ----------
    windows : Windows
        Of one stock.
    sigma : array of shape (n,)
        From ``StockChannels.sigma_at`` the windows' origins.

    Returns
    -------
    array of shape (n,)
        ln(P(t + h) / P(t)) / sigma_t
    """
    moves = np.log(windows.y / windows.last_price)
    return np.clip(moves / sigma, -LARGEST, LARGEST)


def _channels(wide: MarketPanel, sigma: pd.DataFrame) -> dict[str, pd.DataFrame]:
    known, market = wide.log_return, wide.market
    # ln(price / sqrt(low high))
    position = _log(wide.price) - (_log(wide.low) + _log(wide.high)) / 2
    width = _log(wide.high) - _log(wide.low)
    level, usual = turnover_levels(wide)
    variance = (market**2).ewm(halflife=HALF_LIFE, min_periods=FEWEST).mean()
    market_return = market.div(np.sqrt(variance.where(variance > 0)))
    return {
        "return": known.div(sigma).clip(-LARGEST, LARGEST),
        "range_position": position.clip(-0.1, 0.1).div(sigma).clip(-4, 4),
        "market_return": for_every_stock(market_return, wide).clip(-LARGEST, LARGEST),
        "unchanged": (known.fillna(0.0).abs() <= ROUNDING).astype(float),
        "turnover": ((level - usual) / 3).clip(-3, 3),
        "range_width": width.clip(0, 0.3).div(sigma).clip(upper=8) / 2,
    }


def _log(prices: pd.DataFrame) -> pd.DataFrame:
    """Return logarithms, missing where a price is not positive."""
    return pd.DataFrame(np.log(prices.where(prices > 0)))
