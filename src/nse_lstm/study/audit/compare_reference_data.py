"""Panel, universe, windows and scalers held against the same by hand."""

import json

import numpy as np
import pandas as pd

from nse_lstm.config import Universe
from nse_lstm.features.folds import Fold
from nse_lstm.features.windows import Windows
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.study.audit.differences import (
    FACTOR_NEAR,
    Differences,
    apart,
    array_of,
    is_near,
)
from nse_lstm.study.audit.reference.choices import recommend
from nse_lstm.study.audit.reference.rows import PlainMarket
from nse_lstm.study.audit.reference.windows import PlainWindow
from nse_lstm.study.audit.reference_cache import ReferenceCache
from nse_lstm.study.audit.table_rows import days_of
from nse_lstm.study.core.phase_tables import ALL_STOCKS


def compare_panel(prices: pd.DataFrame, market: PlainMarket) -> Differences:
    """Compare rows, prices, volumes and flags of every share.

    Parameters
    ----------
    prices : DataFrame
        ``with_returns`` of the whole panel.
    """
    listed = prices[prices["kind"] != "index"].groupby("ticker")
    shares = {str(ticker): rows for ticker, rows in listed}
    for ticker, rows in market.stocks.items():
        mine = shares.get(ticker, prices[:0])
        days = days_of(mine["session"])
        if days != list(rows):
            odd = sorted(set(days) ^ set(rows))
            yield ticker, f"sessions differ: {len(days)} and {len(rows)}, {odd[:1]}"
            continue
        for name in ("price", "adjusted", "volume"):
            plain = array_of([getattr(day, name) for day in rows.values()])
            yield from apart(mine[name], plain, where=ticker, tolerance=FACTOR_NEAR)
        for name in ("stale", "suspended", "gap", "settling"):
            flags = array_of([getattr(day, name) for day in rows.values()])
            yield from apart(mine[name], flags, where=ticker)
    extra = sorted(shares.keys() - market.stocks.keys())
    if extra:
        yield str(extra[0]), "is in no raw file"


def compare_universe(
    recommended: dict[int, list[str]],
    folds: tuple[Fold, ...],
    *,
    ordinary: set[str],
    market: PlainMarket,
    universe: Universe,
) -> Differences:
    """Compare the recommended stocks of each fold."""
    for fold in folds:
        mine = recommend(market, ordinary, fold.start.date(), universe)
        if recommended[fold.year] != mine:
            yield str(fold.year), f"{recommended[fold.year]}, by hand {mine}"


def compare_jobs(jobs: list[TrainingJob], hand: ReferenceCache) -> Differences:
    """Compare the windows that models are trained and stopped with."""
    for job in jobs:
        if job.ticker == ALL_STOCKS:
            yield from _pooled(job, hand)
            continue
        parts = hand.splits[job.ticker, job.year]
        for name in ("train", "validation"):
            where = f"{job.ticker} {job.year} {name}"
            yield from _same_windows(getattr(job, name), parts[name], where)


def compare_scaler(
    stored: bytes, train: list[PlainWindow], *, where: str
) -> Differences:
    """See that a scaler's range is that of the training windows, and no wider."""
    seen = [x for window in train for x in (*window.inputs, window.y)]
    document = json.loads(stored)
    for name, value in (("minimum", min(seen)), ("maximum", max(seen))):
        if not is_near(float(document[name]), value, tolerance=FACTOR_NEAR):
            yield where, f"{name} {document[name]}, of the training span {value}"


def _pooled(job: TrainingJob, hand: ReferenceCache) -> Differences:
    """See that each pooled window is some share's own, with its target before."""
    known = {
        (window.origin, round(window.y, 6))
        for windows in hand.windows.values()
        for window in windows
        if window.target.year < job.year
    }
    days = job.train.origin.astype("datetime64[D]").tolist()
    pairs = zip(days, job.train.y.tolist(), strict=True)
    odd = [day for day, y in pairs if (day, round(y, 6)) not in known]
    if odd:
        yield f"{job.ticker} {job.year}", f"{len(odd)} windows are no share's: {odd[0]}"


def _same_windows(windows: Windows, mine: list[PlainWindow], where: str) -> Differences:
    for name, ours in (("origin", "origin"), ("target_date", "target")):
        days = getattr(windows, name).astype("datetime64[D]").tolist()
        if days != [getattr(window, ours) for window in mine]:
            yield where, f"{name} differs: {len(days)} windows, by hand {len(mine)}"
            return
    plain = {
        "X": np.array([w.inputs for w in mine], float),
        "y": np.array([[w.y] for w in mine], float),
    }
    for name, rows in plain.items():
        values = np.asarray(getattr(windows, name), float).reshape(len(mine), -1)
        if values.shape[1] != rows.shape[1]:
            yield (
                where,
                f"{name} has {values.shape[1]} numbers, by hand {rows.shape[1]}",
            )
            continue
        same = np.isclose(values, rows, rtol=FACTOR_NEAR, atol=0).all(axis=1)
        if not same.all():
            first = mine[int(np.argmax(~same))].origin
            yield where, f"{name} differs in {(~same).sum()} windows, first {first}"
