"""Forecasts of each fold in a folder with their version, made again when it changes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.features.folds import Fold
from nse_lstm.json_files import read_json, write_json
from nse_lstm.tables import FORECASTS, read_table, write_table

FILE, ABOUT = "forecasts.parquet", "metadata.json"

Made = Iterable[tuple[Fold, pd.DataFrame, Mapping[str, Any]]]
"""Each fold with its ``FORECASTS`` and more values for its metadata."""


def read_or_make(
    folds: Sequence[Fold],
    *,
    folder_of: Callable[[Fold], Path],
    about: Callable[[Fold], Mapping[str, Any]],
    make: Callable[[list[Fold]], Made],
) -> pd.DataFrame:
    """Return every fold's forecasts, from its folder where that is of today's version.

    Parameters
    ----------
    folds : sequence of Fold
    folder_of : callable
        Returns the folder of a fold.
    about : callable
        Returns plain values, the version among them, that a fold's metadata must hold.
    make : callable
        Makes the forecasts of the folds that have none of today's version.

    Returns
    -------
    DataFrame
        ``FORECASTS``, fold by fold.
    """
    waiting = [fold for fold in folds if not _is_current(folder_of(fold), about(fold))]
    if waiting:
        for fold, table, more in make(waiting):
            folder = folder_of(fold)
            write_table(table, FORECASTS, folder / FILE)
            write_json(folder / ABOUT, {**about(fold), **more})
    tables = [read_table(FORECASTS, folder_of(fold) / FILE) for fold in folds]
    return pd.concat(tables, ignore_index=True)


def _is_current(folder: Path, about: Mapping[str, Any]) -> bool:
    """Say whether a folder was written whole, last of all its metadata."""
    try:
        written = dict(read_json(folder / ABOUT))
    except (ArtefactError, TypeError, ValueError):
        return False
    return about.items() <= written.items() and (folder / FILE).is_file()
