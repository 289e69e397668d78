"""Keep a run's forecasts and scores, and list all finished runs as a table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.json_files import read_json, write_json
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import FORECASTS, SCORES, write_table

COLUMNS = [
    *("ticker", "model", "year", "seed", "settings", "epochs", "best_epoch"),
    *("train_loss", "validation_loss", "skill", "version", "folder"),
]


def write_record(
    folder: Path,
    about: dict[str, Any],
    *,
    forecasts: pd.DataFrame,
    scores: pd.DataFrame,
) -> None:
    """Write a run's forecasts, scores and description beside its model.

    Parameters
    ----------
    folder : Path
        The run's own.
    about : dict
        Plain values of the ``COLUMNS``, without the folder.
    forecasts, scores : DataFrame
        ``FORECASTS`` and ``SCORES``.
    """
    write_table(forecasts, FORECASTS, folder / "forecasts.parquet")
    write_table(scores, SCORES, folder / "scores.parquet")
    write_json(folder / "about.json", about)


def read_records(workspace: Workspace) -> pd.DataFrame:
    """Return one row per finished run with the ``COLUMNS``, sorted by folder."""
    rows = [
        {**read_json(folder / "about.json"), "folder": folder.name}
        for folder in record_folders(workspace)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def record_folders(workspace: Workspace) -> Iterator[Path]:
    """Yield the folder of every finished run, sorted by name."""
    for path in sorted(workspace.paths.laboratory.glob("*/about.json")):
        yield path.parent
