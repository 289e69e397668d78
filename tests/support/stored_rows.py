"""Invented rows of the forecast store."""

import numpy as np
import pandas as pd


def make_rows(
    n_sessions: int = 3, tickers: tuple[str, ...] = ("AAA", "BBB")
) -> pd.DataFrame:
    """Return forecasts of persistence, one per stock and session."""
    origin = pd.bdate_range("2024-01-02", periods=n_sessions).as_unit("us")
    blocks = [
        pd.DataFrame(
            {
                "ticker": ticker,
                "stage": "champion",
                "model": "persistence",
                "version": "persistence",
                "origin": origin,
                "target_date": origin + pd.offsets.BusinessDay(1),
                "delay": 0,
                "horizon": 1,
                "price_hat": 20.0 + np.arange(n_sessions) / 7,
                "y_hat": 0.0,
                "lower": -0.01,
                "upper": 0.01,
                "data_digest": "d" * 64,
                "flags": "",
            }
        )
        for ticker in tickers
    ]
    return pd.concat(blocks, ignore_index=True)
