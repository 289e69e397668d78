"""Tables read off as plain values, for code that walks them a row at a time."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import pandas as pd


class Forecast(NamedTuple):
    """One row of a model's forecasts."""

    origin: date
    target: date
    price_hat: float
    y_hat: float


def days_of(sessions: pd.Series) -> list[date]:
    """Return sessions as plain dates."""
    days: list[date] = sessions.to_numpy("datetime64[D]").tolist()
    return days


def forecasts_of(rows: pd.DataFrame) -> list[Forecast]:
    """Return forecasts in the table's order."""
    columns = (
        days_of(rows["origin"]),
        days_of(rows["target_date"]),
        rows["price_hat"].tolist(),
        rows["y_hat"].tolist(),
    )
    return [Forecast(*values) for values in zip(*columns, strict=True)]


def blocks_of(forecasts: pd.DataFrame) -> Iterator[tuple[str, int, str, pd.DataFrame]]:
    """Give the forecasts of each ticker, fold and model."""
    names = forecasts[["ticker", "fold", "model"]]
    for key, rows in forecasts.groupby([names[name] for name in names]):
        ticker, year, model = pd.Series(key).tolist()
        yield str(ticker), int(year), str(model), rows
