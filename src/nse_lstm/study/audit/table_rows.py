"""Table rows as plain Python values, for code that reads one row at a time."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import pandas as pd


class ForecastRow(NamedTuple):
    """One row of a model's forecasts."""

    origin: date
    target: date
    price_hat: float
    y_hat: float


def to_dates(sessions: pd.Series) -> list[date]:
    """Return sessions as plain dates."""
    days: list[date] = sessions.to_numpy("datetime64[D]").tolist()
    return days


def forecast_rows(rows: pd.DataFrame) -> list[ForecastRow]:
    """Return forecasts in the table's order."""
    columns = (
        to_dates(rows["origin"]),
        to_dates(rows["target_date"]),
        rows["price_hat"].tolist(),
        rows["y_hat"].tolist(),
    )
    return [ForecastRow(*values) for values in zip(*columns, strict=True)]


def blocks_by_model(
    forecasts: pd.DataFrame,
) -> Iterator[tuple[str, int, str, pd.DataFrame]]:
    """Give ticker, fold, model and the forecasts of each block."""
    names = forecasts[["ticker", "fold", "model"]]
    for key, rows in forecasts.groupby([names[name] for name in names]):
        ticker, year, model = pd.Series(key).tolist()
        yield str(ticker), int(year), str(model), rows
