"""Run a network of the laboratory: fit, forecast a year, score beside baselines."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.evaluation.scoring import realised, score_accuracy, score_strategies
from nse_lstm.evaluation.strategies import HOLD, strategy_returns
from nse_lstm.features.folds import Fold, make_folds
from nse_lstm.features.returns import with_returns
from nse_lstm.features.scaling import (
    fit_min_max,
    scaler_document,
    scaler_from_document,
)
from nse_lstm.features.windows import FoldSplit
from nse_lstm.models.architectures import Architecture, describe_v2
from nse_lstm.models.baselines import forecast_baselines
from nse_lstm.models.bundles import load_bundle, read_history, read_metadata
from nse_lstm.models.jobs import SampleJob, TrainedModel
from nse_lstm.models.progress import Progress, show_progress
from nse_lstm.models.samples import scale_windows
from nse_lstm.models.versions import artefact_version
from nse_lstm.reporting.canvas import NAMES
from nse_lstm.reporting.display import Html, picture, show_table
from nse_lstm.reporting.figures import draw_training_curves
from nse_lstm.reporting.laboratory_figures import draw_run
from nse_lstm.study.core.fitting import fit_models
from nse_lstm.study.core.jobs import bundle_folder, split_stock
from nse_lstm.study.core.phase_tables import ALL_STOCKS, read_facts, read_sealed_panel
from nse_lstm.study.core.scored_years import require_scored
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.laboratory.evaluations import record_evaluation
from nse_lstm.study.laboratory.records import write_record
from nse_lstm.tables import ACCURACY_COST

FIRST = ("persistence", "v1")
"""Columns of a run's scores that follow its own."""

SHOWN = [
    *("skill", "mase", "directional_accuracy", "mape", "r_squared"),
    *("net_return", "sharpe_over_cash", "max_drawdown", "turnover", "exposure"),
]
"""Scores of a run that a notebook shows. ``scores`` has all."""


@dataclass(frozen=True)
class RunRequest:
    """Request of a run: stock, year, network and settings."""

    ticker: str
    year: int
    counted: bool
    """Whether the study is judged on that year."""
    network: Architecture | None = None
    """None is v2 under the run's settings."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings that differ from the study's."""


@dataclass(frozen=True)
class Run:
    """Result of a finished run, shown in a notebook by its scores."""

    ticker: str
    year: int
    name: str
    """The network's name in the tables."""
    settings: Mapping[str, Any]
    model: TrainedModel
    n_parameters: int
    history: pd.DataFrame
    """One row per epoch: losses of the scaled price, learning rate."""
    forecasts: pd.DataFrame
    """``FORECASTS`` of the network and the baselines with the realised ``y``,
    ``level`` and ``last_price``."""
    score_rows: pd.DataFrame
    """``SCORES`` of the stock, every rule and cost."""
    scores: pd.DataFrame
    """One row per metric and one column per model, the run's own first. Accounts
    follow the declared rule at the headline cost."""
    n_evaluations: int
    """Distinct runs evaluated on this year, this one included."""

    def plot(self) -> Html:
        """Show the year's forecasts and their errors against persistence."""
        figure = draw_run(self.forecasts, ticker=self.ticker, model=self.name)
        return picture(
            figure,
            alt=f"{self.ticker} in {self.year}: printed price and the forecast of "
            f"{self.name}; below, squared errors saved against persistence so far.",
        )

    def plot_training(self) -> Html:
        """Show the training and validation loss by epoch."""
        best = self.model.best_epoch
        figure = draw_training_curves(self.history, best_epoch=best, model=self.name)
        return picture(
            figure,
            alt=f"Loss of {self.name} for {self.ticker} by epoch; the weights of epoch "
            f"{best} of {self.model.epochs} were kept.",
        )

    def _repr_html_(self) -> str:
        given = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        caption = (
            f"{self.ticker} {self.year}, {self.name} "
            f"({given or 'the settings of the study'}): {self.n_parameters:,} "
            f"parameters, epoch {self.model.best_epoch} of {self.model.epochs} kept, "
            f"evaluation number {self.n_evaluations} of that year"
        )
        models = self.scores.loc[SHOWN].T
        models.insert(0, "model", [NAMES.get(name, name) for name in models.index])
        return show_table(models, caption=caption).html


