"""Refit of the served network through the last session, as challenger only.

The tested model is a year old when it is promoted. A refit knows that year but is
untested, so it runs for comparison only until the shadow test has enough sessions.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from nse_lstm.deployment.registry import read_registry
from nse_lstm.deployment.registry_entry import RegistryEntry
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.models.executors import keep_processes
from nse_lstm.models.jobs import Job, TrainedModel
from nse_lstm.models.progress import Progress
from nse_lstm.models.stock_lstm import POOL, STOCK_LSTM
from nse_lstm.study.core.fitting import fit_models
from nse_lstm.study.core.jobs import served_model
from nse_lstm.study.core.sealed_year import open_to_serve
from nse_lstm.study.core.stock_lstm_jobs import (
    fine_tuning_jobs,
    open_stock_fold,
    stock_pool_job,
)
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.promotion_case import (
    ModelProposal,
    build_case,
    write_case,
)
from nse_lstm.study.deployment.refit_jobs import refit_fold, refit_job
from nse_lstm.study.deployment.runtime_check import promote_checked


def refit(
    workspace: Workspace,
    tickers: Sequence[str] = (),
    *,
    progress: Progress | None = None,
) -> list[RegistryEntry]:
    """Fit the served network of each stock on all sessions, as its challenger.

    An existing refit of the same data, settings and sources is used again.

    Parameters
    ----------
    workspace : Workspace
        The study.
    tickers : sequence of str
        Stocks; all of the registry if empty.
    progress : callable, optional
        Called with one line per network, instead of ``progress.show_progress``.

    Returns
    -------
    list of RegistryEntry
        The challengers, in the order of the stocks.

    Raises
    ------
    DataError
        If a stock has too little history.
    ArtefactError
        If a network could not be fitted; then no challenger is promoted.
    """
    data = open_study_data(workspace)
    panel = open_to_serve(data)
    names = list(tickers) or sorted(read_registry(data.paths.registry))
    fit = _fit_stock_lstm if served_model(data.study) == STOCK_LSTM else _fit_v2
    through = market_sessions(panel)[-1].date()
    with keep_processes(data.study):
        models = fit(data, panel, names, progress)
    return [
        _promote(data, model, f"Fitted through {through}, for comparison.")
        for model in models
    ]


def _fit_v2(
    data: StudyData, panel: pd.DataFrame, names: list[str], progress: Progress | None
) -> list[TrainedModel]:
    prices = with_returns(panel)
    jobs = [refit_job(data, prices, ticker) for ticker in names]
    return _fit(data, jobs, data.paths.refits, progress)


def _fit_stock_lstm(
    data: StudyData, panel: pd.DataFrame, names: list[str], progress: Progress | None
) -> list[TrainedModel]:
    """Pretrain on the pool through the last session, then fine-tune each stock."""
    folder = data.paths.stock_refits
    fold = open_stock_fold(data, panel, refit_fold(panel), names)
    _fit(data, [stock_pool_job(data, fold)], folder, progress)
    jobs = fine_tuning_jobs(data, fold, folder / POOL)
    return _fit(data, jobs, folder, progress)


def _fit(
    data: StudyData, jobs: Sequence[Job], folder: Path, progress: Progress | None
) -> list[TrainedModel]:
    return fit_models(
        jobs,
        study=data.study,
        folder_of=lambda job: folder / job.ticker,
        progress=progress,
        log=folder / "log.jsonl",
        locks=data.paths.locks,
    )


def _promote(data: StudyData, model: TrainedModel, why: str) -> RegistryEntry:
    bundle = model.folder.relative_to(data.paths.models).as_posix()
    proposal = ModelProposal(model.ticker, model.architecture, model.version, bundle)
    return promote_checked(
        data,
        proposal,
        stage="challenger",
        evidence=write_case(data, build_case(data, proposal)),
        why=why,
        way="refit",
    )
