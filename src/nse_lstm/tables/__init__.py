"""Schemas of every table: column names, types and keys.

Tables are long. Only nullable columns hold missing values. ``check`` runs before a
table is written and after it is read.
"""

from nse_lstm.tables.columns import NUMBER, TEXT, TIME
from nse_lstm.tables.data import (
    ACCEPTED_JUMPS,
    ACTION_KINDS,
    CORPORATE_ACTIONS,
    INSTRUMENTS,
    PANEL,
    REPAIRS,
    ROW_COUNTS,
)
from nse_lstm.tables.deployment import (
    ALERTS,
    PROMOTIONS,
    SHADOW_TESTS,
    STORED_FORECASTS,
)
from nse_lstm.tables.features import (
    FEATURES,
    MARKET_FEATURES,
    RANKED_FEATURES,
    TARGETS,
)
from nse_lstm.tables.files import (
    check,
    conform,
    empty_table,
    read_table,
    write_csv,
    write_table,
)
from nse_lstm.tables.market_statistics import (
    ABSENT_DAYS,
    AUTOCORRELATION_GROUPS,
    AUTOCORRELATIONS,
    CONCENTRATION,
    DEPENDENCE,
    LIFESPANS,
    MARKET_YEARS,
    RECOMMENDATION_DIFFERENCES,
    STATISTICS,
    STOCK_YEARS,
    SURVIVORSHIP,
)
from nse_lstm.tables.results import (
    ABLATION,
    ACCURACY_COST,
    CAPACITY,
    COVERAGE,
    EVIDENCE,
    FORECASTS,
    RANK_IC,
    SAFETY,
    SCORES,
    STRATEGY_RETURNS,
)
from nse_lstm.tables.sourced import (
    DIVIDEND_KINDS,
    DIVIDEND_YEARS,
    DIVIDENDS,
    PLACED_DIVIDENDS,
)

__all__ = [
    "ABLATION",
    "ABSENT_DAYS",
    "ACCEPTED_JUMPS",
    "ACCURACY_COST",
    "ACTION_KINDS",
    "ALERTS",
    "AUTOCORRELATIONS",
    "AUTOCORRELATION_GROUPS",
    "CAPACITY",
    "CONCENTRATION",
    "CORPORATE_ACTIONS",
    "COVERAGE",
    "DEPENDENCE",
    "DIVIDENDS",
    "DIVIDEND_KINDS",
    "DIVIDEND_YEARS",
    "EVIDENCE",
    "FEATURES",
    "FORECASTS",
    "INSTRUMENTS",
    "LIFESPANS",
    "MARKET_FEATURES",
    "MARKET_YEARS",
    "NUMBER",
    "PANEL",
    "PLACED_DIVIDENDS",
    "PROMOTIONS",
    "RANKED_FEATURES",
    "RANK_IC",
    "RECOMMENDATION_DIFFERENCES",
    "REPAIRS",
    "ROW_COUNTS",
    "SAFETY",
    "SCORES",
    "SHADOW_TESTS",
    "STATISTICS",
    "STOCK_YEARS",
    "STORED_FORECASTS",
    "STRATEGY_RETURNS",
    "SURVIVORSHIP",
    "TARGETS",
    "TEXT",
    "TIME",
    "check",
    "conform",
    "empty_table",
    "read_table",
    "write_csv",
    "write_table",
]
