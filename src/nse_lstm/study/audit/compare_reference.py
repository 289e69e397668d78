"""Compare a run's figures with the reference, from raw text to verdict."""

from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from nse_lstm.study.audit import compare_reference_data as data
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.compare_labels import (
    compare_stock_samples,
    compare_targets,
    compare_teacher,
)
from nse_lstm.study.audit.differences import (
    FACTOR_NEAR,
    Differences,
    column_differences,
    to_array,
)
from nse_lstm.study.audit.pipeline_run import PipelineRun
from nse_lstm.study.audit.recount import Recount, recount
from nse_lstm.study.audit.reference_cache import ReferenceCache, compute_reference
from nse_lstm.study.audit.table_rows import blocks_by_model, to_dates
from nse_lstm.study.core.phase_tables import ALL_STOCKS

_RECOUNTS: WeakKeyDictionary[PipelineRun, Recount] = WeakKeyDictionary()
"""Result of each run's recount, for the audit's document: a run's files are removed
before that is written."""


def reference_for(run: PipelineRun) -> ReferenceCache:
    """Compute the reference of a run's stocks and folds."""
    wanted = {(ticker, year) for ticker, year, _, _ in blocks_by_model(run.forecasts)}
    wanted |= {(j.ticker, j.year) for j in run.jobs if j.ticker != ALL_STOCKS}
    return compute_reference(run.workspace, sorted(wanted), pooled=True)


def compare_with_reference(
    run: PipelineRun, reference: ReferenceCache
) -> list[AuditAlarm]:
    """Compare a run's figures with those of slow plain Python.

    Parameters
    ----------
    run : PipelineRun
        The study's own tables.
    reference : ReferenceCache
        Of ``reference_for``.

    Returns
    -------
    list of AuditAlarm
        "reference: " with panel, universe, windows, scalers, targets, teacher, stock
        samples or forecasts, and "recount: " with a published file: where and how they
        differ.
    """
    parts: dict[str, Callable[[PipelineRun, ReferenceCache], Differences]] = {
        "panel": lambda r, ref: data.compare_panel(r.prices, ref.market),
        "universe": _universe,
        "windows": lambda r, ref: data.compare_jobs(r.jobs, ref),
        "scalers": _scalers,
        "targets": compare_targets,
        "teacher": compare_teacher,
        "stock samples": compare_stock_samples,
        "forecasts": _forecasts,
    }
    alarms = [
        AuditAlarm(f"reference: {name}", where, detail)
        for name, compare in parts.items()
        for where, detail in compare(run, reference)
    ]
    found = recount(run.workspace, reference.market)
    _RECOUNTS[run] = found
    return [*alarms, *found.alarms]


def recount_summary(runs: Iterable[PipelineRun | None]) -> dict[str, Any] | None:
    """Return what the recounts of some runs cover: ``n`` numbers, ``unchecked`` kinds.

    Parameters
    ----------
    runs : iterable of PipelineRun
        The one with the most recounted numbers is summarised. None where none was
        compared.
    """
    found = [_RECOUNTS[run] for run in runs if run is not None and run in _RECOUNTS]
    if not found:
        return None
    most = max(found, key=lambda each: each.n_recounted)
    return {"n": most.n_recounted, "unchecked": most.unchecked_rows()}


def _universe(run: PipelineRun, reference: ReferenceCache) -> Differences:
    kinds = run.prices.drop_duplicates("ticker").set_index("ticker")["kind"]
    yield from data.compare_universe(
        run.recommended,
        run.folds,
        ordinary=set(kinds.index[kinds == "ordinary"]),
        market=reference.market,
        universe=run.workspace.study.universe,
    )


def _scalers(run: PipelineRun, reference: ReferenceCache) -> Differences:
    for (ticker, year), files in run.bundles.items():
        if ticker != ALL_STOCKS:
            train = reference.splits[ticker, year]["train"]
            where = f"{ticker} {year}"
            yield from data.compare_scaler(files["scaler.json"], train, where=where)


def _forecasts(run: PipelineRun, reference: ReferenceCache) -> Differences:
    """Compare each model's origins, targets and starting prices."""
    at_once = run.forecasts[run.forecasts["delay"] == 0]
    for ticker, year, model, rows in blocks_by_model(at_once):
        where = f"{model} {ticker} {year}"
        windows = reference.splits[ticker, year]["forecast"]
        dates = {"origin": [w.origin for w in windows]}
        dates["target_date"] = [w.target for w in windows]
        other = [n for n, expected in dates.items() if to_dates(rows[n]) != expected]
        if other:
            yield where, f"{other[0]} is not that of the year's {len(windows)} windows"
            continue
        days = reference.market.stocks[ticker]
        shares = to_array([days[w.origin].shares for w in windows])
        last = to_array([w.inputs[-1] for w in windows]) / shares
        price_hat = rows["price_hat"]
        if model == "persistence":
            yield from column_differences(
                price_hat, last, where=where, tolerance=FACTOR_NEAR
            )
        y_hat = np.log(price_hat.where(price_hat > 0).to_numpy(float) / last)
        yield from column_differences(rows["y_hat"], y_hat, where=where, tolerance=1e-5)
