"""Bill rates and withholding tax: what idle money earned, and what was taken of it.

Only the standard library is used (``data.sourced``).
"""

from pathlib import Path
from typing import Literal

from nse_lstm.data.sourced import (
    MONTH_FIELD,
    NOTE,
    PERCENT,
    SOURCE,
    Field,
    one_of,
    read_rows,
    read_year,
)

Income = Literal["bill", "dividend"]
INCOMES: tuple[Income, ...] = ("bill", "dividend")

BILL_FIELDS = {
    "month": MONTH_FIELD,
    "rate_percent": PERCENT,
    "source": SOURCE,
    "note": NOTE,
}
TAX_FIELDS = {
    "year": Field("a year as 2020", read_year),
    "income": Field(f"one of {INCOMES} as income", one_of(*INCOMES)),
    "rate_percent": PERCENT,
    "source": SOURCE,
    "note": NOTE,
}


def read_bill_rates(path: Path | None) -> dict[str, float]:
    """Read the sourced table of a market's monthly bill rates.

    Parameters
    ----------
    path : Path or None
        CSV file with ``month`` (2020-08), ``rate_percent`` (yearly, simple), ``source``
        and ``note``.

    Returns
    -------
    dict of str to float
        Yearly rate as a fraction by month, in the order of months.

    Raises
    ------
    DataError
        For the first line that is invalid or repeats a month; names file and line.
    """
    rows = read_rows(path, BILL_FIELDS, key=["month"], one="rate per month")
    rates = {row.cells["month"]: row.cells["rate_percent"] / 100 for row in rows}
    return dict(sorted(rates.items()))


def read_withholding_tax(path: Path | None) -> dict[int, dict[Income, float]]:
    """Read the sourced table of tax that is withheld from a resident person's income.

    Parameters
    ----------
    path : Path or None
        CSV file with ``year``, ``income`` (``bill`` or ``dividend``),
        ``rate_percent``, ``source`` and ``note``.

    Returns
    -------
    dict of int to dict
        Fraction of each income that is withheld, by year; a year has both incomes.

    Raises
    ------
    DataError
        For the first line that is invalid or repeats a rate, and for a year with one
        income only; names file and line.
    """
    rows = read_rows(
        path, TAX_FIELDS, key=["year", "income"], one="rate per year and income"
    )
    rates: dict[int, dict[Income, float]] = {}
    for row in rows:
        of_year = rates.setdefault(row.cells["year"], {})
        of_year[row.cells["income"]] = row.cells["rate_percent"] / 100
    for row in rows:
        if len(found := rates[row.cells["year"]]) != len(INCOMES):
            row.refuse(f"a rate for each of {INCOMES} in a year", tuple(found))
    return dict(sorted(rates.items()))
