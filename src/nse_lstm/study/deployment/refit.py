"""Refit of v2 through the last session, promoted to challenger only.

The tested model is a year old when it is promoted. A refit knows that year but is
untested, so it runs for comparison only until the shadow test has enough sessions.
"""

from collections.abc import Sequence

from nse_lstm.deployment.registry import read_registry
from nse_lstm.deployment.registry_entry import POOLED, RegistryEntry
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.models.jobs import TrainedModel, TrainingJob
from nse_lstm.models.progress import Progress
from nse_lstm.study.core.fitting import fit_models
from nse_lstm.study.core.sealed_year import open_to_serve
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.promotion_case import (
    ModelProposal,
    build_case,
    write_case,
)
from nse_lstm.study.deployment.refit_jobs import refit_job
from nse_lstm.study.deployment.runtime_check import promote_checked


def refit(
    workspace: Workspace,
    tickers: Sequence[str] = (),
    *,
    progress: Progress | None = None,
) -> list[RegistryEntry]:
    """Fit v2 of each stock on all sessions and promote it to challenger.

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
    panel = with_returns(open_to_serve(data))
    known = set(read_registry(data.paths.registry)) - {POOLED}
    jobs = [refit_job(data, panel, ticker) for ticker in tickers or sorted(known)]
    models = fit_models(
        jobs,
        study=data.study,
        folder_of=lambda job: data.paths.refits / job.ticker,
        progress=progress,
        log=data.paths.refits / "log.jsonl",
        locks=data.paths.locks,
    )
    through = market_sessions(panel)[-1].date()
    return [
        _promote(data, job, model, f"Fitted through {through}, for comparison.")
        for job, model in zip(jobs, models, strict=True)
    ]


def _promote(
    data: StudyData, job: TrainingJob, model: TrainedModel, why: str
) -> RegistryEntry:
    bundle = model.folder.relative_to(data.paths.models).as_posix()
    proposal = ModelProposal(job.ticker, "v2", job.version, bundle)
    return promote_checked(
        data,
        proposal,
        stage="challenger",
        evidence=write_case(data, build_case(data, proposal)),
        why=why,
        way="refit",
    )
