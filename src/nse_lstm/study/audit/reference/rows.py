"""Read raw text into each stock's sessions, one row at a time."""

import csv
import itertools
import math
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from nse_lstm.study.audit.printed_files import read_printed
from nse_lstm.study.audit.reference.boards import find_wrong_boards
from nse_lstm.study.audit.reference.dates import read_dates
from nse_lstm.study.audit.reference.market import ReferenceDay, ReferenceMarket

N_FIELDS = 13
MOST_IDLE = 10
LONGEST_BREAK = timedelta(days=14)
SMALLEST_STEP = 0.03
"""Smallest log step of ``Adjust`` that is an event; rounding stays below."""
NEAR = timedelta(days=45)
"""A sourced event this close to one in ``Adjust`` is the same event."""
LARGEST_MOVE = 0.135
LONGEST_SLIP = 5
"""Sessions in a row with a slipped decimal point of an index."""
LONGEST_WAIT = 40
"""Sessions within which a price must follow its ex-date."""


def read_market(
    folder: Path,
    actions: Path | None = None,
    renamed: Path | None = None,
    payments: Path | None = None,
) -> ReferenceMarket:
    """Read a folder of the exchange's price files and the sourced tables.

    A file's rows all belong to the one year in its name. Of several rows of a ticker
    and session the first counts. Tickers with a ``^`` are indices, whose rows make no
    session.

    Parameters
    ----------
    folder : Path
        Raw CSV files.
    actions : Path, optional
        CSV file of sourced corporate actions.
    renamed : Path, optional
        CSV file of renamed codes.
    payments : Path, optional
        CSV file of sourced dividends, the one of complete years beside it.
    """
    today = list(_renamed(renamed))
    listed: dict[str, dict[date, ReferenceDay]] = {}
    endings = (".csv", ".csv.gz")
    names = [p.name for p in folder.iterdir() if p.name.lower().endswith(endings)]
    for name in sorted(names):
        text = read_printed(folder / name)
        years = set(re.findall(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])", name))
        year = int(years.pop()) if len(years) == 1 else None
        lines = [line for line in csv.reader(text.splitlines()) if any(line)][1:]
        if not lines or len(lines[0]) != N_FIELDS:
            continue
        for day, fields in zip(read_dates(lines, year), lines, strict=True):
            ticker = next(
                (new for old, new, until in today if old == fields[1] and day <= until),
                fields[1],
            )
            listed.setdefault(ticker, {}).setdefault(day, _day(fields))
    ordered = {t: dict(sorted(r.items())) for t, r in listed.items()}
    stocks = {t: rows for t, rows in ordered.items() if not t.startswith("^")}
    indices = {t: rows for t, rows in ordered.items() if t.startswith("^")}
    sessions = sorted({day for rows in stocks.values() for day in rows})
    market = ReferenceMarket(sessions, stocks, indices)
    find_wrong_boards(market)
    sourced = list(_sourced_events(actions))
    for ticker, rows in market.stocks.items():
        _place_factors(rows, [(day, f) for name, day, f in sourced if name == ticker])
    _mend(market)
    for rows in market.indices.values():
        _place_points(rows)
    breaks = {b for a, b in itertools.pairwise(sessions) if b - a > LONGEST_BREAK}
    for rows in market.listed:
        _flag(rows, breaks)
    for rows in market.stocks.values():
        _find_settling(rows, sessions)
    _read_dividends(market, payments)
    return market


def _read_dividends(market: ReferenceMarket, payments: Path | None) -> None:
    """Book each dividend in the stock's first session on or after its ex-date."""
    if payments is None or not payments.is_file():
        return
    for row in csv.DictReader(payments.read_text(encoding="utf-8-sig").splitlines()):
        register = date.fromisoformat(row["register_date"])
        ex_date = register + timedelta(days=1)
        if row["ex_date"]:
            ex_date = date.fromisoformat(row["ex_date"])
        days = list(market.stocks.get(row["ticker"], {}))
        earlier = [day for day in days if day < ex_date]
        later = [day for day in days if day >= ex_date]
        opened = [day for day in market.sessions if day >= ex_date]
        if earlier and later and opened[0] - ex_date <= LONGEST_BREAK:
            market.stocks[row["ticker"]][later[0]].dividend += float(row["amount_kes"])
    years = payments.with_name(payments.stem + "_years.csv")
    if years.is_file():
        lines = years.read_text(encoding="utf-8-sig").splitlines()
        market.covered = {(r["ticker"], int(r["year"])) for r in csv.DictReader(lines)}


