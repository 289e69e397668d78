"""Database connections of the forecast store, with error messages without secrets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.paths import Paths

VARIABLE = "NSE_LSTM_STORE"
"""Environment variable that names another store than the market's own file."""
WAIT_MS = 30_000
"""How long one writer of a SQLite file waits for another."""


def store_url(paths: Paths, url: str = "") -> str:
    """Return the store's URL: the one given, else the environment's, else a file.

    Parameters
    ----------
    paths : Paths
        The folder ``store`` holds the default file ``forecasts.sqlite``.
    url : str
        An SQLAlchemy URL, as ``postgresql+psycopg://user@host/database``.
    """
    file = (paths.store / "forecasts.sqlite").resolve()
    return url or os.environ.get(VARIABLE, "") or f"sqlite:///{file.as_posix()}"


def make_engine(url: str) -> sa.Engine:
    """Return an engine for a URL, without connecting.

    Raises
    ------
    ConfigurationError
        If the URL is invalid, or its driver is not installed.
    """
    place = _parse(url)
    try:
        engine = sa.create_engine(place)
    except (sa.exc.ArgumentError, ImportError) as error:
        raise ConfigurationError(
            f"Expected a database whose driver is installed. Received: "
            f"{place.drivername} ({first_line(place, error)})"
        ) from None
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    return engine


@contextmanager
def write_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Begin a transaction that writes; SQLite takes the write lock before it reads."""
    with engine.connect() as connection:
        writer = connection.execution_options(writes=True)
        with writer.begin():
            yield writer


@contextmanager
def readable_errors(engine: sa.Engine) -> Iterator[None]:
    """Turn a database's errors into one ``ArtefactError`` without secrets."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.DBAPIError as error:
        raise ArtefactError(
            f"Expected a forecast store in {database_name(engine.url)}. Received: "
            f"{first_line(engine.url, error.orig)}"
        ) from None


def database_name(url: sa.URL) -> str:
    """Name a database without user, password and query."""
    where = f" at {url.host}" if url.host else ""
    return f"{url.get_backend_name()} {url.database or ''}{where}"


def _parse(url: str) -> sa.URL:
    """Parse a URL; the error for an invalid one does not repeat it."""
    try:
        place = sa.make_url(url)
    except sa.exc.ArgumentError:
        place = None
    if place is None or "@" in (place.host or ""):
        raise ConfigurationError(
            "Expected a database's URL, such as sqlite:///forecasts.sqlite or "
            "postgresql+psycopg://user:password@host/database, @ and / of a password "
            "written as %40 and %2F. Received: an invalid one, not shown because it "
            "may hold a password"
        )
    return place


def _prepare_sqlite(engine: sa.Engine) -> None:
    """Let SQLAlchemy begin transactions, and let readers read during a write."""
    file = engine.url.database
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)

    @sa.event.listens_for(engine, "connect")
    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None
        for setting in (
            f"busy_timeout={WAIT_MS}",
            "journal_mode=WAL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {setting}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def first_line(url: sa.URL, error: BaseException | None) -> str:
    """Return the first line of an error message with every secret masked.

    Parameters
    ----------
    url : URL
        Of the database.
    error : BaseException, optional
    """
    lines = str(error).strip().splitlines() or ["no message"]
    secrets = [url.password, url.query.get("password")]
    for secret in (secret for secret in secrets if isinstance(secret, str) and secret):
        lines[0] = lines[0].replace(secret, "***")
    return lines[0]
