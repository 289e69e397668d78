"""Run on other files what needs no fit: panel, windows, features, forecasts, accounts.

The networks are those that the first run stored. They were fitted before the origin, so
their bytes may be taken over; that a fit does not change is checked by whole runs.
"""

import shutil
from dataclasses import replace

import pandas as pd

from nse_lstm.evaluation.strategies import strategy_returns
from nse_lstm.features.folds import Fold, folds_of_years
from nse_lstm.features.returns import with_returns
from nse_lstm.study.audit.learners import forecasting_with
from nse_lstm.study.audit.pipeline_run import (
    PipelineRun,
    list_jobs,
    portfolio_accounts,
)
from nse_lstm.study.core.phase_tables import read_recommended
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis import prepare
from nse_lstm.study.ranking.features_and_targets import build_tables
from nse_lstm.study.ranking.rank_lstm import forecast_stored
from nse_lstm.study.validation import portfolios, validate
from nse_lstm.tables import PANEL, SCORES, read_table


def run_stored(
    base: PipelineRun, workspace: Workspace, learner: str, *, origin: pd.Timestamp
) -> PipelineRun:
    """Run other files through the stored models of a run's folds.

    Parameters
    ----------
    base : PipelineRun
        Whose models forecast.
    workspace : Workspace
        With other raw files, and an empty root.
    learner : str
        The one of ``learners.LEARNERS`` that fitted them.
    origin : Timestamp
        Last session whose rows are the same. The portfolios are run where it lies in
        their years.

    Returns
    -------
    PipelineRun
        Without models, scores and choices; accounts at the headline cost only.
    """
    prepare.prepare_data(workspace)
    _take_models(base.workspace, workspace)
    data = open_study_data(workspace)
    panel = read_table(PANEL, workspace.paths.processed / "panel.parquet")
    # A stock that only the other future recommends has no stored model.
    same = [
        f for f in data.folds if data.recommended[f.year] == base.recommended[f.year]
    ]
    with forecasting_with(learner):
        blocks = [block for fold in same for block in _forecasts(data, panel, fold)]
    forecasts = pd.concat(blocks, ignore_index=True)
    backtest = workspace.study.backtest
    at_headline = replace(backtest, cost_bps=(backtest.headline_cost_bps,))
    none = pd.DataFrame(columns=list(SCORES.columns))
    return PipelineRun(
        workspace=workspace,
        prices=with_returns(panel),
        folds=data.folds,
        recommended=data.recommended,
        tradable=read_recommended(workspace, "all"),
        jobs=list_jobs(workspace),
        bundles={},
        forecasts=forecasts,
        returns=strategy_returns(forecasts, panel, backtest=at_headline),
        scores=none,
        selection=none,
        judgement=None,
        rank_lstm=_rank(base, data),
        portfolios=_portfolios(base, data, origin),
    )


def at_headline_cost(base: PipelineRun) -> PipelineRun:
    """Return a run with its accounts at the headline cost alone."""
    cost = base.workspace.study.backtest.headline_cost_bps
    return replace(base, returns=base.returns[base.returns["cost_bps"] == cost])


def _forecasts(data: StudyData, panel: pd.DataFrame, fold: Fold) -> list[pd.DataFrame]:
    """Forecast a fold with every kind of stored network, as Phase 4 does."""
    study = data.study
    how = {
        validate.forecast_fold: True,
        validate.forecast_stocks: study.stock_lstm.trained,
    }
    return [forecast(data, panel, fold) for forecast, wanted in how.items() if wanted]


def _portfolios(
    base: PipelineRun, data: StudyData, origin: pd.Timestamp
) -> pd.DataFrame | None:
    """Run the accounts on the base's rankings, which were made before the origin."""
    if base.ranking is None or origin >= base.ranking.portfolios["session"].max():
        return None
    result = portfolios.backtest_portfolios(
        data.study,
        data.panel,
        data.prices,
        base.ranking.forecasts,
        models=portfolios.MODELS,
    )
    return portfolio_accounts(result, data.study)


def _rank(base: PipelineRun, data: StudyData) -> pd.DataFrame | None:
    """Forecast every year that the stored rank LSTMs have, as Phase 2 does."""
    if base.rank_lstm is None:
        return None
    tables = build_tables(data.panel, study=data.study)
    years = sorted(set(base.rank_lstm["fold"].tolist()))
    folds = folds_of_years(years, data.facts.test_year)[:-1]
    blocks = [
        forecast_stored(data, tables.features, tables.targets, fold) for fold in folds
    ]
    return pd.concat(blocks, ignore_index=True)


def _take_models(base: Workspace, other: Workspace) -> None:
    for name in ("v1", "v2", "v2_walk_forward", "stock_lstm", "rank_lstm"):
        folder = getattr(base.paths, name)
        if folder.is_dir():
            shutil.copytree(folder, getattr(other.paths, name))
