"""What every table's schema is built of: column types and checks."""

import pandera.pandas as pa


def column(dtype: str, *checks: pa.Check, nullable: bool = False) -> pa.Column:
    """Describe one column; nothing may be missing unless it says so."""
    return pa.Column(dtype, list(checks), nullable=nullable)


def table_schema(
    name: str, key: list[str], columns: dict[str, pa.Column]
) -> pa.DataFrameSchema:
    """Describe a table: its key names one row, and it has these columns in order."""
    return pa.DataFrameSchema(
        columns, unique=key, strict=True, ordered=True, name=name, metadata={"key": key}
    )


def within(low: float, high: float) -> pa.Column:
    """Describe a number between two bounds, or none."""
    return column(NUMBER, pa.Check.in_range(low, high), nullable=True)


TEXT = "str"
TIME = "datetime64[us]"
NUMBER = "float64"
WHOLE = "int64"
FLAG = "bool"

SHARE = pa.Check.in_range(0, 1)
