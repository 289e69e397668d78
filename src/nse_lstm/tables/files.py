"""Reading, writing and checking of tables. Writes are atomic."""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa
from pandera.engines.pandas_engine import Engine

from nse_lstm.errors import ArtefactError, TableError
from nse_lstm.paths import write_aside
from nse_lstm.tables.columns import NUMBER, TEXT, TIME


def check(table: pd.DataFrame, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Check a table against its schema and return it.

    Parameters
    ----------
    table : DataFrame
    schema : DataFrameSchema
        Built by ``columns.table_schema``.

    Raises
    ------
    TableError
        With the table, the columns and up to five offending rows.
    """
    table = table.reset_index(drop=True)
    if _keeps(table, schema):
        return table
    try:
        return schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases[["column", "check", "failure_case", "index"]]
        raise TableError(
            f"The {schema.name} table breaks its schema in {len(cases)} values, "
            f"the first of them:\n{cases.head(5).to_string(index=False)}"
        ) from None


def conform(table: pd.DataFrame, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Select, order and cast a table's columns as its schema has them, and check it.

    Parameters
    ----------
    table : DataFrame
        It holds every column of the schema. Its other columns are dropped.
    schema : DataFrameSchema
        Built by ``columns.table_schema``.

    Raises
    ------
    TableError
        If the values break the schema.
    """
    types = _dtypes(schema)
    return check(table[list(types)].astype(types), schema)


def empty_table(schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Return a table of a schema without rows."""
    return conform(pd.DataFrame(columns=list(schema.columns)), schema)


def _dtypes(schema: pa.DataFrameSchema) -> dict[str, str]:
    return {name: str(column.dtype) for name, column in schema.columns.items()}


def _keeps(table: pd.DataFrame, schema: pa.DataFrameSchema) -> bool:
    """Return whether a table passes all checks of its schema.

    It is far faster than the schema's own validation, which describes the failures.
    """
    return (
        list(table.columns) == list(schema.columns)
        and all(_keeps_column(table[n], column) for n, column in schema.columns.items())
        and not table.duplicated(schema.unique).any()
    )


def _keeps_column(values: pd.Series, column: pa.Column) -> bool:
    return bool(
        # The values of an object column would have to be checked one by one.
        values.dtype != object
        and column.dtype.check(Engine.dtype(values.dtype))
        and (column.nullable or not values.hasnans)
        and all(check(values).check_passed for check in column.checks)
    )


def write_table(table: pd.DataFrame, schema: pa.DataFrameSchema, path: Path) -> None:
    """Check a table, sort it by its key and write it as parquet or CSV.

    Parameters
    ----------
    table : DataFrame
    schema : DataFrameSchema
    path : Path
        The suffix decides the format.
    """
    key = (schema.metadata or {})["key"]
    ordered = check(table, schema).sort_values(key, ignore_index=True)
    if path.suffix == ".csv":
        write_csv(ordered, path)
        return
    with write_aside(path) as aside:
        ordered.to_parquet(aside, index=False)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table without a schema as CSV, whole or not at all.

    Parameters
    ----------
    table : DataFrame
        The index is not written.
    path : Path
    """
    with write_aside(path) as aside:
        table.to_csv(aside, index=False, lineterminator="\n")


def read_table(schema: pa.DataFrameSchema, path: Path) -> pd.DataFrame:
    """Read a table from parquet or CSV and check it.

    Parameters
    ----------
    schema : DataFrameSchema
    path : Path
        Written by ``write_table``.

    Raises
    ------
    ArtefactError
        If the file is missing or unreadable.
    TableError
        If its content breaks the schema.
    """
    try:
        table = (
            _read_csv(schema, path) if path.suffix == ".csv" else pd.read_parquet(path)
        )
    except FileNotFoundError:
        raise ArtefactError(
            f"No {schema.name} table at {path}: run the phase that makes it first"
        ) from None
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{path} is not a readable table: {error}") from None
    return check(table, schema)


def _read_csv(schema: pa.DataFrameSchema, path: Path) -> pd.DataFrame:
    """Read a CSV table; empty cells and texts such as NA stay texts."""
    types = {
        name: TEXT if dtype.startswith("string") else dtype
        for name, dtype in _dtypes(schema).items()
    }
    times = [name for name, dtype in types.items() if dtype.startswith("datetime")]
    try:
        table = pd.read_csv(
            path,
            dtype={name: kind for name, kind in types.items() if name not in times},
            keep_default_na=False,
            na_values={name: [""] for name, kind in types.items() if kind == NUMBER},
        )
        days = {name: pd.to_datetime(table[name], format="ISO8601") for name in times}
    except (KeyError, ValueError) as error:
        raise TableError(
            f"Expected the columns {list(types)} in {path}. Received: {error}"
        ) from None
    return table.assign(**days).astype(dict.fromkeys(times, TIME))
