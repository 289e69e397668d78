"""A walk's figures held against the slow plain ones, from raw text to verdict."""

from collections.abc import Callable

import numpy as np

from nse_lstm.study.audit import recount_data, recount_money
from nse_lstm.study.audit.alarms import Alarm
from nse_lstm.study.audit.differences import (
    FACTOR_NEAR,
    Differences,
    apart,
    array_of,
)
from nse_lstm.study.audit.hand import Hand, work_out
from nse_lstm.study.audit.read_off import blocks_of, days_of
from nse_lstm.study.audit.walks import Walk
from nse_lstm.study.jobs import ALL_STOCKS

__all__ = ["hand_of", "recount"]


def hand_of(walk: Walk) -> Hand:
    """Work out by hand what a walk's stocks and folds need."""
    wanted = {(ticker, year) for ticker, year, _, _ in blocks_of(walk.forecasts)}
    wanted |= {(j.ticker, j.year) for j in walk.jobs if j.ticker != ALL_STOCKS}
    return work_out(walk.workspace, sorted(wanted), pooled=True)


def recount(walk: Walk, hand: Hand) -> list[Alarm]:
    """Compute a walk's figures again by plain Python and compare.

    Returns
    -------
    list of Alarm
        "recount: " with panel, universe, windows, scalers, forecasts, accounts, scores
        or choices: where and how they differ.
    """
    parts: dict[str, Callable[[Walk, Hand], Differences]] = {
        "panel": lambda w, h: recount_data.compare_panel(w.prices, h.market),
        "universe": _universe,
        "windows": lambda w, h: recount_data.compare_jobs(w.jobs, h),
        "scalers": _scalers,
        "forecasts": _forecasts,
        "money": _money,
        "choices": lambda w, h: recount_money.compare_champions(w, h.market),
    }
    return [
        Alarm(f"recount: {name}", where, detail)
        for name, compare in parts.items()
        for where, detail in compare(walk, hand)
    ]


def _universe(walk: Walk, hand: Hand) -> Differences:
    kinds = walk.prices.drop_duplicates("ticker").set_index("ticker")["kind"]
    yield from recount_data.compare_universe(
        walk.recommended,
        walk.folds,
        ordinary=set(kinds.index[kinds == "ordinary"]),
        market=hand.market,
        universe=walk.workspace.study.universe,
    )


def _scalers(walk: Walk, hand: Hand) -> Differences:
    for (ticker, year), files in walk.bundles.items():
        if ticker != ALL_STOCKS:
            train = hand.splits[ticker, year]["train"]
            yield from recount_data.compare_scaler(
                files["scaler.json"], train, where=f"{ticker} {year}"
            )


def _forecasts(walk: Walk, hand: Hand) -> Differences:
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


def _money(walk: Walk, hand: Hand) -> Differences:
    dealing = walk.workspace.study.dealing
    accounts = recount_money.follow_all(walk.forecasts, hand.market, dealing)
    yield from recount_money.compare_accounts(walk.returns, accounts)
    yield from recount_money.compare_money(walk.scores, accounts, dealing)
    yield from recount_money.compare_accuracy(walk.forecasts, walk.scores, hand.market)
    yield from recount_money.compare_verdict(walk, accounts)
