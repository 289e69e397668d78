"""A store as one file, and back: into the same database, an empty one, another kind."""

from pathlib import Path

import sqlalchemy as sa

from nse_lstm.deployment.store import append_forecasts, read_forecasts
from nse_lstm.tables import STORED_FORECASTS, read_table, write_table


def backup_store(store: sa.Engine, path: Path) -> int:
    """Write every forecast to a parquet file, while others may write to the store.

    Returns
    -------
    int
        Rows written. The file is whole or not there, and equal stores give equal bytes.
    """
    rows = read_forecasts(store)
    write_table(rows, STORED_FORECASTS, path)
    return len(rows)


def restore_store(store: sa.Engine, path: Path) -> int:
    """Append to a store what it lacks of a backup; nothing in it is rewritten.

    Returns
    -------
    int
        Rows that were not there yet.

    Raises
    ------
    ArtefactError
        If there is no readable backup, or the store holds other values under a key.
    TableError
        If the file is no backup of a store.
    """
    return append_forecasts(store, read_table(STORED_FORECASTS, path))
