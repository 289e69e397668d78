"""The rank LSTM on the walk-forward years: in one folder per year.

A year's folder holds one bundle per seed and the forecasts with their version. A year
whose folder holds today's version is read, not fitted.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from nse_lstm.config import Study, study_document
from nse_lstm.errors import ArtefactError
from nse_lstm.evaluation.rank_ensemble import mean_over_seeds
from nse_lstm.features.folds import Fold
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.jobs import Job, SampleJob
from nse_lstm.models.rank_lstm import POOL, forecast_rank_lstm, rank_lstm_job
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.fitting import fit_models
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.core.versioned_folder import Made, read_or_make
from nse_lstm.study.ranking.features_and_targets import build_tables

Progress = Callable[[str], None]

AROUND = ("first_year", "n_seeds")

SINGLE = "rank_lstm_single"
"""One network of the rank LSTM, where the rank LSTM is the mean of several."""


def rank_lstm_folds(study: Study, folds: Sequence[Fold]) -> tuple[Fold, ...]:
    """Return the tabular models' years in which the rank LSTM is fitted.

    Parameters
    ----------
    study : Study
    folds : sequence of Fold
        The tabular models' years, in order.

    Raises
    ------
    ArtefactError
        If there is no such year.
    """
    first = study.rank_lstm.first_year
    chosen = tuple(fold for fold in folds if fold.year >= first)
    if not chosen:
        raise ArtefactError(
            f"Expected a year from {first} on, before the test year, to forecast. "
            f"Received: {', '.join(str(fold.year) for fold in folds)}"
        )
    return chosen


def train_rank_lstm(
    data: StudyData, folds: Sequence[Fold], *, progress: Progress = print
) -> pd.DataFrame:
    """Forecast each year with the rank LSTM, fitting missing years.

    Parameters
    ----------
    data : StudyData
    folds : sequence of Fold
        Walk-forward years, from ``rank_lstm_folds``.
    progress : callable
        Receives one line per network.

    Returns
    -------
    DataFrame
        ``FORECASTS`` of "rank_lstm", the mean of its seeds, and with several seeds also
        of each network as "rank_lstm_single". Only the sealed panel is read.

    Raises
    ------
    ArtefactError
        If a network could not be fitted.
    """
    return read_or_make(
        folds,
        folder_of=partial(_folder, data),
        about=partial(_about, data),
        make=partial(_make, data, progress),
    )


def forecast_apart(
    features: pd.DataFrame, targets: Sequence[pd.DataFrame], fold: Fold, *, study: Study
) -> pd.DataFrame:
    """Fit and forecast one year in a temporary folder, apart from the study.

    Parameters
    ----------
    features : DataFrame
        ``FEATURES``, as far as they may be seen.
    targets : sequence of DataFrame
        ``TARGETS`` of one delay, one a horizon.
    fold : Fold
    study : Study
        Its ``rank_lstm``, with as many networks as it asks for, and its cross-section.

    Returns
    -------
    DataFrame
        ``FORECASTS`` of "rank_lstm", the mean of its seeds.

    Raises
    ------
    ArtefactError
        If a network could not be fitted.
    """
    jobs = _seeds_of(features, targets, fold, study=study, version_of=str)
    with tempfile.TemporaryDirectory() as folder:
        place = partial(_beside, Path(folder))
        fit_models(jobs, study=study, folder_of=place, progress=lambda _: None)
        singles = [
            forecast_rank_lstm(load_bundle(place(job)), features, targets, fold)
            for job in jobs
        ]
    return mean_over_seeds(pd.concat(singles, ignore_index=True), seed=study.seed)


def _make(data: StudyData, progress: Progress, folds: list[Fold]) -> Made:
    study = data.study
    tables = build_tables(data.panel, study=study)
    features, targets = tables.features, tables.targets
    jobs = {}
    for fold in folds:
        progress(f"rank_lstm {fold.year}: boosted trees forecast the soft targets")
        version_of = partial(_version, data, fold.year)
        jobs[fold.year] = _seeds_of(
            features, targets, fold, study=study, version_of=version_of
        )
    place = partial(_bundle_folder, data)
    fit_models(
        [job for own in jobs.values() for job in own],
        study=study,
        folder_of=place,
        progress=progress,
        locks=data.paths.locks,
    )
    for fold in folds:
        yield fold, forecast_stored(data, features, targets, fold), {}


def forecast_stored(
    data: StudyData, features: pd.DataFrame, targets: Sequence[pd.DataFrame], fold: Fold
) -> pd.DataFrame:
    """Forecast one year with its stored networks.

    Parameters
    ----------
    data : StudyData
        Whose folder of the year holds one bundle per seed.
    features : DataFrame
        ``FEATURES``, as far as they may be seen.
    targets : sequence of DataFrame
        ``TARGETS`` of one delay, one a horizon.
    fold : Fold

    Returns
    -------
    DataFrame
        ``FORECASTS`` as from ``train_rank_lstm``.

    Raises
    ------
    ArtefactError
        If a bundle is missing or was changed.
    """
    study = data.study
    folders = [
        _seed_folder(_folder(data, fold), seed)
        for seed in range(study.seed, study.seed + study.rank_lstm.n_seeds)
    ]
    singles = [
        forecast_rank_lstm(load_bundle(folder), features, targets, fold)
        for folder in folders
    ]
    return _with_mean(singles)


def _seeds_of(
    features: pd.DataFrame,
    targets: Sequence[pd.DataFrame],
    fold: Fold,
    *,
    study: Study,
    version_of: Callable[[int], str],
) -> list[SampleJob]:
    """Return one job per seed, all of them on the same samples."""
    job = rank_lstm_job(
        features,
        targets,
        fold,
        rank_lstm=study.rank_lstm,
        cross_section=study.cross_section,
        tabular=study.tabular,
        seed=study.seed,
        version=version_of(study.seed),
    )
    return [
        replace(job, seed=seed, version=version_of(seed))
        for seed in range(study.seed, study.seed + study.rank_lstm.n_seeds)
    ]


def _with_mean(singles: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the mean of the seeds, then the single networks if there are several."""
    table = pd.concat(singles, ignore_index=True)
    mean = mean_over_seeds(table, seed=int(table["seed"].min()))
    if len(singles) == 1:
        return mean
    return pd.concat([mean, table.assign(model=SINGLE)], ignore_index=True)


