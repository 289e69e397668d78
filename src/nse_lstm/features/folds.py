"""The calendar cut into yearly folds: walk-forward years, then the test year.

Only dates live here; ``windows.split_fold`` applies them to one ticker's windows.
"""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from nse_lstm.errors import ConfigurationError

__all__ = ["Fold", "make_folds", "resolve_test_year"]


@dataclass(frozen=True)
class Fold:
    """One year that is forecast by models trained on the years before it."""

    year: int
    kind: Literal["walk_forward", "test"]
    """Choices may use walk-forward years; the test year is read once."""
    start: pd.Timestamp
    """1 January of ``year``: what is trained has seen no session from here on."""
    end: pd.Timestamp
    """1 January of the year after, itself outside the fold."""


def make_folds(test_year: int, n_walk_forward: int) -> tuple[Fold, ...]:
    """Return the walk-forward years in order, then the test year.

    Parameters
    ----------
    test_year : int
        The last fold's year.
    n_walk_forward : int
        Number of years before it that choices are made on, at least 0.

    Raises
    ------
    ConfigurationError
        If ``n_walk_forward`` is negative.

    Examples
    --------
    >>> [(fold.year, fold.kind) for fold in make_folds(2023, 2)]
    [(2021, 'walk_forward'), (2022, 'walk_forward'), (2023, 'test')]
    """
    if n_walk_forward < 0:
        raise ConfigurationError(
            f"`n_walk_forward` must be at least 0. Received: {n_walk_forward}"
        )
    before = range(test_year - n_walk_forward, test_year)
    return (*(_fold(year, "walk_forward") for year in before), _fold(test_year, "test"))


def resolve_test_year(panel: pd.DataFrame, test_year: int) -> int:
    """Return the test year, 0 standing for the last calendar year in the panel.

    Raises
    ------
    ConfigurationError
        If the panel has no session in that year.
    """
    years = sorted({int(year) for year in panel["session"].dt.year.unique()})
    if not years:
        raise ConfigurationError("Expected a panel with sessions. Received: no rows")
    if test_year == 0:
        return years[-1]
    if test_year not in years:
        raise ConfigurationError(
            f"`test_year` must be 0 or one of {years}. Received: {test_year}"
        )
    return test_year


def _fold(year: int, kind: Literal["walk_forward", "test"]) -> Fold:
    return Fold(year, kind, pd.Timestamp(year, 1, 1), pd.Timestamp(year + 1, 1, 1))
