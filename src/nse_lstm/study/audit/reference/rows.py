"""Raw text to one stock's sessions, a row at a time."""

import csv
import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
MOST_IDLE = 10
LONGEST_BREAK = timedelta(days=14)
SMALLEST_STEP = 0.03
"""Log step of ``Adjust`` taken for an event; rounding stays below, issues above."""
NEAR = timedelta(days=45)
"""A sourced event this close to one that ``Adjust`` shows is that one."""
LARGEST_MOVE = 0.135
LONGEST_WAIT = 40
"""Sessions that a price may take to follow its ex-date."""


@dataclass
class PlainDay:
    """One stock's row of one session."""

    price: float | None
    previous: float | None
    volume: float | None
    adjust: float | None
    stale: bool = False
    suspended: bool = False
    gap: bool = False
    settling: bool = False
    factor: float = 1.0
    shares: float = 1.0

    @property
    def adjusted(self) -> float | None:
        """Price in shares of the first row, KES."""
        return None if self.price is None else self.price * self.shares

    @property
    def settled(self) -> float | None:
        """The same, missing while it has yet to follow an ex-date."""
        return None if self.settling else self.adjusted


@dataclass
class PlainMarket:
    """Sessions in order, and each stock's rows by session; indices are left out."""

    sessions: list[date]
    stocks: dict[str, dict[date, PlainDay]] = field(default_factory=dict)


def read_market(folder: Path, actions: Path | None = None) -> PlainMarket:
    """Read a folder of the exchange's price files, and sourced events if there are any.

    A row dated outside the one year that its file's name holds takes that year. Of
    several rows of a code and session the first counts. Codes with a ``^`` are indices.
    """
    stocks: dict[str, dict[date, PlainDay]] = {}
    names = [p.name for p in folder.iterdir() if p.name.lower().endswith(".csv")]
    for name in sorted(names):
        text = (folder / name).read_text(encoding="utf-8-sig")
        years = set(re.findall(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])", name))
        year = int(years.pop()) if len(years) == 1 else None
        for fields in list(csv.reader(text.splitlines()))[1:]:
            if len(fields) == 13 and fields[1] and not fields[1].startswith("^"):
                day = _date(fields[0], year)
                stocks.setdefault(fields[1], {}).setdefault(day, _day(fields))
    sessions = sorted({day for rows in stocks.values() for day in rows})
    market = PlainMarket(
        sessions, {t: dict(sorted(r.items())) for t, r in stocks.items()}
    )
    _find_stale(market)
    sourced = list(_sourced_events(actions))
    for ticker, rows in market.stocks.items():
        _place_factors(rows, [(day, f) for name, day, f in sourced if name == ticker])
    _mend(market)
    breaks = {b for a, b in itertools.pairwise(sessions) if b - a > LONGEST_BREAK}
    for rows in market.stocks.values():
        _flag(rows, breaks)
        _find_settling(rows, sessions)
    return market


def _date(text: str, year: int | None) -> date:
    day, month, printed = text.split("-")
    number = int(printed) if len(printed) == 4 else 2000 + int(printed)
    return date(year or number, MONTHS.index(month.lower()) + 1, int(day))


def _day(fields: list[str]) -> PlainDay:
    price, previous, volume, adjust = (_number(fields[i]) for i in (7, 8, 11, 12))
    return PlainDay(price, previous, volume or None, adjust)


def _number(text: str) -> float | None:
    return None if text == "-" else float(text.replace(",", ""))


def _find_stale(market: PlainMarket) -> None:
    """Mark sessions whose traded codes nearly all repeat the session before."""
    for before, today in itertools.pairwise(market.sessions):
        listed = traded = copied = 0
        for rows in market.stocks.values():
            now, then = rows.get(today), rows.get(before)
            if now is None:
                continue
            listed += 1
            if now.volume is None:
                continue
            traded += 1
            same = then is not None and now.price == then.price
            copied += same and then is not None and now.volume == then.volume
        needed = min(max(math.ceil(listed / 2), 3), 20)
        if traded >= needed and copied > 0.95 * traded:
            for rows in market.stocks.values():
                if today in rows:
                    rows[today].stale = True


