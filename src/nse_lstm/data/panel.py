"""Validated panel from raw files: the entry point of the data layer.

Files are read, mended where only one answer fits, labelled, and every row is accounted
for. A panel row is known after the close of its session, with two exceptions. Where a
session's board is not its own (``stale``), its price is known one session later, and so
is that an early board was one. ``name`` and ``sector`` are today's labels, which decide
nothing.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm import tables
from nse_lstm.config import Ticks
from nse_lstm.data import (
    adjusted,
    corporate_actions,
    date_repair,
    dividends,
    fault_rules,
    file_order,
    flags,
    impossible_values,
    ingest,
    parse,
    renamed_codes,
    row_accounting,
    row_digest,
    sectors,
    wrong_boards,
)
from nse_lstm.data.sourced import digest_with
from nse_lstm.errors import DataError

LABELS = ("name", "kind", "sector")


@dataclass(frozen=True)
class MarketData:
    """One market's data, every table in its schema (``tables``).

    ``row_counts`` counts each price file's rows by action and reason, adding up to the
    lines below its header. ``repairs`` lists every row that was mended or dropped, and
    every odd row to review. Rows after an as-of date are in ``row_counts`` only. Sector
    files have no rows of the panel and are in neither.
    """

    panel: pd.DataFrame
    instruments: pd.DataFrame
    row_counts: pd.DataFrame
    repairs: pd.DataFrame
    dividends: pd.DataFrame
    digest: str
    """SHA-256 over the raw files' names and rows and the sourced tables."""


def build_panel(
    folder: Path,
    *,
    as_of: pd.Timestamp | None = None,
    actions: Path | None = None,
    payments: Path | None = None,
    renamed: Path | None = None,
    limit: float = flags.LIMIT_MOVE,
    ticks: Ticks = "none",
) -> MarketData:
    """Build the panel from a folder of the exchange's files.

    Parameters
    ----------
    folder : Path
        Price and sector files, see ``ingest.read_raw``.
    as_of : Timestamp, optional
        Rows of later sessions are dropped once their text and date are read: the
        result is the panel that the files would have given after that session.
    actions : Path, optional
        Sourced table of corporate actions (``corporate_actions.read_actions``). A
        missing file has none. Entries with an ex-date after ``as_of`` are left out.
    renamed : Path, optional
        Sourced table of renamed codes (``renamed_codes.read_renamed``). It sets labels
        alone, so it holds whatever ``as_of`` is.
    payments : Path, optional
        Sourced table of dividends (``dividends.read_dividends``). Beside it lies the
        one of complete years, ``<market>_years.csv``. They are part of the digest.
        Dividends with an ex-date after ``as_of`` are left out.
    limit : float
        Session return at which orders lapse, 0 on an exchange without a daily limit.
    ticks : Ticks
        Price steps; prices off them are listed for review.

    Returns
    -------
    MarketData
        The panel is sorted by ticker and session. Missing prices, ranges and volumes
        stay missing. Only prices of sessions under a wrong board and index values with
        a slipped decimal point are changed.

    Raises
    ------
    DataError
        If a file cannot be trusted, see ``ingest``, ``parse``, ``date_repair``,
        ``fault_rules`` and ``corporate_actions``, or if no row is left.
    """
    raw = ingest.read_raw(folder)
    sourced = corporate_actions.read_actions(actions)
    paid = dividends.read_dividend_tables(payments)
    codes = renamed_codes.read_renamed(renamed)
    typed, printed = parse.parse_rows(raw.rows, codes), raw.rows
    if (order := file_order.order_of_sessions(typed)) is not None:
        typed, printed = (
            t.iloc[order].reset_index(drop=True) for t in (typed, printed)
        )
    digest = row_digest.digest_rows(typed, raw.sectors)
    rows = date_repair.redate(typed)
    late = np.zeros(len(rows), bool)
    if as_of is not None:
        late = rows["session"].to_numpy() > np.datetime64(as_of, "us")
        sourced = sourced[sourced["ex_date"] <= as_of]
    if late.all():
        raise DataError(f"Expected rows up to {as_of} in {folder}. Received: none")
    known = _by_ticker_and_session(_without(rows, late))
    repeats = fault_rules.find_duplicates(known)
    unique = known[~repeats["duplicate"]] if repeats["duplicate"].any() else known
    fault_rules.check_order(unique)
    labelled = _labelled(unique, raw.sectors)
    sessions = adjusted.market_sessions(labelled)
    if sessions.empty:
        raise DataError(f"Expected rows of a stock in {folder}. Received: indices only")
    is_off = (labelled["kind"] == "index").to_numpy(copy=True)
    is_off[is_off] = ~labelled.loc[is_off, "session"].isin(sessions).to_numpy()
    on_calendar = labelled[~is_off] if is_off.any() else labelled
    judged = _judged(on_calendar, sessions, sourced, limit)
    known_payments = paid.payments
    if as_of is not None:
        known_payments = known_payments[known_payments["ex_date"] <= as_of]
    placed = dividends.place_dividends(judged, known_payments, sessions)
    judged = dividends.add_dividends(judged, placed, paid.years)
    fates = [
        row_accounting.Fate(np.flatnonzero(late), "dropped", row_accounting.AFTER),
        row_accounting.repeat_fate(known, repeats),
        row_accounting.Fate(
            labelled.index.to_numpy()[is_off], "dropped", row_accounting.OFF_CALENDAR
        ),
        *row_accounting.panel_fates(judged, printed),
    ]
    review = row_accounting.review_fates(
        judged, lost=wrong_boards.find_lost(judged, sessions), limit=limit
    )
    review += impossible_values.find_impossible(judged, sessions, ticks=ticks)
    listed = row_accounting.repairs([*fates, *review], rows, raw.blanks)
    events = {actions: sourced, payments: known_payments}
    strange = impossible_values.unknown_codes(
        judged, {path: table for path, table in events.items() if path}
    )
    return MarketData(
        panel=row_accounting.in_schema(judged, tables.PANEL),
        instruments=_instruments(judged),
        row_counts=row_accounting.count_rows(fates, rows, raw.blanks),
        repairs=pd.concat([listed, strange]) if len(strange) else listed,
        dividends=placed,
        digest=digest_with(
            digest,
            actions,
            payments,
            dividends.years_path(payments),
            renamed,
        ),
    )


