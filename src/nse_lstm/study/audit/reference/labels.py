"""The reference's labels: ranked returns of a month's universe, and the stock LSTM's.

Slow plain Python over the raw text's rows. Volatility is written as a recursion over
sessions, not as the rolling means that the study takes.
"""

import math
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import NamedTuple

from nse_lstm.config import CrossSection
from nse_lstm.study.audit.reference.market import ReferenceDay, ReferenceMarket
from nse_lstm.study.audit.reference.statistics import mean, quantile

FADE = 0.5 ** (1 / 20)
"""Weight of a squared return after one more session: half of it after 20."""
LONG, FEWEST = 250, 20
FLOOR, UNKNOWN = 0.004, 0.02
FARTHEST = 6.0
DIGITS = 10


Members = dict[tuple[int, int], list[str]]
"""Universe by year and month."""


class Label(NamedTuple):
    """One stock's label of one origin; each number is NaN where it has no value."""

    entry: date
    target: date
    y: float
    excess: float
    rank: float


def list_members(
    market: ReferenceMarket, ordinary: set[str], rule: CrossSection
) -> Members:
    """Return each month's universe, by year and month.

    Parameters
    ----------
    market : ReferenceMarket
    ordinary : set of str
        Tickers of ordinary shares.
    rule : CrossSection
    """
    stocks = {t: rows for t, rows in market.stocks.items() if t in ordinary}
    copied = {d for rows in stocks.values() for d, row in rows.items() if row.stale}
    fresh = [day for day in market.sessions if day not in copied]
    members: Members = {}
    for month in sorted({(day.year, day.month) for day in market.sessions}):
        recent = [day for day in fresh if day < date(*month, 1)]
        recent = recent[-rule.liquidity_sessions :]
        found = []
        if len(recent) == rule.liquidity_sessions:
            for ticker, rows in stocks.items():
                money = [_turnover(rows.get(day)) for day in recent]
                traded = sum(value > 0 for value in money) / len(money)
                if traded >= rule.min_traded_share:
                    found.append((-quantile(money, 0.5), ticker))
        members[month] = [ticker for _, ticker in sorted(found)[: rule.size]]
    return members


def list_labels(
    market: ReferenceMarket,
    ordinary: set[str],
    members: Members,
    *,
    delay: int,
    horizon: int,
) -> dict[tuple[str, date], Label]:
    """Return the labels of every row of an ordinary share, by ticker and origin.

    Parameters
    ----------
    market : ReferenceMarket
    ordinary : set of str
        Tickers of ordinary shares.
    members : dict
        From ``list_members``.
    delay, horizon : int
        Sessions from origin to entry, and from entry to target.
    """
    stocks = {t: rows for t, rows in market.stocks.items() if t in ordinary}
    broken = {t: _count_broken(rows) for t, rows in stocks.items()}
    labels = {}
    for at, origin in enumerate(market.sessions[: -delay - horizon]):
        entry = market.sessions[at + delay]
        target = market.sessions[at + delay + horizon]
        moves = {
            ticker: _move(rows, broken[ticker], origin, entry, target)
            for ticker, rows in stocks.items()
            if origin in rows
        }
        own = [moves.get(t, math.nan) for t in members[origin.year, origin.month]]
        known = [y for y in own if not math.isnan(y)]
        for ticker, y in moves.items():
            excess = y - mean(known) if known else math.nan
            labels[ticker, origin] = Label(entry, target, y, excess, _rank(y, known))
    return labels


