"""What became of every row: counts by file, and the rows a person may want to see.

Each line of a price file has one fate: kept, mended or dropped, with one reason.
Nothing is dropped or changed without a line here.
"""

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameSchema

from nse_lstm import tables
from nse_lstm.data import faults, flags

__all__ = [
    "CROSSED",
    "EX_JUMP",
    "JUMP",
    "LOST",
    "REDATED",
    "SLIPPED",
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
REDATED = "date that does not fit its place in the file, re-dated"
SLIPPED = "decimal point slipped, index value put back"
CROSSED = "low above high, day range left out"
STALE_MENDED = "stale copy, price taken from the next session's previous"
STALE_KEPT = "stale copy, printed price kept"
NO_PRICE = "no price"
NO_RANGE = "no day range"
OUTSIDE = "price outside its day range"
JUMP = "jump beyond the limit without a corporate action"
EX_JUMP = "ex-date move that the factor does not explain"
WEEKEND = "session on a weekend"
LOST = "previous is of a session that is not in the files"
CHANGE = "printed change is not price minus previous"

PLACE = ["source_file", "source_line", "ticker", "session"]
MENDED = ("redated", "slipped", "mended", "crossed")
"""Flags of the rows that do not say what was printed."""


def add_oddities(rows: pd.DataFrame) -> pd.DataFrame:
    """Mark what is odd in a row as printed but true to life, so it is kept.

    Adds ``outside`` (price outside its day's range), ``no_range`` (low or high missing)
    and ``odd_change`` (the printed change is not price minus previous): bool.
    """
    low, high, price, previous, change = (
        rows[name].to_numpy() for name in ("low", "high", "price", "previous", "change")
    )
    return rows.assign(
        outside=(price < low) | (price > high),
        no_range=np.isnan(low) | np.isnan(high),
        odd_change=np.abs(price - previous - change) > faults.CENT,
    )


def fates(
    rows: pd.DataFrame,
    *,
    action: str,
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
    place = rows[PLACE]
    texts = {"action": action, "reason": reason, "detail": detail}
    one = np.zeros(len(rows), np.int8)
    # One text for all rows is kept once.
    columns = {
        name: pd.Categorical.from_codes(one, categories=pd.Index([text]))
        if isinstance(text, str)
        else text
        for name, text in texts.items()
    }
    return place.assign(**columns)


def repeat_fates(rows: pd.DataFrame, repeats: pd.DataFrame) -> pd.DataFrame:
    """Say of each dropped duplicate which row it repeats."""
    is_repeat = repeats["duplicate"].to_numpy()
    first = rows.iloc[repeats["first"].to_numpy()[is_repeat]]
    places = zip(first["source_file"], first["source_line"], strict=True)
    detail = [f"same as {file}, line {line}" for file, line in places]
    return fates(rows[is_repeat], action="dropped", reason=DUPLICATE, detail=detail)


def panel_fates(rows: pd.DataFrame, printed: pd.DataFrame) -> list[pd.DataFrame]:
    """Give each row of the panel its one fate: the first that applies.

    Parameters
    ----------
    rows : DataFrame
        The judged rows, indexed like ``printed``.
    printed : DataFrame
        ``RawFiles.rows``, for the text that a mended row showed.

    Returns
    -------
    list of DataFrame
        Tables of ``fates``: the kept rows, and the mended ones.
    """
    rules = {
        REDATED: rows["redated"],
        SLIPPED: rows["slipped"],
        STALE_MENDED: rows["mended"],
        STALE_KEPT: rows["stale"],
        CROSSED: rows["crossed"],
        NO_PRICE: rows["price"].isna(),
        NO_RANGE: rows["no_range"],
        OUTSIDE: rows["outside"],
    }
    code = np.full(len(rows), len(rules), np.int8)
    for place, is_so in reversed(list(enumerate(rules.values()))):
        code[is_so.to_numpy()] = place
    reasons = pd.Index([*rules, KEPT])
    is_mended = np.logical_or.reduce([rows[name].to_numpy() for name in MENDED])
    rows = rows[PLACE]
    shown = printed.loc[rows.index[is_mended], ["date", "price", "low", "high"]]
    detail = [
        f"printed {row.date}, price {row.price}, range {row.low} to {row.high}"
        for row in shown.itertuples()
    ]
    return [
        fates(
            rows[is_so],
            action=action,
            reason=pd.Categorical.from_codes(code[is_so], categories=reasons),
            detail=texts,
        )
        for action, is_so, texts in (
            ("kept", ~is_mended, ""),
            ("mended", is_mended, detail),
        )
    ]


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
    counts = [_count(part, key) for part in parts]
    empty = sorted(set(price_files).difference(*(c["source_file"] for c in counts)))
    none = pd.DataFrame({"source_file": empty, "action": "kept", "reason": KEPT})
    table = pd.concat([*counts, none.assign(n_rows=0)])
    return in_schema(
        table.astype({"n_rows": "int64"}).sort_values(key), tables.FILE_LEDGER
    )


def repairs(
    parts: list[pd.DataFrame], rows: pd.DataFrame, *, lost: np.ndarray
) -> pd.DataFrame:
    """List the rows mended and dropped, and those a person should look at.

    Parameters
    ----------
    parts : list of DataFrame
        Tables of ``fates``. Rows after an as-of date are a choice, no repair.
    rows : DataFrame
        The judged rows.
    lost : array of bool, shape (n_rows,)
        ``faults.find_lost``.
    """
    odd = rows[rows["odd_change"]]
    figures = zip(odd["price"], odd["previous"], odd["change"], strict=True)
    changes = [f"price {p:g}, previous {b:g}, change {c:g}" for p, b, c in figures]
    table = pd.concat(
        [
            *(_repaired(part) for part in parts),
            *_jump_fates(flags.find_jumps(rows)),
            _block_fates(rows[_is_weekend(rows)], WEEKEND),
            _block_fates(rows[lost], LOST),
            fates(odd, action="review", reason=CHANGE, detail=changes),
        ]
    )
    order = ["source_file", "source_line", "action", "reason"]
    return in_schema(table.sort_values(order), tables.REPAIRS)


def in_schema(table: pd.DataFrame, schema: DataFrameSchema) -> pd.DataFrame:
    """Return a table in its schema's order and types, checked.

    What is text in the schema is a category while rows are judged, for speed.
    """
    columns = {}
    for name, column in schema.columns.items():
        values, kind = table[name], str(column.dtype)
        if isinstance(values.dtype, pd.CategoricalDtype):
            columns[name] = _text(values)
        elif kind.startswith("datetime"):
            columns[name] = values.astype(tables.TIME).array
        else:
            is_text = kind.startswith("str")
            columns[name] = values.astype(tables.TEXT if is_text else kind).array
    return tables.check(pd.DataFrame(columns, copy=False), schema)


def _text(column: pd.Series) -> pd.api.extensions.ExtensionArray:
    """Return a category column as text, without a Python object a row."""
    texts = column.cat.categories.astype(tables.TEXT).array
    return texts.take(column.cat.codes.to_numpy())


def _jump_fates(jumps: pd.DataFrame) -> list[pd.DataFrame]:
    parts = {JUMP: jumps[~jumps["on_ex_date"]], EX_JUMP: jumps[jumps["on_ex_date"]]}
    return [
        fates(part, action="review", reason=reason, detail=list(part["detail"]))
        for reason, part in parts.items()
    ]


def _count(part: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Count the rows of a table of fates by its categories."""
    columns = [pd.Categorical(part[name]) for name in key]
    shape = [len(column.categories) for column in columns]
    cell = np.ravel_multi_index([column.codes for column in columns], shape)
    counts = np.bincount(cell, minlength=int(np.prod(shape)))
    used = np.flatnonzero(counts)
    texts = {
        name: column.categories[codes].astype("str")
        for name, column, codes in zip(
            key, columns, np.unravel_index(used, shape), strict=True
        )
    }
    return pd.DataFrame({**texts, "n_rows": counts[used]})


def _repaired(part: pd.DataFrame) -> pd.DataFrame:
    """Return the rows mended or dropped, in plain text."""
    is_listed = part["action"].isin(["mended", "dropped"]) & (part["reason"] != AFTER)
    listed = part[is_listed]
    texts = [n for n, kind in listed.dtypes.items() if kind == "category"]
    return listed.assign(**{str(name): _text(listed[name]) for name in texts})


def _is_weekend(rows: pd.DataFrame) -> np.ndarray:
    days = rows["session"].to_numpy().astype("datetime64[D]")
    return np.asarray(~np.is_busday(days))


def _block_fates(rows: pd.DataFrame, reason: str) -> pd.DataFrame:
    """List for review the first row of each session in each file."""
    key = ["source_file", "session"]
    blocks = rows.groupby(key, observed=True)["source_line"]
    is_first = rows["source_line"] == blocks.transform("min")
    first, numbers = rows[is_first], blocks.transform("size")[is_first]
    days = zip(first["session"], numbers, strict=True)
    detail = [f"{session:%Y-%m-%d} ({n} rows)" for session, n in days]
    return fates(first, action="review", reason=reason, detail=detail)
