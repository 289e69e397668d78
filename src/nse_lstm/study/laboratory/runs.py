"""One run: a network fitted, a year forecast with it, scored beside what there is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.errors import ArtefactError
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
from nse_lstm.models.training import train
from nse_lstm.models.versions import artefact_version
from nse_lstm.reporting.canvas import NAMES
from nse_lstm.reporting.display import Html, picture, show_table
from nse_lstm.reporting.figures import draw_training_curves
from nse_lstm.reporting.laboratory_figures import draw_run
from nse_lstm.study.core.jobs import bundle_folder, split_stock
from nse_lstm.study.core.phase_tables import ALL_STOCKS, read_facts, read_sealed_panel
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.laboratory.evaluations import record_look
from nse_lstm.study.laboratory.records import write_record
from nse_lstm.tables import ACCURACY_COST

FIRST = ("persistence", "v1")
"""Columns of a run's scores beside its own, before the others."""

SHOWN = [
    *("skill", "mase", "directional_accuracy", "mape", "r_squared"),
    *("net_return", "sharpe_over_cash", "max_drawdown", "turnover", "exposure"),
]
"""Scores that a notebook shows of a run; ``scores`` has all."""


@dataclass(frozen=True)
class Wanted:
    """What a run is asked for."""

    ticker: str
    year: int
    counted: bool
    """Whether the study is judged on that year."""
    network: Architecture | None = None
    """v2 under the run's settings if there is none."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Those that differ from the study's."""


@dataclass(frozen=True)
class Run:
    """A finished run; in a notebook it shows its scores."""

    ticker: str
    year: int
    name: str
    """What its tables call the network."""
    settings: Mapping[str, Any]
    model: TrainedModel
    n_parameters: int
    history: pd.DataFrame
    """One row an epoch: losses of the scaled price, learning rate."""
    forecasts: pd.DataFrame
    """``FORECASTS`` of the network and the others, with what came (``y``, ``level``
    and ``last_price``)."""
    score_rows: pd.DataFrame
    """``SCORES`` of the stock, every rule and cost."""
    scores: pd.DataFrame
    """One row a metric, a column a model, the run's own first; accounts are those of
    the declared rule at the headline cost."""
    n_looks: int
    """Distinct runs whose score on this year was seen, this one too."""

    def plot(self) -> Html:
        """Show the year's forecasts, and below what they gained on persistence."""
        figure = draw_run(self.forecasts, ticker=self.ticker, model=self.name)
        return picture(
            figure,
            alt=f"{self.ticker} in {self.year}: printed price and the forecast of "
            f"{self.name}; below, squared errors saved against persistence so far.",
        )

    def plot_training(self) -> Html:
        """Show the loss by epoch, in training and validation."""
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
            f"parameters, epoch {self.model.best_epoch} of {self.model.epochs} kept; "
            f"look number {self.n_looks} at that year"
        )
        models = self.scores.loc[SHOWN].T
        models.insert(0, "model", [NAMES.get(name, name) for name in models.index])
        return show_table(models, caption=caption).html


def run_network(
    workspace: Workspace, wanted: Wanted, *, progress: Progress | None = None
) -> Run:
    """Fit, forecast, score and write down what was seen.

    Parameters
    ----------
    workspace : Workspace
        With the run's own settings.
    wanted : Wanted
        Of a year before the test year.

    Raises
    ------
    ArtefactError
        If the network could not be fitted.
    DataError
        If the stock has too little history.
    """
    fold = make_folds(wanted.year + 1, 1)[0]
    # Nothing after the year is there to be seen.
    panel = read_sealed_panel(workspace, before=wanted.year + 1)
    split = split_stock(workspace, with_returns(panel), wanted.ticker, fold)
    network = wanted.network or describe_v2(workspace.study.v2)
    job = _job(workspace, wanted, split, network)
    folder = _folder(workspace, job)
    model = _fit(workspace, job, folder / "model", progress or show_progress())
    forecasts = _forecasts(workspace, job, model.folder, split, fold)
    returns = strategy_returns(forecasts, panel, backtest=workspace.study.backtest)
    score_rows = _scores(workspace, forecasts, returns, panel, wanted.ticker)
    n_looks = record_look(
        workspace,
        returns,
        ticker=job.ticker,
        year=job.year,
        model=network.name,
        version=job.version,
        settings=wanted.settings,
        counted=wanted.counted,
    )
    run = Run(
        ticker=job.ticker,
        year=job.year,
        name=network.name,
        settings=wanted.settings,
        model=model,
        n_parameters=read_metadata(model.folder)["n_parameters"],
        history=read_history(model.folder),
        forecasts=realised(forecasts, panel),
        score_rows=score_rows,
        scores=_side_by_side(workspace, score_rows, network.name),
        n_looks=n_looks,
    )
    write_record(folder, _about(run), forecasts=forecasts, scores=score_rows)
    return run


def _job(
    workspace: Workspace, wanted: Wanted, split: FoldSplit, network: Architecture
) -> SampleJob:
    """Describe the fit; with the study's own settings it gives the study's weights."""
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
        ticker=wanted.ticker,
        year=wanted.year,
        seed=study.seed,
        network=network,
        training=study.training,
        train=scale_windows(scaler, split.train),
        validation=scale_windows(scaler, split.validation),
        version=artefact_version(
            read_facts(workspace).digest,
            depends_on,
            study.seed,
            ticker=wanted.ticker,
            year=wanted.year,
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
    (model,) = train(
        [job], study=workspace.study, folder_of=lambda _: folder, progress=progress
    )
    if model.failure:
        raise ArtefactError(model.failure)
    return model


def _forecasts(
    workspace: Workspace, job: SampleJob, folder: Path, split: FoldSplit, fold: Fold
) -> pd.DataFrame:
    """Forecast the year with the run's network, the baselines and v1 if it is there."""
    # TensorFlow starts here, so that a laboratory opens without it.
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
    original = bundle_folder(workspace, ALL_STOCKS, fold.year)
    if (original / "metadata.json").is_file():
        v1 = load_bundle(original)
        alike = [v1.metadata[name] for name in ("lookback", "horizon")]
        if alike == [split.forecast.lookback, bundle.metadata["horizon"]]:
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
    """Return what the table of all runs says of one."""
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
