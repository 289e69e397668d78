"""Cash dividends: sourced tables of payments, and of the years that are complete.

A share bought on the ex-date or later is not paid. The ex-date is the first session
after the register date: printed dates say so, and the prices fall there. The exchange
trades with the dividend up to the register date, although a trade settles later.
"""

from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa

from nse_lstm import tables
from nse_lstm.data.corporate_actions import read_ticker
from nse_lstm.data.sourced import (
    DAY,
    NOTE,
    SOURCE,
    Field,
    SourcedRow,
    one_of,
    read_day,
    read_number,
    read_rows,
    read_year,
)

MAX_DAYS_EX = 31
"""Days from a register date to its ex-date; more must be a misprint."""

TICKER_FIELD = Field("a stock code as ticker", read_ticker)
FIELDS = {
    "ticker": TICKER_FIELD,
    "register_date": DAY,
    "ex_date": Field(
        "a date as 2020-08-04, or nothing, as ex_date",
        lambda text: read_day(text) if text else pd.NaT,
    ),
    "amount_kes": Field("a positive number of KES as amount_kes", read_number),
    "kind": Field(
        f"one of {tables.DIVIDEND_KINDS} as kind", one_of(*tables.DIVIDEND_KINDS)
    ),
    "source": SOURCE,
    "note": NOTE,
}
YEAR_FIELDS = {
    "ticker": TICKER_FIELD,
    "year": Field("a year as 2020", read_year),
    "source": SOURCE,
    "note": NOTE,
}


def years_path(payments: Path | None) -> Path | None:
    """Return where the table of complete years lies: beside that of the payments."""
    return payments and payments.with_name(f"{payments.stem}_years.csv")


def read_dividends(path: Path | None) -> pd.DataFrame:
    """Read the sourced table of a market's cash dividends.

    Parameters
    ----------
    path : Path or None
        CSV file with the columns of ``tables.DIVIDENDS``. An empty ``ex_date`` means
        the one that follows from the register date by the exchange's rule.

    Returns
    -------
    DataFrame
        ``DIVIDENDS``; amounts are KES per share of that day, before tax.

    Raises
    ------
    DataError
        For the first line that is invalid, repeats a payment, or has an ex-date that
        does not follow its register date by at most a month; names file and line.
    """
    rows = read_rows(
        path,
        FIELDS,
        key=["ticker", "register_date", "kind"],
        one="payment per ticker, register date and kind",
    )
    for row in rows:
        ex_date, register = row.cells["ex_date"], row.cells["register_date"]
        if not pd.isna(ex_date) and not 0 < (ex_date - register).days <= MAX_DAYS_EX:
            row.refuse(
                f"an ex_date at most {MAX_DAYS_EX} days after {register}", str(ex_date)
            )
    return _table(rows, tables.DIVIDENDS)


def read_dividend_years(path: Path | None) -> pd.DataFrame:
    """Read for which stocks and years the table of dividends is complete.

    Parameters
    ----------
    path : Path or None
        CSV file with the columns of ``tables.DIVIDEND_YEARS``. A year is that of the
        ex-dates. A stock that paid nothing has its row here and none among the
        dividends.

    Returns
    -------
    DataFrame
        ``DIVIDEND_YEARS``.

    Raises
    ------
    DataError
        For the first line that is invalid or repeats a year; names file and line.
    """
    rows = read_rows(
        path, YEAR_FIELDS, key=["ticker", "year"], one="row per ticker and year"
    )
    return _table(rows, tables.DIVIDEND_YEARS)


def _table(rows: list[SourcedRow], schema: pa.DataFrameSchema) -> pd.DataFrame:
    columns: dict[str, list[Any]] = {
        name: [row.cells[name] for row in rows] for name in schema.columns
    }
    return tables.conform(pd.DataFrame(columns), schema)
