"""Boards that are not their session's own, found one session at a time."""

import itertools
import math
from datetime import date, timedelta

from nse_lstm.study.audit.reference.market import ReferenceDay, ReferenceMarket

NEAR = 0.0051
FEWEST, SHARE = 3, 0.25
FEWEST_PARTLY = 5
LONGEST_BREAK = timedelta(days=14)
SATURDAY = 5

Pair = tuple[ReferenceDay, ReferenceDay]


def find_wrong_boards(market: ReferenceMarket) -> None:
    """Put swapped boards back, and mark copies, early boards and displaced ones.

    Parameters
    ----------
    market : ReferenceMarket
        As printed. Its days are changed.
    """
    _exchange_swapped(market)
    _mark_equal_boards(market)
    _mark_displaced(market)


def _pairs(market: ReferenceMarket, place: int) -> list[Pair]:
    """Return each stock's rows of the session before and of a session."""
    if not 0 < place < len(market.sessions):
        return []
    before, today = market.sessions[place - 1 : place + 1]
    found = ((rows.get(before), rows.get(today)) for rows in market.stocks.values())
    return [(then, now) for then, now in found if then is not None and now is not None]


def _is_near(left: float | None, right: float | None) -> bool:
    return left is not None and right is not None and abs(left - right) <= NEAR


def _link(pairs: list[Pair]) -> tuple[int, bool]:
    """Return how many stocks tell of a link, and whether it is broken."""
    known = [
        _is_near(now.previous, then.price)
        for then, now in pairs
        if now.previous is not None and then.price is not None
    ]
    n_wrong = known.count(False)
    return len(known), n_wrong >= max(FEWEST, SHARE * len(known))


def _link_at(market: ReferenceMarket, place: int) -> tuple[int, bool]:
    """Return the same of a session, without what is stale; 0 after a gap."""
    if place > 0 and _gap(market, place) > LONGEST_BREAK:
        return 0, False
    pairs = _pairs(market, place)
    return _link([(a, b) for a, b in pairs if not a.stale and not b.stale])


def _gap(market: ReferenceMarket, place: int) -> timedelta:
    return market.sessions[place] - market.sessions[place - 1]


def _has_hole(market: ReferenceMarket, place: int) -> bool:
    """Return whether a weekday lies between a session and the one before."""
    days = range(1, _gap(market, place).days)
    first = market.sessions[place - 1]
    return any((first + timedelta(n)).weekday() < SATURDAY for n in days)


def _exchange_swapped(market: ReferenceMarket) -> None:
    broken = [_link_at(market, n)[1] for n in range(len(market.sessions))]
    last = -2
    for place in range(1, len(broken) - 1):
        if not all(broken[place : place + 3]) or place <= last + 1:
            continue
        triples = [
            (rows.get(market.sessions[place - 1]), *pair)
            for rows in market.stocks.values()
            if (pair := _both(rows, market.sessions[place : place + 2]))
        ]
        fits = moved = n_known = 0
        for before, first, second in triples:
            if before is None:
                continue
            n_known += 1
            is_so = _is_near(first.previous, second.price)
            is_so &= _is_near(second.previous, before.price)
            fits += is_so
            moved += is_so and not _is_near(first.previous, before.price)
        if moved >= FEWEST and fits >= 0.9 * n_known:
            last = place
            for rows in market.listed:
                _exchange(rows, *market.sessions[place : place + 2])


def _both(rows: dict[date, ReferenceDay], days: list[date]) -> Pair | None:
    first, second = (rows.get(day) for day in days)
    return (first, second) if first is not None and second is not None else None


def _exchange(rows: dict[date, ReferenceDay], first: date, second: date) -> None:
    one, other = rows.pop(first, None), rows.pop(second, None)
    if other is not None:
        other.stale = other.misplaced = True
        rows[first] = other
    if one is not None:
        rows[second] = one
    in_order = sorted(rows.items())
    rows.clear()
    rows.update(in_order)


def _mark_equal_boards(market: ReferenceMarket) -> None:
    copies: set[int] = set()
    for place in range(1, len(market.sessions)):
        today = market.sessions[place]
        board = [rows[today] for rows in market.stocks.values() if today in rows]
        n_traded = sum(day.volume is not None for day in board)
        equal = [(a, b) for a, b in _pairs(market, place) if _is_copy(a, b)]
        needed = min(max(math.ceil(len(board) / 2), FEWEST), 20)
        is_whole = n_traded >= needed and len(equal) > 0.95 * n_traded
        if not is_whole:
            if len(equal) < max(FEWEST_PARTLY, SHARE * n_traded):
                continue
            equal = [(a, b) for a, b in equal if (a.low, a.high) == (b.low, b.high)]
            if len(equal) < max(FEWEST_PARTLY, SHARE * n_traded):
                continue
        kind = "copy"
        if not is_whole or place - 1 not in copies:
            kind = _kind(market, equal, place)
        if kind in ("copy", "undecided"):
            copies.add(place)
            whole = [rows[today] for rows in market.listed if today in rows]
            for day in whole if is_whole else [now for _, now in equal]:
                day.stale = True
        if kind != "copy":
            before = market.sessions[place - 1]
            whole = [rows[before] for rows in market.listed if before in rows]
            for day in whole if is_whole else [then for then, _ in equal]:
                day.stale = day.misplaced = True
                day.untold |= kind != "early"


def _is_copy(then: ReferenceDay, now: ReferenceDay) -> bool:
    return now.volume is not None and (now.price, now.volume) == (
        then.price,
        then.volume,
    )


def _kind(market: ReferenceMarket, equal: list[Pair], place: int) -> str:
    """Tell which of two equal boards is the copy."""
    told = copied = rolled = 0
    for then, now in equal:
        if now.previous is None or then.previous is None:
            continue
        is_same = _is_near(now.previous, then.previous)
        is_price = _is_near(now.previous, then.price)
        told += not is_same and not is_price
        copied += is_same and not is_price
        rolled += is_price and not is_same
    if max(told, copied, rolled) < FEWEST:
        return "copy"
    those = {id(day) for pair in equal for day in pair}
    if copied >= max(told, rolled):
        links = [(a, b) for a, b in _pairs(market, place - 1) if id(b) in those]
        is_gap = place > 1 and _gap(market, place - 1) > LONGEST_BREAK
        if is_gap or not _link(links)[1]:
            return "copy"
        return "undecided" if _has_hole(market, place - 1) else "early"
    if told >= rolled:
        return "early"
    links = [(a, b) for a, b in _pairs(market, place + 1) if id(a) in those]
    return "copy" if _link(links)[1] else "early, untold"


def _mark_displaced(market: ReferenceMarket) -> None:
    """Mark boards that break the chain of previous prices on both sides."""
    links = [_link_at(market, n) for n in range(len(market.sessions))]
    wrong: list[tuple[int, bool]] = []
    taken = -1
    for place, (_, is_broken) in enumerate(links):
        if not is_broken or place <= taken:
            continue
        is_last = place + 1 == len(links)
        if not is_last and links[place + 1][1]:
            if not (_has_hole(market, place) and _has_hole(market, place + 1)):
                wrong.append((place, True))
                taken = place + 1
        elif _has_hole(market, place):
            continue
        elif links[place - 1][0] < FEWEST:
            wrong.append((place - 1, True))
        elif is_last:
            wrong.append((place, False))
        else:
            wrong += [(place - 1, False), (place, False)]
    for (place, is_told), rows in itertools.product(wrong, market.listed):
        day = rows.get(market.sessions[place])
        if day is not None:
            day.stale = day.misplaced = True
            day.untold |= not is_told
