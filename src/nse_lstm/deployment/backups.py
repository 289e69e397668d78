"""Backup of a forecast store to one file, and restore into any kind of database."""

from pathlib import Path

import sqlalchemy as sa

from nse_lstm.deployment.corrections import read_corrections, restore_corrections
from nse_lstm.deployment.databases import database_name
from nse_lstm.deployment.store import append_forecasts, read_forecasts
from nse_lstm.errors import ArtefactError
from nse_lstm.tables import CORRECTIONS, STORED_FORECASTS, read_table, write_table


def backup_store(store: sa.Engine, path: Path) -> int:
    """Write every forecast to a parquet file, while others may write to the store.

    Corrections, if there are any, lie beside it in ``<name>.corrections.parquet``.

    Parameters
    ----------
    store : Engine
        From ``open_store``.
    path : Path
        Of the backup; an older file there is replaced.

    Returns
    -------
    int
        Rows written. The file is complete or absent; equal stores give equal bytes.

    Raises
    ------
    ArtefactError
        If the store holds no forecast: probably another store was meant.
    """
    rows = read_forecasts(store)
    if rows.empty:
        raise ArtefactError(
            f"Expected forecasts to back up in {database_name(store.url)}. "
            "Received: none; is it the store that you mean?"
        )
    write_table(rows, STORED_FORECASTS, path)
    corrections = read_corrections(store)
    if len(corrections):
        write_table(corrections, CORRECTIONS, corrections_path(path))
    else:
        corrections_path(path).unlink(missing_ok=True)
    return len(rows)


def restore_store(store: sa.Engine, path: Path) -> int:
    """Append the rows of a backup that a store lacks; no stored row is rewritten.

    Parameters
    ----------
    store : Engine
        From ``open_store``.
    path : Path
        Of the backup.

    Returns
    -------
    int
        Rows that were new.

    Raises
    ------
    ArtefactError
        If the backup is unreadable, or the store holds other values under a key.
    TableError
        If the file is no backup of a forecast store.
    """
    n_new = append_forecasts(store, read_table(STORED_FORECASTS, path))
    beside = corrections_path(path)
    if beside.is_file():
        restore_corrections(store, read_table(CORRECTIONS, beside))
    return n_new


def corrections_path(path: Path) -> Path:
    """Return where a backup's corrections lie, beside its forecasts."""
    return path.with_name(f"{path.stem}.corrections.parquet")
