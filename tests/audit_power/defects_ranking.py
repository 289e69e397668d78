"""Defects in the tabular models' features and labels; v2's figures stay the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pandas as pd

from audit_power.defects import Defect
from nse_lstm.features import indicators
from nse_lstm.models import tabular_models
from nse_lstm.models.tabular_models import FoldRows
from nse_lstm.study.audit.patching import patched


@contextmanager
def features_of_tomorrow() -> Iterator[None]:
    """Take every feature from the session after."""
    before = indicators.cross_sectional_rank

    def rank(values: pd.DataFrame, member: pd.DataFrame) -> pd.DataFrame:
        return before(values.shift(-1), member)

    with patched(indicators, cross_sectional_rank=rank):
        yield


@contextmanager
def ranked_in_history() -> Iterator[None]:
    """Rank a value among all values of its stock, later ones too."""

    def rank(values: pd.DataFrame, member: pd.DataFrame) -> pd.DataFrame:
        return values.rank(pct=True) - 0.5

    with patched(indicators, cross_sectional_rank=rank):
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
        "the tabular models see the next session",
        features_of_tomorrow,
    ),
    Defect(
        "ranked in all history",
        "features are ranks among all years' values",
        ranked_in_history,
    ),
    Defect(
        "tabular models in sample",
        "tabular models are trained on their fold",
        trained_on_the_fold,
    ),
)
