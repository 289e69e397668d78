"""Phrases that several pages share, so that each number is worded once."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from nse_lstm.tables import ACCURACY_COST

NAIVE = "persistence"


def error_ratios(scores: pd.DataFrame, *, model: str) -> pd.Series:
    """Return each stock's mean absolute error over persistence's, by ticker.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES`` of one year.
    model : str
        Whose errors are divided by persistence's.
    """
    rows = scores[(scores["metric"] == "mae") & (scores["cost_bps"] == ACCURACY_COST)]
    wide = rows.pivot(index="ticker", columns="model", values="value")
    return (wide[model] / wide[NAIVE]).drop("ALL")


def errors_phrase(ratios: pd.Series, *, model: str) -> str:
    """Word how often a model's error is below persistence's, and by how much.

    Parameters
    ----------
    ratios : Series
        ``error_ratios``.
    model : str
        Whose errors they are.
    """
    return (
        f"{model} has a smaller mean absolute error than {NAIVE} in "
        f"{int((ratios < 1).sum())} of {len(ratios)} stocks. In the median its error "
        f"is {ratios.median():.1f} times {NAIVE}'s"
    )


def price_errors_phrase(mae: Mapping[Any, float], *, model: str) -> str:
    """Word a model's mean absolute error of one stock beside persistence's.

    Parameters
    ----------
    mae : mapping of str to float
        By model, KES.
    model : str
        Whose error comes first.
    """
    return f"{mae[model]:.3f} KES against {mae[NAIVE]:.3f} for {NAIVE}"


def tradable_phrase(statistics: pd.DataFrame, *, year: int) -> str:
    """Word how many stocks trade often enough before a year.

    Parameters
    ----------
    statistics : DataFrame
        ``STATISTICS``.
    year : int
        The test year.
    """
    tiers = statistics["tier"].value_counts()
    return (
        f"{tiers.get(1, 0) + tiers.get(2, 0)} ordinary shares that trade often enough "
        f"before {year}"
    )


def trained_phrase(summary: pd.DataFrame) -> str:
    """Word how many models of how many stocks and years were trained.

    Parameters
    ----------
    summary : DataFrame
        The rows of one model in ``training_summary.csv``.
    """
    return (
        f"{len(summary)} models, for {summary['ticker'].nunique()} stocks and the "
        f"{years_phrase(summary['year'].unique())}"
    )


def years_phrase(years: Iterable[int]) -> str:
    """Word some years, with "year" where there is one.

    Parameters
    ----------
    years : iterable of int

    Examples
    --------
    >>> years_phrase([2023]), years_phrase([2022, 2023])
    ('year 2023', 'years 2022, 2023')
    """
    ordered = sorted(set(years))
    return f"year{'s' * (len(ordered) != 1)} {', '.join(map(str, ordered))}"


def selection_phrase(champions: pd.Series) -> str:
    """Word how often each model was selected, the most frequent first.

    Parameters
    ----------
    champions : Series
        The selected model of each stock.
    """
    counts = champions.value_counts()
    return ", ".join(f"{name} for {n}" for name, n in counts.items())


def scaler_phrase(safety: Mapping[str, Any]) -> str:
    """Word the range of prices that a stock's scaler was fitted on.

    Parameters
    ----------
    safety : mapping
        The stock's row of ``SAFETY``.
    """
    return (
        f"{safety['scaler_minimum']:.2f} to {safety['scaler_maximum']:.2f} KES of "
        "adjusted price, fitted on the training span"
    )
