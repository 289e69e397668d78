"""Run the ablation of v2: each of its changes alone and removed, on the last year.

It takes too long for a phase, so `make ablation` runs it and Phase 2 shows the last
result. Only the sealed panel is read.
"""

import os
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from nse_lstm.config import study_document
from nse_lstm.evaluation.ablation import (
    ALL,
    NONE,
    measure_changes,
    mixture_name,
    seed_losses,
)
from nse_lstm.features.folds import Fold
from nse_lstm.features.pooling import pool_windows
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.scaling import (
    MinMaxScaler,
    fit_min_max,
    scaler_from_document,
)
from nse_lstm.features.windows import FoldSplit, Windows, make_windows
from nse_lstm.json_files import read_json, write_json
from nse_lstm.models.ablation import CHANGES, ablation_job
from nse_lstm.models.baselines import persistence
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.forecasting import forecast
from nse_lstm.models.jobs import SampleJob
from nse_lstm.models.progress import Progress, show_progress
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.fitting import STEPS_PER_SECOND, fit_models
from nse_lstm.study.core.jobs import split_stock
from nse_lstm.study.core.phase_tables import (
    read_facts,
    read_recommended,
    read_sealed_panel,
    study_folds,
)
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import ABLATION, FORECASTS, read_table, write_table

START_SECONDS = 2.0
"""Time per network outside its training steps."""


@dataclass(frozen=True)
class AblationResult:
    """The table of an ablation, its stocks and its settings."""

    table: pd.DataFrame
    """``ABLATION``."""
    stocks: tuple[str, ...]
    max_epochs: int
    max_windows: int
    is_current: bool
    """Whether today's data, settings and sources give the same version."""


def mixtures() -> dict[str, tuple[str, ...]]:
    """Return every fitted mixture of v2's changes by name."""
    found: dict[str, tuple[str, ...]] = {NONE: (), ALL: CHANGES}
    for change in CHANGES:
        others = tuple(other for other in CHANGES if other != change)
        found[mixture_name(change, "alone")] = (change,)
        found[mixture_name(change, "removed")] = others
    return found


def ablate(workspace: Workspace, *, progress: Progress | None = None) -> pd.DataFrame:
    """Fit every missing mixture, stock and seed, and measure the effect of each change.

    Writes ``ablation.parquet``, ``forecasts.parquet`` and ``about.json`` beside the
    models, under ``trained_models/<market>/ablation``.

    Parameters
    ----------
    workspace : Workspace
    progress : callable, optional
        Receives one line at a time, instead of ``progress.show_progress``. The first
        one is the expected time.

    Returns
    -------
    DataFrame
        ``ABLATION`` of the last walk-forward year.

    Raises
    ------
    ArtefactError
        If a network could not be fitted. The others are kept.
    """
    show = progress or show_progress()
    fold, panel = study_folds(workspace)[-2], with_returns(read_sealed_panel(workspace))
    splits = {
        ticker: split_stock(workspace.study, panel, ticker, fold)
        for ticker in _stocks(workspace, fold)
    }
    jobs = _jobs(workspace, panel, splits, fold)
    show(_expected_time(workspace, jobs))
    models = fit_models(
        jobs,
        study=workspace.study,
        folder_of=lambda job: _folder(workspace, cast(SampleJob, job)),
        progress=show,
        log=workspace.paths.ablation / "log.jsonl",
        locks=workspace.paths.locks,
    )
    show(f"forecasting {fold.year} with each network")
    own = [_forecast(model.folder, splits[model.ticker], fold) for model in models]
    horizon = workspace.study.v2.horizon
    naive = [
        persistence(split.forecast, ticker=ticker, year=fold.year, horizon=horizon)
        for ticker, split in splits.items()
    ]
    forecasts = pd.concat([*naive, *own], ignore_index=True)
    losses = seed_losses(forecasts, read_sealed_panel(workspace))
    table = measure_changes(losses, CHANGES)
    write_table(forecasts, FORECASTS, workspace.paths.ablation / "forecasts.parquet")
    write_table(table, ABLATION, workspace.paths.ablation / "ablation.parquet")
    about = {
        "version": _version(workspace, fold),
        "stocks": list(splits),
        "settings": asdict(workspace.study.ablation),
    }
    write_json(workspace.paths.ablation / "about.json", about)
    return table


