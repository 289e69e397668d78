"""The data tables: the panel, what became of each row, and the events beside it."""

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
        # The day's average as printed, KES; of a mended stale session, its true price.
        "price": column(NUMBER, pa.Check.gt(0), nullable=True),
        "low": column(NUMBER, pa.Check.gt(0), nullable=True),
        "high": column(NUMBER, pa.Check.gt(0), nullable=True),
        # Shares dealt; missing where nothing was.
        "volume": column(NUMBER, pa.Check.gt(0), nullable=True),
        # Price of the session before, as printed.
        "previous": column(NUMBER, pa.Check.gt(0), nullable=True),
        # Shares after per share before: 2 on the ex-date of a 1:1 bonus, else 1.
        "factor": column(NUMBER, pa.Check.gt(0)),
        "kind": column(TEXT, pa.Check.isin(KINDS)),
        "sector": column(TEXT),
        # The board repeats the session before; known the same evening.
        "stale": column(FLAG),
        # A stale session's price taken from the next session's `previous`; known then.
        "mended": column(FLAG),
        # Moved by the daily limit, so the other side of a deal may be missing.
        "limit": column(FLAG),
        # No volume for so long that nobody could deal; known the same evening.
        "suspended": column(FLAG),
        # First session after a break in the market's calendar: no return across it.
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

# Rows of a source file by what became of them; the sum over a file is its rows in.
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

# Every single row that was not simply kept, and every row a person should look at.
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

# Unexplained price moves that a person has let pass; kept under version control.
ACCEPTED_JUMPS = table_schema(
    "accepted_jumps",
    ["ticker", "session"],
    {
        "ticker": column(TEXT),
        "session": column(TIME),
        # Who looked, at what, or that nobody has.
        "note": column(TEXT),
    },
)

ACTION_KINDS = ("bonus", "split", "consolidation")

# Events that the files do not show, each with where it was read; under version control.
CORPORATE_ACTIONS = table_schema(
    "corporate_actions",
    ["ticker", "ex_date"],
    {
        "ticker": column(TEXT),
        "ex_date": column(TIME),
        # Shares held after per share held before: 2 for a 1:1 bonus.
        "factor": column(NUMBER, pa.Check.gt(0)),
        "kind": column(TEXT, pa.Check.isin(ACTION_KINDS)),
        "source": column(TEXT),
        "note": column(TEXT),
    },
)
