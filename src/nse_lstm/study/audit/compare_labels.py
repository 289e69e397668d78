"""Compare the labels of ranking models and stock LSTM with the reference."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from nse_lstm.features.folds import make_combinatorial_folds
from nse_lstm.features.targets import build_targets
from nse_lstm.models.distillation import distil
from nse_lstm.models.jobs import SampleJob
from nse_lstm.models.samples import Samples
from nse_lstm.models.tabular_models import boosted_ranks, split_rows
from nse_lstm.study.audit.differences import (
    FACTOR_NEAR,
    Differences,
    column_differences,
    to_array,
)
from nse_lstm.study.audit.pipeline_run import PipelineRun
from nse_lstm.study.audit.reference.labels import (
    by_stock,
    list_labels,
    list_members,
    list_volatility,
    scaled_move,
    split_apart,
)
from nse_lstm.study.audit.reference.windows import ReferenceWindow
from nse_lstm.study.audit.reference_cache import ReferenceCache
from nse_lstm.study.audit.table_rows import to_dates
from nse_lstm.study.core.jobs import bundle_folder
from nse_lstm.study.core.stock_lstm_jobs import (
    fine_tuning_jobs,
    open_stock_fold,
    stock_pool_job,
)
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.tables import PANEL

SINGLE = 1e-5
"""Relative: labels are stored in single precision."""


def compare_targets(run: PipelineRun, reference: ReferenceCache) -> Differences:
    """Compare the ranked returns of every declared horizon.

    Parameters
    ----------
    run : PipelineRun
    reference : ReferenceCache
    """
    study, panel = run.workspace.study, run.prices[list(PANEL.columns)]
    ordinary = set(panel.loc[panel["kind"] == "ordinary", "ticker"].astype(str))
    rule, delay = study.cross_section, study.backtest.delay
    members = list_members(reference.market, ordinary, rule)
    for horizon in rule.horizons:
        table = build_targets(
            panel, cross_section=rule, delay=delay, horizon=horizon
        ).sort_values(["ticker", "origin"])
        labels = list_labels(
            reference.market, ordinary, members, delay=delay, horizon=horizon
        )
        stocks = {str(t): rows for t, rows in table.groupby("ticker", observed=True)}
        for ticker, own in by_stock(labels):
            where, rows = f"{ticker}, {horizon} sessions", stocks.get(ticker, table[:0])
            if to_dates(rows["origin"]) != [origin for origin, _ in own]:
                yield where, f"{len(rows)} origins, reference {len(own)}"
                continue
            for name, column in (("entry_date", "entry"), ("target_date", "target")):
                if to_dates(rows[name]) != [getattr(each, column) for _, each in own]:
                    yield where, f"{name} differs"
            for name, column in (
                ("y", "y"),
                ("y_excess", "excess"),
                ("y_rank", "rank"),
            ):
                expected = to_array([getattr(label, column) for _, label in own])
                yield from column_differences(
                    rows[name], expected, where=where, tolerance=FACTOR_NEAR, least=1e-9
                )


def compare_stock_samples(run: PipelineRun, reference: ReferenceCache) -> Differences:
    """Compare what the last fold's stock LSTM is trained on: rows, and labels.

    Parameters
    ----------
    run : PipelineRun
    reference : ReferenceCache
        With every stock's windows.
    """
    if not run.workspace.study.stock_lstm.trained:
        return
    data, fold = open_study_data(run.workspace), run.folds[-1]
    panel = run.prices[list(PANEL.columns)]
    part = open_stock_fold(data, panel, fold)
    pool = bundle_folder(data, "ALL", fold.year, "stock_lstm")
    for job in fine_tuning_jobs(data, part, pool):
        split = reference.splits[job.ticker, fold.year]
        yield from _labels(job, "train", split["train"], reference)
        yield from _labels(job, "validation", split["validation"], reference)
    job = stock_pool_job(data, part)
    expected = sum(len(split.train) for split in part.splits.values())
    if len(job.train) != expected:
        yield "ALL", f"{len(job.train)} samples of {expected} training windows"


def compare_teacher(run: PipelineRun, reference: ReferenceCache) -> Differences:
    """Teach the rank LSTM's soft targets again, each part by rows apart from it.

    Parameters
    ----------
    run : PipelineRun
    reference : ReferenceCache
        Not used: the labels are compared with it by ``compare_targets``.
    """
    study, fold, tables = run.workspace.study, run.folds[-1], run.tabular
    known = tables.features[tables.features["session"] < fold.start]
    rows = split_rows(
        known, tables.targets, fold, purge=study.cross_section.purge
    ).train
    columns = [to_dates(rows[n]) for n in ("origin", "entry_date", "target_date")]
    spans = list(zip(*columns, strict=True))
    each = sorted(set(spans))
    sessions = pd.DatetimeIndex(sorted({day for span in each for day in span}))
    settings = study.rank_lstm
    soft = rows["y_rank"].to_numpy(float).copy()
    for part in make_combinatorial_folds(
        sessions, n_groups=settings.distillation_folds, n_test=1
    ):
        blocks = [(start.date(), end.date()) for start, end in part.spans]
        taught, held = split_apart(each, blocks)
        teaches = dict(zip(each, taught, strict=True))
        apart = np.array([teaches[span] for span in spans])
        held_back = dict(zip(each, held, strict=True))
        own = np.array([held_back[span] for span in spans])
        if apart.any():
            soft[own] = boosted_ranks(
                rows[apart], rows[own], tabular=study.tabular, seed=study.seed
            )
    share, actual = settings.distilled_share, rows["y_rank"].to_numpy(float)
    found = distil(rows, rank_lstm=settings, tabular=study.tabular, seed=study.seed)
    yield from column_differences(
        pd.Series(found, name="soft target"),
        (1 - share) * actual + share * soft,
        where=f"rank LSTM {fold.year}",
    )


def _labels(
    job: SampleJob,
    name: str,
    windows: list[ReferenceWindow],
    reference: ReferenceCache,
) -> Iterator[tuple[str, str]]:
    samples: Samples | None = getattr(job, name)
    where = f"{job.ticker} {job.year} {name}"
    if samples is None or len(samples) != len(windows):
        found = 0 if samples is None else len(samples)
        yield where, f"{found} samples, reference {len(windows)}"
        return
    sigma = list_volatility(reference.market, job.ticker)
    expected = [scaled_move(w.inputs[-1], w.y, sigma[w.origin]) for w in windows]
    yield from column_differences(
        pd.Series(samples.y[:, 0], name="y"),
        to_array(expected),
        where=where,
        tolerance=SINGLE,
        least=SINGLE,
    )
