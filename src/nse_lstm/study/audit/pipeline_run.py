"""Run the study's own phases from raw files to the verdict and keep every table."""

from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.evaluation.strategies import INDEX
from nse_lstm.evaluation.verdict import Judgement
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import with_returns
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.study.audit.learners import learning_with
from nse_lstm.study.audit.tabular_run import TabularTables, build_tabular_tables
from nse_lstm.study.core.fitting import fit_models
from nse_lstm.study.core.jobs import bundle_folder, training_jobs
from nse_lstm.study.core.phase_tables import read_recommended, study_folds
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis import analyse
from nse_lstm.study.ranking import rank_models, recommended_rank_ic
from nse_lstm.study.ranking.rank_lstm import SINGLE
from nse_lstm.study.training.stock_lstm import train_stock_lstm
from nse_lstm.study.validation import order_timing, portfolios, validate
from nse_lstm.tables import (
    FORECASTS,
    PANEL,
    QUANTILES,
    SCORES,
    STRATEGY_RETURNS,
    read_table,
)

FILES = ("model.keras", "scaler.json", "history.csv")
PORTFOLIO_COLUMNS = [
    *("model", "rule", "start", "cost_bps", "capital_kes", "session"),
    *("position", "turnover", "untradable"),
    *("gross_return", "net_return", "cash_return"),
]
Bundles = dict[tuple[str, int], dict[str, bytes]]


@dataclass(frozen=True, eq=False)
class RankingRun:
    """Tables of Phase 2's ranking models, before the test year."""

    forecasts: pd.DataFrame
    """``FORECASTS`` of every ranking model, and of the blends."""
    weights: pd.DataFrame
    """Of the blend's members, by fold, delay and horizon."""
    summary: pd.DataFrame
    """Rank IC by model and year; year 0 is all."""
    differences: pd.DataFrame
    portfolios: pd.DataFrame
    """Accounts of the rules and benchmarks, from ``portfolio_accounts``."""
    recommended: pd.DataFrame
    """Rank IC of every model on the recommended stocks."""
    timing: pd.DataFrame
    """``ORDER_SAVINGS`` of the equally weighted ensemble's orders."""


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
    quantiles: pd.DataFrame | None = None
    """``QUANTILES`` of the stock LSTM; None where nothing is judged."""
    ranking: RankingRun | None = None
    """None where the ranking models are not run."""
    rank_lstm: pd.DataFrame | None = None
    """``FORECASTS`` of the rank LSTM's networks; None where there are none."""
    portfolios: pd.DataFrame | None = None
    """Of a run with stored models: accounts on the first run's rankings."""

    @cached_property
    def tabular(self) -> TabularTables:
        """The ranking models' tables from the whole panel, the test year included."""
        panel = self.prices[list(PANEL.columns)]
        return build_tabular_tables(self.workspace.study, panel, self.folds)


def run_pipeline(
    workspace: Workspace, learner: str, *, rankings: bool = True
) -> PipelineRun:
    """Run Phases 1 to 4 with the study's own functions.

    Parameters
    ----------
    workspace : Workspace
        With raw files and a root of its own.
    learner : str
        One of ``learners.LEARNERS``, for the networks of single stocks.
    rankings : bool
        Whether the ranking models of Phase 2 are run too.
    """
    analyse.analyse_data(workspace)
    jobs = list_jobs(workspace)
    bundles = fit_jobs(workspace, jobs, learner)
    with learning_with(learner):
        if workspace.study.stock_lstm.trained:
            data = open_study_data(workspace)
            train_stock_lstm(data, data.folds, progress=_silent)
        ranked = _rank(workspace) if rankings else None
        outcome = validate.validate(workspace)
        ranking = ranked and _on_recommended(workspace, ranked, outcome)
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
        quantiles=read_table(QUANTILES, folder / "distribution_quantiles.parquet"),
        ranking=ranking,
        rank_lstm=None if ranked is None else _of_rank_lstm(ranked.forecasts),
    )


def list_jobs(workspace: Workspace) -> list[TrainingJob]:
    """List the study's training jobs, as Phase 3 does."""
    return training_jobs(open_study_data(workspace))


def fit_jobs(workspace: Workspace, jobs: list[TrainingJob], learner: str) -> Bundles:
    """Fit every job that is not there yet in this process, and read the stored files.

    Parameters
    ----------
    workspace : Workspace
        Whose folders take the bundles.
    jobs : list of TrainingJob
        To fit.
    learner : str
        One of ``learners.LEARNERS``.

    Returns
    -------
    Bundles
        By stock and year.
    """
    data = open_study_data(workspace)
    with learning_with(learner):
        models = fit_models(
            jobs,
            study=workspace.study,
            folder_of=lambda job: bundle_folder(
                data, job.ticker, job.year, job.architecture
            ),
            progress=_silent,
        )
    return {
        (job.ticker, job.year): {
            name: (model.folder / name).read_bytes() for name in FILES
        }
        for job, model in zip(jobs, models, strict=True)
    }


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
        The one of ``learners.LEARNERS`` that fitted them.
    """
    data = open_study_data(workspace)
    with learning_with(learner):
        blocks = [validate.forecast_fold(data, panel, fold) for fold in data.folds]
    return pd.concat(blocks, ignore_index=True)


def _rank(workspace: Workspace) -> RankingRun:
    """Run Phase 2's ranking models and the accounts on them."""
    ranking = rank_models.rank_stocks(workspace, progress=_silent)
    traded = portfolio_accounts(portfolios.judge_portfolios(workspace), workspace.study)
    # The models are there now; only their forecasts are read.
    ranked = rank_models.ranked_forecasts(open_study_data(workspace), progress=_silent)
    return RankingRun(
        forecasts=ranked.forecasts,
        weights=ranking.weights,
        summary=ranking.summary,
        differences=ranking.differences,
        portfolios=traded,
        recommended=ranking.summary[:0],
        timing=order_timing.time_study_orders(workspace, progress=_silent).savings,
    )


def portfolio_accounts(
    result: portfolios.PortfolioResult, study: Study
) -> pd.DataFrame:
    """Return every account session by session, those of a capital below the others.

    The index is left out: it is a benchmark that may look one session ahead.

    Parameters
    ----------
    result : PortfolioResult
    study : Study
        Whose headline cost the accounts of a capital pay.
    """
    returns, sized = result.returns, result.sized
    cost_bps = study.backtest.headline_cost_bps
    return pd.concat(
        [
            returns[returns["model"] != INDEX].assign(capital_kes=0.0),
            sized.assign(start=0, cost_bps=cost_bps, untradable=0.0),
        ],
        ignore_index=True,
    )[PORTFOLIO_COLUMNS]


def _of_rank_lstm(forecasts: pd.DataFrame) -> pd.DataFrame:
    return forecasts[forecasts["model"].isin(["rank_lstm", SINGLE])]


def _on_recommended(
    workspace: Workspace, ranking: RankingRun, outcome: validate.Validation
) -> RankingRun:
    own = recommended_rank_ic.rank_recommended(
        workspace, outcome.walk_forward.forecasts
    )
    return replace(ranking, recommended=own.summary)


def _silent(line: str) -> None:
    """Say nothing."""
