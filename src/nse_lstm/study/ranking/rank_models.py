"""Phase 4's rankings: tabular models, the rank LSTM and their ensemble on the walk-forward years.

Each year's forecasts lie in a folder of their own with the version they were made
under; a year whose version is the same is read, not fitted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nse_lstm.config import study_document
from nse_lstm.errors import ArtefactError
from nse_lstm.evaluation.rank_ensemble import blend_ranks, learn_weights
from nse_lstm.evaluation.rank_ic import (
    compare_rank_ic,
    daily_rank_ic,
    score_rank_ic,
    summarise_rank_ic,
)
from nse_lstm.evaluation.scoring import realised
from nse_lstm.features.folds import Fold, make_folds
from nse_lstm.models.tabular_models import forecast_tabular
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.jobs import ALL_STOCKS
from nse_lstm.study.core.phase_tables import read_facts, read_sealed_panel
from nse_lstm.study.core.workspace import Workspace, read_json, write_json
from nse_lstm.study.ranking.features_and_targets import build_tables
from nse_lstm.study.ranking.rank_lstm import rank_lstm_folds, train_rank_lstm
from nse_lstm.tables import (
    FORECASTS,
    RANK_IC,
    RANKED_FEATURES,
    SCORES,
    read_table,
    write_table,
)

Progress = Callable[[str], None]

HISTORY_YEARS = 2
"""Years of data before the first that is forecast: the longest feature takes one."""


ENSEMBLE, EQUAL = "ensemble", "ensemble_equal"
"""Blends by rank: weighted by the years walked before, and all members alike."""
WITHOUT_LSTM = "ensemble_without_lstm"
"""The others alike: what the LSTM adds to a blend is ``EQUAL`` less this."""
MEMBERS = ("ridge", "boosting", "rank_lstm")
PAIRS = (
    ("rank_lstm", "ridge"),
    ("rank_lstm", "boosting"),
    *((ENSEMBLE, member) for member in MEMBERS),
    (ENSEMBLE, EQUAL),
    *((EQUAL, member) for member in MEMBERS),
    (EQUAL, WITHOUT_LSTM),
    ("boosting", "ridge"),
)
"""Whose difference is shown: the first less the second."""


@dataclass(frozen=True)
class Ranked:
    """What tabular models, the rank LSTM and their blends forecast, before the test year."""

    forecasts: pd.DataFrame
    """``FORECASTS``."""
    weights: pd.DataFrame
    """Of the ensemble's members, by fold, delay and horizon; ``learn_weights``."""


@dataclass(frozen=True)
class Ranking:
    """How well the tabular models, the rank LSTM and the ensemble rank, before the test year."""

    daily: pd.DataFrame
    """``RANK_IC``."""
    summary: pd.DataFrame
    """One row a model, delay, horizon and year (0: all); ``summarise_rank_ic``."""
    differences: pd.DataFrame
    """One row a pair of ``PAIRS`` and horizon; ``compare_rank_ic``."""
    ensemble: pd.DataFrame
    """``FORECASTS`` of the ensemble."""
    weights: pd.DataFrame
    """Of its members, by fold, delay and horizon; ``learn_weights``."""


def rank_stocks(workspace: Workspace, *, progress: Progress = print) -> Ranking:
    """Train tabular models and the rank LSTM where that is to be done, and score everyone's rank IC.

    Writes ``rank_ic.parquet`` and ``scores.parquet`` beside the tabular models' forecasts.
    """
    panel = read_sealed_panel(workspace)
    ranked = ranked_forecasts(workspace, panel, progress=progress)
    daily = daily_rank_ic(ranked.forecasts, panel)
    folder = workspace.paths.ranking
    write_table(daily, RANK_IC, folder / "rank_ic.parquet")
    write_table(score_rank_ic(daily), SCORES, folder / "scores.parquet")
    return Ranking(
        daily=daily,
        summary=summarise_rank_ic(daily),
        differences=_differences(
            daily[daily["delay"] == workspace.study.backtest.delay]
        ),
        ensemble=ranked.forecasts[ranked.forecasts["model"] == ENSEMBLE],
        weights=ranked.weights,
    )


def ranked_forecasts(
    workspace: Workspace, panel: pd.DataFrame, *, progress: Progress = print
) -> Ranked:
    """Return what all forecast of the walk-forward years, fitting what is not there.

    Parameters
    ----------
    panel : DataFrame
        The sealed ``PANEL``; the ensemble's weights are learnt from what came.
    progress : callable
        Is given one line a fit.
    """
    tabular = train_tabular(workspace, progress=progress)
    folds = rank_lstm_folds(workspace, ranking_folds(workspace))
    rank_lstm = train_rank_lstm(workspace, folds, progress=progress)
    each = pd.concat([tabular, rank_lstm], ignore_index=True)
    own = each[each["model"].isin(MEMBERS)]
    weights = learn_weights(realised(own, panel), MEMBERS)
    others = [member for member in MEMBERS if member != "rank_lstm"]
    blends = [
        blend_ranks(own, MEMBERS, name=ENSEMBLE, weights=weights),
        blend_ranks(own, MEMBERS, name=EQUAL),
        blend_ranks(own, others, name=WITHOUT_LSTM),
    ]
    return Ranked(pd.concat([each, *blends], ignore_index=True), weights)