def _without(rows: pd.DataFrame, late: np.ndarray) -> pd.DataFrame:
    """Drop the rows after the as-of date, and tickers without other rows."""
    if not late.any():
        return rows
    rows = rows[~late]
    return rows.assign(ticker=rows["ticker"].cat.remove_unused_categories())


def _by_ticker_and_session(rows: pd.DataFrame) -> pd.DataFrame:
    """Sort by ticker and session, then in the order of files and lines."""
    session = rows["session"].to_numpy()
    day = (session - session.min()).astype("timedelta64[D]")
    # Sixteen bits, enough for the calendar of 1954 to 2099, sort in linear time.
    order = np.lexsort([day.astype(np.uint16), rows["ticker"].cat.codes.to_numpy()])
    return rows.iloc[order]


def _labelled(rows: pd.DataFrame, sector_rows: pd.DataFrame) -> pd.DataFrame:
    """Add each ticker's kind and sector, and the name that was printed last."""
    starts = np.flatnonzero(np.diff(rows["ticker"].cat.codes, prepend=-1))
    first = rows[["ticker", "name", "session"]].iloc[starts]
    last = rows[["name"]].iloc[np.append(starts[1:], len(rows)) - 1]
    table = first.rename(columns={"name": "first_name", "session": "first_session"})
    table = table.assign(name=last["name"].array).astype(
        {"ticker": "str", "first_name": "str", "name": "str"}
    )
    labels = sectors.add_labels(table, sectors.read_sectors(sector_rows))
    # One row of labels per category of ticker, both sorted by ticker.
    codes = rows["ticker"].cat.codes.to_numpy()
    columns = {name: pd.Categorical(labels[name]) for name in LABELS}
    return rows.assign(
        **{
            name: pd.Categorical.from_codes(column.codes[codes], dtype=column.dtype)
            for name, column in columns.items()
        }
    )


def _judged(
    rows: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    sourced: pd.DataFrame,
    limit: float,
) -> pd.DataFrame:
    """Find wrong boards, add corporate actions, mend faults and add flags."""
    rows = wrong_boards.put_back_swapped(rows, sessions)
    marks = wrong_boards.find_wrong_boards(rows, sessions)
    rows = row_accounting.add_oddities(
        rows.assign(**{str(name): marks[name].to_numpy() for name in marks})
    )
    rows = corporate_actions.add_factor(rows, sourced)
    rows = fault_rules.mend_slips(fault_rules.mend_ranges(rows))
    mended = wrong_boards.mend_prices(rows, sessions)
    return flags.add_flags(mended, sessions, limit=limit)


def _instruments(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per ticker, sorted by ticker."""
    starts = np.flatnonzero(np.diff(rows["ticker"].cat.codes, prepend=-1))
    ends = np.append(starts[1:], len(rows))
    table = rows[["ticker", *LABELS]].iloc[ends - 1]
    session = rows["session"].to_numpy()
    spans = {"first_session": session[starts], "last_session": session[ends - 1]}
    table = table.assign(**spans, n_sessions=ends - starts)
    return row_accounting.in_schema(table, tables.INSTRUMENTS)
