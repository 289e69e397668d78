"""v2 fitted through the last session: a challenger, and never more at once.

What was tested is a year old when it is promoted. A refit knows that year, but nothing
has tested it: so it forecasts in the shadow of the champion until the evenings have.
"""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from nse_lstm.deployment.registry import read_registry
from nse_lstm.deployment.registry_entry import POOLED, RegistryEntry
from nse_lstm.errors import ArtefactError
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.models.jobs import TrainedModel, TrainingJob
from nse_lstm.models.progress import Progress, show_progress
from nse_lstm.models.training import train
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.jobs import NETWORK, v2_job
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.sealed_year import open_to_serve
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.promotion import ModelProposal, build_case, write_case
from nse_lstm.study.deployment.runtime_check import promote_checked


def refit(
    workspace: Workspace,
    tickers: Sequence[str] = (),
    *,
    progress: Progress | None = None,
) -> list[RegistryEntry]:
    """Fit v2 of each stock on all sessions there are and make it the challenger.

    A stock whose refit is there already, of the same data, settings and sources, is not
    fitted again.

    Parameters
    ----------
    tickers : sequence of str
        Stocks; all of the registry if empty.
    progress : callable, optional
        Is given one line a network, instead of ``progress.show_progress``.

    Returns
    -------
    list of Entry
        The challengers, in the order of the stocks.

    Raises
    ------
    DataError
        If a stock has too little history.
    ArtefactError
        If a network could not be fitted; no challenger is put in place then.
    """
    panel = with_returns(open_to_serve(workspace))
    known = set(read_registry(workspace.paths.registry)) - {POOLED}
    jobs = [_job(workspace, panel, ticker) for ticker in tickers or sorted(known)]
    models = train(
        jobs,
        study=workspace.study,
        folder_of=lambda job: workspace.paths.refits / job.ticker,
        progress=progress or show_progress(),
        log=workspace.paths.refits / "log.jsonl",
    )
    failures = [model.failure for model in models if model.failure]
    if failures:
        raise ArtefactError(
            f"Expected {len(jobs)} refitted models. Received: {'; '.join(failures)}"
        )
    through = market_sessions(panel)[-1].date()
    return [
        _shadow(workspace, job, model, f"Fitted through {through}: for the shadow.")
        for job, model in zip(jobs, models, strict=True)
    ]


def _job(workspace: Workspace, panel: pd.DataFrame, ticker: str) -> TrainingJob:
    """Ask for the network of a fold that begins after the last session."""
    last = market_sessions(panel)[-1]
    fold = Fold(
        year=last.year,
        kind="test",
        start=last + pd.Timedelta(days=1),
        end=last + pd.Timedelta(days=2),
    )
    job = v2_job(open_study_data(workspace), panel, ticker, fold)
    version = artefact_version(
        read_facts(workspace).digest,
        {"as": job.version, "through": str(last.date())},
        workspace.study.seed,
        ticker=ticker,
        year=fold.year,
        made_by=(__name__, *NETWORK),
    )
    return replace(job, version=version)


def _shadow(
    workspace: Workspace, job: TrainingJob, model: TrainedModel, why: str
) -> RegistryEntry:
    bundle = model.folder.relative_to(workspace.paths.models).as_posix()
    proposal = ModelProposal(job.ticker, "v2", job.version, bundle)
    return promote_checked(
        workspace,
        ticker=job.ticker,
        stage="challenger",
        model="v2",
        version=job.version,
        bundle=bundle,
        evidence=write_case(workspace, build_case(workspace, proposal)),
        why=why,
        way="refit",
    )
