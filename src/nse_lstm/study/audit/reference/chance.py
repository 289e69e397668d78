"""The reference's random positions: the strategy's turnover, timed by chance."""

import itertools
from zlib import crc32

import numpy as np

from nse_lstm.study.audit.reference.account import ReferenceBooking, ReferenceSession


def draw_accounts(
    sessions: list[ReferenceSession],
    account: list[ReferenceBooking],
    *,
    name: str,
    cost_bps: int,
    draws: int,
    seed: int,
) -> list[list[ReferenceBooking]]:
    """Draw accounts that are invested as long and as often as a strategy's.

    A path changes only on sessions that fill both sides, and on those that the strategy
    traded. Its sessions out and in are each cut into as many stretches, all cuts being
    equally likely: the smallest of uniform draws, one per place, are the cuts.

    Parameters
    ----------
    sessions : list of ReferenceSession
    account : list of ReferenceBooking
        The strategy's own.
    name : str
        Of stock, fold, rule and seed, which with ``seed`` starts the generator.
    cost_bps : int
        Per side.
    draws, seed : int
    """
    generator = np.random.default_rng([seed, crc32(name.encode())])
    free = [
        (s.buys and s.sells and s.origin is not None) or b.turnover > 0
        for s, b in zip(sessions, account, strict=True)
    ]
    after = [abs(b.position - b.turnover) > 0 for b in account]
    states = [
        False,
        *(now for now, is_free in zip(after, free, strict=True) if is_free),
    ]
    n_in = sum(states)
    n_changes = sum(a != b for a, b in itertools.pairwise(states))
    outside = _cuts(len(states) - n_in, n_changes // 2 + 1, draws, generator)
    inside = [[0]] * draws
    if n_changes:
        inside = _cuts(n_in, (n_changes + 1) // 2, draws, generator)
    found = []
    for out, held in zip(outside, inside, strict=True):
        lengths = [n for pair in zip(out, [*held, 0], strict=False) for n in pair]
        path = [bool(i % 2) for i, n in enumerate(lengths) for _ in range(n)]
        found.append(_book(path, sessions, account, free, cost_bps))
    return found


def _cuts(
    total: int, parts: int, draws: int, generator: np.random.Generator
) -> list[list[int]]:
    """Cut a number of sessions into stretches of at least one."""
    table = generator.random((draws, total - 1)).tolist()
    found = []
    for keys in table:
        order = sorted(range(len(keys)), key=lambda i: keys[i])
        ends = [0, *sorted(place + 1 for place in order[: parts - 1]), total]
        found.append([b - a for a, b in itertools.pairwise(ends)])
    return found


def _book(
    path: list[bool],
    sessions: list[ReferenceSession],
    account: list[ReferenceBooking],
    free: list[bool],
    cost_bps: int,
) -> list[ReferenceBooking]:
    """Book a path, whose first state is that before the first free session."""
    at, held, booked = 0, 0.0, []
    for session, own, is_free in zip(sessions, account, free, strict=True):
        at += is_free
        after = float(path[at])
        gross = held * own.stock + (1 - held) * own.cash
        turnover = abs(after - held)
        net = (1 + gross) * (1 - cost_bps / 10_000 * turnover) - 1
        booked.append(
            ReferenceBooking(
                session.session, held, turnover, gross, net, own.stock, own.cash
            )
        )
        held = after
    return booked
