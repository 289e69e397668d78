"""The reference account of target weights, and two of the rules that set them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nse_lstm.config import Portfolio
from nse_lstm.study.audit.reference.account import MOST_ABSENT, ReferenceSession

EMPTY = 1e-6
"""Weight up to which nothing is held."""
REST = 0.002
"""Weight below which the rest of a leaver is sold at once."""

Targets = list[float | None]
"""Weight of each stock; None leaves it alone."""
Decide = Callable[[int, list[float]], Targets]
"""Given the place of a session, and the weights known when its orders are sent."""


@dataclass(frozen=True)
class WeightedSession:
    """Weights held into a session, and the part of the account traded in it."""

    held: list[float]
    earned: float
    turnover: float


@dataclass(frozen=True)
class Known:
    """Knowledge of a decision: one entry per stock."""

    rank: list[float | None]
    """None without a forecast."""
    member: list[bool]
    stuck: list[bool]


def follow_targets(
    stocks: Sequence[Sequence[ReferenceSession]],
    decide: Decide,
    *,
    decides: Sequence[bool],
    delay: int,
) -> list[WeightedSession]:
    """Follow target weights, session by session and stock by stock.

    An order is the target less the weight at its origin's close. One that lapses is
    sent again until the next decision. Sales come first, and purchases share what cash
    there is. A decision without any order waits.

    Parameters
    ----------
    stocks : sequence of sequence of ReferenceSession
        One per stock, over the same sessions.
    decide : callable
    decides : sequence of bool
        Sessions with a new decision.
    delay : int
        Sessions between an origin and its orders.
    """
    n, found, waits = len(stocks), [], False
    history, target = [[0.0] * n], Targets([None] * n)
    for at, today in enumerate(zip(*stocks, strict=True)):
        seen, held = history[max(at + 1 - delay, 0)], history[-1]
        waits = waits or decides[at]
        if waits and any(each.origin is not None for each in today):
            target, waits = list(decide(at, seen)), False
        earned = sum(w * each.stock for w, each in zip(held, today, strict=True))
        growth = 1 + earned + (1 - sum(held)) * today[0].cash
        now = [
            w * (1 + each.stock) / growth for w, each in zip(held, today, strict=True)
        ]
        orders = [0.0] * n
        for i, each in enumerate(today):
            goal = target[i]
            if goal is None or each.origin is None:
                continue
            order = goal - seen[i]
            if each.sells if order < 0 else each.buys:
                orders[i], target[i] = order, None
        sold = [min(max(-o, 0.0), w) for o, w in zip(orders, now, strict=True)]
        bought = [max(order, 0.0) for order in orders]
        money = max(1 - sum(now) + sum(sold), 0.0)
        part = min(1.0, money / sum(bought)) if sum(bought) else 0.0
        after = [w - s + part * b for w, s, b in zip(now, sold, bought, strict=True)]
        turnover = sum(abs(a - w) for a, w in zip(after, now, strict=True))
        found.append(WeightedSession(held, earned, turnover))
        history.append(after)
    return found


def find_stuck(stocks: Sequence[Sequence[ReferenceSession]]) -> list[list[bool]]:
    """Say by session and stock whether no order could be filled for over two weeks.

    Parameters
    ----------
    stocks : sequence of sequence of ReferenceSession
    """
    closed, found = [0] * len(stocks), []
    for today in zip(*stocks, strict=True):
        for i, each in enumerate(today):
            closed[i] = 0 if each.buys or each.sells else closed[i] + 1
        found.append([length > MOST_ABSENT for length in closed])
    return found


def tilt_partly(known: Known, held: list[float], rule: Portfolio) -> Targets:
    """Go a part of the way to weights that rise with the squared place.

    Parameters
    ----------
    known : Known
    held : list of float
    rule : Portfolio
        ``adjustment``; the first decision goes all the way.
    """
    free, target, budget = _scope(known, held, ranked=True)
    if not free:
        return [None] * len(held)
    rising = sorted(free, key=lambda i: known.rank[i] or 0.0)
    places = {i: place for place, i in enumerate(rising, start=1)}
    total = sum(place**2 for place in places.values())
    part = 1.0 if sum(held) < EMPTY else rule.adjustment
    for i, weight in enumerate(held):
        if i in places or target[i] is not None:
            ideal = budget * places[i] ** 2 / total if i in places else 0.0
            moved = weight + part * (ideal - weight)
            target[i] = 0.0 if not ideal and moved < REST else moved
    return target


def keep_best(known: Known, held: list[float], rule: Portfolio) -> Targets:
    """Hold the first names, each until it falls below a lower place.

    Parameters
    ----------
    known : Known
    held : list of float
    rule : Portfolio
        ``n_names``, ``sold_below`` and ``max_weight``; fewer with few stocks.
    """
    free, target, budget = _scope(known, held, ranked=True)
    if not free:
        return [None] * len(held)
    best = _best(known, free)
    n_names = max(min(rule.n_names, len(best) // 3), 1)
    n_kept = max(min(rule.sold_below, 2 * len(best) // 3), n_names)
    most = max(rule.max_weight, 2 / n_names)
    kept = [i for i in best[:n_kept] if held[i] > EMPTY][:n_names]
    for i in kept:
        target[i] = most if held[i] > most else None
    new = [i for i in best if i not in kept and held[i] <= EMPTY]
    new = new[: n_names - len(kept)]
    money = max(budget - sum(min(held[i], most) for i in kept), 0.0)
    for i in new:
        target[i] = min(money / len(new), most)
    return target


def divide_equally(known: Known, held: list[float], rule: Portfolio) -> Targets:
    """Hold every member at the same weight.

    Parameters
    ----------
    known : Known
    held : list of float
    rule : Portfolio
        Not used.
    """
    free, target, budget = _scope(known, held, ranked=False)
    for i in free:
        target[i] = budget / len(free)
    return target


def _scope(
    known: Known, held: list[float], *, ranked: bool
) -> tuple[list[int], Targets, float]:
    """Return the stocks that can be weighed, leavers' targets, and the free money."""
    free, stays = [], 0.0
    target = Targets([None] * len(held))
    for i, weight in enumerate(held):
        if known.stuck[i] or (known.member[i] and ranked and known.rank[i] is None):
            stays += weight
            continue
        if known.member[i]:
            free.append(i)
        if weight > 0:
            target[i] = 0.0
    return free, target, max(1 - stays, 0.0)


def _best(known: Known, free: list[int]) -> list[int]:
    """Return the free stocks, best rank first; of equal ranks the first one is."""
    return sorted(free, key=lambda i: -(known.rank[i] or 0.0))
