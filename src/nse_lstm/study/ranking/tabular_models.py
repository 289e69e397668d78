"""Ridge and boosted trees on the walk-forward years, in one folder per year.

A year whose folder holds today's version is read, not fitted.
"""

from collections.abc import Callable
from functools import partial

import pandas as pd

from nse_lstm.config import study_document
from nse_lstm.errors import ArtefactError
from nse_lstm.features.folds import Fold, folds_of_years
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.market_scope import first_ranking_year
from nse_lstm.study.core.phase_tables import ALL_STOCKS
from nse_lstm.study.core.scored_years import scored_years
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.core.versioned_folder import Made, read_or_make
from nse_lstm.study.ranking.features_and_targets import build_tables, forecast_aims
from nse_lstm.tables import RANKED_FEATURES

Progress = Callable[[str], None]


def train_tabular(data: StudyData, *, progress: Progress = print) -> pd.DataFrame:
    """Forecast every walk-forward year with ridge and trees, fitting missing years.

    Every horizon of the cross-section is forecast at the backtest's delay. The first
    is also forecast at delay 0, at which nobody can trade, to show the effect of
    averaged prices.

    Parameters
    ----------
    data : StudyData
    progress : callable
        Receives one line per fitted year.

    Returns
    -------
    DataFrame
        ``FORECASTS`` of every year, model, delay and horizon. Only the sealed panel is
        read.
    """
    return read_or_make(
        ranking_folds(data),
        folder_of=lambda fold: data.paths.ranking / str(fold.year),
        about=lambda fold: {"version": _version(data, fold)},
        make=partial(_make, data, progress),
    )


def ranking_folds(data: StudyData) -> tuple[Fold, ...]:
    """Return the walk-forward years of the tabular models, in order.

    From the study's ``first_year``, or the third of the data if that is later, to the
    year before the test year, without untouched years and years without a file.

    Raises
    ------
    ArtefactError
        If there is no such year.
    """
    facts = data.facts
    first = first_ranking_year(data.study, pd.Timestamp(facts.first_session))
    known = scored_years(data.study, first, facts.test_year)
    years = [year for year in known if year not in facts.missing_years]
    if not years:
        raise ArtefactError(
            f"Expected a year from {first} on, before the test year, to forecast. "
            f"Received: test year {facts.test_year}"
        )
    return folds_of_years(years, facts.test_year)[:-1]


def _make(data: StudyData, progress: Progress, folds: list[Fold]) -> Made:
    study = data.study
    at_once = (0, study.cross_section.horizons[0])
    tables = build_tables(data.panel, study=study, more_aims=[at_once])
    for fold in folds:
        progress(f"ridge and trees of {fold.year}: {len(tables.targets)} aims")
        table = forecast_aims(tables.features, tables.targets, fold, study=study)
        yield fold, table, _count(tables.features, fold)


def _count(features: pd.DataFrame, fold: Fold) -> dict[str, float]:
    """Count the rows of the training span, and the share of features missing in it."""
    known = features[features["usable"] & (features["session"] < fold.start)]
    missing = known[list(RANKED_FEATURES)].isna().to_numpy().mean()
    return {"n_rows": len(known), "missing_share": round(float(missing), 6)}


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
