"""Read raw text into each stock's sessions, one row at a time."""

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
"""Smallest log step of ``Adjust`` that is an event; rounding stays below."""
NEAR = timedelta(days=45)
"""A sourced event this close to one in ``Adjust`` is the same event."""
LARGEST_MOVE = 0.135
LONGEST_WAIT = 40
"""Sessions within which a price must follow its ex-date."""


@dataclass
class ReferenceDay:
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
        """Price adjusted to the shares of the first row, KES."""
        return None if self.price is None else self.price * self.shares

    @property
    def settled(self) -> float | None:
        """Adjusted price, None while it does not yet follow an ex-date."""
        return None if self.settling else self.adjusted


@dataclass
class ReferenceMarket:
    """Sessions in order, and each stock's rows by session, without indices."""

    sessions: list[date]
    stocks: dict[str, dict[date, ReferenceDay]] = field(default_factory=dict)


def read_market(folder: Path, actions: Path | None = None) -> ReferenceMarket:
    """Read a folder of the exchange's price files and the sourced events.

    A file's rows all belong to the one year in its name. Of several rows of a ticker
    and session the first counts. Tickers with a ``^`` are indices.

    Parameters
    ----------
    folder : Path
        Raw CSV files.
    actions : Path, optional
        CSV file of sourced corporate actions.
    """
    stocks: dict[str, dict[date, ReferenceDay]] = {}
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
    market = ReferenceMarket(
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


def _day(fields: list[str]) -> ReferenceDay:
    price, previous, volume, adjust = (_number(fields[i]) for i in (7, 8, 11, 12))
    return ReferenceDay(price, previous, volume or None, adjust)


def _number(text: str) -> float | None:
    return None if text == "-" else float(text.replace(",", ""))


def _find_stale(market: ReferenceMarket) -> None:
    """Mark sessions whose traded stocks nearly all repeat the session before."""
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
    """Give ticker, ex-date and factor of each line of the sourced table."""
    if actions is None or not actions.is_file():
        return
    for row in csv.DictReader(actions.read_text(encoding="utf-8-sig").splitlines()):
        above, _, below = row["factor"].partition("/")
        yield (
            row["ticker"],
            date.fromisoformat(row["ex_date"]),
            (float(above) / float(below or 1)),
        )


def _shown_events(rows: dict[date, ReferenceDay]) -> Iterator[tuple[date, float]]:
    """Give the events in ``Adjust``: steps of its ratio to the price towards 1."""
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
    rows: dict[date, ReferenceDay], sourced: list[tuple[date, float]]
) -> None:
    """Apply each event from the first trade on or after its ex-date."""
    shown = list(_shown_events(rows))
    unseen = [e for e in sourced if all(abs(e[0] - day) > NEAR for day, _ in shown)]
    waiting = sorted([*shown, *unseen])
    shares = 1.0
    for today, day in rows.items():
        if day.volume is not None and not day.stale:
            while waiting and waiting[0][0] <= today:
                day.factor *= waiting.pop(0)[1]
        shares *= day.factor
        day.shares = shares


def _simple(ratio: float) -> float:
    """Return the nearest ratio of small integers, if it is within 1 %."""
    terms = [round(ratio * d) / d for d in range(1, 11)]
    best = min(terms, key=lambda term: abs(term - ratio))
    return best if best and abs(best / ratio - 1) < 0.01 else ratio


def _mend(market: ReferenceMarket) -> None:
    """Give a stale session the next session's ``Previous`` as its price."""
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


def _flag(rows: dict[date, ReferenceDay], breaks: set[date]) -> None:
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


def _find_settling(rows: dict[date, ReferenceDay], sessions: list[date]) -> None:
    """Mark prices that do not yet follow their ex-date.

    A wait begins where the adjusted price jumps at an ex-date. It ends when the price
    is back near the one before, or after ``LONGEST_WAIT`` sessions. A jump across a
    break in the calendar starts no wait.
    """
    place = {day: i for i, day in enumerate(sessions)}
    waits: list[tuple[float, int]] = []
    before: ReferenceDay | None = None
    for today, day in rows.items():
        price = day.adjusted
        if price is None:
            continue
        at = place[today]
        over_break = day.gap and sessions[at - 1] in rows
        if before is not None and day.shares != before.shares and not over_break:
            waits.append((before.adjusted or price, at))
        waits = [
            (level, since)
            for level, since in waits
            if at < since + LONGEST_WAIT and abs(math.log(price / level)) > LARGEST_MOVE
        ]
        day.settling = bool(waits)
        before = day
