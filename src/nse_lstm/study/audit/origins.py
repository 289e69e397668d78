"""Origins of other futures, chosen by condition: one of each kind in every fold.

A leak in the first weeks of a fold, at the start of a month, at a stale session, an
ex-date or a gap, or in the last training rows shows in the middle of a year by chance
alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import market_sessions

MIDDLE = "middle"
LAST_TRAINING = "last training row"
KINDS = (
    LAST_TRAINING,
    "first sessions",
    "month start",
    "stale session",
    "ex-date",
    "gap",
    MIDDLE,
)
"""Every kind that a fold must have; ``find_origins`` gives one session of each."""


@dataclass(frozen=True)
class Origin:
    """Last session before another future begins, and the condition it was chosen by."""

    kind: str
    session: pd.Timestamp
    year: int
    """Of the fold."""


def find_origins(prices: pd.DataFrame, fold: Fold, seed: int) -> list[Origin]:
    """Return one origin of each kind that a fold has.

    "last training row" is the last session before the fold. "stale session" is the
    one before a stale session, whose true price is printed one session later; "ex-date"
    and "gap" are the last sessions before one. The seed picks among several.

    Parameters
    ----------
    prices : DataFrame
        ``with_returns`` of the whole panel.
    fold : Fold
    seed : int
        Not negative.
    """
    picked = {
        kind: sessions[seed % len(sessions)]
        for kind, sessions in _candidates(prices, fold)
        if len(sessions)
    }
    return [
        Origin(kind, pd.Timestamp(picked[kind]), fold.year)
        for kind in KINDS
        if kind in picked
    ]


def _candidates(
    prices: pd.DataFrame, fold: Fold
) -> Iterator[tuple[str, pd.DatetimeIndex]]:
    sessions = market_sessions(prices)
    inside = (sessions >= fold.start) & (sessions < fold.end)
    own = sessions[inside]
    stocks = prices[(prices["kind"] != "index")]
    is_stale = sessions.isin(stocks.loc[stocks["stale"], "session"])
    # Neither a stale session nor one whose next is stale.
    plain = sessions[inside & ~is_stale & ~np.append(is_stale[1:], True)]
    yield LAST_TRAINING, sessions[sessions < fold.start][-1:]
    yield "first sessions", plain[1:4]
    months = plain.to_series().groupby(plain.month).first()
    yield "month start", pd.DatetimeIndex(months.iloc[1:])
    yield MIDDLE, plain[len(plain) // 4 : -len(plain) // 4]
    marks = {
        "stale session": stocks["stale"],
        "ex-date": stocks["factor"] != 1,
        "gap": stocks["gap"],
    }
    for kind, mark in marks.items():
        found = own[own.isin(stocks.loc[mark, "session"])]
        before = sessions[np.maximum(sessions.get_indexer(found) - 1, 0)]
        yield kind, before[before >= fold.start]
