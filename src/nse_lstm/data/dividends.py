"""Cash dividends: sourced tables of payments, and of the years that are complete.

A share bought on the ex-date or later is not paid. The ex-date is the first session
after the register date: printed dates say so, and the prices fall there. The exchange
trades with the dividend up to the register date, although a trade settles later.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
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

MAX_BREAK = np.timedelta64(14, "D")
"""Days from an ex-date to the market's next session; more is a break of the files."""
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


@dataclass(frozen=True)
class DividendTables:
    """A market's sourced dividends."""

    payments: pd.DataFrame
    """``DIVIDENDS``, every ``ex_date`` known."""
    years: pd.DataFrame
    """``DIVIDEND_YEARS``: stocks and years whose payments are complete."""


def years_path(payments: Path | None) -> Path | None:
    """Return where the table of complete years lies: beside that of the payments."""
    return payments and payments.with_name(f"{payments.stem}_years.csv")


def read_dividend_tables(path: Path | None) -> DividendTables:
    """Read both sourced tables of a market's dividends.

    Parameters
    ----------
    path : Path or None
        Of the payments, see ``read_dividends``; the years lie beside it. An ex-date
        that no source prints is the day after the register date.

    Raises
    ------
    DataError
        As from ``read_dividends`` and ``read_dividend_years``.
    """
    payments = read_dividends(path)
    by_rule = payments["register_date"] + pd.Timedelta(days=1)
    ex_date = payments["ex_date"].fillna(by_rule)
    return DividendTables(
        payments=payments.assign(ex_date=ex_date),
        years=read_dividend_years(years_path(path)),
    )


def place_dividends(
    rows: pd.DataFrame, payments: pd.DataFrame, sessions: pd.DatetimeIndex
) -> pd.DataFrame:
    """Find the session in which each dividend leaves the price of its stock.

    It is the stock's first row on or after the ex-date, in which the holders of the row
    before are credited.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session.
    payments : DataFrame
        ``DividendTables.payments``.
    sessions : DatetimeIndex
        The market's calendar.

    Returns
    -------
    DataFrame
        ``PLACED_DIVIDENDS``. ``session`` is missing where the stock has no row before
        the ex-date or none after it, and where the market's calendar breaks there, so
        that no return spans the ex-date.
    """
    paying = rows[rows["ticker"].isin(payments["ticker"].unique())]
    by_ticker = paying.groupby("ticker", observed=True)["session"]
    days = {str(t): s.to_numpy() for t, s in by_ticker}
    found = []
    for ticker, ex_date in payments[["ticker", "ex_date"]].itertuples(index=False):
        own, day = days.get(ticker, np.array([], "datetime64[us]")), ex_date.to_numpy()
        place = int(np.searchsorted(own, day))
        market = int(np.searchsorted(sessions, day))
        is_placed = 0 < place < len(own) and market < len(sessions)
        if is_placed and sessions.to_numpy()[market] - day <= MAX_BREAK:
            found.append(own[place])
        else:
            found.append(np.datetime64("NaT", "us"))
    placed = payments.assign(session=np.array(found, "datetime64[us]"))
    return tables.conform(placed, tables.PLACED_DIVIDENDS)


def add_dividends(
    rows: pd.DataFrame, placed: pd.DataFrame, years: pd.DataFrame
) -> pd.DataFrame:
    """Add the columns ``dividend`` and ``dividends_known``.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session, with ``ticker session``.
    placed : DataFrame
        ``place_dividends``.
    years : DataFrame
        ``DIVIDEND_YEARS``.

    Returns
    -------
    DataFrame
        ``dividend`` (KES per share of the row before, before tax; 0 where none leaves
        the price) and ``dividends_known`` (the stock's calendar year is complete).
    """
    session = rows["session"].to_numpy()
    dividend = np.zeros(len(rows))
    known = np.zeros(len(rows), bool)
    if placed.empty and years.empty:
        return rows.assign(dividend=dividend, dividends_known=known)
    ticker = rows["ticker"].astype("str").to_numpy()
    if len(placed):
        booked = placed.dropna(subset="session")[["ticker", "session", "amount_kes"]]
        for name, day, amount in booked.itertuples(index=False):
            # Payments of one day add up.
            dividend[(ticker == name) & (session == day.to_datetime64())] += amount
    if len(years):
        year = session.astype("datetime64[Y]").astype(int) + 1970
        whole = pd.MultiIndex.from_frame(years[["ticker", "year"]])
        known = pd.MultiIndex.from_arrays([ticker, year]).isin(whole)
    return rows.assign(dividend=dividend, dividends_known=known)


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
