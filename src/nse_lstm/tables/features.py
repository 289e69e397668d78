"""Schemas of the models' inputs and targets."""

import pandera.pandas as pa

from nse_lstm.tables.columns import (
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    column,
    table_schema,
    within,
)

RANKED_FEATURES = tuple(
    (
        "reversal_1 reversal_5 reversal_10 reversal_20 momentum_60 momentum_120 "
        "momentum_250 volatility_20 volatility_60 skewness_60 largest_return_20 "
        "autocorrelation_60 range_position_1 range_position_3 range_position_5 "
        "range_position_20 range_width_1 range_width_20 channel_position_20 "
        "channel_position_60 channel_position_250 relative_tick turnover_level_20 "
        "turnover_level_60 volume_surprise_1 volume_surprise_5 volume_surprise_20 "
        "illiquidity_20 illiquidity_60 sessions_since_trade traded_share_20 "
        "traded_share_60 zero_return_share_20 zero_return_share_60 signed_turnover_1 "
        "signed_turnover_5 signed_turnover_20 beta_120 lagged_beta_120 "
        "residual_reversal_5 residual_reversal_20 idiosyncratic_volatility_60 "
        "ewm_reversal_4 ewm_volume_surprise_4 ewm_abs_return_4"
    ).split()
)
"""Indicators of a stock, ranked within the session's universe."""

MARKET_FEATURES = ("market_return_1", "market_return_5", "market_return_20")
"""Standardised market returns, the same for every stock of a session."""

FEATURES = table_schema(
    "features",
    ["ticker", "session"],
    {
        "ticker": column(TEXT),
        "session": column(TIME),
        # In the month's universe.
        "member": column(FLAG),
        # A signal may be formed: priced, neither stale nor suspended.
        "usable": column(FLAG),
        **{name: within(-0.5, 0.5) for name in RANKED_FEATURES},
        **{name: within(-3, 3) for name in MARKET_FEATURES},
    },
)

# Realised returns that models are fitted on. The scorer computes its own.
TARGETS = table_schema(
    "targets",
    ["ticker", "origin", "delay", "horizon"],
    {
        "ticker": column(TEXT),
        "origin": column(TIME),
        "delay": column(WHOLE, pa.Check.ge(0)),
        "horizon": column(WHOLE, pa.Check.ge(1)),
        "entry_date": column(TIME),
        "target_date": column(TIME),
        # Log return from entry to target.
        "y": column(NUMBER, nullable=True),
        # Less the mean of the origin's universe.
        "y_excess": column(NUMBER, nullable=True),
        # Rank of `y` within it.
        "y_rank": within(-0.5, 0.5),
    },
)
