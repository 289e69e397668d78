"""Row accounting: counts of kept, mended and dropped rows by file, and rows to review.

Each line of a price file has one fate with one reason. Nothing is dropped or changed
without an entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandera.pandas import DataFrameSchema

from nse_lstm import tables
from nse_lstm.data import flags
from nse_lstm.data.board_chain import CENT

KEPT = "as printed"
RENAMED = "printed under the stock's code of that time"
AFTER = "after the as-of date"
BLANK = "blank row"
DUPLICATE = "same prices and volume as an earlier row of the code and session"
OFF_CALENDAR = "index row outside the market's calendar"
REDATED = "date that does not fit its place in the file, re-dated"
SLIPPED = "decimal point slipped, index value put back"
CROSSED = "low above high, day range left out"
STALE_MENDED = "stale copy, price taken from the next session's previous"
STALE_KEPT = "stale copy, printed price kept"
MISPLACED_MENDED = "board of another session, price taken from the next previous"
MISPLACED = "board of another session, price left out"
SWAPPED = "board swapped with the session beside it, put back"
NO_PRICE = "no price"
NO_RANGE = "no day range"
OUTSIDE = "price outside its day range"
JUMP = "jump beyond the limit without a corporate action"
EX_JUMP = "ex-date move that the factor does not explain"
WEEKEND = "session on a weekend"
LOST = "previous is of a session that is not in the files"
ADJUST = "adjusted price of no corporate action, taken back later"
CHANGE = "printed change is not price minus previous"

PLACE = ["source_file", "source_line", "ticker", "session"]
MENDED = ("redated", "slipped", "mended", "misplaced", "swapped", "crossed")
"""Flags of rows that differ from what was printed."""


def add_oddities(rows: pd.DataFrame) -> pd.DataFrame:
    """Mark odd rows that are kept because such rows are genuine.

    Adds ``outside`` (price outside its day's range), ``no_range`` (low or high missing)
    and ``odd_change`` (the printed change is not price minus previous): bool.
    """
    low, high, price, previous, change = (
        rows[name].to_numpy() for name in ("low", "high", "price", "previous", "change")
    )
    return rows.assign(
        outside=(price < low) | (price > high),
        no_range=np.isnan(low) | np.isnan(high),
        odd_change=np.abs(price - previous - change) > CENT,
    )


@dataclass(frozen=True)
class Fate:
    """Rows with the same action for the same reason."""

    places: np.ndarray
    """The rows' positions in the files, which are their index."""
    action: str
    """``kept``, ``mended`` or ``dropped``; ``review`` adds to a row's fate."""
    reason: str
    details: Sequence[str] = ()
    """One text per row, or none at all."""


def repeat_fate(rows: pd.DataFrame, repeats: pd.DataFrame) -> Fate:
    """Return the fate of dropped duplicates, each with the row that it repeats.

    Parameters
    ----------
    rows : DataFrame
        ``source_file`` and ``source_line``.
    repeats : DataFrame
        ``fault_rules.find_duplicates`` of the rows.
    """
    is_repeat = repeats["duplicate"].to_numpy()
    first = rows[PLACE].iloc[repeats["first"].to_numpy()[is_repeat]]
    places = zip(first["source_file"].tolist(), first["source_line"], strict=True)
    details = [f"same as {file}, line {line}" for file, line in places]
    return Fate(rows.index.to_numpy()[is_repeat], "dropped", DUPLICATE, details)


def panel_fates(rows: pd.DataFrame, printed: pd.DataFrame) -> list[Fate]:
    """Assign each row of the panel the first fate that applies.

    Parameters
    ----------
    rows : DataFrame
        The judged rows, indexed like ``printed``.
    printed : DataFrame
        ``RawFiles.rows``, for the printed text of mended rows.
    """
    rules = {
        REDATED: rows["redated"],
        SLIPPED: rows["slipped"],
        SWAPPED: rows["swapped"],
        MISPLACED_MENDED: rows["misplaced"] & rows["mended"],
        MISPLACED: rows["misplaced"],
        STALE_MENDED: rows["mended"],
        STALE_KEPT: rows["stale"],
        CROSSED: rows["crossed"],
        NO_PRICE: rows["price"].isna(),
        NO_RANGE: rows["no_range"],
        OUTSIDE: rows["outside"],
        RENAMED: rows["renamed"],
        KEPT: np.ones(len(rows), bool),
    }
    is_mended = np.logical_or.reduce([rows[name].to_numpy() for name in MENDED])
    is_open = np.ones(len(rows), bool)
    place = rows.index.to_numpy()
    shown = _as_printed(printed, place[is_mended])
    fates = []
    for reason, is_so in rules.items():
        applies = is_open & np.asarray(is_so)
        if applies.any():
            is_open &= ~applies
            kept, mended = (place[applies & mark] for mark in (~is_mended, is_mended))
            details = [shown[number] for number in mended]
            fates.append(Fate(kept, "kept", reason))
            fates.append(Fate(mended, "mended", reason, details))
    return fates


def review_fates(
    rows: pd.DataFrame, *, lost: np.ndarray, limit: float = flags.LIMIT_MOVE
) -> list[Fate]:
    """List the rows that a person should review.

    Parameters
    ----------
    rows : DataFrame
        The judged rows.
    lost : array of bool, shape (n_rows,)
        ``wrong_boards.find_lost``.
    limit : float
        As for ``flags.widest_move``.
    """
    jumps = flags.find_jumps(rows, limit=limit)
    plain, ex_date = (jumps[jumps["on_ex_date"] == so] for so in (False, True))
    misprints = rows[rows["adjust_misprinted"].to_numpy()]
    odd = rows[rows["odd_change"].to_numpy()]
    figures = zip(odd["price"], odd["previous"], odd["change"], strict=True)
    changes = [f"price {p:g}, previous {b:g}, change {c:g}" for p, b, c in figures]
    return [
        _review(plain, JUMP, plain["detail"].tolist()),
        _review(ex_date, EX_JUMP, ex_date["detail"].tolist()),
        _block_fate(rows[_is_weekend(rows)], WEEKEND),
        _block_fate(rows[lost], LOST),
        _review(odd, CHANGE, changes),
        _review(misprints, ADJUST, [f"price {p:g}" for p in misprints["price"]]),
    ]


def count_rows(
    fates: list[Fate], rows: pd.DataFrame, blanks: pd.DataFrame
) -> pd.DataFrame:
    """Count rows by file, action and reason.

    Parameters
    ----------
    fates : list of Fate
        No row is in two of them, and none is for review.
    rows : DataFrame
        All rows by position, with ``source_file``. Its categories are all price files;
        a file without rows gets one line with a count of 0.
    blanks : DataFrame
        ``RawFiles.blanks``.
    """
    files = rows["source_file"].cat.categories
    file = rows["source_file"].cat.codes.to_numpy()
    counts = {(fate.action, fate.reason): file[fate.places] for fate in fates}
    counts["dropped", BLANK] = blanks["source_file"].cat.codes.to_numpy()
    lines = [
        (files[code], *key, n_rows)
        for key, codes in counts.items()
        for code, n_rows in enumerate(np.bincount(codes))
        if n_rows
    ]
    empty = sorted(set(files).difference(line[0] for line in lines))
    lines += [(name, "kept", KEPT, 0) for name in empty]
    table = pd.DataFrame(sorted(lines), columns=list(tables.ROW_COUNTS.columns))
    return in_schema(table, tables.ROW_COUNTS)


def repairs(
    fates: list[Fate], rows: pd.DataFrame, blanks: pd.DataFrame
) -> pd.DataFrame:
    """List the rows that were mended or dropped, and those to review.

    Parameters
    ----------
    fates : list of Fate
        Those of rows after an as-of date are left out.
    rows : DataFrame
        All rows by position: ``source_file source_line ticker session``.
    blanks : DataFrame
        ``RawFiles.blanks``; a blank line has neither ticker nor session.
    """
    listed = [f for f in fates if f.action != "kept" and f.reason != AFTER]
    n_rows = [len(fate.places) for fate in listed]
    found = rows[PLACE].iloc[np.concatenate([fate.places for fate in listed])]
    found = found.assign(
        ticker=_text(found["ticker"]),
        action=np.repeat([fate.action for fate in listed], n_rows),
        reason=np.repeat([fate.reason for fate in listed], n_rows),
        detail=[
            detail
            for fate in listed
            for detail in fate.details or [""] * len(fate.places)
        ],
    )
    texts = {"action": "dropped", "reason": BLANK, "ticker": "", "detail": ""}
    none = blanks.assign(session=np.datetime64("NaT", "us"), **texts)
    order = ["source_file", "source_line", "action", "reason"]
    return in_schema(pd.concat([found, none]).sort_values(order), tables.REPAIRS)


def in_schema(table: pd.DataFrame, schema: DataFrameSchema) -> pd.DataFrame:
    """Order, cast and check the data layer's tables, whose texts may be categories.

    Rows are judged with categories for speed. Unlike ``tables.conform`` it gives texts
    and times the types that pandas reads, so that a panel is the same from disk.

    Parameters
    ----------
    table : DataFrame
        It holds every column of the schema.
    schema : DataFrameSchema
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
    """Return a category column as text without one Python object per row."""
    texts = column.cat.categories.astype(tables.TEXT).array
    return texts.take(column.cat.codes.to_numpy())


def _as_printed(printed: pd.DataFrame, places: np.ndarray) -> dict[int, str]:
    shown = printed[["date", "price", "low", "high"]].iloc[places].astype("str")
    lines = zip(places, *(shown[name].tolist() for name in shown), strict=True)
    return {
        place: f"printed {date}, price {price}, range {low} to {high}"
        for place, date, price, low, high in lines
    }


def _review(rows: pd.DataFrame, reason: str, details: Sequence[str]) -> Fate:
    return Fate(rows.index.to_numpy(), "review", reason, details)


def _is_weekend(rows: pd.DataFrame) -> np.ndarray:
    days = rows["session"].to_numpy().astype("datetime64[D]")
    return np.asarray(~np.is_busday(days))


def _block_fate(rows: pd.DataFrame, reason: str) -> Fate:
    """List for review the first row of each session in each file."""
    blocks: dict[tuple[str, pd.Timestamp], list[int]] = {}
    rows = rows.sort_index()
    for place, *block in zip(
        rows.index, rows["source_file"], rows["session"], strict=True
    ):
        blocks.setdefault((block[0], block[1]), []).append(place)
    first = np.array([places[0] for places in blocks.values()], int)
    details = [
        f"{session:%Y-%m-%d} ({len(places)} rows)"
        for (_, session), places in blocks.items()
    ]
    return Fate(first, "review", reason, details)
