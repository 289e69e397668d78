"""Forecast tables made from a panel and a rule, for every test of the judge."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from nse_lstm.features.returns import with_returns
from nse_lstm.tables import FORECASTS, check


def make_forecasts(
    panel: pd.DataFrame,
    *,
    model: str,
    y_hat: Callable[[pd.DataFrame], pd.Series],
    fold: int,
    seed: int = 1,
) -> pd.DataFrame:
    """Forecast every next session of a year; ``y_hat`` sees the rows with ``ahead``."""
    rows = with_returns(panel)
    by_ticker = rows.groupby("ticker")
    rows["target_date"] = by_ticker["session"].shift(-1)
    rows["ahead"] = by_ticker["log_return"].shift(-1)
    rows = rows[rows["target_date"].dt.year == fold]
    forecast = y_hat(rows).astype(float)
    table = pd.DataFrame(
        {
            "ticker": rows["ticker"],
            "model": model,
            "seed": seed,
            "fold": fold,
            "origin": rows["session"],
            "delay": 0,
            "horizon": 1,
            "entry_date": rows["session"],
            "target_date": rows["target_date"],
            "price_hat": (rows["price"] * np.exp(forecast)).fillna(-1.0),
            "y_hat": forecast,
            "lower": np.nan,
            "upper": np.nan,
        }
    )
    return check(table.reset_index(drop=True), FORECASTS)


@pytest.fixture
def forecasts_of() -> Callable[..., pd.DataFrame]:
    return make_forecasts
