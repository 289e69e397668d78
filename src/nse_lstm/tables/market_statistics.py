"""Schemas of Phase 1: statistics of each stock, each year and the market."""

import pandera.pandas as pa

from nse_lstm.tables.columns import (
    FLAG,
    NUMBER,
    SHARE,
    TEXT,
    TIME,
    WHOLE,
    column,
    table_schema,
)
from nse_lstm.tables.data import KINDS

STATISTICS = table_schema(
    "stock_statistics",
    ["ticker"],
    {
        "ticker": column(TEXT),
        "name": column(TEXT),
        "kind": column(TEXT, pa.Check.isin(KINDS)),
        "sector": column(TEXT),
        "first_session": column(TIME),
        "last_session": column(TIME),
        "n_sessions": column(WHOLE, pa.Check.ge(0)),
        # Fractions of all sessions, and of the trailing span that ranks.
        "traded_share": column(NUMBER, pa.Check.in_range(0, 1)),
        "recent_traded_share": column(NUMBER, pa.Check.in_range(0, 1)),
        "unchanged_share": column(NUMBER, pa.Check.in_range(0, 1), nullable=True),
        # KES per session over the trailing span; 0 if the median session had no trade.
        "median_turnover": column(NUMBER, pa.Check.ge(0)),
        "sessions_since_trade": column(WHOLE, pa.Check.ge(0), nullable=False),
        "volatility": column(NUMBER, pa.Check.ge(0), nullable=True),
        "autocorrelation": column(NUMBER, pa.Check.in_range(-1, 1), nullable=True),
        "last_price": column(NUMBER, pa.Check.gt(0), nullable=True),
        # 1 recommended, 2 tradable but not among the first, 3 not worth training on.
        "tier": column(WHOLE, pa.Check.isin([1, 2, 3])),
        "rank": column(WHOLE, pa.Check.ge(0)),
        "reason": column(TEXT),
    },
)

# Description of the sessions before the test year.
STOCK_YEARS = table_schema(
    "stock_years",
    ["ticker", "year"],
    {
        "ticker": column(TEXT),
        "year": column(WHOLE),
        "kind": column(TEXT, pa.Check.isin(KINDS)),
        "first_session": column(TIME),
        "last_session": column(TIME),
        "n_sessions": column(WHOLE, pa.Check.ge(1)),
        "traded_share": column(NUMBER, SHARE),
        "zero_return_share": column(NUMBER, SHARE, nullable=True),
        # Sessions in a row without a change of price.
        "longest_unchanged": column(WHOLE, pa.Check.ge(0)),
        # KES per session.
        "median_turnover": column(NUMBER, pa.Check.ge(0)),
        # Median of the tick size over the printed price.
        "tick_share": column(NUMBER, pa.Check.gt(0), nullable=True),
        "n_limit": column(WHOLE, pa.Check.ge(0)),
        # Of the log return per session.
        "volatility": column(NUMBER, pa.Check.ge(0), nullable=True),
        "excess_kurtosis": column(NUMBER, nullable=True),
        "beyond_three_share": column(NUMBER, SHARE, nullable=True),
        # Fractions of the price; missing where not defined.
        "spread_roll": column(NUMBER, pa.Check.gt(0), nullable=True),
        "spread_high_low": column(NUMBER, pa.Check.ge(0), nullable=True),
        "beta": column(NUMBER, nullable=True),
    },
)

AUTOCORRELATIONS = table_schema(
    "autocorrelations",
    ["ticker", "year", "lag"],
    {
        "ticker": column(TEXT),
        "year": column(WHOLE),
        "lag": column(WHOLE, pa.Check.ge(1)),
        "value": column(NUMBER, pa.Check.in_range(-1, 1)),
        "lower": column(NUMBER),
        "upper": column(NUMBER),
        "n": column(WHOLE, pa.Check.ge(1)),
    },
)

