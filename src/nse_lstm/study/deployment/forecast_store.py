"""A study's forecast store: opened and closed, backed up, joined to its targets."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from nse_lstm.deployment.backups import backup_store, restore_store
from nse_lstm.deployment.databases import store_url
from nse_lstm.deployment.store import open_store
from nse_lstm.study.core.workspace import Workspace


@contextmanager
def opened_store(workspace: Workspace, store: str = "") -> Iterator[sa.Engine]:
    """Open a study's forecast store and close it again.

    Parameters
    ----------
    workspace : Workspace
        The study.
    store : str
        URL of another store, see ``databases.store_url``.
    """
    engine = open_store(store_url(workspace.paths, store))
    try:
        yield engine
    finally:
        engine.dispose()


def backup(workspace: Workspace, path: Path, *, store: str = "") -> int:
    """Write every stored forecast to a file, see ``backup_store``.

    Parameters
    ----------
    workspace : Workspace
    path : Path
        Of the backup.
    store : str
        URL of another store, see ``databases.store_url``.
    """
    with opened_store(workspace, store) as engine:
        return backup_store(engine, path)


def restore(workspace: Workspace, path: Path, *, store: str = "") -> int:
    """Append to the store the rows of a backup that it lacks, see ``restore_store``.

    Parameters
    ----------
    workspace : Workspace
    path : Path
        Of the backup.
    store : str
        URL of another store, see ``databases.store_url``.
    """
    with opened_store(workspace, store) as engine:
        return restore_store(engine, path)


def with_realised_targets(
    stored: pd.DataFrame, sessions: pd.DatetimeIndex
) -> pd.DataFrame:
    """Return the stored forecasts with realised targets, dated by the calendar.

    The stored target date is an expected weekday. It gives way to the session of the
    market, and ``entry_date`` is added.

    Parameters
    ----------
    stored : DataFrame
        ``STORED_FORECASTS``.
    sessions : DatetimeIndex
        The market's calendar as far as it is known.
    """
    place = sessions.get_indexer(pd.DatetimeIndex(stored["origin"]))
    entry = place + stored["delay"].to_numpy()
    target = entry + stored["horizon"].to_numpy()
    come = (place >= 0) & (target < len(sessions))
    return (
        stored[come]
        .assign(entry_date=sessions[entry[come]], target_date=sessions[target[come]])
        .reset_index(drop=True)
    )
