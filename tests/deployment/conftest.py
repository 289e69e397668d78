"""Stores to test on: SQLite always, PostgreSQL where it is installed."""

import itertools
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from support.postgres import running_cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with running_cluster() as url:
        yield url


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)],
)
def store_url(request, tmp_path) -> str:
    """A database that nothing was written to yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'forecasts.sqlite'}"
    first = sa.make_url(request.getfixturevalue("postgres"))
    name = f"store_{next(request.getfixturevalue('numbers'))}"
    server = sa.create_engine(first, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    server.dispose()
    return first.set(database=name).render_as_string(hide_password=False)