def _about(data: StudyData, fold: Fold) -> dict[str, str | int]:
    study = data.study
    version = _version(data, fold.year, study.seed)
    return {"version": version, "n_seeds": study.rank_lstm.n_seeds}


def _bundle_folder(data: StudyData, job: Job) -> Path:
    return _beside(data.paths.rank_lstm / str(job.year), job)


def _beside(folder: Path, job: Job) -> Path:
    return _seed_folder(folder, job.seed)


def _seed_folder(folder: Path, seed: int) -> Path:
    return folder / f"seed_{seed}"


def _folder(data: StudyData, fold: Fold) -> Path:
    return data.paths.rank_lstm / str(fold.year)


def _version(data: StudyData, year: int, seed: int) -> str:
    document, facts = study_document(data.study), data.facts
    depends_on = {
        "cross_section": document["cross_section"],
        "delay": document["backtest"]["delay"],
        # The years and the number of seeds do not change a network.
        "rank_lstm": {
            k: v for k, v in document["rank_lstm"].items() if k not in AROUND
        },
        "soft_targets": {
            k: v for k, v in document["tabular"].items() if k not in AROUND
        },
        # Targets beyond the seal are not forecast.
        "sealed_from": facts.test_year,
    }
    return artefact_version(
        facts.digest,
        depends_on,
        seed,
        ticker=POOL,
        year=year,
        made_by=(__name__, "models.fitting"),
    )
