"""Defects in what the tabular models know and are trained on; v2's figures stay as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pandas as pd

from nse_lstm.features import indicators
from nse_lstm.models import tabular_models
from nse_lstm.models.tabular_models import FoldRows
from nse_lstm.study.audit.defects import Defect
from nse_lstm.study.audit.patching import patched


@contextmanager
def features_of_tomorrow() -> Iterator[None]:
    """Take every feature from the session after."""
    before = indicators.cross_sectional_rank

    def place(values: pd.DataFrame, member: pd.DataFrame) -> pd.DataFrame:
        return before(values.shift(-1), member)

    with patched(indicators, cross_sectional_rank=place):
        yield


@contextmanager
def placed_in_history() -> Iterator[None]:
    """Place a value among all that the share will ever have."""

    def place(values: pd.DataFrame, member: pd.DataFrame) -> pd.DataFrame:
        return values.rank(pct=True) - 0.5

    with patched(indicators, cross_sectional_rank=place):
        yield


@contextmanager
def trained_on_the_fold() -> Iterator[None]:
    """Train the tabular models on the year that they forecast, too."""
    before = tabular_models.split_rows

    def split(*given: Any, **how: Any) -> FoldRows:
        rows = before(*given, **how)
        seen = rows.forecast.dropna(subset="y_rank")
        return replace(rows, train=pd.concat([rows.train, seen]))

    with patched(tabular_models, split_rows=split):
        yield


RANKING_DEFECTS = (
    Defect(
        "features of tomorrow",
        "the tabular models see a session on",
        features_of_tomorrow,
    ),
    Defect(
        "placed in all history",
        "features are places among all years' values",
        placed_in_history,
    ),
    Defect(
        "tabular models in sample",
        "tabular models are trained on their fold",
        trained_on_the_fold,
    ),
)
