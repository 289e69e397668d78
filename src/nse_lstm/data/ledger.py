"""What became of every row: counts by file, and the rows a person may want to see.

Each line of a price file has one fate: kept, mended or dropped, with one reason.
Nothing is dropped or changed without a line here.
"""

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameSchema

from nse_lstm import tables
from nse_lstm.data import flags

__all__ = [
    "EX_JUMP",
    "JUMP",
    "WEEKEND",
    "add_oddities",
    "fates",
    "file_ledger",
    "in_schema",
    "panel_fates",
    "repairs",
    "repeat_fates",
]

KEPT = "as printed"
AFTER = "after the as-of date"
BLANK = "blank row"
DUPLICATE = "same prices and volume as an earlier row of the code and session"
OFF_CALENDAR = "index row outside the market's calendar"
REDATED = "date of another year, re-dated to fit its place in the file"
STALE_MENDED = "stale copy, price taken from the next session's previous"
STALE_KEPT = "stale copy, printed price kept"
NO_PRICE = "no price"
NO_RANGE = "no day range"
OUTSIDE = "price outside its day range"
JUMP = "jump beyond the limit without a corporate action"
EX_JUMP = "ex-date move that the factor does not explain"
WEEKEND = "session on a weekend"
CHANGE = "printed change is not price minus previous"

SATURDAY = 5
CENT = 0.0051
"""Half a cent, with room for rounding: two printed figures this close are one."""


def add_oddities(rows: pd.DataFrame) -> pd.DataFrame:
    """Mark what is odd in a row as printed but true to life, so it is kept.

    Adds ``outside`` (price outside its day's range), ``no_range`` (low or high missing)
    and ``odd_change`` (the printed change is not price minus previous): bool.
    """
    return rows.assign(
        outside=(rows["price"] < rows["low"]) | (rows["price"] > rows["high"]),
        no_range=rows["low"].isna() | rows["high"].isna(),
        odd_change=(rows["price"] - rows["previous"] - rows["change"]).abs() > CENT,
    )


def fates(
    rows: pd.DataFrame,
    *,
    action: "str | pd.Categorical[str]",
    reason: "str | pd.Categorical[str]",
    detail: str | list[str] = "",
) -> pd.DataFrame:
    """Say what became of rows; a blank line has neither ticker nor session.

    Returns
    -------
    DataFrame
        ``source_file source_line ticker session action reason detail``.
    """
    if "session" not in rows:
        rows = rows.assign(ticker="", session=np.datetime64("NaT", "us"))
    place = rows[["source_file", "source_line", "ticker", "session"]]
    return place.assign(action=action, reason=reason, detail=detail)


def repeat_fates(rows: pd.DataFrame, repeats: pd.DataFrame) -> pd.DataFrame:
    """Say of each dropped duplicate which row it repeats."""
    is_repeat = repeats["duplicate"].to_numpy()
    first = rows.iloc[repeats["first"].to_numpy()[is_repeat]]
    places = zip(first["source_file"], first["source_line"], strict=True)
    detail = [f"same as {file}, line {line}" for file, line in places]
    return fates(rows[is_repeat], action="dropped", reason=DUPLICATE, detail=detail)


def panel_fates(rows: pd.DataFrame, printed: pd.DataFrame) -> pd.DataFrame:
    """Give each row of the panel its one fate: the first that applies.

    Parameters
    ----------
    rows : DataFrame
        The judged rows, indexed like ``printed``.
    printed : DataFrame
        ``RawFiles.rows``, for the text that a mended row showed.
    """
    rules = {
        REDATED: rows["redated"],
        STALE_MENDED: rows["mended"],
        STALE_KEPT: rows["stale"],
        NO_PRICE: rows["price"].isna(),
        NO_RANGE: rows["no_range"],
        OUTSIDE: rows["outside"],
    }
    code = np.select(list(rules.values()), range(len(rules)), default=len(rules))
    is_mended = (rows["redated"] | rows["mended"]).to_numpy()
    table = fates(
        rows,
        action=_category(is_mended.astype(int), ["kept", "mended"]),
        reason=_category(code, [*rules, KEPT]),
    )
    shown = printed.loc[rows.index[is_mended], ["date", "price"]]
    texts = zip(shown["date"], shown["price"], strict=True)
    table.loc[is_mended, "detail"] = [f"printed {day}, price {p}" for day, p in texts]
    return table


