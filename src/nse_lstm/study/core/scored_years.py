"""Scored years: those that forecasts, ranks, accounts and returns may be computed for.

A market's ``untouched`` years are kept whole, so that a claim declared beforehand can
be tested on them once. Training spans and counts may see them. A year leaves the list
when such a claim is answered.
"""

import numpy as np
import pandas as pd

from nse_lstm.config import Study
from nse_lstm.errors import ConfigurationError, DataError
from nse_lstm.features.returns import market_sessions


def scored_years(study: Study, first: int, test_year: int) -> list[int]:
    """Return the years from one on up to the test year that may be scored.

    Parameters
    ----------
    study : Study
    first : int
        First year, inside.
    test_year : int
        Outside.
    """
    untouched = study.market.untouched
    return [year for year in range(first, test_year) if year not in untouched]


def require_scored(study: Study, year: int) -> None:
    """Refuse to score a year that is kept untouched.

    Parameters
    ----------
    study : Study
    year : int

    Raises
    ------
    ConfigurationError
        If it is.
    """
    if year in study.market.untouched:
        raise ConfigurationError(
            f"{year} is kept untouched for claims that are declared beforehand "
            f"(`markets.{study.market.name}.untouched` in the study file), so nothing "
            "of it is scored"
        )


def missing_years(panel: pd.DataFrame, test_year: int) -> list[int]:
    """Return the years before the test year of which no file holds a session.

    Parameters
    ----------
    panel : DataFrame
        ``tables.PANEL``.
    test_year : int
        Outside.
    """
    there = set(panel["session"].dt.year.unique())
    return [year for year in range(min(there), test_year) if year not in there]


def walk_forward_years(
    study: Study, panel: pd.DataFrame, *, test_year: int
) -> list[int]:
    """Return the years that choices are made on, before the test year.

    They begin with the market's ``first_walk_forward``, or ``folds.n_walk_forward``
    years before the test year. The market's own first year needs as many sessions
    before it as ``universe.min_sessions``; with shorter files the walk begins later. A
    year of which no file holds a session is left out.

    Parameters
    ----------
    study : Study
    panel : DataFrame
        ``tables.PANEL``.
    test_year : int

    Raises
    ------
    ConfigurationError
        If the test year is untouched.
    DataError
        If no file holds a session of any of the years.
    """
    require_scored(study, test_year)
    lost = missing_years(panel, test_year)
    first = study.market.first_walk_forward
    known = scored_years(
        study, first or test_year - study.folds.n_walk_forward, test_year
    )
    there = [year for year in known if year not in lost]
    if known and not there:
        raise DataError(
            "Expected price files of a walk-forward year: "
            f"{', '.join(map(str, known))}. Received: none, so no choice could be made "
            "before the test year. Add the files, or "
            f"set [markets.{study.market.name}.folds] n_walk_forward in the study file"
        )
    if not first:
        return there
    years = np.asarray(market_sessions(panel).year)
    needed = study.universe.min_sessions
    return [year for year in there if (years < year).sum() >= needed]
