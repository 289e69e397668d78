"""Raw files to the validated panel: the one entry point of the data layer.

Read, mend what only one answer fits, label, and account for every row. All that a panel
row says is known in the evening of its session, with two named exceptions: a stale
session's mended price is known one session later, and ``name`` and ``sector`` are
labels of today, for the reader; ``kind``, which decides who is looked at, is not.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm import tables
from nse_lstm.data import (
    adjusted,
    corporate_actions,
    faults,
    flags,
    ingest,
    ledger,
    printed,
    sectors,
)
from nse_lstm.errors import DataError

__all__ = ["Market", "build_panel"]


@dataclass(frozen=True)
class Market:
    """One market's data, every table in its schema (``tables.py``).

    ``file_ledger`` counts the rows of each price file by what became of them; the
    counts add up to the lines below its header. ``repairs`` names every row that was
    mended or dropped, and every row for a person to review (kept or mended, but odd).
    Rows after an as-of date are counted in the ledger only. Sector files hold labels,
    no rows of the panel, and are not in the ledger.
    """

    panel: pd.DataFrame
    instruments: pd.DataFrame
    file_ledger: pd.DataFrame
    repairs: pd.DataFrame
    digest: str
    """SHA-256 over the names and bytes of the raw files."""


def build_panel(folder: Path, *, as_of: pd.Timestamp | None = None) -> Market:
    """Build the panel from a folder of the exchange's files.

    Parameters
    ----------
    folder : Path
        Price and sector files, see ``ingest.read_raw``.
    as_of : Timestamp, optional
        Rows of later sessions are dropped before anything but their date is judged: the
        result is then what the files would have given on that evening.

    Returns
    -------
    Market
        The panel is sorted by ticker and session. Missing prices, ranges and volumes
        stay missing. No price is changed but those of mended stale sessions.

    Raises
    ------
    DataError
        If a file cannot be trusted, see ``ingest``, ``printed`` and ``faults``, or if
        no row is left.
    """
    raw = ingest.read_raw(folder)
    rows = faults.redate(printed.parse_rows(raw.rows))
    late = np.zeros(len(rows), bool) if as_of is None else rows["session"] > as_of
    known = _by_ticker_and_session(rows[~np.asarray(late)])
    if known.empty:
        raise DataError(f"Expected rows up to {as_of} in {folder}. Received: none")
    repeats = faults.find_duplicates(known)
    unique = known[~repeats["duplicate"]]
    faults.check_order(unique)
    labelled = _labelled(unique, raw.sectors)
    sessions = adjusted.market_sessions(labelled)
    if sessions.empty:
        raise DataError(f"Expected rows of a share in {folder}. Received: indices only")
    is_off = ~labelled["session"].isin(sessions)
    judged = _judged(labelled[~is_off], sessions)
    fates = [
        ledger.fates(raw.blanks, action="dropped", reason=ledger.BLANK),
        ledger.fates(rows[np.asarray(late)], action="dropped", reason=ledger.AFTER),
        ledger.repeat_fates(known, repeats),
        ledger.fates(labelled[is_off], action="dropped", reason=ledger.OFF_CALENDAR),
        ledger.panel_fates(judged, raw.rows),
    ]
    return Market(
        panel=ledger.in_schema(judged, tables.PANEL),
        instruments=_instruments(judged),
        file_ledger=ledger.file_ledger(fates, raw.price_files),
        repairs=ledger.repairs(fates, judged),
        digest=raw.digest,
    )


def _by_ticker_and_session(rows: pd.DataFrame) -> pd.DataFrame:
    """Sort, keeping the order of files and lines within a ticker's session."""
    ticker = rows["ticker"].cat.remove_unused_categories()
    sessions, session = np.unique(rows["session"].to_numpy(), return_inverse=True)
    key = ticker.cat.codes.to_numpy(np.int64) * len(sessions) + session
    return rows.assign(ticker=ticker).iloc[np.argsort(key, kind="stable")]


def _labelled(rows: pd.DataFrame, sector_rows: pd.DataFrame) -> pd.DataFrame:
    """Add each ticker's kind and sector; its name is the last one printed."""
    first = rows.drop_duplicates("ticker")[["ticker", "name", "session"]]
    last = rows.drop_duplicates("ticker", keep="last")
    table = first.rename(columns={"name": "first_name", "session": "first_session"})
    table = table.assign(name=last["name"].array).astype({"ticker": "str"})
    labels = sectors.add_labels(table, sectors.read_sectors(sector_rows))
    # One row of labels per category of ticker, both sorted by ticker.
    codes = rows["ticker"].cat.codes.to_numpy()
    columns = ["name", "kind", "sector"]
    return rows.assign(**{name: labels[name].array[codes] for name in columns})


def _judged(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Find stale copies, place the factors, mend and flag."""
    rows = ledger.add_oddities(rows.assign(stale=faults.find_stale(rows, sessions)))
    rows = corporate_actions.add_factor(rows)
    return flags.add_flags(faults.mend_stale(rows, sessions), sessions)


def _instruments(rows: pd.DataFrame) -> pd.DataFrame:
    """Give each ticker one row, sorted by ticker."""
    groups = rows.groupby("ticker", observed=True)
    table = groups[["name", "kind", "sector"]].last()
    table["first_session"] = groups["session"].first()
    table["last_session"] = groups["session"].last()
    table["n_sessions"] = groups.size()
    return ledger.in_schema(table.reset_index(), tables.INSTRUMENTS)
