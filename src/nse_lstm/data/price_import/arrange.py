"""Order, repeats and volumes of imported rows; every row gets a fate with a reason."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from nse_lstm import tables
from nse_lstm.data.price_import.shapes import ForeignPrices, ImportOptions
from nse_lstm.data.row_accounting import BLANK, DUPLICATE, KEPT, NO_PRICE, in_schema
from nse_lstm.errors import DataError

COMPARED = ("price", "low", "high", "previous", "volume")
GIVEN_VOLUME = "no volume in the files, the one given is written"


@dataclass(frozen=True)
class ArrangedPrices:
    """Rows that are written, and what became of all others."""

    rows: pd.DataFrame
    """``ForeignPrices.rows`` by session and ticker, one per key, with a price."""
    row_counts: pd.DataFrame
    """``tables.ROW_COUNTS``; its rows add up to the files' lines below the header."""


def arrange(
    prices: ForeignPrices, options: ImportOptions, *, today: date
) -> ArrangedPrices:
    """Sort the rows by session, drop repeats and rows without a price, fill previous.

    A file may be newest first or sorted by ticker. ``previous`` is the price of the
    stock's row before, where the files print none.

    Parameters
    ----------
    prices : ForeignPrices
        Rows as read.
    options : ImportOptions
        ``volume`` is used.
    today : date
        Later sessions are refused.

    Raises
    ------
    DataError
        If dates of a stock go up and down in one file, a session is in the future, two
        rows of one stock and session disagree, or a share has no volume.
    """
    rows = prices.rows
    _check_future(rows, today)
    _check_order(rows)
    has_price = rows["price"].notna()
    if not has_price.any():
        row = rows.iloc[0]
        raise DataError(
            f"Expected a price in at least one row. Received: {row['text']!r} and no "
            "other",
            file=str(row["source_file"]),
            line=int(row["source_line"]),
        )
    priced = rows[has_price].sort_values(["ticker", "session"], kind="stable")
    is_repeat = _repeats(priced)
    unique = priced[~is_repeat]
    volumes, is_given = _volumes(unique, options.volume)
    before = unique.groupby("ticker")["price"].shift()
    unique = unique.assign(volume=volumes, previous=unique["previous"].fillna(before))
    fates = {
        ("dropped", NO_PRICE): rows.loc[~has_price, "source_file"],
        ("dropped", DUPLICATE): priced.loc[is_repeat, "source_file"],
        ("mended", GIVEN_VOLUME): unique.loc[is_given, "source_file"],
        ("kept", KEPT): unique.loc[~is_given, "source_file"],
    }
    lines = [
        (file, *fate, int(n_rows))
        for fate, files in fates.items()
        for file, n_rows in files.value_counts().items()
    ]
    lines += [(f.file, "dropped", BLANK, f.n_blank) for f in prices.files if f.n_blank]
    counts = pd.DataFrame(sorted(lines), columns=list(tables.ROW_COUNTS.columns))
    return ArrangedPrices(
        rows=unique.sort_values(["session", "ticker"], ignore_index=True),
        row_counts=in_schema(counts, tables.ROW_COUNTS),
    )


def _check_future(rows: pd.DataFrame, today: date) -> None:
    late = rows["session"] > pd.Timestamp(today)
    if late.any():
        row = rows[late].iloc[0]
        raise DataError(
            f"Expected a session not after today, {today}. Received: "
            f"{row['session']:%Y-%m-%d} (code {row['ticker']})",
            file=row["source_file"],
            line=int(row["source_line"]),
        )


def _check_order(rows: pd.DataFrame) -> None:
    """Refuse a stock whose dates turn within a file: one of them is misprinted."""
    grouped = rows.groupby(["source_file", "ticker"], sort=False)["session"]
    step = np.sign(grouped.diff().dt.total_seconds())
    moved = step.where(step != 0)
    first = moved.groupby([rows["source_file"], rows["ticker"]]).transform("first")
    turns = moved.notna() & (moved != first)
    if turns.any():
        row = rows[turns].iloc[0]
        way = "rising" if first[row.name] > 0 else "falling"
        raise DataError(
            f"Expected {way} dates of {row['ticker']}, as in the rows above; sort the "
            f"file by date, or mend the misprint. Received: {row['session']:%Y-%m-%d}",
            file=row["source_file"],
            line=int(row["source_line"]),
        )


def _repeats(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Mark rows that say the same as an earlier row of their stock and session."""
    is_repeat = rows.duplicated(["ticker", "session"])
    if not is_repeat.any():
        return is_repeat
    key = [rows["ticker"], rows["session"]]
    position = pd.Series(np.arange(len(rows)), index=rows.index)
    first = position.groupby(key).transform("min").to_numpy()
    for name in COMPARED:
        values = rows[name].to_numpy()
        # A value that one of the two files lacks is no contradiction.
        differs = (values != values[first]) & ~np.isnan(values)
        differs &= is_repeat.to_numpy() & ~np.isnan(values[first])
        if differs.any():
            bad = int(differs.argmax())
            row, at = rows.iloc[bad], rows.iloc[int(first[bad])]
            raise DataError(
                f"Expected one {name} for {row['ticker']} on "
                f"{row['session']:%Y-%m-%d}. Received: {at[name]:g} in "
                f"{at['source_file']}, line {at['source_line']}, and {row[name]:g}",
                file=str(row["source_file"]),
                line=int(row["source_line"]),
            )
    return is_repeat


def _volumes(
    rows: pd.DataFrame, given: int
) -> tuple["pd.Series[float]", "pd.Series[bool]"]:
    """Return volumes, with the given one for shares of files that print none at all.

    A share without a volume in a file that prints others' was never traded.
    """
    is_share = ~rows["ticker"].str.startswith("^")
    has_volume = rows["volume"].gt(0)
    is_traded = has_volume.groupby(rows["ticker"]).transform("any")
    is_printed = has_volume.groupby(rows["source_file"]).transform("any")
    is_silent = is_share & ~is_traded & ~is_printed
    if not is_silent.any():
        return rows["volume"], is_silent
    if given:
        return rows["volume"].mask(is_silent, float(given)), is_silent
    row = rows[is_silent].iloc[0]
    raise DataError(
        f"Expected a volume of {row['ticker']} on some session. Received: none, so "
        "nothing tells which sessions had a trade. Say --volume 1000 to count each row "
        "as a session with that volume",
        file=row["source_file"],
        line=int(row["source_line"]),
    )