def _sourced_events(actions: Path | None) -> Iterator[tuple[str, date, float]]:
    """Give code, ex-date and factor of each line of the sourced table."""
    if actions is None or not actions.is_file():
        return
    for row in csv.DictReader(actions.read_text(encoding="utf-8-sig").splitlines()):
        above, _, below = row["factor"].partition("/")
        yield (
            row["ticker"],
            date.fromisoformat(row["ex_date"]),
            (float(above) / float(below or 1)),
        )


def _shown_events(rows: dict[date, PlainDay]) -> Iterator[tuple[date, float]]:
    """Give the events that ``Adjust`` shows: where its ratio comes nearer to 1."""
    known: float | None = None
    for today, day in rows.items():
        if day.price is None:
            continue
        printed = day.adjust / day.price if day.adjust is not None else 1.0
        if known is not None:
            step = math.log(printed / known)
            nearer = abs(math.log(printed)) < abs(math.log(known))
            if abs(step) > SMALLEST_STEP and nearer:
                yield today, _simple(printed / known)
        known = printed


def _place_factors(
    rows: dict[date, PlainDay], sourced: list[tuple[date, float]]
) -> None:
    """Let each event count from the first deal on or after its ex-date."""
    shown = list(_shown_events(rows))
    hidden = [e for e in sourced if all(abs(e[0] - day) > NEAR for day, _ in shown)]
    waiting = sorted([*shown, *hidden])
    shares = 1.0
    for today, day in rows.items():
        if day.volume is not None and not day.stale:
            while waiting and waiting[0][0] <= today:
                day.factor *= waiting.pop(0)[1]
        shares *= day.factor
        day.shares = shares


def _simple(ratio: float) -> float:
    """Return the nearest ratio of small whole numbers, if it is near."""
    terms = [round(ratio * d) / d for d in range(1, 11)]
    best = min(terms, key=lambda term: abs(term - ratio))
    return best if best and abs(best / ratio - 1) < 0.01 else ratio


def _mend(market: PlainMarket) -> None:
    """Give a stale session the price that the next one calls ``Previous``."""
    for rows in market.stocks.values():
        for today, after in itertools.pairwise(market.sessions):
            day, following = rows.get(today), rows.get(after)
            if day is None or not day.stale or following is None or following.stale:
                continue
            if following.previous is not None:
                day.price = following.previous
        for day in rows.values():
            if day.stale:
                day.volume = None


def _flag(rows: dict[date, PlainDay], breaks: set[date]) -> None:
    """Mark suspensions and gaps."""
    idle, last = 0, None
    for today, day in rows.items():
        if day.volume is not None:
            idle = 0
        elif not day.stale:
            idle += 1
        day.suspended = idle > MOST_IDLE
        day.gap = today in breaks or (last is not None and today - last > LONGEST_BREAK)
        last = today


def _find_settling(rows: dict[date, PlainDay], sessions: list[date]) -> None:
    """Mark prices that have yet to follow their ex-date.

    A wait begins where a price leaps with an ex-date, and lasts until one is back near
    the price before it, or is believed after ``LONGEST_WAIT`` sessions. A leap across a
    break in the calendar that the stock sat through may be anything.
    """
    place = {day: i for i, day in enumerate(sessions)}
    waits: list[tuple[float, int]] = []
    before: PlainDay | None = None
    for today, day in rows.items():
        price = day.adjusted
        if price is None:
            continue
        at = place[today]
        leapt_over = day.gap and sessions[at - 1] in rows
        if before is not None and day.shares != before.shares and not leapt_over:
            waits.append((before.adjusted or price, at))
        waits = [
            (level, since)
            for level, since in waits
            if at < since + LONGEST_WAIT and abs(math.log(price / level)) > LARGEST_MOVE
        ]
        day.settling = bool(waits)
        before = day
