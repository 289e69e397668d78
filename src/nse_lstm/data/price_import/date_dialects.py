"""Dates of other people's files: the order of day and month is found, not assumed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Literal

from nse_lstm.data.printed_dates import FIRST_YEAR, LAST_YEAR, PIVOT
from nse_lstm.errors import DataError

DateOrder = Literal["day-first", "month-first"]
DATE_ORDERS: tuple[DateOrder, ...] = ("day-first", "month-first")
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
FULL_MONTHS = (
    "january february march april may june july august september october november "
    "december"
).split()

YEAR_FIRST = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
DIGITS = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
DAY_NAME = re.compile(r"([0-9]{1,2})[-/ ]([A-Za-z]{3,9})\.?[-/ ,]+([0-9]{4}|[0-9]{2})")
NAME_DAY = re.compile(r"([A-Za-z]{3,9})\.?[ -]([0-9]{1,2}),? +([0-9]{4}|[0-9]{2})")
NUMBERS = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
CLOCK = re.compile(
    r"(?P<day>.*[0-9])(?:T| +)(?P<clock>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]+)?"
    r" ?(?P<zone>Z|UTC|[+-][0-9]{2}:?[0-9]{2})?"
)
SERIAL = re.compile(r"[1-6][0-9]{4}(\.0)?")
EXPECTED = "a date such as 2012-06-11, 06/11/2012, 11-Jun-12 or Jun 11, 2012"


@dataclass(frozen=True)
class DateRule:
    """Order of day and month in a file's dates, and the reason for it."""

    order: DateOrder | None
    """None where no date has day and month in numbers before the year."""
    why: str


def find_date_rule(
    texts: Sequence[str], lines: Sequence[int], file: str, given: str = ""
) -> DateRule:
    """Find whether the day or the month comes first in a file's dates.

    A first number above 12 is a day, a second number above 12 makes the first a month.

    Parameters
    ----------
    texts, lines : sequence of str, of int
        Printed dates and their lines.
    file : str
        Name of the file.
    given : str
        The user's word: one of ``DATE_ORDERS``, or empty.

    Raises
    ------
    DataError
        If the dates contradict each other or the user, or nothing decides.
    """
    proofs: dict[str, tuple[str, int]] = {}
    first: tuple[str, int] | None = None
    for text, line in zip(texts, lines, strict=True):
        found = NUMBERS.fullmatch(_day_part(text))
        if found is None:
            continue
        first = first or (text, line)
        if int(found[1]) > 12:
            proofs.setdefault("day-first", (text, line))
        elif int(found[3]) > 12:
            proofs.setdefault("month-first", (text, line))
        if len(proofs) == 2:
            break
    if first is None:
        return DateRule(None, "the dates name year or month")
    for name in DATE_ORDERS:
        others = {o: proof for o, proof in proofs.items() if o != name}
        if (given == name or name in proofs) and others:
            text, line = next(iter(others.values()))
            word = "as --dates says" if given else f"as in {proofs[name][0]!r}"
            raise DataError(
                f"Expected dates {name}, {word}. Received: {text!r}",
                file=file,
                line=line,
            )
    if proofs:
        ((order, (text, line)),) = proofs.items()
        return DateRule(_order(order), f"{order}, as line {line} shows: {text}")
    if given:
        return DateRule(_order(given), f"{given}, as --dates says")
    raise DataError(
        "Expected a date whose day is above 12, to tell day from month. Received: none "
        f"in the file, such as {first[0]!r}. Say --dates day-first or month-first",
        file=file,
        line=first[1],
    )


@lru_cache(maxsize=100_000)
def read_date(text: str, order: DateOrder | None) -> date | str:
    """Read one printed date, or return what was expected of it.

    A time of day is left out. A time with a zone must be midnight or have the zone of
    the exchange, since the day depends on it.

    Parameters
    ----------
    text : str
        As printed.
    order : str or None
        ``DateRule.order``.

    Examples
    --------
    >>> read_date("Jun 11, 2012", None)
    datetime.date(2012, 6, 11)
    >>> read_date("04/05/22", "month-first")
    datetime.date(2022, 4, 5)
    """
    printed = _day_part(text)
    if _is_ambiguous_clock(text):
        return "a day without a time in UTC, because the day depends on the time zone"
    parts = _year_month_day(printed, order)
    if parts is None:
        serial = "a spreadsheet's cells formatted as dates" if _serial(text) else ""
        return serial or EXPECTED
    try:
        day = date(*parts)
    except ValueError:
        return EXPECTED
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        return f"a year from {FIRST_YEAR} to {LAST_YEAR}"
    return day


def _year_month_day(text: str, order: DateOrder | None) -> tuple[int, int, int] | None:
    if found := YEAR_FIRST.fullmatch(text) or DIGITS.fullmatch(text):
        return int(found[1]), int(found[2]), int(found[3])
    if found := DAY_NAME.fullmatch(text):
        return _year(found[3]), _month(found[2]), int(found[1])
    if found := NAME_DAY.fullmatch(text):
        return _year(found[3]), _month(found[1]), int(found[2])
    found = NUMBERS.fullmatch(text)
    if found is None or order is None:
        return None
    first, second = int(found[1]), int(found[3])
    day, month = (first, second) if order == "day-first" else (second, first)
    return _year(found[4]), month, day


def _order(name: str) -> DateOrder:
    return "day-first" if name == "day-first" else "month-first"


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return year + (1900 if year >= PIVOT else 2000)


def _month(text: str) -> int:
    """Return a month's number, 0 where the name is none."""
    name = text.lower()
    if name in FULL_MONTHS:
        return FULL_MONTHS.index(name) + 1
    short = "sep" if name == "sept" else name
    return MONTHS.index(short) + 1 if short in MONTHS else 0


def _day_part(text: str) -> str:
    found = CLOCK.fullmatch(text)
    return found["day"].strip() if found else text


def _is_ambiguous_clock(text: str) -> bool:
    found = CLOCK.fullmatch(text)
    if found is None or found["zone"] not in ("Z", "UTC", "+00:00", "+0000"):
        return False
    clock = found["clock"]
    try:
        form = "%H:%M:%S" if clock.count(":") == 2 else "%H:%M"
        return datetime.strptime(clock, form).time() != time(0)
    except ValueError:
        return True


def _serial(text: str) -> bool:
    return SERIAL.fullmatch(text) is not None
