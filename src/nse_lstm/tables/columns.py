"""Column types and checks that the schemas are built of."""

import pandera.pandas as pa


def column(dtype: str, *checks: pa.Check, nullable: bool = False) -> pa.Column:
    """Describe a column of a schema.

    Parameters
    ----------
    dtype : str
    *checks : Check
        Conditions on every value.
    nullable : bool
        Whether values may be missing.
    """
    return pa.Column(dtype, list(checks), nullable=nullable)


def table_schema(
    name: str, key: list[str], columns: dict[str, pa.Column]
) -> pa.DataFrameSchema:
    """Describe a table by its key and its columns.

    Parameters
    ----------
    name : str
        Shown in errors.
    key : list of str
        Columns that identify a row.
    columns : dict
        All columns, in order.
    """
    return pa.DataFrameSchema(
        columns, unique=key, strict=True, ordered=True, name=name, metadata={"key": key}
    )


def within(low: float, high: float) -> pa.Column:
    """Describe a nullable number between two bounds.

    Parameters
    ----------
    low, high : float
        Both allowed.
    """
    return column(NUMBER, pa.Check.in_range(low, high), nullable=True)


TEXT = "str"
TIME = "datetime64[us]"
NUMBER = "float64"
WHOLE = "int64"
FLAG = "bool"

SHARE = pa.Check.in_range(0, 1)
