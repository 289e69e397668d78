"""Schemas of Phase 5: stored forecasts, shadow tests, alerts, promotions."""

import pandera.pandas as pa

from nse_lstm.tables.columns import (
    NUMBER,
    SHARE,
    TEXT,
    TIME,
    WHOLE,
    column,
    table_schema,
    within,
)
from nse_lstm.tables.results import QUANTILE_COLUMNS

FORECAST_KEY = ["ticker", "stage", "version", "origin", "delay", "horizon"]
# Every forecast made for a future session; rows are never rewritten.
STORED_FORECASTS = table_schema(
    "stored_forecasts",
    FORECAST_KEY,
    {
        "ticker": column(TEXT),
        # Stage of the model when it forecast.
        "stage": column(TEXT, pa.Check.isin(["candidate", "challenger", "champion"])),
        "model": column(TEXT),
        # Version of the stored model; "persistence" for persistence.
        "version": column(TEXT),
        "origin": column(TIME),
        # As expected at the origin; holidays are not known ahead.
        "target_date": column(TIME),
        "delay": column(WHOLE, pa.Check.ge(0)),
        "horizon": column(WHOLE, pa.Check.ge(1)),
        # As in FORECASTS.
        "price_hat": column(NUMBER, nullable=True),
        "y_hat": column(NUMBER, nullable=True),
        # Log returns; infinite with too few past errors for an interval.
        "lower": column(NUMBER, nullable=True),
        "upper": column(NUMBER, nullable=True),
        # SHA-256 of the panel up to the origin.
        "data_digest": column(TEXT, pa.Check.str_matches("^[0-9a-f]{64}$")),
        # Comma-separated words such as "stale_panel"; empty if none.
        "flags": column(TEXT, pa.Check.str_matches("^([a-z_]+(,[a-z_]+)*)?$")),
    },
)

# Distribution behind each stored forecast of a stock LSTM.
NEXT_QUANTILES = table_schema(
    "next_quantiles",
    ["ticker", "stage", "version", "origin", "horizon"],
    {
        "ticker": column(TEXT),
        "stage": column(TEXT),
        "version": column(TEXT),
        "origin": column(TIME),
        # As expected at the origin.
        "target_date": column(TIME),
        "horizon": column(WHOLE, pa.Check.ge(1)),
        # KES, at the origin.
        "last_price": column(NUMBER, pa.Check.gt(0)),
        # Probability that the price does not move.
        "unchanged": column(NUMBER, SHARE),
        # Log returns.
        **dict.fromkeys(QUANTILE_COLUMNS, column(NUMBER)),
    },
)

# Later values of stored forecasts, numbered from 1; the first values stay.
CORRECTIONS = table_schema(
    "corrections",
    [*FORECAST_KEY, "revision"],
    {
        **STORED_FORECASTS.columns,
        "revision": column(WHOLE, pa.Check.ge(1)),
        # Why the values changed, in a person's words.
        "reason": column(TEXT, pa.Check.str_length(min_value=1)),
    },
)

# State of every shadow test after each session; one session is one observation.
SHADOW_TESTS = table_schema(
    "shadow_tests",
    ["test", "origin"],
    {
        # The challenger, compared with each stock's champion.
        "test": column(TEXT),
        "origin": column(TIME),
        # Session after which the losses of the origin were known.
        "session": column(TIME),
        # Champion's less challenger's absolute error, mean over stocks, log return.
        "difference": column(NUMBER, nullable=True),
        # Upper bound of the difference, known at the origin.
        "bound": column(NUMBER, pa.Check.ge(0), nullable=True),
        "gain": within(-1, 1),
        "n_stocks": column(WHOLE, pa.Check.ge(0)),
        "n_known": column(WHOLE, pa.Check.ge(0)),
        "evidence": column(NUMBER, pa.Check.ge(0)),
        "weak_evidence": column(NUMBER, pa.Check.ge(0)),
        # Mean gain so far, with an interval that is valid at every session.
        "mean": within(-1, 1),
        "lower": within(-1, 1),
        "upper": within(-1, 1),
        # Fraction of the stocks that the challenger may serve from the next session.
        "exposure": column(NUMBER, SHARE),
    },
)

# One row per alarm raised.
ALERTS = table_schema(
    "alerts",
    ["session", "ticker", "model", "alarm"],
    {
        "session": column(TIME),
        # "ALL" if it concerns no single stock.
        "ticker": column(TEXT),
        # "data" if it concerns no model.
        "model": column(TEXT),
        "alarm": column(TEXT),
        # Measured value, and the threshold that raises the alarm.
        "value": column(NUMBER),
        "threshold": column(NUMBER),
        # One sentence for the recipient.
        "says": column(TEXT),
    },
)

# Every change of the serving models by a shadow test.
PROMOTIONS = table_schema(
    "promotions",
    ["session", "test"],
    {
        "session": column(TIME),
        "test": column(TEXT),
        "event": column(TEXT, pa.Check.isin(["promoted", "widened", "taken out"])),
        "exposure": column(NUMBER, SHARE),
        # Stocks that the challenger serves now, comma-separated.
        "tickers": column(TEXT),
        "evidence": column(NUMBER, pa.Check.ge(0)),
    },
)
