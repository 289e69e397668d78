"""Forecast store: an append-only database of every live forecast.

SQLite by default, in a file; any database of SQLAlchemy by its URL. A row holds a
forecast with its model, stage and data. Scoring joins the realised return. Equal rows
may be appended again; other values under the same key never.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pandera.pandas as pa
import sqlalchemy as sa

from nse_lstm.deployment.databases import (
    database_name,
    first_line,
    make_engine,
    readable_errors,
    write_transaction,
)
from nse_lstm.errors import ArtefactError
from nse_lstm.tables import STORED_FORECASTS, check
from nse_lstm.tables.columns import NUMBER, TEXT, TIME, WHOLE

TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    NUMBER: sa.Double(),
    TEXT: sa.Text(),
    TIME: sa.Date(),
    WHOLE: sa.Integer(),
}


def _kind(column: pa.Column) -> str:
    """Return a column's kind by our names; the schema's names differ by version."""
    dtype = str(column.dtype)
    if dtype.startswith("datetime64"):
        return TIME
    return dtype if dtype in TYPES else TEXT


KEY: list[str] = (STORED_FORECASTS.metadata or {})["key"]
KINDS = {name: _kind(column) for name, column in STORED_FORECASTS.columns.items()}
PROVENANCE = ("data_digest", "flags")
"""Columns that say what a forecast was made from. They may differ where it is equal:
a row of another stock that arrives late changes the digest of the whole market."""
VALUES = tuple(name for name in KINDS if name not in (*KEY, *PROVENANCE))
"""Columns that are the forecast itself."""
DIFFERENCES = [*KEY, "what", "stored", "now"]
ATTEMPTS = 100
"""Appends before a refusal is the database's own rule, not another writer's row."""


def stored_columns() -> list[sa.Column[Any]]:
    """Return the columns of a stored forecast, new ones for each table."""
    return [
        sa.Column(
            name,
            TYPES[kind],
            primary_key=name in KEY,
            nullable=STORED_FORECASTS.columns[name].nullable,
        )
        for name, kind in KINDS.items()
    ]


TABLE = sa.Table(
    "forecasts",
    sa.MetaData(),
    *stored_columns(),
)
sa.Index("forecasts_by_origin", TABLE.c.origin)


def open_store(url: str) -> sa.Engine:
    """Open a store and create its table if it is missing.

    Parameters
    ----------
    url : str
        From ``store_url``. A SQLite file's folder is created; readers do not wait for
        a writer (WAL).

    Raises
    ------
    ConfigurationError
        If the URL is invalid, or its driver is not installed.
    ArtefactError
        If the database cannot be reached, or its table ``forecasts`` has other columns.
        No message shows a password.
    """
    store = make_engine(url)
    try:
        with readable_errors(store):
            _create(store)
            there = sa.inspect(store).get_columns(TABLE.name)
        columns = [column["name"] for column in there]
        if columns != TABLE.columns.keys():
            raise ArtefactError(
                f"Expected a forecast store in {database_name(store.url)}. Received: a "
                f"table {TABLE.name!r} with the columns {columns}"
            )
    except BaseException:
        store.dispose()
        raise
    return store


def append_forecasts(store: sa.Engine, rows: pd.DataFrame) -> int:
    """Append forecasts in one transaction: all of them or none.

    A row whose values are stored already is nothing new, whatever its provenance.

    Parameters
    ----------
    store : Engine
        From ``open_store``.
    rows : DataFrame
        ``STORED_FORECASTS``. Missing numbers stay missing; minus zero becomes zero,
        because SQLite does not store it.

    Returns
    -------
    int
        Rows that were new.

    Raises
    ------
    TableError
        If the rows break their schema.
    ArtefactError
        If the store holds other values under a row's key, naming both, or if the
        database refuses to write.
    """
    n_new, differences = _append_all(store, rows, may_differ=False)
    if len(differences):
        row = differences.iloc[0]
        raise ArtefactError(
            f"Expected {row['what']}={row['stored']} again for {_key_words(row)}: a "
            f"stored forecast is never rewritten. Received: {row['now']} "
            f"({database_name(store.url)})"
        )
    return n_new


def append_new_forecasts(
    store: sa.Engine, rows: pd.DataFrame
) -> tuple[int, pd.DataFrame]:
    """Append the forecasts that a store lacks, and compare the others with it.

    Parameters
    ----------
    store : Engine
        From ``open_store``.
    rows : DataFrame
        As for ``append_forecasts``.

    Returns
    -------
    n_new : int
        Rows that were new.
    differences : DataFrame
        One row per value that the store holds otherwise: the key, ``what`` (a column),
        ``stored`` and ``now``. The stored value stays.

    Raises
    ------
    TableError
        If the rows break their schema.
    """
    return _append_all(store, rows, may_differ=True)


def read_forecasts(
    store: sa.Engine,
    *,
    tickers: Sequence[str] | None = None,
    since: pd.Timestamp | None = None,
    until: pd.Timestamp | None = None,
    stage: str | None = None,
) -> pd.DataFrame:
    """Read forecasts by stock, span of origins and stage; by default all of them.

    Parameters
    ----------
    store : Engine
        From ``open_store``.
    tickers : sequence of str, optional
        Stocks.
    since, until : Timestamp, optional
        First and last origin.
    stage : str, optional
        The model's stage at the forecast.

    Returns
    -------
    DataFrame
        ``STORED_FORECASTS`` by key.
    """
    with readable_errors(store), store.connect() as connection:
        return _read(connection, tickers, since, until, stage)


def count_forecasts(store: sa.Engine) -> int:
    """Return the number of forecasts, as a cheap test for new ones.

    Parameters
    ----------
    store : Engine
        From ``open_store``.
    """
    with readable_errors(store), store.connect() as connection:
        query = sa.select(sa.func.count()).select_from(TABLE)
        return int(connection.execute(query).scalar_one())


def _create(store: sa.Engine) -> None:
    try:
        with write_transaction(store) as connection:
            TABLE.metadata.create_all(connection)
    except sa.exc.DBAPIError:
        # Another process may have created it in the meantime.
        if not sa.inspect(store).has_table(TABLE.name):
            raise


def _append_all(
    store: sa.Engine, rows: pd.DataFrame, *, may_differ: bool
) -> tuple[int, pd.DataFrame]:
    given = check(rows, STORED_FORECASTS)
    numbers = [name for name, kind in KINDS.items() if kind == NUMBER]
    given[numbers] += 0.0
    if given.empty:
        return 0, pd.DataFrame(columns=DIFFERENCES)
    for _ in range(ATTEMPTS):
        try:
            return _append(store, given, may_differ)
        except sa.exc.IntegrityError as error:
            # Another writer inserted between our read and our insert: read again.
            refused = first_line(store.url, error.orig)
    raise ArtefactError(
        f"Expected {database_name(store.url)} to take {len(given)} forecasts. "
        f"Received: {refused}"
    )


def _append(
    store: sa.Engine, given: pd.DataFrame, may_differ: bool
) -> tuple[int, pd.DataFrame]:
    tickers, origins = given["ticker"].unique().tolist(), given["origin"]
    with readable_errors(store), write_transaction(store) as connection:
        there = _read(connection, tickers, origins.min(), origins.max(), None)
        new, differences = _compare(given, there)
        if len(differences) and not may_differ:
            return 0, differences
        if len(new):
            connection.execute(sa.insert(TABLE), to_records(new))
    return len(new), differences


def _compare(
    given: pd.DataFrame, there: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the new rows, and the values in which stored ones differ."""
    paired = given.merge(there, on=KEY, how="left", suffixes=("", "_old"))
    is_new = paired["flags_old"].isna().to_numpy()
    return given[is_new], _differences(paired[~is_new])


