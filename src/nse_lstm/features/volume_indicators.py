"""What past deals say of a share; spans are those of ``price_indicators.trailing``.

The volume of a stale session is not known: such a session is left out of every span.
"""

import numpy as np
import pandas as pd

from nse_lstm.features.market_panel import MarketPanel
from nse_lstm.features.price_indicators import USUAL_SESSIONS, fading, trailing

NO_MOVE = 1e-12
"""A smaller log return is the rounding of an unchanged price."""


def turnover_level(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return log(1 + mean turnover of ``n`` sessions), turnover in KES."""
    return pd.DataFrame(np.log1p(trailing(board.turnover, n).mean()))


def volume_surprise(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the turnover level of ``n`` sessions less that of 60."""
    return turnover_level(board, n) - turnover_level(board, USUAL_SESSIONS)


def ewm_volume_surprise(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the fading mean of the log turnover beyond its mean of 60 sessions.

    Its half-life is ``n`` sessions; one without a deal counts for nothing.
    """
    dealt = pd.DataFrame(np.log(board.turnover.where(board.turnover > 0)))
    return fading(dealt - trailing(dealt, USUAL_SESSIONS).mean(), n)


def illiquidity(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the log of the mean absolute return a shilling dealt, of ``n`` sessions.

    Sessions without a deal are left out; missing where none of the others moved.

    References
    ----------
    .. [1] Y. Amihud (2002). Illiquidity and stock returns. Journal of Financial Markets
       5(1), 31-56.
    """
    dealt = board.turnover.where(board.turnover > 0)
    mean = trailing(board.log_return.abs() / dealt, n).mean()
    return pd.DataFrame(np.log(mean.where(mean > 0)))


def sessions_since_trade(board: MarketPanel) -> pd.DataFrame:
    """Return the sessions without a deal since the last with one; 0 on such a one."""
    n_idle = board.turnover.eq(0).astype(float).cumsum()
    at_trade = n_idle.where(board.turnover > 0).ffill()
    return (n_idle - at_trade).where(board.turnover.notna())


def traded_share(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the share of ``n`` sessions with a deal."""
    traded = (board.turnover > 0).astype(float)
    return trailing(traded.where(board.turnover.notna()), n).mean()


def zero_return_share(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return the share of ``n`` log returns that are 0."""
    unmoved = (board.log_return.abs() <= NO_MOVE).astype(float)
    return trailing(unmoved.where(board.log_return.notna()), n).mean()


def signed_turnover(board: MarketPanel, n: int) -> pd.DataFrame:
    """Return turnover under rising less under falling prices, over all, ``n`` sessions.

    From -1 to 1; missing where nothing was dealt.
    """
    moved = board.log_return.mask(board.log_return.abs() <= NO_MOVE, 0.0)
    signed = pd.DataFrame(np.sign(moved)) * board.turnover
    dealt = trailing(board.turnover, n).sum()
    return trailing(signed, n).sum() / dealt.where(dealt > 0)
