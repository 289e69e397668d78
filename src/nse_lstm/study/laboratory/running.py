"""Run a forecaster: fit it, forecast a year, score it and record the evaluation."""

from typing import Any

import pandas as pd

from nse_lstm.evaluation.scoring import realised, score_accuracy, score_strategies
from nse_lstm.evaluation.strategies import HOLD, strategy_returns
from nse_lstm.features.folds import make_folds
from nse_lstm.features.returns import with_returns
from nse_lstm.models.baselines import forecast_baselines
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.progress import Progress, show_progress
from nse_lstm.study.core.jobs import bundle_folder, split_stock
from nse_lstm.study.core.phase_tables import ALL_STOCKS, read_sealed_panel
from nse_lstm.study.core.scored_years import require_scored
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.trials import read_trials
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.laboratory.evaluations import record_evaluation
from nse_lstm.study.laboratory.records import write_record
from nse_lstm.study.laboratory.runs import Account, Record, Run
from nse_lstm.study.laboratory.task import Fitted, Forecaster, Task
from nse_lstm.tables import ACCURACY_COST

FIRST = ("persistence", "v1")
"""Columns of a run's scores that follow its own."""


def open_task(
    workspace: Workspace,
    ticker: str,
    year: int,
    *,
    given: dict[str, Any],
    channels: tuple[str, ...],
) -> Task:
    """Cut a stock's windows for a year; no row after the year is read.

    Parameters
    ----------
    workspace : Workspace
        With the run's own settings and seed.
    ticker : str
    year : int
        Before the test year.
    given : dict
        Settings that differ from the study's.
    channels : tuple of str

    Raises
    ------
    ConfigurationError
        If the year is kept untouched.
    DataError
        If the stock has too little history.
    """
    require_scored(workspace.study, year)
    fold = make_folds(year + 1, 1)[0]
    panel = read_sealed_panel(workspace, before=year + 1)
    split = split_stock(workspace.study, with_returns(panel), ticker, fold)
    return Task(workspace, ticker, fold, panel, split, given, channels)


def run_task(
    task: Task,
    forecaster: Forecaster,
    *,
    counted: bool,
    progress: Progress | None = None,
) -> Run:
    """Fit a forecaster, forecast the year, score it and record the evaluation.

    Parameters
    ----------
    task : Task
    forecaster : callable
    counted : bool
        Whether the study is judged on that year.
    progress : callable, optional
        Receives one line at a time.

    Raises
    ------
    ArtefactError
        If the model could not be fitted.
    """
    show = progress or show_progress()
    workspace, study = task.workspace, task.workspace.study
    fitted = forecaster(task, show)
    forecasts = pd.concat([fitted.forecasts, *_beside(task)], ignore_index=True)
    returns = strategy_returns(forecasts, task.panel, backtest=study.backtest)
    score_rows = _scores(workspace, forecasts, returns, task)
    record = _record(task, fitted, returns, counted=counted)
    if counted:
        show(record.sentence(task.fold.year))
    run = Run(
        ticker=task.ticker,
        year=task.fold.year,
        name=fitted.name,
        settings=task.given,
        fitted=fitted,
        forecasts=realised(forecasts, task.panel),
        returns=returns,
        score_rows=score_rows,
        scores=_side_by_side(workspace, score_rows, fitted.name),
        account=Account(study.verdict.rule, study.backtest.headline_cost_bps),
        record=record,
    )
    write_record(fitted.folder, _about(run), forecasts=forecasts, scores=score_rows)
    return run


def _beside(task: Task) -> list[pd.DataFrame]:
    """Forecast the year with the baselines, and with a v1 that exists."""
    # TensorFlow starts only here, so a laboratory opens without it.
    from nse_lstm.models.forecasting import forecast

    horizon, split = task.workspace.study.v2.horizon, task.split
    year, ticker = task.fold.year, task.ticker
    blocks = [forecast_baselines(split, ticker=ticker, year=year, horizon=horizon)]
    folder = bundle_folder(open_study_data(task.workspace), ALL_STOCKS, year)
    if (folder / "metadata.json").is_file():
        v1 = load_bundle(folder)
        shape = [v1.metadata[name] for name in ("lookback", "horizon")]
        if shape == [split.forecast.lookback, horizon]:
            blocks.append(forecast(v1, split.forecast, year=year, ticker=ticker))
    return blocks


def _record(
    task: Task, fitted: Fitted, returns: pd.DataFrame, *, counted: bool
) -> Record:
    workspace = task.workspace
    before = len(read_trials(workspace))
    n_evaluations = record_evaluation(
        workspace,
        returns,
        ticker=task.ticker,
        year=task.fold.year,
        model=fitted.name,
        version=fitted.model.version,
        settings=task.given,
        counted=counted,
        own=set(fitted.forecasts["model"]),
        distinct=fitted.distinct,
    )
    n_trials = len(read_trials(workspace))
    return Record(counted, n_evaluations, n_trials - before, n_trials)


def _scores(
    workspace: Workspace, forecasts: pd.DataFrame, returns: pd.DataFrame, task: Task
) -> pd.DataFrame:
    parts = [
        score_accuracy(forecasts, task.panel),
        score_strategies(returns, backtest=workspace.study.backtest),
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["ticker"] == task.ticker].reset_index(drop=True)


def _side_by_side(
    workspace: Workspace, score_rows: pd.DataFrame, name: str
) -> pd.DataFrame:
    study = workspace.study
    shown = score_rows[
        score_rows["rule"].isin(["none", study.verdict.rule, "hold"])
        & score_rows["cost_bps"].isin([ACCURACY_COST, study.backtest.headline_cost_bps])
    ]
    wide = shown.pivot(index="metric", columns="model", values="value")
    wide = wide.loc[list(dict.fromkeys(shown["metric"]))].rename_axis(columns=None)
    others = [column for column in wide.columns if column not in (name, *FIRST, HOLD)]
    order = [name, *FIRST, *others, HOLD]
    return wide[[column for column in order if column in wide.columns]]


def _about(run: Run) -> dict[str, Any]:
    """Return a run's row in the table of all runs."""
    return {
        "ticker": run.ticker,
        "model": run.name,
        "year": run.year,
        "seed": run.model.seed,
        "settings": ", ".join(
            f"{name}={value}" for name, value in run.settings.items()
        ),
        "epochs": run.model.epochs,
        "best_epoch": run.model.best_epoch,
        "train_loss": run.model.train_loss,
        "validation_loss": run.model.validation_loss,
        "skill": float(run.scores[run.name]["skill"]),
        "version": run.model.version,
    }
