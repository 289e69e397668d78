"""Ridge and boosted trees on the walk-forward years, fitted and kept a folder per year.

A year's folder holds the forecasts with the version they were made under. A year whose
version is the same is read, not fitted.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from nse_lstm.config import study_document
from nse_lstm.errors import ArtefactError
from nse_lstm.features.folds import Fold, make_folds
from nse_lstm.json_files import read_json, write_json
from nse_lstm.models.tabular_models import forecast_tabular
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.phase_tables import ALL_STOCKS
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.ranking.features_and_targets import build_tables
from nse_lstm.tables import FORECASTS, RANKED_FEATURES, read_table, write_table

Progress = Callable[[str], None]

HISTORY_YEARS = 2
"""Years of data before the first that is forecast: the longest feature takes one."""


def train_tabular(data: StudyData, *, progress: Progress = print) -> pd.DataFrame:
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
    folds = ranking_folds(data)
    waiting = [fold for fold in folds if not _is_done(data, fold)]
    if waiting:
        _fit(data, waiting, progress)
    tables = [_read(data, fold) for fold in folds]
    return pd.concat(tables, ignore_index=True)


def ranking_folds(data: StudyData) -> tuple[Fold, ...]:
    """Return the walk-forward years of the tabular models, in order.

    From the study's ``first_year``, or the third of the data if that is later, to the
    year before the test year.

    Raises
    ------
    ArtefactError
        If there is no such year.
    """
    facts = data.facts
    earliest = pd.Timestamp(facts.first_session).year + HISTORY_YEARS
    first = max(data.study.tabular.first_year, earliest)
    if first >= facts.test_year:
        raise ArtefactError(
            f"Expected a year from {first} on, before the test year, to forecast. "
            f"Received: test year {facts.test_year}"
        )
    return make_folds(facts.test_year, facts.test_year - first)[:-1]


def _fit(data: StudyData, folds: list[Fold], progress: Progress) -> None:
    study = data.study
    at_once = (0, study.cross_section.horizons[0])
    tables = build_tables(data.panel, study=study, more_aims=[at_once])
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
        folder = _folder(data, fold)
        write_table(pd.concat(blocks), FORECASTS, folder / "forecasts.parquet")
        about = {"version": _version(data, fold), **_count(tables.features, fold)}
        write_json(folder / "metadata.json", about)


def _count(features: pd.DataFrame, fold: Fold) -> dict[str, float]:
    """Count what may be trained on, and the share of features missing in it."""
    known = features[features["usable"] & (features["session"] < fold.start)]
    missing = known[list(RANKED_FEATURES)].isna().to_numpy().mean()
    return {"n_rows": len(known), "missing_share": round(float(missing), 6)}


def _read(data: StudyData, fold: Fold) -> pd.DataFrame:
    return read_table(FORECASTS, _folder(data, fold) / "forecasts.parquet")


def _is_done(data: StudyData, fold: Fold) -> bool:
    """Say whether a year was written whole under today's version."""
    folder = _folder(data, fold)
    try:
        written = dict(read_json(folder / "metadata.json"))
    except (ArtefactError, TypeError, ValueError):
        return False
    same = written.get("version") == _version(data, fold)
    return same and (folder / "forecasts.parquet").is_file()


def _folder(data: StudyData, fold: Fold) -> Path:
    return data.paths.ranking / str(fold.year)


def _version(data: StudyData, fold: Fold) -> str:
    document, facts = study_document(data.study), data.facts
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
        data.study.seed,
        ticker=ALL_STOCKS,
        year=fold.year,
        made_by=(__name__,),
    )
