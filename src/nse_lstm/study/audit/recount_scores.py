"""Recount every number of ``scores.parquet`` and of the strategies' returns."""

from collections.abc import Iterator
from statistics import median
from typing import Any

from nse_lstm.study.audit.recount_data import (
    ALL,
    HOLD,
    RULES,
    Account,
    RecountData,
    Strategy,
)
from nse_lstm.study.audit.reference.measures import (
    RealisedForecast,
    Score,
    accuracy,
    money,
    wins,
)
from nse_lstm.study.audit.reference.statistics import Span, mean

NONE = -1
"""The cost of a score of accuracy."""
MEDIANS = ("mae", "rmse", "bias", "r_squared")
"""Pooled as the median over stocks."""

Place = tuple[Any, ...]
Expected = Iterator[tuple[Place, float | Span]]
"""Place of a published number, and the number that plain code finds."""


def recount_scores(data: RecountData) -> Expected:
    """Yield the scores of accuracy, of every account and of its sensitivity.

    Parameters
    ----------
    data : RecountData
    """
    yield from _accuracy(data)
    for strategy, own in data.by_strategy.items():
        fold, model, rule, cost = strategy
        single = {} if ALL in own else own
        for ticker, account in own.items():
            found = {
                **money(account, data.backtest.sessions_per_year),
                **wins([account]),
            }
            yield from _rows((ticker, model, fold, rule), cost, found)
        if single:
            pool = money(data.pools[strategy], data.backtest.sessions_per_year)
            found = {**pool, **wins(list(single.values()))}
            yield from _rows((ALL, model, fold, rule), cost, found)
    yield from _sensitivity(data)
    yield from _starts(data)


def _rows(
    key: tuple[str, str, int, str], cost: int, found: dict[str, Score]
) -> Expected:
    for metric, (value, n) in found.items():
        place = ("scores.parquet", *key, metric, cost)
        yield (*place, "value"), value
        yield (*place, "n"), n


def _accuracy(data: RecountData) -> Expected:
    market = data.market
    for suffix, scored in (("", data.scored), ("_traded", data.scored)):
        single: dict[tuple[str, int], dict[str, dict[str, Score]]] = {}
        together: dict[tuple[str, int], list[RealisedForecast]] = {}
        for (ticker, fold, model), rows in scored.items():
            if suffix:
                days = market.stocks[ticker]
                rows = [r for r in rows if days[r.target].volume is not None]
            if not rows:
                continue
            found = accuracy(rows)
            single.setdefault((model, fold), {})[ticker] = found
            together.setdefault((model, fold), []).extend(rows)
            named = {name + suffix: score for name, score in found.items()}
            yield from _rows((ticker, model, fold, "none"), NONE, named)
        for (model, fold), each in single.items():
            pooled = accuracy(together[model, fold])
            for name in MEDIANS:
                scores = [found[name] for found in each.values()]
                known = [value for value, _ in scores if value == value]
                value = median(known) if known else float("nan")
                pooled[name] = value, sum(n for _, n in scores)
            named = {name + suffix: score for name, score in pooled.items()}
            yield from _rows((ALL, model, fold, "none"), NONE, named)
    yield from _later(data)


def _later(data: RecountData) -> Expected:
    """Yield the directional accuracy over the session after the target."""
    name = "directional_accuracy"
    together: dict[tuple[str, int], list[RealisedForecast]] = {}
    for (ticker, fold, model), rows in data.scored_later.items():
        if rows:
            together.setdefault((model, fold), []).extend(rows)
            found = {f"{name}_later": accuracy(rows)[name]}
            yield from _rows((ticker, model, fold, "none"), NONE, found)
    for (model, fold), rows in together.items():
        found = {f"{name}_later": accuracy(rows)[name]}
        yield from _rows((ALL, model, fold, "none"), NONE, found)


def _sensitivity(data: RecountData) -> Expected:
    """Yield the excess over holding, before and after costs, in time and later."""
    cost = data.backtest.headline_cost_bps
    for fold, names in data.stocks.items():
        for model in data.models:
            for rule in RULES:
                strategy = (fold, model, rule, cost)
                pool = data.pools.get(strategy)
                if pool is None:
                    continue
                traded = any(booking.turnover for booking in pool)
                later = data.pools_later[strategy]
                held = data.pools[fold, HOLD, "hold", cost]
                held_later = data.pools_later[fold, HOLD, "hold", cost]
                found = {
                    "excess_over_holding": over_holding(data, pool, held, "net"),
                    "gross_excess": over_holding(data, pool, held, "gross"),
                    "excess_over_holding_later": over_holding(
                        data, later, held_later, "net"
                    ),
                    "gross_excess_later": over_holding(
                        data, later, held_later, "gross"
                    ),
                    "break_even_bps": _break_even(data, names, strategy),
                }
                n = len(pool)
                rows = {
                    name: (value if traded else float("nan"), n)
                    for name, value in found.items()
                }
                yield from _rows((ALL, model, fold, rule), cost, rows)


def over_holding(data: RecountData, pool: Account, held: Account, name: str) -> float:
    """Return the yearly mean return above that of holding the same stocks as much.

    Parameters
    ----------
    data : RecountData
    pool, held : list of ReferenceBooking
        The strategy's, and of holding the same stocks.
    name : str
        "net" or "gross".
    """
    exposure = mean([booking.position for booking in pool])
    gains = [
        getattr(own, name) - exposure * getattr(other, name) - (1 - exposure) * own.cash
        for own, other in zip(pool, held, strict=True)
    ]
    return mean(gains) * data.backtest.sessions_per_year


def _break_even(data: RecountData, names: list[str], strategy: Strategy) -> float:
    """Return the cost at which the trades would earn the return of cash."""
    accounts = [data.by_strategy[strategy][name] for name in names]
    bookings = [booking for account in accounts for booking in account]
    paid = mean([(1 + booking.gross) * booking.turnover for booking in bookings])
    gained = mean([booking.gross - booking.cash for booking in bookings])
    return gained / paid * 10_000 if paid else float("nan")


def _starts(data: RecountData) -> Expected:
    """Yield the mean and range of the declared model opened on later sessions."""
    cost, per_year = data.backtest.headline_cost_bps, data.backtest.sessions_per_year
    model = data.study.verdict.model
    for fold, names in data.stocks.items():
        n = min(data.backtest.n_starts, len(next(iter(data.sessions.values()))) - 1)
        for rule in RULES:
            pool = data.pools[fold, model, rule, cost]
            place = ("scores.parquet", ALL, model, fold, rule, "start_day_excess", cost)
            yield (*place, "n"), n
            if not any(booking.turnover for booking in pool):
                continue
            excesses = []
            for start in range(n):
                each = [
                    data.book(name, fold, model, rule, cost, start=start)
                    for name in names
                ]
                own = [mean([b.net - b.cash for b in account]) for account in each]
                excesses.append(mean(own) * per_year)
            yield (*place, "value"), mean(excesses)
            yield (*place, "lower"), min(excesses)
            yield (*place, "upper"), max(excesses)
