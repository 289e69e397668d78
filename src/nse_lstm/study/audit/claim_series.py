"""Series of the declared claims from published tables: gain and base of each session.

Forecasts are paired with the raw files' returns. Rank ICs, accounts and savings of
orders are read session by session as they were published.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from nse_lstm.config import Claim
from nse_lstm.study.audit.recount_data import RecountData
from nse_lstm.study.audit.reference.statistics import (
    deflated_ratio,
    mean,
    ratio,
    varies,
)
from nse_lstm.study.audit.table_rows import to_dates

UNMOVED = 1e-12
BENCHMARKS = ("rebalance", "hold", "no_cost")
"""Rules of accounts that follow no forecast."""

Sums = dict[date, tuple[float, float]]
"""Gain and base of each session."""
Accounts = dict[tuple[str, str], dict[date, tuple[float, float]]]
"""Net and cash return by model and rule, and by session: means over start days."""


class Series(NamedTuple):
    """A claim's gains, its model and the benchmark that leaves the least."""

    sums: Sums
    model: str
    against: str
    least_p: float = 0.0


def share(gain: Iterable[float], base: Iterable[float]) -> float:
    """Return the sum of gains over the sum of their bases.

    Parameters
    ----------
    gain, base : iterable of float
        One of each per session.
    """
    total = math.fsum(base)
    return math.fsum(gain) / total if total > 0 else math.nan


def claim_series(
    data: RecountData, claim: Claim, folder: Path, ranking: Path
) -> Series | None:
    """Return a claim's series; None where a table is missing, or of distributions.

    Parameters
    ----------
    data : RecountData
    claim : Claim
    folder, ranking : Path
        Of Phase 4's tables, and of Phase 2's rank ICs.
    """
    if claim.statistic in ("skill", "direction"):
        # Prices are forecast at delay 0 alone.
        return None if claim.delay else _of_forecasts(data, claim)
    if claim.statistic == "rank_ic":
        path = ranking / "rank_ic.parquet"
        return _of_rank_ics(path, claim) if path.is_file() else None
    if claim.statistic == "saving":
        return _of_orders(folder / "order_timing.parquet", claim)
    if claim.statistic in ("net_return", "best_return"):
        accounts = _accounts(folder / "portfolio_returns.parquet", data)
        judge = _of_rule if claim.statistic == "net_return" else _of_best
        return judge(data, claim, accounts) if accounts else None
    return None


def _of_forecasts(data: RecountData, claim: Claim) -> Series | None:
    """Pair the models' forecasts of a stock and session with what came."""
    said: dict[tuple[date, str], dict[str, float]] = defaultdict(dict)
    came: dict[tuple[date, str], float] = {}
    models = [claim.model, *claim.against]
    for (ticker, _, model), rows in data.forecasts.items():
        for row in rows if model in models else ():
            y = data.came(ticker, row.origin, row.entry, row.target)
            if y is not None:
                said[row.target, ticker][model] = row.y_hat
                came[row.target, ticker] = y[0]
    both = {key: own for key, own in said.items() if len(own) == len(models)}
    if claim.statistic == "direction":
        both = {key: own for key, own in both.items() if abs(came[key]) > UNMOVED}
    if not both:
        return None

    def sums(other: str) -> Sums:
        found: Sums = defaultdict(lambda: (0.0, 0.0))
        for (day, ticker), own in both.items():
            y = came[day, ticker]
            if claim.statistic == "skill":
                base = (y - own[other]) ** 2
                gain = base - (y - own[claim.model]) ** 2
            else:
                right = [
                    (own[name] > 0) - (own[name] < 0) == (y > 0) - (y < 0)
                    for name in (claim.model, other)
                ]
                gain, base = float(right[0]) - float(right[1]), 1.0
            found[day] = found[day][0] + gain, found[day][1] + base
        return found

    return _against_best(claim, sums)


