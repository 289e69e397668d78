"""Run the study's own phases from raw files to the verdict and keep every table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.evaluation.verdict import Judgement
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import with_returns
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.study.audit import surrogate
from nse_lstm.study.audit.patching import patched
from nse_lstm.study.audit.tabular_run import TabularTables, build_tabular_tables
from nse_lstm.study.core.jobs import bundle_folder, training_jobs
from nse_lstm.study.core.phase_tables import read_recommended, study_folds
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis import analyse
from nse_lstm.study.validation import validate
from nse_lstm.tables import (
    FORECASTS,
    PANEL,
    SCORES,
    STRATEGY_RETURNS,
    read_table,
)

Fit = Callable[[TrainingJob, Study, Path], None]
FILES = ("model.keras", "scaler.json", "history.csv")
Bundles = dict[tuple[str, int], dict[str, bytes]]


@dataclass(frozen=True, eq=False)
class PipelineRun:
    """All tables and files of one run."""

    workspace: Workspace
    prices: pd.DataFrame
    """The whole panel with its returns."""
    folds: tuple[Fold, ...]
    recommended: dict[int, list[str]]
    tradable: dict[int, list[str]]
    jobs: list[TrainingJob]
    bundles: Bundles
    """Bytes of weights, scaler and history by stock and year."""
    forecasts: pd.DataFrame
    returns: pd.DataFrame
    scores: pd.DataFrame
    selection: pd.DataFrame
    judgement: Judgement | None
    """None where nothing is judged."""

    @cached_property
    def tabular(self) -> TabularTables:
        """The tabular models' features, targets and forecasts."""
        panel = self.prices[list(PANEL.columns)]
        return build_tabular_tables(self.workspace.study, panel, self.folds)


def fit_network(job: TrainingJob, study: Study, folder: Path) -> None:
    """Fit a job's network in this process, with the study's own engine.

    Parameters
    ----------
    job : TrainingJob
    study : Study
    folder : Path
        Of the bundle.
    """
    from nse_lstm.models.fitting import fit_bundle

    fit_bundle(job, study=study, folder=folder)


LEARNERS: dict[str, Fit] = {
    "network": fit_network,
    "surrogate": surrogate.fit_surrogate,
}
"""Fits of a job: the study's network, or the fast linear surrogate."""


def run_pipeline(workspace: Workspace, learner: str) -> PipelineRun:
    """Run Phases 1 to 4 with the study's own functions.

    Tables that are only displayed, and that no choice depends on, are left out.

    Parameters
    ----------
    workspace : Workspace
        With raw files and a root of its own.
    learner : str
        One of ``LEARNERS``.
    """
    with _without_display_tables():
        analyse.analyse_data(workspace)
        jobs = list_jobs(workspace)
        bundles = fit_jobs(workspace, jobs, learner)
        with forecasting_with(learner):
            outcome = validate.validate(workspace)
    folder = workspace.paths.evaluation
    return PipelineRun(
        workspace=workspace,
        prices=with_returns(
            read_table(PANEL, workspace.paths.processed / "panel.parquet")
        ),
        folds=study_folds(workspace),
        recommended=read_recommended(workspace),
        tradable=read_recommended(workspace, "all"),
        jobs=jobs,
        bundles=bundles,
        forecasts=read_table(FORECASTS, folder / "forecasts.parquet"),
        returns=read_table(STRATEGY_RETURNS, folder / "returns.parquet"),
        scores=read_table(SCORES, folder / "scores.parquet"),
        selection=outcome.selection,
        judgement=outcome.judgement,
    )


def list_jobs(workspace: Workspace) -> list[TrainingJob]:
    """List the study's training jobs, as Phase 3 does."""
    return training_jobs(open_study_data(workspace))


def fit_jobs(workspace: Workspace, jobs: list[TrainingJob], learner: str) -> Bundles:
    """Fit every job in this process and read back the stored files.

    Parameters
    ----------
    workspace : Workspace
        Whose folders take the bundles.
    jobs : list of TrainingJob
        To fit.
    learner : str
        One of ``LEARNERS``.
    """
    data, bundles = open_study_data(workspace), Bundles()
    for job in jobs:
        folder = bundle_folder(data, job.ticker, job.year)
        LEARNERS[learner](job, workspace.study, folder)
        bundles[job.ticker, job.year] = {
            name: (folder / name).read_bytes() for name in FILES
        }
    return bundles


def forecast_folds(
    workspace: Workspace, panel: pd.DataFrame, learner: str
) -> pd.DataFrame:
    """Forecast every fold with the fitted models, as Phase 4 would.

    Parameters
    ----------
    workspace : Workspace
        With fitted models.
    panel : DataFrame
        ``PANEL``, the test year included.
    learner : str
        The one of ``LEARNERS`` that fitted them.
    """
    data = open_study_data(workspace)
    with forecasting_with(learner):
        blocks = [validate.forecast_fold(data, panel, fold) for fold in data.folds]
    return pd.concat(blocks, ignore_index=True)


@contextmanager
def forecasting_with(learner: str) -> Iterator[None]:
    """Let Phase 4 forecast with its own networks, or with the surrogates."""
    if learner == "network":
        yield
    else:
        with patched(validate, forecast_fold=surrogate.forecast_fold):
            yield


@contextmanager
def _without_display_tables() -> Iterator[None]:
    """Skip the market statistics."""
    with patched(
        analyse,
        compute_market_statistics=_nothing,
        write_market_statistics=_nothing,
    ):
        yield


def _nothing(*given: object, **how: object) -> None:
    """Do nothing."""
