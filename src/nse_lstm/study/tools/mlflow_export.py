"""Export trained models as runs of MLflow, where they can be browsed.

The store is one SQLite file under the build, and the study never reads it. MLflow is
the optional extra `track`.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd

from nse_lstm.errors import ConfigurationError
from nse_lstm.models.bundles import read_history, read_metadata, read_run
from nse_lstm.reporting.figures import draw_training_curves
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import ACCURACY_COST, SCORES, read_table

COLUMNS = ["run", "version", "epochs", "result"]
SHOWN = ["skill", "mase", "directional_accuracy", "mape", "r_squared"]
"""Exported scores of the year that a model forecasts."""


def export_runs(workspace: Workspace) -> pd.DataFrame:
    """Export every trained model that the market's MLflow store lacks.

    The models of the study and of the laboratory are runs of one experiment. Metadata
    are parameters, losses per epoch and scores are metrics, version and fold are tags.
    The training figure is an artefact. A second export adds nothing: version and folder
    identify a run.

    Returns
    -------
    DataFrame
        One row per model, with the ``COLUMNS``.

    Raises
    ------
    ConfigurationError
        If MLflow is not installed.
    ArtefactError
        If a model's files are missing or changed.
    """
    client = _open(workspace)
    experiment = _experiment(client, workspace)
    rows = []
    for folder in _folders(workspace):
        place = folder.relative_to(workspace.paths.root).as_posix()
        about = read_metadata(folder)
        is_new = not _is_there(client, experiment, about["version"], place)
        if is_new:
            _write(client, experiment, folder, place, _scores(workspace, folder, about))
        result = "added" if is_new else "there already"
        rows.append((place, about["version"][:12], about["epochs"], result))
    return pd.DataFrame(rows, columns=COLUMNS)


def store_address(workspace: Workspace) -> str:
    """Return the store's address for MLflow's commands."""
    return f"sqlite:///{(_folder(workspace) / 'runs.sqlite').resolve()}"


def _folder(workspace: Workspace) -> Path:
    return workspace.paths.build / "mlflow"


def _open(workspace: Workspace) -> Any:
    # Usage statistics are switched off.
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    try:
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise ConfigurationError(
            "Expected MLflow, the optional extra `track`. Received: none; install it "
            "with `.venv/uv/bin/uv pip install -p .venv/bin/python -e '.[track]'`"
        ) from None
    _folder(workspace).mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=store_address(workspace))


def _experiment(client: Any, workspace: Workspace) -> str:
    name = f"nse-lstm {workspace.study.market.name}"
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    figures = (_folder(workspace) / "artefacts").resolve()
    return str(client.create_experiment(name, artifact_location=figures.as_uri()))


def _folders(workspace: Workspace) -> Iterator[Path]:
    """Yield every bundle's folder, those of the study before the laboratory's."""
    for root in (workspace.paths.models, workspace.paths.laboratory):
        for path in sorted(root.rglob("model.keras")):
            yield path.parent


def _is_there(client: Any, experiment: str, version: str, place: str) -> bool:
    found = client.search_runs(
        [experiment], f"tags.version = '{version}' and tags.folder = '{place}'"
    )
    return bool(found)


def _write(
    client: Any, experiment: str, folder: Path, place: str, scores: dict[str, float]
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    about, history, run = read_metadata(folder), read_history(folder), read_run(folder)
    started = _milliseconds(run)
    ended = started + int(1000 * run["seconds"])
    name = f"{about['architecture']} {about['ticker']} {about['year']}"
    entry = client.create_run(experiment, start_time=started, run_name=name)
    identity = entry.info.run_id
    metrics = [
        Metric(str(name), value, ended, epoch)
        for name, column in history.set_index("epoch").items()
        for epoch, value in column.dropna().to_dict().items()
    ]
    metrics += [Metric(key, value, ended, 0) for key, value in scores.items()]
    tags = {
        "version": about["version"],
        "fold": about["year"],
        "ticker": about["ticker"],
        "architecture": about["architecture"],
        "folder": place,
    }
    client.log_batch(
        identity,
        metrics=metrics,
        params=[Param(key, str(value)) for key, value in _parameters(about).items()],
        tags=[RunTag(key, str(value)) for key, value in tags.items()],
    )
    figure = draw_training_curves(
        history, best_epoch=about["best_epoch"], model=about["architecture"]
    )
    client.log_figure(identity, figure, "training.png")
    plt.close(figure)
    client.set_terminated(identity, end_time=ended)


def _parameters(about: dict[str, Any]) -> dict[str, Any]:
    """Flatten a bundle's metadata, names of nested values joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in about.items():
        if isinstance(value, dict):
            inner = _parameters(value)
            flat |= {f"{key}.{name}": each for name, each in inner.items()}
        else:
            flat[key] = value
    return flat


def _scores(
    workspace: Workspace, folder: Path, about: dict[str, Any]
) -> dict[str, float]:
    """Return a model's accuracy in its year, empty if it was not scored."""
    own = folder.parent / "scores.parquet"
    path = own if own.is_file() else workspace.paths.evaluation / "scores.parquet"
    if not path.is_file():
        return {}
    rows = read_table(SCORES, path)
    mine = rows[
        (rows["ticker"] == about["ticker"])
        & (rows["model"] == about["architecture"])
        & (rows["fold"] == about["year"])
        & (rows["cost_bps"] == ACCURACY_COST)
        & rows["metric"].isin(SHOWN)
    ].dropna(subset="value")
    return dict(zip(mine["metric"], mine["value"].astype(float), strict=True))


def _milliseconds(run: dict[str, Any]) -> int:
    return int(1000 * datetime.fromisoformat(run["started"]).timestamp())