def _of_rank_ics(path: Path, claim: Claim) -> Series | None:
    table = pd.read_parquet(path)
    own = table[(table["horizon"] == claim.horizon) & (table["delay"] == claim.delay)]
    seeds: dict[tuple[date, str], list[float]] = defaultdict(list)
    for day, model, value in zip(
        to_dates(own["origin"]), own["model"], own["rank_ic"], strict=True
    ):
        if not math.isnan(value):
            seeds[day, str(model)].append(value)
    days = sorted({day for day, _ in seeds})
    models = [claim.model, *claim.against]
    shared = [d for d in days if all((d, model) in seeds for model in models)]
    if not shared:
        return None
    return _against_best(
        claim,
        lambda other: {
            day: (mean(seeds[day, claim.model]) - mean(seeds[day, other]), 1.0)
            for day in shared
        },
    )


def _of_orders(path: Path, claim: Claim) -> Series | None:
    if not path.is_file():
        return None
    table = pd.read_parquet(path)
    own = table[table["wait"] == claim.horizon]
    saved: dict[tuple[date, str], dict[str, tuple[float, float]]] = defaultdict(dict)
    columns = (own[name].tolist() for name in ("side", "signal", "saving_bps"))
    for day, side, signal, value, n in zip(
        to_dates(own["session"]), *columns, own["n_orders"].tolist(), strict=True
    ):
        if not math.isnan(value):
            saved[day, side][signal] = value, float(n)
    models = {claim.model, *claim.against}
    both = {key: each for key, each in saved.items() if models <= set(each)}
    if not both:
        return None

    def sums(other: str) -> Sums:
        found: Sums = defaultdict(lambda: (0.0, 0.0))
        for (day, _), each in both.items():
            (value, n), (rival, _) = each[claim.model], each[other]
            found[day] = found[day][0] + n * (value - rival), found[day][1] + n
        return found

    return _against_best(claim, sums)


def _accounts(path: Path, data: RecountData) -> Accounts:
    if not path.is_file():
        return {}
    table = pd.read_parquet(path)
    own = table[table["cost_bps"] == data.backtest.headline_cost_bps]
    starts: dict[tuple[str, str], dict[date, list[tuple[float, float]]]]
    starts = defaultdict(lambda: defaultdict(list))
    names = ("model", "rule", "net_return", "cash_return")
    columns = [own[name].tolist() for name in names]
    for day, model, rule, net, cash in zip(
        to_dates(own["session"]), *columns, strict=True
    ):
        starts[model, rule][day].append((net, cash))
    return {
        line: {
            day: (mean([net for net, _ in each]), mean([cash for _, cash in each]))
            for day, each in days.items()
        }
        for line, days in starts.items()
    }


def _of_rule(data: RecountData, claim: Claim, accounts: Accounts) -> Series | None:
    line = (claim.model, claim.rule)
    others = {
        name: found for name in claim.against for found in accounts if found[0] == name
    }
    if line not in accounts or len(others) < len(claim.against):
        return None
    lines = [accounts[each] for each in (line, *others.values())]
    shared = sorted(set.intersection(*map(set, lines)))
    against = max(
        others, key=lambda name: mean([accounts[others[name]][d][0] for d in shared])
    )
    rival, year = accounts[others[against]], data.backtest.sessions_per_year
    sums = {d: (accounts[line][d][0] - rival[d][0], 1 / year) for d in shared}
    return Series(sums, " ".join(line), against)


def _of_best(data: RecountData, claim: Claim, accounts: Accounts) -> Series | None:
    own = {line: days for line, days in accounts.items() if line[1] not in BENCHMARKS}
    if not own:
        return None
    shared = sorted(set.intersection(*map(set, own.values())))
    excess = {
        line: [days[day][0] - days[day][1] for day in shared]
        for line, days in own.items()
    }
    best = max(excess, key=lambda line: mean(excess[line]))
    others = [ratio(values) for line, values in excess.items() if line != best]
    known = [value for value in others if not math.isnan(value)]
    chance = 1 - deflated_ratio(excess[best], known) if varies(excess[best]) else 0.0
    year = data.backtest.sessions_per_year
    sums = {
        day: (gain, 1 / year) for day, gain in zip(shared, excess[best], strict=True)
    }
    return Series(sums, " ".join(best), claim.against[0], chance)


def _against_best(claim: Claim, sums: Callable[[str], Sums]) -> Series:
    """Return the series against the benchmark that leaves the least gain."""
    each = {other: sums(other) for other in claim.against}
    against = min(
        each,
        key=lambda other: share(*zip(*each[other].values(), strict=True)),
    )
    return Series(dict(each[against]), claim.model, against)
