"""Schemas of the sourced tables of dividends, beside the corporate actions."""

import pandera.pandas as pa

from nse_lstm.tables.columns import NUMBER, TEXT, TIME, WHOLE, column, table_schema

DIVIDEND_KINDS = ("interim", "final", "special")

# Cash dividends, each with where it was read; under version control.
DIVIDENDS = table_schema(
    "dividends",
    ["ticker", "register_date", "kind"],
    {
        "ticker": column(TEXT),
        # Holders in the register at the end of this day are paid.
        "register_date": column(TIME),
        # First session whose buyer is not paid; missing where the rule gives it.
        "ex_date": column(TIME, nullable=True),
        # Per share of that day, before tax.
        "amount_kes": column(NUMBER, pa.Check.gt(0)),
        "kind": column(TEXT, pa.Check.isin(DIVIDEND_KINDS)),
        "source": column(TEXT),
        "note": column(TEXT),
    },
)

# Years of ex-dates for which the table of dividends is complete, by stock.
DIVIDEND_YEARS = table_schema(
    "dividend_years",
    ["ticker", "year"],
    {
        "ticker": column(TEXT),
        "year": column(WHOLE),
        "source": column(TEXT),
        "note": column(TEXT),
    },
)

# Every sourced dividend and the session that it falls into.
PLACED_DIVIDENDS = table_schema(
    "placed_dividends",
    ["ticker", "register_date", "kind"],
    {
        "ticker": column(TEXT),
        "register_date": column(TIME),
        "ex_date": column(TIME),
        # The stock's first row on or after the ex-date; missing outside the files.
        "session": column(TIME, nullable=True),
        "amount_kes": column(NUMBER, pa.Check.gt(0)),
        "kind": column(TEXT, pa.Check.isin(DIVIDEND_KINDS)),
    },
)
