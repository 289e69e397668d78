"""Dates as the exchange's files print them, and the order of day and month.

A date with a month's name (``02-Jan-2013``) reads one way. A date of numbers alone
(``1/2/2007``) reads two ways, and the file itself must tell which: a first or second
number above 12, or sessions that follow each other without a long break in one reading
only. A file that does not tell is refused.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Written out, because a parser's month names follow the machine's locale.
MONTHS = pa.array("jan feb mar apr may jun jul aug sep oct nov dec".split())
NAMED = r"^(?P<day>[0-9]{1,2})-(?P<month>[A-Za-z]{3})-(?P<year>[0-9]{4}|[0-9]{2})$"
NUMBERS = r"^(?P<first>[0-9]{1,2})/(?P<second>[0-9]{1,2})/(?P<year>[0-9]{4})$"
# The exchange opened in 1954. Years after 2099 are misprints.
FIRST_YEAR, LAST_YEAR = 1954, 2099
PIVOT = 54
"""Two-digit years from here on belong to the last century."""
N_MONTHS = 12
LONGEST_BREAK = np.timedelta64(14, "D")
"""The exchange was never closed so long, so sessions further apart are misread."""

DATE = "a date as 02-Jan-2013, or as 1/2/2013 where the file tells day from month"
ORDERS = ("month first", "day first")


@dataclass(frozen=True)
class Refusal:
    """Row whose date cannot be read, by its position, and what was expected."""

    row: int
    expected: str


def read_dates(
    texts: pa.StringArray, codes: np.ndarray, files: np.ndarray
) -> np.ndarray | Refusal:
    """Return the date of every row, or the first row that cannot be read.

    Parameters
    ----------
    texts : StringArray of shape (n_texts,)
        The distinct printed dates.
    codes : array of int, shape (n_rows,)
        Each row's text.
    files : array of int, shape (n_rows,)
        Each row's file. Rows of a file stand together, in its order.

    Returns
    -------
    array of datetime64[us], shape (n_rows,), or Refusal
    """
    dates = _named(texts)
    numbers = pc.extract_regex(texts, NUMBERS)
    if numbers.null_count == len(texts):
        return _or_refusal(dates[codes])
    first, second, year = (_whole(part) for part in numbers.flatten())
    readings = [_dates(year, first, second), _dates(year, second, first)]
    is_numeric = numbers.is_valid().to_numpy(zero_copy_only=False)
    found = dates[codes]
    for file in np.unique(files[is_numeric[codes]]):
        rows = np.flatnonzero((files == file) & is_numeric[codes])
        order = _order(first[codes[rows]], second[codes[rows]])
        if order is None:
            order = _order_of_sessions([dates[codes[rows]] for dates in readings])
        if order is None:
            return Refusal(
                int(rows[0]),
                "a file whose dates tell day from month, by a day above the 12th or "
                "by sessions in a row; print the month's name, 02-Jan-2013",
            )
        found[rows] = readings[order][codes[rows]]
        if np.isnat(found[rows]).any():
            row = int(rows[np.isnat(found[rows]).argmax()])
            return Refusal(row, f"a date with the {ORDERS[order]}, as in this file")
    return _or_refusal(found)


def _or_refusal(dates: np.ndarray) -> np.ndarray | Refusal:
    is_bad = np.isnat(dates)
    return Refusal(int(is_bad.argmax()), DATE) if is_bad.any() else dates


def _named(texts: pa.StringArray) -> np.ndarray:
    """Read dates with a month's name; NaT for other texts."""
    # A text of another form has no parts, so its month is not found.
    day, name, printed_year = pc.extract_regex(texts, NAMED).flatten()
    year, digits = _whole(printed_year), _whole(pc.utf8_length(printed_year))
    month = pc.index_in(pc.utf8_lower(name), MONTHS).fill_null(-1).to_numpy() + 1
    year = year + np.select([digits == 4, year >= PIVOT], [0, 1900], 2000)
    return _dates(year, month, _whole(day))


def _whole(texts: pa.Array) -> np.ndarray:
    return np.asarray(pc.cast(texts, pa.int64()).fill_null(0).to_numpy())


def _dates(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Return dates; NaT where there is no such day, as 30 February."""
    is_read = (FIRST_YEAR <= year) & (year <= LAST_YEAR)
    is_read &= (month >= 1) & (month <= N_MONTHS)
    months = (N_MONTHS * (year - 1970) + month - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (day - 1)
    is_read &= dates.astype("datetime64[M]") == months
    return np.where(is_read, dates.astype("datetime64[us]"), np.datetime64("NaT", "us"))


def _order(first: np.ndarray, second: np.ndarray) -> int | None:
    """Return which number is the month's: 0 the first, 1 the second, None for either.

    A number above 12 is a day. If both are found, the one on more rows decides, and the
    other's rows are misprints.
    """
    n_first, n_second = ((part > N_MONTHS).sum() for part in (first, second))
    if n_first == n_second:
        return None
    return 0 if n_second > n_first else 1


def _order_of_sessions(readings: list[np.ndarray]) -> int | None:
    """Return the only reading whose sessions follow each other; None for both or none.

    With one session there is nothing that could follow.
    """
    fits = []
    for dates in readings:
        steps = np.diff(dates[np.append(True, dates[1:] != dates[:-1])])
        is_near = (np.abs(steps) <= LONGEST_BREAK) & ~np.isnat(steps)
        weekdays = np.is_busday(dates.astype("datetime64[D]"))
        fits.append(len(steps) > 0 and bool(is_near.all() and weekdays.all()))
    return fits.index(True) if sum(fits) == 1 else None
