"""Raw files to a validated panel, and what may be said of each stock."""