def list_volatility(market: ReferenceMarket, ticker: str) -> dict[date, float]:
    """Return a stock's volatility of a session's log return, as known at each session.

    sqrt(3/4 ewma(r^2) + 1/4 mean(r^2 of 250 sessions)), at least 0.004, and 0.02 where
    fewer than 20 returns are known.

    Parameters
    ----------
    market : ReferenceMarket
    ticker : str
    """
    rows, squares = market.stocks[ticker], list[float | None]()
    weighted, weight, n_known = 0.0, 0.0, 0
    found, before = {}, None
    for today in market.sessions:
        move = _return(rows.get(today), None if before is None else rows.get(before))
        before = today
        weighted, weight = weighted * FADE, weight * FADE
        squares.append(None if move is None else move**2)
        if move is not None:
            weighted, weight, n_known = weighted + move**2, weight + 1, n_known + 1
        recent = [value for value in squares[-LONG:] if value is not None]
        if n_known < FEWEST:
            found[today] = UNKNOWN
            continue
        # Without twenty returns in 250 sessions the long mean has no value either.
        variance = 0.75 * weighted / weight + 0.25 * mean(recent)
        few = len(recent) < FEWEST
        found[today] = UNKNOWN if few else max(math.sqrt(variance), FLOOR)
    return found


def scaled_move(last: float, then: float, sigma: float) -> float:
    """Return a log return in units of volatility, at most 6 to either side.

    Parameters
    ----------
    last, then : float
        Adjusted prices at the origin and the target, KES.
    sigma : float
        Volatility as known at the origin.
    """
    return min(max(math.log(then / last) / sigma, -FARTHEST), FARTHEST)


def split_apart(
    spans: list[tuple[date, date, date]], blocks: list[tuple[date, date]]
) -> tuple[list[bool], list[bool]]:
    """Say which spans may teach, and which are held back for a block.

    A span is held back if its target lies in a block. It may teach if no day from its
    origin to its target lies within a held-back label, from entry to target.

    Parameters
    ----------
    spans : list of tuple of date
        Origin, entry and target.
    blocks : list of tuple of date
        First and last day, both inside.
    """
    held = [any(a <= target <= b for a, b in blocks) for _, _, target in spans]
    labels = [(e, t) for (_, e, t), own in zip(spans, held, strict=True) if own]
    taught = [
        not own and not any(e <= target and t >= origin for e, t in labels)
        for (origin, _, target), own in zip(spans, held, strict=True)
    ]
    return taught, held


def _turnover(day: ReferenceDay | None) -> float:
    if day is None or day.price is None or day.volume is None:
        return 0.0
    return day.price * day.volume


def _count_broken(rows: dict[date, ReferenceDay]) -> dict[date, int]:
    """Return how many gaps and settling prices a stock has had so far."""
    n, found = 0, {}
    for today, day in rows.items():
        n += day.gap or day.settling
        found[today] = n
    return found


def _move(
    rows: dict[date, ReferenceDay],
    broken: dict[date, int],
    origin: date,
    entry: date,
    target: date,
) -> float:
    """Return the log return from entry to target, NaN where it may not be scored."""
    ends = [rows.get(entry), rows.get(target)]
    if broken.get(origin) != broken.get(target):
        return math.nan
    prices = [d.adjusted for d in ends if d is not None and not d.stale]
    known = [price for price in prices if price is not None]
    return math.log(known[1] / known[0]) if len(known) == 2 else math.nan


def _rank(y: float, known: list[float]) -> float:
    """Return the share of members below, plus half of those equal, less one half."""
    if math.isnan(y) or len(known) < 2:
        return math.nan
    mine, others = round(y, DIGITS), [round(value, DIGITS) for value in known]
    below = sum(value < mine for value in others)
    equal = sum(value == mine for value in others)
    return (below + equal / 2) / len(others) - 0.5


def _return(day: ReferenceDay | None, before: ReferenceDay | None) -> float | None:
    """Return the log return from the market's session before, None without one."""
    if day is None or before is None or day.gap:
        return None
    if day.suspended or before.suspended:
        return None
    if day.settled is None or before.settled is None:
        return None
    return math.log(day.settled / before.settled)


def by_stock(
    labels: dict[tuple[str, date], Label],
) -> Iterator[tuple[str, list[tuple[date, Label]]]]:
    """Give each stock's labels in order of their origin.

    Parameters
    ----------
    labels : dict
        From ``list_labels``.
    """
    for ticker, rows in groupby(sorted(labels.items()), key=lambda item: item[0][0]):
        yield ticker, [(origin, label) for (_, origin), label in rows]