def _differences(daily: pd.DataFrame) -> pd.DataFrame:
    pairs = [
        compare_rank_ic(daily, first, second).assign(first=first, second=second)
        for first, second in PAIRS
    ]
    return pd.concat(pairs, ignore_index=True)


def train_tabular(workspace: Workspace, *, progress: Progress = print) -> pd.DataFrame:
    """Fit and forecast every walk-forward year, resuming what is there.

    Every horizon of the cross-section is aimed a session after the origin; the first
    also at delay 0, which nobody can deal at, to show what averaged prices make.

    Parameters
    ----------
    progress : callable
        Is given one line a year that is fitted.

    Returns
    -------
    DataFrame
        ``FORECASTS`` of every year, model, delay and horizon. Only the sealed panel is
        read.
    """
    folds = ranking_folds(workspace)
    waiting = [fold for fold in folds if not _is_done(workspace, fold)]
    if waiting:
        _fit(workspace, waiting, progress)
    tables = [_read(workspace, fold) for fold in folds]
    return pd.concat(tables, ignore_index=True)


def ranking_folds(workspace: Workspace) -> tuple[Fold, ...]:
    """Return the walk-forward years of the tabular models, in order.

    From the study's ``first_year``, or the third of the data if that is later, to the
    year before the test year.

    Raises
    ------
    ArtefactError
        If there is no such year.
    """
    facts = read_facts(workspace)
    earliest = pd.Timestamp(facts.first_session).year + HISTORY_YEARS
    first = max(workspace.study.tabular.first_year, earliest)
    if first >= facts.test_year:
        raise ArtefactError(
            f"Expected a year from {first} on, before the test year, to forecast. "
            f"Received: test year {facts.test_year}"
        )
    return make_folds(facts.test_year, facts.test_year - first)[:-1]


def _fit(workspace: Workspace, folds: list[Fold], progress: Progress) -> None:
    study = workspace.study
    at_once = (0, study.cross_section.horizons[0])
    tables = build_tables(
        read_sealed_panel(workspace), study=study, more_aims=[at_once]
    )
    for fold in folds:
        progress(f"ridge and trees of {fold.year}: {len(tables.targets)} aims")
        blocks = [
            forecast_tabular(
                tables.features,
                table,
                fold,
                cross_section=study.cross_section,
                tabular=study.tabular,
                seed=study.seed,
            )
            for table in tables.targets
        ]
        folder = _folder(workspace, fold)
        write_table(pd.concat(blocks), FORECASTS, folder / "forecasts.parquet")
        about = {"version": _version(workspace, fold), **_count(tables.features, fold)}
        write_json(folder / "metadata.json", about)


def _count(features: pd.DataFrame, fold: Fold) -> dict[str, float]:
    """Count what may be trained on, and the share of features missing in it."""
    known = features[features["usable"] & (features["session"] < fold.start)]
    missing = known[list(RANKED_FEATURES)].isna().to_numpy().mean()
    return {"n_rows": len(known), "missing_share": round(float(missing), 6)}


def _read(workspace: Workspace, fold: Fold) -> pd.DataFrame:
    return read_table(FORECASTS, _folder(workspace, fold) / "forecasts.parquet")


def _is_done(workspace: Workspace, fold: Fold) -> bool:
    """Say whether a year was written whole under today's version."""
    folder = _folder(workspace, fold)
    try:
        written = dict(read_json(folder / "metadata.json"))
    except (ArtefactError, TypeError, ValueError):
        return False
    same = written.get("version") == _version(workspace, fold)
    return same and (folder / "forecasts.parquet").is_file()


def _folder(workspace: Workspace, fold: Fold) -> Path:
    return workspace.paths.ranking / str(fold.year)


def _version(workspace: Workspace, fold: Fold) -> str:
    document, facts = study_document(workspace.study), read_facts(workspace)
    depends_on = {
        "cross_section": document["cross_section"],
        "delay": document["backtest"]["delay"],
        "tabular": document["tabular"],
        # Targets beyond the seal are not forecast.
        "sealed_from": facts.test_year,
    }
    return artefact_version(
        facts.digest,
        depends_on,
        workspace.study.seed,
        ticker=ALL_STOCKS,
        year=fold.year,
    )
