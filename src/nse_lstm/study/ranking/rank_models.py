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


def _differences(daily: pd.DataFrame) -> pd.DataFrame:
    pairs = [
        compare_rank_ic(daily, first, second).assign(first=first, second=second)
        for first, second in PAIRS
    ]
    return pd.concat(pairs, ignore_index=True)
