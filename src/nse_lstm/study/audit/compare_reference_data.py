"""Compare panel, universe, windows and scalers with the reference."""

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
    column_differences,
    is_close,
    to_array,
)
from nse_lstm.study.audit.reference.choices import recommend
from nse_lstm.study.audit.reference.market import ReferenceMarket
from nse_lstm.study.audit.reference.windows import ReferenceWindow
from nse_lstm.study.audit.reference_cache import ReferenceCache
from nse_lstm.study.audit.table_rows import to_dates
from nse_lstm.study.core.phase_tables import ALL_STOCKS


def compare_panel(prices: pd.DataFrame, market: ReferenceMarket) -> Differences:
    """Compare rows, prices, volumes and flags of every stock.

    Parameters
    ----------
    prices : DataFrame
        ``with_returns`` of the whole panel.
    market : ReferenceMarket
        Read from the same raw files.
    """
    listed = prices[prices["kind"] != "index"].groupby("ticker")
    stocks = {str(ticker): rows for ticker, rows in listed}
    for ticker, days in market.stocks.items():
        rows = stocks.get(ticker, prices[:0])
        sessions = to_dates(rows["session"])
        if sessions != list(days):
            odd = sorted(set(sessions) ^ set(days))
            yield ticker, f"sessions differ: {len(sessions)} and {len(days)}, {odd[:1]}"
            continue
        for name in ("price", "adjusted", "volume"):
            expected = to_array([getattr(day, name) for day in days.values()])
            yield from column_differences(
                rows[name], expected, where=ticker, tolerance=FACTOR_NEAR
            )
        paid = to_array([day.dividend for day in days.values()])
        yield from column_differences(rows["dividend"], paid, where=ticker)
        known = to_array([(ticker, day.year) in market.covered for day in days])
        yield from column_differences(rows["dividends_known"], known, where=ticker)
        for name in ("stale", "suspended", "gap", "settling"):
            flags = to_array([getattr(day, name) for day in days.values()])
            yield from column_differences(rows[name], flags, where=ticker)
    extra = sorted(stocks.keys() - market.stocks.keys())
    if extra:
        yield str(extra[0]), "is in no raw file"


def compare_universe(
    recommended: dict[int, list[str]],
    folds: tuple[Fold, ...],
    *,
    ordinary: set[str],
    market: ReferenceMarket,
    universe: Universe,
) -> Differences:
    """Compare the recommended stocks of each fold.

    Parameters
    ----------
    recommended : dict
        Tickers by the fold's year.
    folds : tuple of Fold
        Those to compare.
    ordinary : set of str
        Tickers of ordinary shares.
    market : ReferenceMarket
        Read from the same raw files.
    universe : Universe
        The study's rules of recommendation.
    """
    for fold in folds:
        expected = recommend(market, ordinary, fold.start.date(), universe)
        if recommended[fold.year] != expected:
            yield str(fold.year), f"{recommended[fold.year]}, reference {expected}"


def compare_jobs(jobs: list[TrainingJob], reference: ReferenceCache) -> Differences:
    """Compare the training and validation windows of each job.

    Parameters
    ----------
    jobs : list of TrainingJob
    reference : ReferenceCache
        With the windows of every stock and year among the jobs.
    """
    for job in jobs:
        if job.ticker == ALL_STOCKS:
            yield from _pooled(job, reference)
            continue
        parts = reference.splits[job.ticker, job.year]
        for name in ("train", "validation"):
            where = f"{job.ticker} {job.year} {name}"
            yield from _same_windows(getattr(job, name), parts[name], where)


def compare_scaler(
    stored: bytes, train: list[ReferenceWindow], *, where: str
) -> Differences:
    """Check that a stored scaler's range is that of the training windows.

    Parameters
    ----------
    stored : bytes
        The bundle's ``scaler.json``.
    train : list of ReferenceWindow
        The job's training windows.
    where : str
        Place for the alarm.
    """
    seen = [x for window in train for x in (*window.inputs, window.y)]
    document = json.loads(stored)
    for name, value in (("minimum", min(seen)), ("maximum", max(seen))):
        if not is_close(float(document[name]), value, tolerance=FACTOR_NEAR):
            yield where, f"{name} {document[name]}, of the training span {value}"


def _pooled(job: TrainingJob, reference: ReferenceCache) -> Differences:
    """Check that every window of the pooled job is a stock's, before its year."""
    known = {
        (window.origin, round(window.y, 6))
        for windows in reference.windows.values()
        for window in windows
        if window.target.year < job.year
    }
    origins = job.train.origin.astype("datetime64[D]").tolist()
    pairs = zip(origins, job.train.y.tolist(), strict=True)
    odd = [origin for origin, y in pairs if (origin, round(y, 6)) not in known]
    if odd:
        where = f"{job.ticker} {job.year}"
        yield where, f"{len(odd)} windows belong to no stock, first {odd[0]}"


def _same_windows(
    windows: Windows, expected: list[ReferenceWindow], where: str
) -> Differences:
    n = len(expected)
    for name, field in (("origin", "origin"), ("target_date", "target")):
        dates = getattr(windows, name).astype("datetime64[D]").tolist()
        if dates != [getattr(window, field) for window in expected]:
            yield where, f"{name} differs: {len(dates)} windows, reference {n}"
            return
    arrays = {
        "X": np.array([w.inputs for w in expected], float),
        "y": np.array([[w.y] for w in expected], float),
    }
    for name, rows in arrays.items():
        values = np.asarray(getattr(windows, name), float).reshape(n, -1)
        if values.shape[1] != rows.shape[1]:
            widths = f"{values.shape[1]} numbers, reference {rows.shape[1]}"
            yield where, f"{name} has {widths}"
            continue
        same = np.isclose(values, rows, rtol=FACTOR_NEAR, atol=0).all(axis=1)
        if not same.all():
            first = expected[int(np.argmax(~same))].origin
            yield where, f"{name} differs in {(~same).sum()} windows, first {first}"