def file_ledger(
    parts: list[pd.DataFrame], price_files: tuple[str, ...]
) -> pd.DataFrame:
    """Count fates by file.

    Parameters
    ----------
    parts : list of DataFrame
        Tables of ``fates``, no row in two of them.
    price_files : tuple of str
        All price files; one without rows has one line with a count of 0.
    """
    key = ["source_file", "action", "reason"]
    counts = [part.groupby(key, observed=True).size().reset_index() for part in parts]
    empty = sorted(set(price_files).difference(*(c["source_file"] for c in counts)))
    none = pd.DataFrame({"source_file": empty, "action": "kept", "reason": KEPT, 0: 0})
    table = pd.concat([*counts, none]).rename(columns={0: "n_rows"})
    return in_schema(
        table.astype({"n_rows": "int64"}).sort_values(key), tables.FILE_LEDGER
    )


def repairs(parts: list[pd.DataFrame], rows: pd.DataFrame) -> pd.DataFrame:
    """List the rows mended and dropped, and those a person should look at.

    Parameters
    ----------
    parts : list of DataFrame
        Tables of ``fates``. Rows after an as-of date are a choice, no repair.
    rows : DataFrame
        The judged rows.
    """
    odd = rows[rows["odd_change"]]
    figures = zip(odd["price"], odd["previous"], odd["change"], strict=True)
    changes = [f"price {p:g}, previous {b:g}, change {c:g}" for p, b, c in figures]
    table = pd.concat(
        [
            *(
                part[(part["action"] != "kept") & (part["reason"] != AFTER)]
                for part in parts
            ),
            *_jump_fates(flags.find_jumps(rows)),
            _weekend_fates(rows),
            fates(odd, action="review", reason=CHANGE, detail=changes),
        ]
    )
    order = ["source_file", "source_line", "action", "reason"]
    return in_schema(table.sort_values(order), tables.REPAIRS)


def in_schema(table: pd.DataFrame, schema: DataFrameSchema) -> pd.DataFrame:
    """Return a table in its schema's order and types, checked.

    What is text in the schema is a category while rows are judged, for speed.
    """
    columns = table[list(schema.columns)].reset_index(drop=True)
    kinds = {name: str(dtype) for name, dtype in columns.dtypes.items()}
    types = dict.fromkeys(
        [name for name, kind in kinds.items() if kind in ("category", "object")],
        tables.TEXT,
    )
    if "session" in kinds:
        types["session"] = tables.TIME
    return tables.check(columns.astype(types), schema)


def _jump_fates(jumps: pd.DataFrame) -> list[pd.DataFrame]:
    parts = {JUMP: jumps[~jumps["on_ex_date"]], EX_JUMP: jumps[jumps["on_ex_date"]]}
    return [
        fates(part, action="review", reason=reason, detail=list(part["detail"]))
        for reason, part in parts.items()
    ]


def _weekend_fates(rows: pd.DataFrame) -> pd.DataFrame:
    """List the first row of each weekend session in each file."""
    weekend = rows[rows["session"].dt.day_of_week >= SATURDAY]
    key = ["source_file", "session"]
    blocks = weekend.groupby(key, observed=True)["source_line"]
    is_first = weekend["source_line"] == blocks.transform("min")
    first, numbers = weekend[is_first], blocks.transform("size")[is_first]
    days = zip(first["session"], numbers, strict=True)
    detail = [f"{session:%Y-%m-%d} ({n} rows)" for session, n in days]
    return fates(first, action="review", reason=WEEKEND, detail=detail)


def _category(codes: np.ndarray, names: list[str]) -> "pd.Categorical[str]":
    return pd.Categorical.from_codes(codes, categories=pd.Index(names))
