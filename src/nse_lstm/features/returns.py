"""Adjusted prices and returns: the first step from the panel to features.

The data layer defines them, since it judges stocks by the same returns; every layer
above takes the market's calendar and its returns from here.
"""

from nse_lstm.data.adjusted import market_sessions, with_returns

__all__ = ["market_sessions", "with_returns"]
