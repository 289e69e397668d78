"""Features of how far a stock's price may move: inputs of its return distribution.

Each is known after the close of its session. Sizes are logarithms, so that a linear
model multiplies them. What is missing is 0.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import CrossSection
from nse_lstm.features.market_panel import MarketPanel, make_market_panel
from nse_lstm.features.stock_channels import (
    ROUNDING,
    for_every_stock,
    turnover_levels,
    volatility_unit,
)

Numbers = NDArray[np.float64]

HALF_LIVES = (3, 10, 40)
"""Sessions of the exponentially weighted mean moves."""
LONG = 250
SMALLEST = 1e-4
"""Added to a size before its logarithm: the size of a move of nothing."""
WIDEST = 0.3
"""Largest logarithm of high over low that is believed."""
FEWEST = 5


@dataclass(frozen=True, eq=False)
class RiskFeatures:
    """Features of all ordinary stocks, by name."""

    frames: dict[str, pd.DataFrame]
    """(n_sessions, n_tickers) each."""
    sigma: pd.DataFrame
    """(n_sessions, n_tickers): ``stock_channels.volatility_unit``."""

    def at(self, ticker: str, origins: NDArray[np.datetime64]) -> Numbers:
        """Return a stock's features at some origins, shape (n, n_features).

        Parameters
        ----------
        ticker : str
        origins : array of shape (n,)
            Sessions of the market.
        """
        days = pd.DatetimeIndex(origins)
        columns = [frame[ticker].reindex(days) for frame in self.frames.values()]
        return np.nan_to_num(np.stack(columns, axis=1).astype(float))


def build_risk_features(
    panel: pd.DataFrame, *, cross_section: CrossSection
) -> RiskFeatures:
    """Compute every ordinary stock's risk features.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL`` of the whole market, cut where it must not be seen.
    cross_section : CrossSection
        Rule of the monthly universe, whose mean return is the market's.

    Returns
    -------
    RiskFeatures
        Logarithms of the volatility unit, of the mean absolute return with half-lives
        of 3, 10 and 40 sessions and over 250, of the day's range and its means, of the
        price's distance from the middle of its range, and of the market's move and its
        mean. The fraction of unchanged sessions (half-lives 5 and 20, and 250
        sessions), whether this one was, and ln(1 + turnover) with its mean.
    """
    wide = make_market_panel(panel, cross_section)
    sigma = volatility_unit(wide.log_return)
    frames = {"volatility": pd.DataFrame(np.log(sigma))}
    frames |= _moves(wide.log_return) | _ranges(wide) | _market(wide)
    level, usual = turnover_levels(wide)
    return RiskFeatures(frames | {"turnover": level, "usual_turnover": usual}, sigma)


def _moves(log_return: pd.DataFrame) -> dict[str, pd.DataFrame]:
    size = log_return.abs()
    same = (size <= ROUNDING).astype(float).where(log_return.notna())
    frames = {
        f"move_{days}": _size(size.ewm(halflife=days, min_periods=FEWEST).mean())
        for days in HALF_LIVES
    }
    frames[f"move_{LONG}"] = _size(size.rolling(LONG, min_periods=FEWEST).mean())
    for days in (5, 20):
        mean = same.ewm(halflife=days, min_periods=FEWEST).mean()
        frames[f"unchanged_{days}"] = mean
    frames[f"unchanged_{LONG}"] = same.rolling(LONG, min_periods=FEWEST).mean()
    frames["unchanged"] = same.fillna(1.0)
    return frames


def _ranges(wide: MarketPanel) -> dict[str, pd.DataFrame]:
    high, low, price = (
        pd.DataFrame(np.log(frame.where(frame > 0)))
        for frame in (wide.high, wide.low, wide.price)
    )
    width = (high - low).clip(0, WIDEST)
    frames = {"range": _size(width.fillna(0.0))}
    for days in (5, 40):
        frames[f"range_{days}"] = _size(width.ewm(halflife=days, min_periods=3).mean())
    distance = (price - (high + low) / 2).abs().clip(upper=WIDEST)
    return frames | {"range_distance": _size(distance.fillna(0.0))}


def _market(wide: MarketPanel) -> dict[str, pd.DataFrame]:
    size = wide.market.abs()
    usual = size.ewm(halflife=10, min_periods=FEWEST).mean()
    return {
        name: _size(for_every_stock(series, wide))
        for name, series in (("market", size), ("usual_market", usual))
    }


def _size(values: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(np.log(values + SMALLEST))
