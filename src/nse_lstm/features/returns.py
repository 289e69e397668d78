"""Adjusted prices, returns and the market's calendar, for the layers above the data.

``data.adjusted`` defines them, because that layer judges stocks by the same returns.
"""

from nse_lstm.data.adjusted import market_sessions, with_returns

__all__ = ["market_sessions", "with_returns"]
