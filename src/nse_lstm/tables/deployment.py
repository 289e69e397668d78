"""What Phase 5 keeps while it runs, evening after evening."""

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

# Every forecast that was ever made for a session to come; never rewritten.
STORED_FORECASTS = table_schema(
    "stored_forecasts",
    ["ticker", "stage", "version", "origin", "delay", "horizon"],
    {
        "ticker": column(TEXT),
        # Where the model stood when it forecast.
        "stage": column(TEXT, pa.Check.isin(["candidate", "challenger", "champion"])),
        "model": column(TEXT),
        # The stored model's own; "persistence" of persistence.
        "version": column(TEXT),
        "origin": column(TIME),
        # As expected at the origin: holidays are not known ahead.
        "target_date": column(TIME),
        "delay": column(WHOLE, pa.Check.ge(0)),
        "horizon": column(WHOLE, pa.Check.ge(1)),
        # As in FORECASTS.
        "price_hat": column(NUMBER, nullable=True),
        "y_hat": column(NUMBER, nullable=True),
        # Log returns; infinite where too few errors were known for an interval.
        "lower": column(NUMBER, nullable=True),
        "upper": column(NUMBER, nullable=True),
        # SHA-256 of the panel up to the origin.
        "data_digest": column(TEXT, pa.Check.str_matches("^[0-9a-f]{64}$")),
        # Words with commas between, such as "stale_panel"; empty if none.
        "flags": column(TEXT, pa.Check.str_matches("^([a-z_]+(,[a-z_]+)*)?$")),
    },
)

# The state of every shadow test after each session; one session is one observation.
SHADOW_TESTS = table_schema(
    "shadow_tests",
    ["test", "origin"],
    {
        # The challenger; it is held against each stock's champion.
        "test": column(TEXT),
        "origin": column(TIME),
        # When the losses of that origin were known.
        "session": column(TIME),
        # Champions' less challenger's absolute error, mean over stocks, log return.
        "difference": column(NUMBER, nullable=True),
        # What it cannot exceed, known at the origin.
        "bound": column(NUMBER, pa.Check.ge(0), nullable=True),
        "gain": within(-1, 1),
        "n_stocks": column(WHOLE, pa.Check.ge(0)),
        "n_known": column(WHOLE, pa.Check.ge(0)),
        "evidence": column(NUMBER, pa.Check.ge(0)),
        "weak_evidence": column(NUMBER, pa.Check.ge(0)),
        # Of the gains so far, with an interval that may be looked at daily.
        "mean": within(-1, 1),
        "lower": within(-1, 1),
        "upper": within(-1, 1),
        # Share of the stocks that the challenger may serve from the next session on.
        "exposure": column(NUMBER, SHARE),
    },
)

# One row an alarm that rang.
ALERTS = table_schema(
    "alerts",
    ["session", "ticker", "model", "alarm"],
    {
        "session": column(TIME),
        # "ALL" where it is of no single stock.
        "ticker": column(TEXT),
        # "data" where it is of no model.
        "model": column(TEXT),
        "alarm": column(TEXT),
        # What was measured, and what it rings at.
        "value": column(NUMBER),
        "threshold": column(NUMBER),
        # One sentence for whoever gets it.
        "says": column(TEXT),
    },
)

# Every change of who serves that a test brought about.
PROMOTIONS = table_schema(
    "promotions",
    ["session", "test"],
    {
        "session": column(TIME),
        "test": column(TEXT),
        "event": column(TEXT, pa.Check.isin(["promoted", "widened", "taken out"])),
        "exposure": column(NUMBER, SHARE),
        # Stocks that the challenger serves now, commas between.
        "tickers": column(TEXT),
        "evidence": column(NUMBER, pa.Check.ge(0)),
    },
)