def run_network(
    workspace: Workspace, request: RunRequest, *, progress: Progress | None = None
) -> Run:
    """Fit a network, forecast a year, score it and record the evaluation.

    Parameters
    ----------
    workspace : Workspace
        With the run's own settings.
    request : RunRequest
        Its year lies before the test year.
    progress : callable, optional
        Receives one line at a time.

    Raises
    ------
    ArtefactError
        If the network could not be fitted.
    ConfigurationError
        If the year is kept untouched.
    DataError
        If the stock has too little history.
    """
    require_scored(workspace.study, request.year)
    fold = make_folds(request.year + 1, 1)[0]
    # No row after the year is read.
    panel = read_sealed_panel(workspace, before=request.year + 1)
    split = split_stock(workspace.study, with_returns(panel), request.ticker, fold)
    network = request.network or describe_v2(workspace.study.v2)
    job = _job(workspace, request, split, network)
    folder = _folder(workspace, job)
    model = _fit(workspace, job, folder / "model", progress or show_progress())
    forecasts = _forecasts(workspace, job, model.folder, split, fold)
    returns = strategy_returns(forecasts, panel, backtest=workspace.study.backtest)
    score_rows = _scores(workspace, forecasts, returns, panel, request.ticker)
    n_evaluations = record_evaluation(
        workspace,
        returns,
        ticker=job.ticker,
        year=job.year,
        model=network.name,
        version=job.version,
        settings=request.settings,
        counted=request.counted,
    )
    run = Run(
        ticker=job.ticker,
        year=job.year,
        name=network.name,
        settings=request.settings,
        model=model,
        n_parameters=read_metadata(model.folder)["n_parameters"],
        history=read_history(model.folder),
        forecasts=realised(forecasts, panel),
        score_rows=score_rows,
        scores=_side_by_side(workspace, score_rows, network.name),
        n_evaluations=n_evaluations,
    )
    write_record(folder, _about(run), forecasts=forecasts, scores=score_rows)
    return run


def _job(
    workspace: Workspace, request: RunRequest, split: FoldSplit, network: Architecture
) -> SampleJob:
    """Describe the fit, whose weights are the study's under the study's settings."""
    study = workspace.study
    scaler = fit_min_max(np.append(split.train.X, split.train.y))
    training = asdict(study.training)
    del training["workers"]
    depends_on = {
        "network": repr(network),
        "training": training,
        "validation_share": study.folds.validation_share,
        "horizon": study.v2.horizon,
    }
    return SampleJob(
        ticker=request.ticker,
        year=request.year,
        seed=study.seed,
        network=network,
        training=study.training,
        train=scale_windows(scaler, split.train),
        validation=scale_windows(scaler, split.validation),
        version=artefact_version(
            read_facts(workspace).digest,
            depends_on,
            study.seed,
            ticker=request.ticker,
            year=request.year,
            made_by=(__name__, "models.fitting"),
        ),
        about={
            "horizon": study.v2.horizon,
            "delay": 0,
            "scaler": scaler_document(scaler),
        },
    )


def _folder(workspace: Workspace, job: SampleJob) -> Path:
    name = f"{job.ticker}-{job.year}-{job.architecture}-{job.version[:12]}"
    return workspace.paths.laboratory / name


def _fit(
    workspace: Workspace, job: SampleJob, folder: Path, progress: Progress
) -> TrainedModel:
    (model,) = fit_models(
        [job],
        study=workspace.study,
        folder_of=lambda _: folder,
        progress=progress,
        locks=workspace.paths.locks,
    )
    return model


def _forecasts(
    workspace: Workspace, job: SampleJob, folder: Path, split: FoldSplit, fold: Fold
) -> pd.DataFrame:
    """Forecast the year with the run's network, the baselines and a v1 that exists."""
    # TensorFlow starts only here, so a laboratory opens without it.
    from nse_lstm.models.forecasting import forecast

    bundle = load_bundle(folder)
    own = replace(bundle, scaler=scaler_from_document(bundle.metadata["scaler"]))
    blocks = [
        forecast(own, split.forecast, year=fold.year),
        forecast_baselines(
            split,
            ticker=job.ticker,
            year=fold.year,
            horizon=bundle.metadata["horizon"],
        ),
    ]
    v1_folder = bundle_folder(open_study_data(workspace), ALL_STOCKS, fold.year)
    if (v1_folder / "metadata.json").is_file():
        v1 = load_bundle(v1_folder)
        shape = [v1.metadata[name] for name in ("lookback", "horizon")]
        if shape == [split.forecast.lookback, bundle.metadata["horizon"]]:
            blocks.append(
                forecast(v1, split.forecast, year=fold.year, ticker=job.ticker)
            )
    return pd.concat(blocks, ignore_index=True)


def _scores(
    workspace: Workspace,
    forecasts: pd.DataFrame,
    returns: pd.DataFrame,
    panel: pd.DataFrame,
    ticker: str,
) -> pd.DataFrame:
    parts = [
        score_accuracy(forecasts, panel),
        score_strategies(returns, backtest=workspace.study.backtest),
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["ticker"] == ticker].reset_index(drop=True)


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
