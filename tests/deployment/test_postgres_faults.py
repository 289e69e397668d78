"""PostgreSQL that refuses, is full or goes away: one line, and nothing half written."""

import pandas as pd
import pytest
import sqlalchemy as sa
from support.stored_rows import make_rows

from nse_lstm.deployment.store import append_forecasts, open_store, read_forecasts
from nse_lstm.errors import ArtefactError

pytestmark = pytest.mark.slow


@pytest.fixture
def server(postgres: str):
    """The server's own connection, which changes what others may do."""
    engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture
def place(server: sa.Engine, numbers) -> sa.URL:
    """A database of a user with a password and no rights beyond it."""
    name = f"refusing_{next(numbers)}"
    run(server, f"CREATE ROLE {name} LOGIN PASSWORD 'sesame'")
    run(server, f"CREATE DATABASE {name} OWNER {name}")
    return server.url.set(database=name, username=name, password="sesame")


def run(engine: sa.Engine, sql: str) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text(sql))
        connection.commit()


def url_of(place: sa.URL) -> str:
    return place.render_as_string(hide_password=False)


def refused(call, *arguments) -> str:
    """Return the one line of an error, which shows no password."""
    with pytest.raises(ArtefactError) as caught:
        call(*arguments)
    said = str(caught.value)
    assert "Received: " in said and "\n" not in said and "sesame" not in said
    return said


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("ALTER DATABASE {name} CONNECTION LIMIT 0", "too many connections"),
        ("ALTER DATABASE {name} ALLOW_CONNECTIONS false", "not currently accepting"),
        ("ALTER ROLE {name} NOLOGIN", "not permitted to log in"),
        ("DROP DATABASE {name}", "does not exist"),
        ("ALTER ROLE {name} SET default_transaction_read_only = on", "read-only"),
        ("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {name}", "permission denied"),
    ],
)
def test_a_server_that_refuses_is_one_line(server, place, sql, told):
    if sql.startswith("REVOKE"):
        run(server, f"ALTER DATABASE {place.database} OWNER TO postgres")
        own = sa.create_engine(server.url.set(database=place.database))
        run(own, sql.format(name=place.database))
        own.dispose()
    else:
        run(server, sql.format(name=place.database))
    assert told in refused(open_store, url_of(place))


# Both are what the server itself raises, by their codes: a full disk, and a full shared
# memory.
@pytest.mark.parametrize("code", ["53100", "53200"])
def test_a_full_server_writes_nothing_and_goes_on_once_there_is_room(place, code):
    store = open_store(url_of(place))
    append_forecasts(store, make_rows(1))
    run(
        store,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.ticker = 'BBB' THEN RAISE EXCEPTION 'could not extend file: No space "
        f"left on device' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$",
    )
    run(
        store,
        "CREATE TRIGGER full_disk BEFORE INSERT ON forecasts FOR EACH ROW "
        "EXECUTE FUNCTION full_disk()",
    )
    said = refused(append_forecasts, store, make_rows(3))
    assert "No space left on device" in said
    pd.testing.assert_frame_equal(read_forecasts(store), make_rows(1))
    run(store, "DROP TRIGGER full_disk ON forecasts")
    assert append_forecasts(store, make_rows(3)) == 4
    store.dispose()


def test_a_connection_that_the_server_ends_is_one_line_and_the_next_call_works(
    server, place
):
    store = open_store(url_of(place))
    append_forecasts(store, make_rows(1))
    run(
        server,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{place.database}'",
    )
    refused(read_forecasts, store)
    assert len(read_forecasts(store)) == 2
    store.dispose()
