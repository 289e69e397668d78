"""Volume indicators: turnover, volume surprise, illiquidity, traded sessions.

Spans are those of ``price_indicators.trailing``. A stale session's volume is unknown,
so the session is left out of every span.
"""

import numpy as np
import pandas as pd

from nse_lstm.features.market_panel import MarketPanel
from nse_lstm.features.price_indicators import USUAL_SESSIONS, ewm_mean, trailing

NO_MOVE = 1e-12
"""Smaller log returns are rounding of an unchanged price."""


def turnover_level(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return log(1 + mean turnover of ``n`` sessions), turnover in KES.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    return pd.DataFrame(np.log1p(trailing(wide.turnover, n).mean()))


def volume_surprise(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the turnover level of ``n`` sessions less that of 60.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    return turnover_level(wide, n) - turnover_level(wide, USUAL_SESSIONS)


def ewm_volume_surprise(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the exponentially weighted log turnover, less its mean of 60 sessions.

    The half-life is ``n`` sessions. Sessions without a trade have no weight.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Half-life in sessions.
    """
    turnover = pd.DataFrame(np.log(wide.turnover.where(wide.turnover > 0)))
    return ewm_mean(turnover - trailing(turnover, USUAL_SESSIONS).mean(), n)


def illiquidity(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return Amihud's illiquidity: the log mean absolute return per shilling traded.

    Sessions without a trade are left out of the ``n``. Missing where no price moved.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.

    References
    ----------
    .. [1] Y. Amihud (2002). Illiquidity and stock returns. Journal of Financial Markets
       5(1), 31-56.
    """
    traded = wide.turnover.where(wide.turnover > 0)
    mean = trailing(wide.log_return.abs() / traded, n).mean()
    return pd.DataFrame(np.log(mean.where(mean > 0)))


def sessions_since_trade(wide: MarketPanel) -> pd.DataFrame:
    """Return the number of sessions since the last trade, 0 on a session with one."""
    n_idle = wide.turnover.eq(0).astype(float).cumsum()
    at_trade = n_idle.where(wide.turnover > 0).ffill()
    return (n_idle - at_trade).where(wide.turnover.notna())


def traded_share(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the share of ``n`` sessions with a trade.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    traded = (wide.turnover > 0).astype(float)
    return trailing(traded.where(wide.turnover.notna()), n).mean()


def zero_return_share(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return the share of ``n`` log returns that are 0.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    unmoved = (wide.log_return.abs() <= NO_MOVE).astype(float)
    return trailing(unmoved.where(wide.log_return.notna()), n).mean()


def signed_turnover(wide: MarketPanel, n: int) -> pd.DataFrame:
    """Return turnover at rising less at falling prices, over the turnover of ``n``.

    From -1 to 1. Missing where nothing was traded.

    Parameters
    ----------
    wide : MarketPanel
    n : int
        Sessions of the span.
    """
    moved = wide.log_return.mask(wide.log_return.abs() <= NO_MOVE, 0.0)
    signed = pd.DataFrame(np.sign(moved)) * wide.turnover
    total = trailing(wide.turnover, n).sum()
    return trailing(signed, n).sum() / total.where(total > 0)
