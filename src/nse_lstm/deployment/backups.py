"""Backup of a forecast store to one file, and restore into any kind of database."""

from pathlib import Path

import sqlalchemy as sa

from nse_lstm.deployment.databases import database_name
from nse_lstm.deployment.store import append_forecasts, read_forecasts
from nse_lstm.errors import ArtefactError
from nse_lstm.tables import STORED_FORECASTS, read_table, write_table


def backup_store(store: sa.Engine, path: Path) -> int:
    """Write every forecast to a parquet file, while others may write to the store.

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
    return append_forecasts(store, read_table(STORED_FORECASTS, path))
