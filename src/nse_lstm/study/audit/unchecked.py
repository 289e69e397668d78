"""Why some published numbers have no second computation."""

REASONS = (
    (
        "forecasts.parquet price_hat of",
        "no second model is written: each model's inputs, spans and stored bytes are "
        "checked instead, and its forecasts under other futures",
    ),
)
"""Start of a kind of number, and the reason."""
NO_REASON = "no reason is given"


def reason_for(kind: str) -> str:
    """Return why nothing recounts a kind of published number."""
    return next((why for start, why in REASONS if kind.startswith(start)), NO_REASON)
