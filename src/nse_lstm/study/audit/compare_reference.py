"""A walk's figures held against the slow plain ones, from raw text to verdict."""

from collections.abc import Callable

import numpy as np

from nse_lstm.study.audit import compare_reference_data, compare_reference_money
from nse_lstm.study.audit.alarms import Alarm
from nse_lstm.study.audit.differences import (
    FACTOR_NEAR,
    Differences,
    apart,
    array_of,
)
from nse_lstm.study.audit.pipeline_run import PipelineRun
from nse_lstm.study.audit.reference_cache import ReferenceCache, compute_reference
from nse_lstm.study.audit.table_rows import blocks_of, days_of
from nse_lstm.study.core.phase_tables import ALL_STOCKS


def reference_of(walk: PipelineRun) -> ReferenceCache:
    """Work out by hand what a walk's stocks and folds need."""
    wanted = {(ticker, year) for ticker, year, _, _ in blocks_of(walk.forecasts)}
    wanted |= {(j.ticker, j.year) for j in walk.jobs if j.ticker != ALL_STOCKS}
    return compute_reference(walk.workspace, sorted(wanted), pooled=True)


def compare_with_reference(walk: PipelineRun, hand: ReferenceCache) -> list[Alarm]:
    """Compute a walk's figures again by plain Python and compare.

    Returns
    -------
    list of Alarm
        "recount: " with panel, universe, windows, scalers, forecasts, accounts, scores
        or choices: where and how they differ.
    """
    parts: dict[str, Callable[[PipelineRun, ReferenceCache], Differences]] = {
        "panel": lambda w, h: compare_reference_data.compare_panel(w.prices, h.market),
        "universe": _universe,
        "windows": lambda w, h: compare_reference_data.compare_jobs(w.jobs, h),
        "scalers": _scalers,
        "forecasts": _forecasts,
        "money": _money,
        "choices": lambda w, h: compare_reference_money.compare_champions(w, h.market),
    }
    return [
        Alarm(f"recount: {name}", where, detail)
        for name, compare in parts.items()
        for where, detail in compare(walk, hand)
    ]


def _universe(walk: PipelineRun, hand: ReferenceCache) -> Differences:
    kinds = walk.prices.drop_duplicates("ticker").set_index("ticker")["kind"]
    yield from compare_reference_data.compare_universe(
        walk.recommended,
        walk.folds,
        ordinary=set(kinds.index[kinds == "ordinary"]),
        market=hand.market,
        universe=walk.workspace.study.universe,
    )


def _scalers(walk: PipelineRun, hand: ReferenceCache) -> Differences:
    for (ticker, year), files in walk.bundles.items():
        if ticker != ALL_STOCKS:
            train = hand.splits[ticker, year]["train"]
            yield from compare_reference_data.compare_scaler(
                files["scaler.json"], train, where=f"{ticker} {year}"
            )


def _forecasts(walk: PipelineRun, hand: ReferenceCache) -> Differences:
    """See that each model forecasts the fold's own origins from their own prices."""
    for ticker, year, model, rows in blocks_of(walk.forecasts):
        where, mine = f"{model} {ticker} {year}", hand.splits[ticker, year]["forecast"]
        spans = {"origin": [w.origin for w in mine]}
        spans["target_date"] = [w.target for w in mine]
        other = [n for n, d in spans.items() if days_of(rows[n]) != d]
        if other:
            yield where, f"{other[0]} is not that of the year's {len(mine)} windows"
            continue
        shares = array_of([hand.market.stocks[ticker][w.origin].shares for w in mine])
        last, hat = array_of([w.inputs[-1] for w in mine]) / shares, rows["price_hat"]
        if model == "persistence":
            yield from apart(hat, last, where=where, tolerance=FACTOR_NEAR)
        y_hat = np.log(hat.where(hat > 0).to_numpy(float) / last)
        yield from apart(rows["y_hat"], y_hat, where=where, tolerance=1e-5)


def _money(walk: PipelineRun, hand: ReferenceCache) -> Differences:
    backtest = walk.workspace.study.backtest
    accounts = compare_reference_money.follow_all(walk.forecasts, hand.market, backtest)
    yield from compare_reference_money.compare_accounts(walk.returns, accounts)
    yield from compare_reference_money.compare_money(walk.scores, accounts, backtest)
    yield from compare_reference_money.compare_accuracy(
        walk.forecasts, walk.scores, hand.market
    )
    yield from compare_reference_money.compare_verdict(walk, accounts)