AUTOCORRELATION_GROUPS = table_schema(
    "autocorrelation_groups",
    ["group", "lag"],
    {
        "group": column(TEXT, pa.Check.isin(["liquid", "thin"])),
        "lag": column(WHOLE, pa.Check.ge(1)),
        "value": column(NUMBER, pa.Check.in_range(-1, 1)),
        # Missing for a single year.
        "lower": column(NUMBER, nullable=True),
        "upper": column(NUMBER, nullable=True),
        "n_years": column(WHOLE, pa.Check.ge(1)),
        "n_stock_years": column(WHOLE, pa.Check.ge(1)),
    },
)

DEPENDENCE = table_schema(
    "dependence",
    ["ticker"],
    {
        "ticker": column(TEXT),
        "group": column(TEXT, pa.Check.isin(["liquid", "thin"])),
        "n": column(WHOLE, pa.Check.ge(1)),
        # At lag 1, with its robust 95 % interval.
        "autocorrelation": column(NUMBER, pa.Check.in_range(-1, 1)),
        "lower": column(NUMBER),
        "upper": column(NUMBER),
        # Of lags 1 to 5 together.
        "statistic": column(NUMBER, pa.Check.ge(0)),
        "p_value": column(NUMBER, SHARE),
        "p_holm": column(NUMBER, SHARE),
        "p_fdr": column(NUMBER, SHARE),
    },
)

CONCENTRATION = table_schema(
    "concentration",
    ["year", "rank"],
    {
        "year": column(WHOLE),
        "rank": column(WHOLE, pa.Check.ge(1)),
        "ticker": column(TEXT),
        "turnover_share": column(NUMBER, SHARE),
        "cumulative_share": column(NUMBER, SHARE),
    },
)

LIFESPANS = table_schema(
    "lifespans",
    ["ticker"],
    {
        "ticker": column(TEXT),
        "kind": column(TEXT, pa.Check.isin(KINDS)),
        "first_session": column(TIME),
        "last_session": column(TIME),
        "last_trade": column(TIME, nullable=True),
        "n_sessions": column(WHOLE, pa.Check.ge(0)),
        # After the market's first session.
        "entered": column(FLAG),
        "fate": column(TEXT, pa.Check.isin(["trading", "stopped", "left"])),
    },
)

# An equal weight of the year's first members, against those that trade to the end.
SURVIVORSHIP = table_schema(
    "survivorship",
    ["universe", "year"],
    {
        "universe": column(TEXT),
        "year": column(WHOLE),
        "n_stocks": column(WHOLE, pa.Check.ge(0)),
        "n_gone": column(WHOLE, pa.Check.ge(0)),
        "all_return": column(NUMBER, nullable=True),
        "survivor_return": column(NUMBER, nullable=True),
    },
)

ABSENT_DAYS = table_schema(
    "absent_days", ["day"], {"day": column(TIME), "in_gap": column(FLAG)}
)

MARKET_YEARS = table_schema(
    "market_years",
    ["year"],
    {
        "year": column(WHOLE),
        "n_sessions": column(WHOLE, pa.Check.ge(1)),
        # Weekdays without a session, outside and inside breaks of over 14 days.
        "n_absent": column(WHOLE, pa.Check.ge(0)),
        "n_gap": column(WHOLE, pa.Check.ge(0)),
        "n_listed": column(WHOLE, pa.Check.ge(0)),
        # Codes with a trade, on the median session.
        "n_traded": column(NUMBER, pa.Check.ge(0)),
        "n_entering": column(WHOLE, pa.Check.ge(0)),
        # Codes that traded for the last time.
        "n_ending": column(WHOLE, pa.Check.ge(0)),
        # KES of all ordinary shares, on the median session.
        "turnover": column(NUMBER, pa.Check.ge(0)),
        "top_1": column(NUMBER, SHARE, nullable=True),
        "top_5": column(NUMBER, SHARE, nullable=True),
        "top_10": column(NUMBER, SHARE, nullable=True),
        "top_25": column(NUMBER, SHARE, nullable=True),
        "herfindahl": column(NUMBER, SHARE, nullable=True),
    },
)

# Recommendation for each ordinary share, beside the claim that all are good.
RECOMMENDATION_DIFFERENCES = table_schema(
    "recommendation_differences",
    ["ticker"],
    {
        "ticker": column(TEXT),
        "name": column(TEXT),
        "here": column(TEXT),
        "reason": column(TEXT),
    },
)