def find_differences(given: pd.DataFrame, there: pd.DataFrame) -> pd.DataFrame:
    """Return the values in which forecasts differ from those under the same key.

    Parameters
    ----------
    given, there : DataFrame
        ``STORED_FORECASTS``. Keys of one alone are left out.

    Returns
    -------
    DataFrame
        The key, ``what`` (a column), ``stored`` and ``now``.
    """
    return _differences(given.merge(there, on=KEY, suffixes=("", "_old")))


def _differences(known: pd.DataFrame) -> pd.DataFrame:
    if known.empty:
        return pd.DataFrame(columns=DIFFERENCES)
    found = []
    for name in VALUES:
        old, now = known[f"{name}_old"], known[name]
        differs = ~((old == now) | (old.isna() & now.isna()))
        values = {"what": name, "stored": old[differs], "now": now[differs]}
        found.append(known.loc[differs, KEY].assign(**values).astype(object))
    return pd.concat(found, ignore_index=True)[DIFFERENCES]


def _read(
    connection: sa.Connection,
    tickers: Sequence[str] | None,
    since: pd.Timestamp | None,
    until: pd.Timestamp | None,
    stage: str | None,
) -> pd.DataFrame:
    query = sa.select(TABLE)
    if tickers is not None:
        query = query.where(TABLE.c.ticker.in_(list(tickers)))
    if since is not None:
        query = query.where(TABLE.c.origin >= since.date())
    if until is not None:
        query = query.where(TABLE.c.origin <= until.date())
    if stage is not None:
        query = query.where(TABLE.c.stage == stage)
    rows = connection.execute(query).all()
    table = pd.DataFrame(rows, columns=list(KINDS)).astype(KINDS)
    # Sorted here because databases sort text by different rules.
    return check(table.sort_values(KEY, ignore_index=True), STORED_FORECASTS)


def to_records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as the database takes them: dates, and None for missing values.

    Parameters
    ----------
    rows : DataFrame
        Its columns in ``KINDS`` have their types.
    """
    plain = rows.astype(object).where(rows.notna().to_numpy(), None)
    for name in (name for name, kind in KINDS.items() if kind == TIME):
        plain[name] = rows[name].dt.date
    return [
        {str(name): value for name, value in row.items()}
        for row in plain.to_dict(orient="records")
    ]


def _key_words(row: pd.Series) -> str:
    return ", ".join(
        f"{name} {row[name]:%Y-%m-%d}" if name == "origin" else f"{name} {row[name]}"
        for name in KEY
    )
