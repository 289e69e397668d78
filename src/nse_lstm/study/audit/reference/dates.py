"""Dates of one printed file, mended by its year and by its order."""

import itertools
from datetime import date, timedelta

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
N_MONTHS = 12
SATURDAY = 5


def read_dates(lines: list[list[str]], year: int | None) -> list[date]:
    """Return the session of each line of a file.

    A file belongs to the one year in its name. Of two neighbouring sessions that go
    back in time, the one with a single weekday between its neighbours is mended.

    Parameters
    ----------
    lines : list of list of str
        The file's rows in order.
    year : int or None
        The year in its name.
    """
    texts = [fields[0] for fields in lines]
    is_day_first = any(int(t.split("/")[0]) > N_MONTHS for t in texts if "/" in t)
    days = [_date(text, year, is_day_first=is_day_first) for text in texts]
    runs = [
        list(run) for _, run in itertools.groupby(range(len(days)), days.__getitem__)
    ]
    sessions = [days[run[0]] for run in runs]
    for i in range(1, len(sessions) - 1):
        before, now, after = sessions[i - 1 : i + 2]
        if before < now < after or not before < after:
            continue
        n_days = (after - before).days
        between = [before + timedelta(n) for n in range(1, n_days)]
        weekdays = [day for day in between if day.weekday() < SATURDAY]
        if len(weekdays) == 1:
            sessions[i] = weekdays[0]
    return [day for day, run in zip(sessions, runs, strict=True) for _ in run]


def _date(text: str, year: int | None, *, is_day_first: bool) -> date:
    if "/" in text:
        first, second, printed = (int(part) for part in text.split("/"))
        month, day = (second, first) if is_day_first else (first, second)
        return date(year or printed, month, day)
    printed_day, name, digits = text.split("-")
    number = int(digits) if len(digits) == 4 else 2000 + int(digits)
    return date(year or number, MONTHS.index(name.lower()) + 1, int(printed_day))
