"""List every number that a study has published, as it was written to disk.

The list comes from the files themselves: every numeric column of a table, every number
in a text, every leaf of a JSON document. So a new column or key is in it by itself.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

NUMBER = re.compile(
    r"(?<![\w.])[-+\N{MINUS SIGN}]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]\d+)?(?!\w)"
)
"""A number in a sentence; digits inside a name, such as v2, are none."""
DECISIONS = {
    **{"False": 0, "True": 1, "no": 0, "undecided": 1, "yes": 2},
    **{"not yet": 3, "not measured": 4},
}
"""Decisions that are published like numbers. Python's own False and True are some."""
SPLIT = {
    "scores.parquet": ("metric",),
    "evidence.parquet": ("test",),
    "claims.parquet": ("statistic",),
    "order_savings.parquet": ("part",),
    "order_timing.parquet": ("signal",),
}
"""Columns that tell kinds of numbers apart within one column of a long table."""
KEYS = {
    "scores.parquet": ("ticker", "model", "fold", "rule", "metric", "cost_bps"),
    "evidence.parquet": ("test", "model", "against", "ticker"),
    "coverage.parquet": ("model", "ticker", "quarter"),
    "distribution_quantiles.parquet": ("ticker", "model", "fold", "origin", "horizon"),
    "distribution_scores.parquet": ("ticker", "model", "fold", "horizon", "metric"),
    "distribution_coverage.parquet": ("model", "ticker", "quarter"),
    "forecast_faults.parquet": ("ticker", "model", "fold"),
    "capacity.parquet": ("fold", "capital_kes"),
    "portfolio_scores.parquet": ("model", "rule", "cost_bps", "metric"),
    "portfolio_capacity.parquet": ("model", "rule", "capital_kes"),
    "order_savings.parquet": ("signal", "against", "wait", "side", "part"),
    "order_timing.parquet": ("signal", "wait", "side", "session"),
    "rank_ic.parquet": ("model", "seed", "fold", "delay", "horizon", "origin"),
    "report_card.csv": ("target",),
    "claims.parquet": ("claim", "span", "label", "model", "against", "statistic"),
}
"""Columns that name a row, whose own numbers are no results."""


class Printed(NamedTuple):
    """One published number; NaN where a table shows that there is none."""

    kind: str
    """File, column and what tells it apart: "scores.parquet value of mae"."""
    place: tuple[Any, ...]
    """File, key of the row and column, or the path in the document."""
    value: float
    unit: float
    """Of the last printed digit; 0 where the number is stored whole."""


def published_numbers(
    folder: Path, *, without: tuple[str, ...] = ()
) -> Iterator[Printed]:
    """Yield every number of a folder's tables and documents.

    Parameters
    ----------
    folder : Path
        Such as ``Paths.evaluation``. Its subfolders are left out.
    without : tuple of str
        Names of files that are left out.
    """
    for path in sorted(folder.iterdir()):
        if path.name in without:
            continue
        if path.suffix == ".parquet":
            yield from table_numbers(path.name, pd.read_parquet(path))
        elif path.suffix == ".csv":
            table = pd.read_csv(path, keep_default_na=False, dtype=str)
            yield from table_numbers(path.name, table)
        elif path.suffix == ".json":
            document = json.loads(path.read_text(encoding="utf-8"))
            for where, leaf in _leaves(document):
                name = ".".join("[]" if isinstance(k, int) else k for k in where)
                yield from _numbers(f"{path.name} {name}", (path.name, *where), leaf)


def table_numbers(name: str, table: pd.DataFrame) -> Iterator[Printed]:
    """Yield every number of a table but those of its key.

    Parameters
    ----------
    name : str
        Of the file.
    table : DataFrame
    """
    key = [column for column in KEYS.get(name, ()) if column in table]
    apart = SPLIT.get(name, ())
    rows = table.assign(row=range(len(table)))
    named = (
        rows[key].itertuples(index=False)
        if key
        else rows[["row"]].itertuples(index=False)
    )
    keys = [tuple(map(_plain, each)) for each in named]
    kinds = (
        [
            " of " + ", ".join(map(str, each))
            for each in rows[list(apart)].itertuples(index=False)
        ]
        if apart
        else [""] * len(rows)
    )
    for column in table.columns:
        if column in key:
            continue
        for where, kind, value in zip(keys, kinds, table[column].tolist(), strict=True):
            yield from _numbers(f"{name} {column}{kind}", (name, *where, column), value)


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.date()
    return value.item() if hasattr(value, "item") else value


def _leaves(
    value: Any, where: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield path and value of every leaf of a document."""
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        yield where, value
        return
    for key, each in items:
        yield from _leaves(each, (*where, key))


def _numbers(kind: str, place: tuple[Any, ...], value: Any) -> Iterator[Printed]:
    """Yield a stored number, or the numbers of a text in their order."""
    if isinstance(value, pd.Timestamp):
        return
    if value in DECISIONS:
        yield Printed(kind, place, float(DECISIONS[value]), 0.0)
        return
    if value is None or isinstance(value, int | float):
        number = math.nan if value is None else float(value)
        yield Printed(kind, place, number, 0.0)
        return
    for order, found in enumerate(NUMBER.finditer(str(value))):
        text = found.group().replace("\N{MINUS SIGN}", "-").replace(",", "")
        digits, _, power = text.partition("e")
        decimals = len(digits.partition(".")[2]) - int(power or 0)
        yield Printed(
            f"{kind}, in words", (*place, order), float(text), 10.0**-decimals
        )