def read_ablation(workspace: Workspace) -> AblationResult | None:
    """Read the last ablation of this market, None if there is none."""
    folder = workspace.paths.ablation
    if not (folder / "about.json").is_file():
        return None
    about = read_json(folder / "about.json")
    return AblationResult(
        table=read_table(ABLATION, folder / "ablation.parquet"),
        stocks=tuple(about["stocks"]),
        max_epochs=about["settings"]["max_epochs"],
        max_windows=about["settings"]["max_windows"],
        is_current=about["version"] == _version(workspace, study_folds(workspace)[-2]),
    )


def _stocks(workspace: Workspace, fold: Fold) -> list[str]:
    wanted = workspace.study.ablation.n_stocks
    return read_recommended(workspace)[fold.year][:wanted]


def _jobs(
    workspace: Workspace,
    panel: pd.DataFrame,
    splits: dict[str, FoldSplit],
    fold: Fold,
) -> list[SampleJob]:
    """List every fit: stock by stock, seed by seed."""
    study, market = workspace.study, _market_windows(workspace, panel)
    version = _version(workspace, fold)
    jobs = []
    for ticker, split in splits.items():
        scalers = {
            stops: _market_scaler(market, split, fold, stops) for stops in (False, True)
        }
        for seed in range(1, study.ablation.n_seeds + 1):
            for name, changes in mixtures().items():
                job = ablation_job(
                    split,
                    changes,
                    mixture=name,
                    study=study,
                    ticker=ticker,
                    year=fold.year,
                    seed=seed,
                    market=scalers["early_stopping" in changes],
                    version=f"{version}-{name}-{ticker}-{seed}",
                )
                jobs.append(job)
    return jobs


def _market_windows(workspace: Workspace, panel: pd.DataFrame) -> list[Windows]:
    """Cut windows of every ordinary share, for the one scaler of all stocks."""
    v2 = workspace.study.v2
    cut = partial(
        make_windows,
        sessions=market_sessions(panel),
        lookback=v2.lookback,
        horizon=v2.horizon,
    )
    ordinary = panel[panel["kind"] == "ordinary"]
    return [cut(rows) for _, rows in ordinary.groupby("ticker")]


def _market_scaler(
    market: list[Windows], split: FoldSplit, fold: Fold, stops: bool
) -> MinMaxScaler:
    """Fit one scaler to all stocks' windows before the validation or the fold."""
    before = pd.Timestamp(split.validation.origin[0]) if stops else fold.start
    pooled = pool_windows(market, before=before, at_most=10**9)
    lags = range(pooled.lookback)
    inputs = [pooled.prices[pooled.last - lag] for lag in lags]
    return fit_min_max(np.concatenate([pooled.y, *inputs]))


def _forecast(folder: Path, split: FoldSplit, fold: Fold) -> pd.DataFrame:
    """Forecast the year with one network, under its mixture's name."""
    bundle = load_bundle(folder)
    about = {**bundle.metadata, "architecture": bundle.metadata["mixture"]}
    scaler = scaler_from_document(about["scaler"])
    own = replace(bundle, scaler=scaler, metadata=about)
    return forecast(own, split.forecast, year=fold.year)


def _folder(workspace: Workspace, job: SampleJob) -> Path:
    models = workspace.paths.ablation / "models"
    return models / job.ticker / job.about["mixture"] / str(job.seed)


def _version(workspace: Workspace, fold: Fold) -> str:
    """Return the digest of all that the networks share: data, settings and code."""
    document = study_document(workspace.study)
    depends_on = {name: document[name] for name in ("v1", "v2", "training")}
    depends_on["validation_share"] = document["folds"]["validation_share"]
    ablation = asdict(workspace.study.ablation)
    depends_on["ablation"] = {name: ablation[name] for name in BUDGET}
    return artefact_version(
        read_facts(workspace).digest,
        depends_on,
        0,
        ticker=ALL,
        year=fold.year,
        made_by=(__name__, "models.fitting"),
    )


BUDGET = ("max_epochs", "max_windows")
"""Settings that change a network. More seeds or stocks only add networks."""


def _expected_time(workspace: Workspace, jobs: list[SampleJob]) -> str:
    """Estimate the longest time if no network is fitted yet."""
    lookback = workspace.study.v2.lookback
    n_steps = sum(len(job.train) * job.training.max_epochs for job in jobs) * lookback
    n_workers = workspace.study.training.workers or os.cpu_count() or 1
    seconds = (n_steps / STEPS_PER_SECOND + START_SECONDS * len(jobs)) / n_workers
    return (
        f"{len(jobs)} networks, {len(mixtures())} mixtures of v2's changes: at most "
        f"about {seconds / 60:.0f} min on {n_workers} cores, less with fitted networks"
    )
