"""Phase 2's rankings: the rank ensemble of tabular models and rank LSTM, and rank IC.

Forecasts come from ``tabular_models`` and ``rank_lstm``, walk-forward years only.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from nse_lstm.evaluation.rank_ensemble import average_ranks, fit_ensemble_weights
from nse_lstm.evaluation.rank_ic import (
    compare_rank_ic,
    daily_rank_ic,
    score_rank_ic,
    summarise_rank_ic,
)
from nse_lstm.evaluation.ranking_profile import group_returns, rank_ic_decay
from nse_lstm.evaluation.scoring import realised
from nse_lstm.models.tabular_models import FOUR_SIGNALS
from nse_lstm.study.core.market_scope import can_rank
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.ranking.rank_lstm import rank_lstm_folds, train_rank_lstm
from nse_lstm.study.ranking.tabular_models import ranking_folds, train_tabular
from nse_lstm.tables import FORECASTS, RANK_IC, SCORES, empty_table, write_table

Progress = Callable[[str], None]

ENSEMBLE, EQUAL = "ensemble", "ensemble_equal"
"""Rank ensembles: weighted by the earlier walk-forward years, and equally weighted."""
WITHOUT_LSTM = "ensemble_without_lstm"
"""Equally weighted without the LSTM, whose contribution is ``EQUAL`` less this."""
MEMBERS = ("ridge", "boosting", "rank_lstm")
PROFILED, PROFILED_HORIZON = (EQUAL, FOUR_SIGNALS), 5
"""Models whose ranks are profiled, and the horizon they forecast."""
PAIRS = (
    ("rank_lstm", "ridge"),
    ("rank_lstm", "boosting"),
    *((ENSEMBLE, member) for member in MEMBERS),
    (ENSEMBLE, EQUAL),
    *((EQUAL, member) for member in MEMBERS),
    (EQUAL, WITHOUT_LSTM),
    ("boosting", "ridge"),
    *((model, FOUR_SIGNALS) for model in (EQUAL, *MEMBERS)),
)
"""Pairs of models whose difference is shown, the first less the second."""


@dataclass(frozen=True)
class Ranked:
    """Forecasts of tabular models, rank LSTM and ensembles before the test year."""

    forecasts: pd.DataFrame
    """``FORECASTS``."""
    weights: pd.DataFrame
    """Of the ensemble's members, by fold, delay and horizon."""


@dataclass(frozen=True)
class Ranking:
    """Rank IC of tabular models, rank LSTM and ensembles before the test year."""

    daily: pd.DataFrame
    """``RANK_IC``."""
    summary: pd.DataFrame
    """One row per model, delay, horizon and year (0: all); ``summarise_rank_ic``."""
    differences: pd.DataFrame
    """One row per pair of ``PAIRS`` and horizon; ``compare_rank_ic``."""
    weights: pd.DataFrame
    """Of the ensemble's members, by fold, delay and horizon."""
    forecasts: pd.DataFrame
    """``FORECASTS`` behind ``daily``."""


@dataclass(frozen=True)
class RankingProfile:
    """Returns by fifth of the ranks, and rank IC by horizon; none if none ranked."""

    groups: pd.DataFrame
    """``group_returns``."""
    decay: pd.DataFrame
    """``rank_ic_decay``."""


def profile_ranking(workspace: Workspace, ranking: Ranking) -> RankingProfile | None:
    """Profile the equal blend and the four plain signals, before the test year.

    Parameters
    ----------
    workspace : Workspace
    ranking : Ranking
        From ``rank_stocks``.

    Returns
    -------
    RankingProfile or None
        Of the portfolio's horizon and delay; None where nothing was ranked.
    """
    data = open_study_data(workspace)
    own = ranking.forecasts[ranking.forecasts["delay"] == data.study.backtest.delay]
    own = own[own["model"].isin(PROFILED) & (own["horizon"] == PROFILED_HORIZON)]
    if own.empty:
        return None
    return RankingProfile(
        groups=_in_order(group_returns(own, data.panel)),
        decay=_in_order(rank_ic_decay(own, data.panel)),
    )


def rank_stocks(workspace: Workspace, *, progress: Progress = print) -> Ranking:
    """Score the rank IC of every ranking model, fitting models that are missing.

    Writes ``rank_ic.parquet`` and ``scores.parquet`` under ``Paths.ranking``.

    Parameters
    ----------
    workspace : Workspace
    progress : callable
        Receives one line per fit.
    """
    data = open_study_data(workspace)
    ranked = ranked_forecasts(data, progress=progress)
    daily = daily_rank_ic(ranked.forecasts, data.panel)
    folder = workspace.paths.ranking
    write_table(daily, RANK_IC, folder / "rank_ic.parquet")
    write_table(score_rank_ic(daily), SCORES, folder / "scores.parquet")
    return Ranking(
        daily=daily,
        summary=summarise_rank_ic(daily),
        differences=_differences(
            daily[daily["delay"] == workspace.study.backtest.delay]
        ),
        weights=ranked.weights,
        forecasts=ranked.forecasts,
    )


def ranked_forecasts(data: StudyData, *, progress: Progress = print) -> Ranked:
    """Return every ranking model's forecasts of the walk-forward years.

    Models that are not there yet are fitted. The ensemble's weights are learnt from
    the realised returns of the sealed panel. There are none where Phase 1 found too few
    stocks or years to rank.

    Parameters
    ----------
    data : StudyData
    progress : callable
        Is given one line per fit.
    """
    if not can_rank(data):
        return Ranked(empty_table(FORECASTS), pd.DataFrame())
    tabular = train_tabular(data, progress=progress)
    folds = rank_lstm_folds(data.study, ranking_folds(data))
    rank_lstm = train_rank_lstm(data, folds, progress=progress)
    each = pd.concat([tabular, rank_lstm], ignore_index=True)
    own = each[each["model"].isin(MEMBERS)]
    weights = fit_ensemble_weights(realised(own, data.panel), MEMBERS)
    others = [member for member in MEMBERS if member != "rank_lstm"]
    blends = [
        average_ranks(own, MEMBERS, name=ENSEMBLE, weights=weights),
        average_ranks(own, MEMBERS, name=EQUAL),
        average_ranks(own, others, name=WITHOUT_LSTM),
    ]
    return Ranked(pd.concat([each, *blends], ignore_index=True), weights)


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Put the profiled models in their order."""
    place = table["model"].map(PROFILED.index)
    return (
        table.assign(place=place)
        .sort_values("place", kind="stable")
        .drop(columns="place")
    )


def _differences(daily: pd.DataFrame) -> pd.DataFrame:
    pairs = [
        compare_rank_ic(daily, first, second).assign(first=first, second=second)
        for first, second in PAIRS
    ]
    return pd.concat(pairs, ignore_index=True)
