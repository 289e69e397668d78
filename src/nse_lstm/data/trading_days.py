"""Sourced exceptions to the public holidays: days on which the exchange traded or not.

Only the standard library is used (``data.sourced``).
"""

from datetime import date
from pathlib import Path

from nse_lstm.data.sourced import DAY, NOTE, SOURCE, Field, one_of, read_rows

FIELDS = {
    "day": DAY,
    "trades": Field("yes or no as trades", one_of("yes", "no")),
    "source": SOURCE,
    "note": NOTE,
}


def read_trading_days(path: Path | None) -> dict[date, bool]:
    """Read the sourced exceptions to a market's public holidays.

    Parameters
    ----------
    path : Path or None
        CSV file with ``day`` (2022-09-12), ``trades`` (``yes`` or ``no``), ``source``
        and ``note``.

    Returns
    -------
    dict of date to bool
        Whether the exchange trades on the day, in the order of days.

    Raises
    ------
    DataError
        For the first line that is invalid or repeats a day; names file and line.
    """
    rows = read_rows(path, FIELDS, key=["day"], one="row per day")
    return {
        row.cells["day"]: row.cells["trades"] == "yes"
        for row in sorted(rows, key=lambda row: row.cells["day"])
    }
