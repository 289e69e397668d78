"""Defects in what the rivals know and are trained on; v2's figures stay as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pandas as pd

from nse_lstm.features import indicators
from nse_lstm.models import rivals
from nse_lstm.models.rivals import FoldRows
from nse_lstm.study.audit.defects import Defect
from nse_lstm.study.audit.swap import swapped

__all__ = ["RIVAL_DEFECTS"]


@contextmanager
def features_of_tomorrow() -> Iterator[None]:
    """Take every feature from the session after."""
    before = indicators.place_among

    def place(values: pd.DataFrame, member: pd.DataFrame) -> pd.DataFrame:
        return before(values.shift(-1), member)

    with swapped(indicators, place_among=place):
        yield


@contextmanager
def placed_in_history() -> Iterator[None]:
    """Place a value among all that the share will ever have."""

    def place(values: pd.DataFrame, member: pd.DataFrame) -> pd.DataFrame:
        return values.rank(pct=True) - 0.5

    with swapped(indicators, place_among=place):
        yield


@contextmanager
def trained_on_the_fold() -> Iterator[None]:
    """Train the rivals on the year that they forecast, too."""
    before = rivals.split_rows

    def split(*given: Any, **how: Any) -> FoldRows:
        rows = before(*given, **how)
        seen = rows.forecast.dropna(subset="y_place")
        return replace(rows, train=pd.concat([rows.train, seen]))

    with swapped(rivals, split_rows=split):
        yield


RIVAL_DEFECTS = (
    Defect("features of tomorrow", "the rivals see a session on", features_of_tomorrow),
    Defect(
        "placed in all history",
        "features are places among all years' values",
        placed_in_history,
    ),
    Defect("rivals in sample", "rivals are trained on their fold", trained_on_the_fold),
)
