"""What Phase 5 keeps while it runs, evening after evening."""

import pandera.pandas as pa

from nse_lstm.tables.columns import NUMBER, TEXT, TIME, WHOLE, column, table_schema

__all__ = ["STORED_FORECASTS"]

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
