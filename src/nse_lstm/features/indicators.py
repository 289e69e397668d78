"""Feature table: every indicator of a stock, ranked within the session's universe.

Ranks lie in [-1/2, 1/2], need no scaler, and mean the same in every year.
"""

from collections.abc import Callable
from functools import partial

import pandas as pd

from nse_lstm.config import CrossSection
from nse_lstm.features import market_indicators as market
from nse_lstm.features import price_indicators as price
from nse_lstm.features import volume_indicators as volume
from nse_lstm.features.cross_sectional_rank import cross_sectional_rank
from nse_lstm.features.market_panel import MarketPanel, make_market_panel, to_rows
from nse_lstm.tables import FEATURES, conform

INDICATORS: dict[str, Callable[[MarketPanel], pd.DataFrame]] = {
    **{f"reversal_{n}": partial(price.reversal, n=n) for n in (1, 5, 10, 20)},
    **{f"momentum_{n}": partial(price.momentum, n=n) for n in (60, 120, 250)},
    **{f"volatility_{n}": partial(price.volatility, n=n) for n in (20, 60)},
    "skewness_60": partial(price.skewness, n=60),
    "largest_return_20": partial(price.largest_return, n=20),
    "autocorrelation_60": partial(price.autocorrelation, n=60),
    **{
        f"range_position_{n}": partial(price.range_position, n=n) for n in (1, 3, 5, 20)
    },
    **{f"range_width_{n}": partial(price.range_width, n=n) for n in (1, 20)},
    **{
        f"channel_position_{n}": partial(price.channel_position, n=n)
        for n in (20, 60, 250)
    },
    "relative_tick": price.relative_tick,
    **{f"turnover_level_{n}": partial(volume.turnover_level, n=n) for n in (20, 60)},
    **{
        f"volume_surprise_{n}": partial(volume.volume_surprise, n=n) for n in (1, 5, 20)
    },
    **{f"illiquidity_{n}": partial(volume.illiquidity, n=n) for n in (20, 60)},
    "sessions_since_trade": volume.sessions_since_trade,
    **{f"traded_share_{n}": partial(volume.traded_share, n=n) for n in (20, 60)},
    **{
        f"zero_return_share_{n}": partial(volume.zero_return_share, n=n)
        for n in (20, 60)
    },
    **{
        f"signed_turnover_{n}": partial(volume.signed_turnover, n=n) for n in (1, 5, 20)
    },
    "beta_120": partial(market.beta, n=120),
    "lagged_beta_120": partial(market.lagged_beta, n=120),
    **{
        f"residual_reversal_{n}": partial(market.residual_reversal, n=n)
        for n in (5, 20)
    },
    "idiosyncratic_volatility_60": partial(market.idiosyncratic_volatility, n=60),
    "ewm_reversal_4": partial(price.ewm_reversal, n=4),
    "ewm_volume_surprise_4": partial(volume.ewm_volume_surprise, n=4),
    "ewm_abs_return_4": partial(price.ewm_abs_return, n=4),
}
"""Indicators of a stock by the name of their column."""

MARKET_INDICATORS: dict[str, Callable[[MarketPanel], "pd.Series[float]"]] = {
    f"market_return_{n}": partial(market.market_return, n=n) for n in (1, 5, 20)
}
"""Indicators of the market, the same for every stock of a session."""


def build_features(panel: pd.DataFrame, *, cross_section: CrossSection) -> pd.DataFrame:
    """Build the ranked features of every ordinary share and session.

    A row is known after the close of its session. On a stale session the features are
    missing and the row is not ``usable``.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL`` of the whole market, cut where it must not be seen.
    cross_section : CrossSection
        Rule of the universe that ranks are taken in.

    Returns
    -------
    DataFrame
        ``FEATURES``, sorted by ticker and session: one per row of the panel.

    Raises
    ------
    DataError
        If there is no ordinary share.
    """
    wide = make_market_panel(panel, cross_section)
    fresh = wide.listed & ~wide.stale
    ranks = {
        name: cross_sectional_rank(indicator(wide).where(fresh), wide.member)
        for name, indicator in INDICATORS.items()
    }
    frames = {"member": wide.member, "usable": wide.usable, **ranks}
    table = to_rows(frames, wide.listed, time="session")
    for name, indicator in MARKET_INDICATORS.items():
        known = indicator(wide).mask(wide.stale.any(axis=1))
        table[name] = table["session"].map(known)
    return conform(table, FEATURES)
