"""A study's forecast store, opened for a verb and closed again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from nse_lstm.deployment.backups import backup_store, restore_store
from nse_lstm.deployment.databases import store_url
from nse_lstm.deployment.store import open_store
from nse_lstm.study.core.workspace import Workspace


@contextmanager
def opened_store(workspace: Workspace, store: str = "") -> Iterator[sa.Engine]:
    """Open the store that is meant, see ``databases.store_url``, and close it."""
    engine = open_store(store_url(workspace.paths, store))
    try:
        yield engine
    finally:
        engine.dispose()


def backup(workspace: Workspace, path: Path, *, store: str = "") -> int:
    """Write every stored forecast to a file, see ``backup_store``."""
    with opened_store(workspace, store) as engine:
        return backup_store(engine, path)


def restore(workspace: Workspace, path: Path, *, store: str = "") -> int:
    """Append to the store what it lacks of a backup, see ``restore_store``."""
    with opened_store(workspace, store) as engine:
        return restore_store(engine, path)
