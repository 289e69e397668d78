"""Schemas of the panel, the instruments, the row counts and corporate actions."""

import pandera.pandas as pa

from nse_lstm.tables.columns import (
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    column,
    table_schema,
)

KINDS = ("ordinary", "preference", "reit", "etf", "rights", "index")

PANEL = table_schema(
    "panel",
    ["ticker", "session"],
    {
        "ticker": column(TEXT),
        "session": column(TIME),
        # Printed daily average, KES; the true price on a mended stale session.
        "price": column(NUMBER, pa.Check.gt(0), nullable=True),
        "low": column(NUMBER, pa.Check.gt(0), nullable=True),
        "high": column(NUMBER, pa.Check.gt(0), nullable=True),
        # Shares traded; missing without a trade.
        "volume": column(NUMBER, pa.Check.gt(0), nullable=True),
        # Price of the session before, as printed.
        "previous": column(NUMBER, pa.Check.gt(0), nullable=True),
        # Shares after over shares before: 2 on the ex-date of a 1:1 bonus, else 1.
        "factor": column(NUMBER, pa.Check.gt(0)),
        # KES per share of the row before, before tax, on the ex-date; 0 for none.
        "dividend": column(NUMBER, pa.Check.ge(0)),
        # Every dividend of the stock's calendar year is sourced.
        "dividends_known": column(FLAG),
        "kind": column(TEXT, pa.Check.isin(KINDS)),
        "sector": column(TEXT),
        # The session copies the one before; known after its close.
        "stale": column(FLAG),
        # A stale session's price, from the next session's `previous`; known then.
        "mended": column(FLAG),
        # Moved by the daily limit, so a trade may find no counterparty.
        "limit": column(FLAG),
        # No volume for more than 10 rows; known after the close.
        "suspended": column(FLAG),
        # First session after a break in the calendar: no return spans it.
        "gap": column(FLAG),
        "source_file": column(TEXT),
        "source_line": column(WHOLE, pa.Check.ge(2)),
    },
)

INSTRUMENTS = table_schema(
    "instruments",
    ["ticker"],
    {
        "ticker": column(TEXT),
        "name": column(TEXT),
        "kind": column(TEXT, pa.Check.isin(KINDS)),
        "sector": column(TEXT),
        "first_session": column(TIME),
        "last_session": column(TIME),
        "n_sessions": column(WHOLE, pa.Check.ge(1)),
    },
)

# Rows of a source file by action; their sum is the file's number of rows.
ROW_COUNTS = table_schema(
    "row_counts",
    ["source_file", "action", "reason"],
    {
        "source_file": column(TEXT),
        "action": column(TEXT, pa.Check.isin(["kept", "mended", "dropped"])),
        "reason": column(TEXT),
        "n_rows": column(WHOLE, pa.Check.ge(0)),
    },
)

# Every row that was mended or dropped, and every row to review.
REPAIRS = table_schema(
    "repairs",
    ["source_file", "source_line", "action", "reason"],
    {
        "source_file": column(TEXT),
        "source_line": column(WHOLE, pa.Check.ge(2)),
        "ticker": column(TEXT),
        "session": column(TIME, nullable=True),
        "action": column(TEXT, pa.Check.isin(["mended", "dropped", "review"])),
        "reason": column(TEXT),
        "detail": column(TEXT),
    },
)

# Unexplained price moves that a person has accepted; under version control.
ACCEPTED_JUMPS = table_schema(
    "accepted_jumps",
    ["ticker", "session"],
    {
        "ticker": column(TEXT),
        "session": column(TIME),
        # The evidence, or that there is none.
        "note": column(TEXT),
    },
)

ACTION_KINDS = ("bonus", "split", "consolidation")

# Corporate actions that the files lack, each with its source; under version control.
CORPORATE_ACTIONS = table_schema(
    "corporate_actions",
    ["ticker", "ex_date"],
    {
        "ticker": column(TEXT),
        "ex_date": column(TIME),
        # Shares after over shares before: 2 for a 1:1 bonus.
        "factor": column(NUMBER, pa.Check.gt(0)),
        "kind": column(TEXT, pa.Check.isin(ACTION_KINDS)),
        "source": column(TEXT),
        "note": column(TEXT),
    },
)
