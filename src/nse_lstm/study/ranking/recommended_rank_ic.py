"""Rank IC of single-stock networks and ranking models on the recommended stocks.

v1 and v2 forecast the recommended stocks of a year only, not the whole universe. Here
every model ranks the same stocks on the same sessions, traded one session after the
signal: v1's and v2's forecast of the next session is compared with the return of the
session after it, the first that a trade could earn.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import pandas as pd

from nse_lstm.evaluation.price_averaging import delay_one_session
from nse_lstm.evaluation.rank_ic import (
    compare_rank_ic,
    daily_rank_ic,
    summarise_rank_ic,
)
from nse_lstm.features.returns import market_sessions
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.ranking.rank_models import ENSEMBLE, MEMBERS, ranked_forecasts

OWN = ("v1", "v2")
"""Networks that forecast prices of single stocks."""
OTHERS = (*MEMBERS, ENSEMBLE)
PAIRS = (("v2", "v1"), *((model, "v2") for model in OTHERS))
RUINED = -10.0
"""Stands for the log return to a forecast price of 0 or less, which ranks last."""
ROW = ["ticker", "fold", "origin", "delay", "horizon"]


@dataclass(frozen=True)
class RecommendedRankIc:
    """Rank ICs of all models on the recommended stocks before the test year."""

    summary: pd.DataFrame
    """One row per model and year (0: all); ``summarise_rank_ic``."""
    differences: pd.DataFrame
    """One row per pair of ``PAIRS``; ``compare_rank_ic``."""


def rank_recommended(
    workspace: Workspace, forecasts: pd.DataFrame
) -> RecommendedRankIc:
    """Score every model's rank IC on the recommended stocks of every walk-forward year.

    Parameters
    ----------
    workspace : Workspace
    forecasts : DataFrame
        ``FORECASTS`` of the walk-forward years, v1's and v2's at delay 0 among them.

    Returns
    -------
    RecommendedRankIc
        On the stocks and sessions that every model has forecast: none if the ranking
        models have another horizon than v2.
    """
    data = open_study_data(workspace)
    own = forecasts[forecasts["model"].isin(OWN)]
    own = own.assign(y_hat=own["y_hat"].mask(own["price_hat"] <= 0, RUINED))
    later = delay_one_session(own, market_sessions(data.panel))
    ranked = ranked_forecasts(data).forecasts
    others = ranked[ranked["model"].isin(OTHERS)]
    rows = same_rows(pd.concat([later, others], ignore_index=True))
    daily = daily_rank_ic(rows, data.panel)
    pairs = [
        compare_rank_ic(daily, first, second).assign(first=first, second=second)
        for first, second in PAIRS
    ]
    return RecommendedRankIc(
        summarise_rank_ic(daily), pd.concat(pairs, ignore_index=True)
    )


def same_rows(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Keep the stocks and origins that every model in a table has forecast.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS``; rows without a forecast count as absent.
    """
    known = forecasts.dropna(subset="y_hat")
    keys: Iterable[pd.MultiIndex] = (
        pd.MultiIndex.from_frame(rows[ROW]) for _, rows in known.groupby("model")
    )
    shared = reduce(lambda one, other: one.intersection(other), keys)
    return known[pd.MultiIndex.from_frame(known[ROW]).isin(shared)]