def _day(fields: list[str]) -> ReferenceDay:
    numbers = (_number(fields[i]) for i in (7, 8, 11, 12, 5, 6))
    price, previous, volume, adjust, low, high = numbers
    return ReferenceDay(price, previous or None, volume or None, adjust, low, high)


def _number(text: str) -> float | None:
    return None if text == "-" else float(text.replace(",", ""))


def _renamed(path: Path | None) -> Iterator[tuple[str, str, date]]:
    """Give old code, today's code and last day of each line of the table."""
    if path is None or not path.is_file():
        return
    for row in csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()):
        yield row["printed"], row["ticker"], date.fromisoformat(row["until"])


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
    ratios = [
        (today, day.adjust / day.price if day.adjust is not None else 1.0)
        for today, day in rows.items()
        if day.price is not None
    ]
    known: float | None = None
    skipped = 0
    for place, (today, printed) in enumerate(ratios):
        if skipped:
            skipped -= 1
            continue
        if known is not None:
            nearer = abs(math.log(printed)) < abs(math.log(known))
            longest = 60 if nearer else 3
            later = [ratio for _, ratio in ratios[place : place + longest + 1]]
            skipped = _rows_of_misprint(later, known)
            if skipped:
                skipped -= 1
                continue
            step = math.log(printed / known)
            if abs(step) > SMALLEST_STEP and nearer:
                yield today, _simple(printed / known)
        known = printed


def _rows_of_misprint(later: list[float], known: float) -> int:
    """Count the rows of another ratio after which the known one is back, else 0."""
    if abs(math.log(later[0] / known)) <= SMALLEST_STEP:
        return 0
    for n_rows, ratio in enumerate(later):
        if abs(math.log(ratio / later[0])) > SMALLEST_STEP:
            return n_rows if abs(math.log(ratio / known)) <= SMALLEST_STEP else 0
    return 0


def _place_factors(
    rows: dict[date, ReferenceDay], sourced: list[tuple[date, float]]
) -> None:
    """Apply each event from the first trade or matching price from its ex-date on."""
    shown = list(_shown_events(rows))
    unseen = [e for e in sourced if all(abs(e[0] - day) > NEAR for day, _ in shown)]
    waiting = sorted([*shown, *unseen])
    shares = 1.0
    known = [(today, day.price) for today, day in rows.items() if day.price is not None]
    for today, day in rows.items():
        while waiting and waiting[0][0] <= today and not day.stale:
            earlier = [price for then, price in known if then < waiting[0][0]]
            if day.volume is None and not _follows(day, earlier, waiting[0][1]):
                break
            day.factor *= waiting.pop(0)[1]
        shares *= day.factor
        day.shares = shares


def _follows(day: ReferenceDay, earlier: list[float], factor: float) -> bool:
    """Return whether a price has moved by the factor since the ex-date."""
    if day.price is None or not earlier:
        return False
    move = math.log(day.price / earlier[-1])
    return abs(move + math.log(factor)) <= LARGEST_MOVE < abs(move)


def _simple(ratio: float) -> float:
    """Return the nearest ratio of small integers, if it is within 1 %."""
    terms = [round(ratio * d) / d for d in range(1, 11)]
    best = min(terms, key=lambda term: abs(term - ratio))
    return best if best and abs(best / ratio - 1) < 0.01 else ratio


def _mend(market: ReferenceMarket) -> None:
    """Give a wrong board the next session's ``Previous`` as its price."""
    for rows in market.listed:
        for today, after in itertools.pairwise([*market.sessions, None]):
            day = rows.get(today) if today else None
            following = rows.get(after) if after else None
            if day is None or not day.stale:
                continue
            is_told = following is not None and not following.stale and not day.untold
            if following is not None and is_told and following.previous is not None:
                day.price = following.previous
            elif day.misplaced:
                day.price = None
        for day in rows.values():
            if day.stale:
                day.volume = None


def _place_points(rows: dict[date, ReferenceDay]) -> None:
    """Move an index's decimal point where ten times or a tenth alone is near the last.

    More than ``LONGEST_SLIP`` such sessions in a row are a new base and stay.
    """
    last: float | None = None
    run: list[tuple[ReferenceDay, float]] = []
    for day in rows.values():
        if day.price is None:
            continue
        printed = day.price
        if last is not None and not _is_near(printed, last):
            fits = [s for s in (10.0, 0.1) if _is_near(printed / s, last)]
            if fits:
                day.price = round(printed / fits[0], 6)
                run.append((day, printed))
                if len(run) > LONGEST_SLIP:
                    for each, before in run:
                        each.price = before
                    run, last = [], printed
                else:
                    last = day.price
                continue
        run, last = [], printed


def _is_near(price: float, other: float) -> bool:
    return abs(math.log(price / other)) <= LARGEST_MOVE


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
