"""Recount timed orders: savings of each session by a plain loop, and their means.

Orders are timed again by the plain signals, by random numbers and in equal slices. The
ensemble's forecasts lie within rounding of zero too often for a second blend to decide
on the same sessions, so its orders are averaged, not timed, a second time.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.study.audit.recount_data import RecountData
from nse_lstm.study.audit.recount_ranking import MEMBERS, Ranked, side_by_side
from nse_lstm.study.audit.recount_scores import Expected
from nse_lstm.study.audit.reference.account import ReferenceSession, list_sessions
from nse_lstm.study.audit.reference.labels import Members
from nse_lstm.study.audit.reference.statistics import draw_resamples, mean, quantile
from nse_lstm.study.audit.table_rows import to_dates

TIMING, SAVINGS = "order_timing.parquet", "order_savings.parquet"
MODEL, SIGNALS, PLACEBO = "ensemble_equal", "four_signals", "placebo"
WAITS = (1, 2, 3, 5, 7, 10)
AGES = (60, 120)
"""Sessions that the placebo's forecasts are old."""
BLOCKS = {10: "", 20: "20_"}
SIDES = {"buy": -1, "sell": 1}
"""Sign of a rise after the order as a saving of the order that waits."""

Grid = dict[tuple[int, int], float]
"""Forecast by place of its session and of its stock."""


def recount_orders(
    data: RecountData, ranked: Ranked, members: Members, folder: Path
) -> Expected:
    """Yield the savings of every session by plain signals, and the means of all.

    Parameters
    ----------
    data : RecountData
    ranked : dict
        From ``recount_ranking.read_ranked``.
    members : dict
        From ``reference.labels.list_members``.
    folder : Path
        Of Phase 4's tables.
    """
    table = pd.read_parquet(folder / TIMING)
    if table.empty:
        return
    book = _OrderBook.open(data, ranked, members)
    for wait in WAITS:
        for side in SIDES:
            for name, time_order in book.signals().items():
                for day, saved in book.by_session(time_order, wait, side):
                    place = (TIMING, name, wait, side, day)
                    yield (*place, "saving_bps"), mean(saved)
                    yield (*place, "n_orders"), len(saved)
    yield from _means(data, table)


Time = Callable[[int, int, int, str], float]
"""Saving of one order, given its place, stock, longest wait and side."""


@dataclass(frozen=True)
class _OrderBook:
    """Stocks side by side, and the orders that every signal can decide."""

    data: RecountData
    tickers: list[str]
    stocks: list[list[ReferenceSession]]
    market: list[float]
    """Mean log return of the month's universe, by session."""
    years: set[int]
    own: Grid
    rival: Grid

    @classmethod
    def open(cls, data: RecountData, ranked: Ranked, members: Members) -> "_OrderBook":
        """Read the forecasts of the next session and the sessions of their stocks."""
        aim = (data.backtest.delay, 1)
        said: dict[str, dict[tuple[date, str], float]] = defaultdict(dict)
        years = set()
        for ((fold, *kind), origin), sessions in side_by_side(ranked, MEMBERS):
            if tuple(kind) == aim:
                years.add(fold)
                said[MODEL] |= dict.fromkeys([(origin, t) for t in sessions[0]], 0.0)
        for (model, _, (_, *kind), origin), session in ranked.items():
            if model == SIGNALS and tuple(kind) == aim:
                said[SIGNALS] |= {(origin, t): c.y_hat for t, c in session.items()}
        tickers = sorted({ticker for _, ticker in said[MODEL]})
        plain = replace(data.backtest, suspension_haircut=0.0)
        stocks = [
            [
                each
                for year in range(min(years), max(years) + 1)
                for each in list_sessions(
                    data.market,
                    data.market.stocks[ticker],
                    year=year,
                    backtest=plain,
                    with_dividends=True,
                )
            ]
            for ticker in tickers
        ]
        days = [each.session for each in stocks[0]]
        market = []
        for at, day in enumerate(days):
            inside = [
                math.log1p(stock[at].stock)
                for ticker, stock in zip(tickers, stocks, strict=True)
                if ticker in members[day.year, day.month]
            ]
            market.append(mean(inside) if inside else 0.0)
        place = {day: at for at, day in enumerate(days)}
        column = {ticker: i for i, ticker in enumerate(tickers)}
        own, rival = (
            {
                (place[day], column[ticker]): y_hat
                for (day, ticker), y_hat in said[name].items()
                if day in place and ticker in column
            }
            for name in (MODEL, SIGNALS)
        )
        return cls(data, tickers, stocks, market, years, own, rival)

    def signals(self) -> dict[str, Time]:
        """Return what times an order, by signal."""
        shape = len(self.market), len(self.tickers)
        drawn = np.random.default_rng(self.data.study.seed).standard_normal(shape)
        numbers = {place: float(drawn[place]) for place in np.ndindex(*shape)}
        return {
            SIGNALS: self._waits_for(self.rival),
            "random": self._waits_for(numbers),
            "twap": self._in_slices,
        }

    def by_session(
        self, time_order: Time, wait: int, side: str
    ) -> Iterator[tuple[date, list[float]]]:
        """Yield each session's savings, basis points."""
        found: dict[int, list[float]] = defaultdict(list)
        for at, stock in self.placed:
            found[at].append(1e4 * time_order(at, stock, wait, side))
        for at, saved in sorted(found.items()):
            yield self.stocks[0][at].session, saved

    @cached_property
    def placed(self) -> list[tuple[int, int]]:
        """Orders that every signal can decide, and whose longest wait ends in time."""
        longest, found = self.data.backtest.delay + max(WAITS), []
        for at, stock in sorted(self.own):
            old = all((at - age, stock) in self.own for age in AGES)
            if not old or (at, stock) not in self.rival:
                continue
            last = self._last(at)
            ends = [self._next_fill(at + longest, stock, side) for side in SIDES]
            if at + longest <= last and all(
                end is not None and end <= last for end in ends
            ):
                found.append((at, stock))
        return found

    @cached_property
    def _excess(self) -> list[list[float]]:
        """Log return of each stock beyond the market up to each session."""
        found = []
        for stock in self.stocks:
            total, levels = 0.0, []
            for each, market in zip(stock, self.market, strict=True):
                total += math.log1p(each.stock) - market
                levels.append(total)
            found.append(levels)
        return found

    def _fills(self, at: int, stock: int, side: str) -> bool:
        each = self.stocks[stock][at]
        if each.origin is None or each.session.year not in self.years:
            return False
        return each.buys if side == "buy" else each.sells

    def _next_fill(self, start: int, stock: int, side: str) -> int | None:
        for at in range(start, len(self.market)):
            if self._fills(at, stock, side):
                return at
        return None

    def _last(self, at: int) -> int:
        """Return the last session of the run of years that a session belongs to."""
        year = self.stocks[0][at].session.year
        while year + 1 in self.years:
            year += 1
        days = [each.session.year for each in self.stocks[0]]
        return max(i for i, each in enumerate(days) if each == year)

    def _waits_for(self, y_hat: Grid) -> Time:
        def time_order(at: int, stock: int, wait: int, side: str) -> float:
            delay = self.data.backtest.delay
            for filled in range(at + delay, len(self.market)):
                hat = y_hat.get((filled - delay, stock))
                unfavourable = hat is not None and SIDES[side] * hat > 0
                if filled < at + delay + wait and unfavourable:
                    continue
                if self._fills(filled, stock, side):
                    return self._saving(at, filled, stock, side)
            return math.nan

        return time_order

    def _in_slices(self, at: int, stock: int, wait: int, side: str) -> float:
        start = at + self.data.backtest.delay
        filled = [
            self._next_fill(start + later, stock, side) for later in range(wait + 1)
        ]
        return mean([self._saving(at, end, stock, side) for end in filled])

    def _saving(self, at: int, filled: int | None, stock: int, side: str) -> float:
        once = self._next_fill(at + self.data.backtest.delay, stock, side)
        if once is None or filled is None:
            return math.nan
        levels = self._excess[stock]
        return SIDES[side] * (levels[filled] - levels[once])


def _means(data: RecountData, table: pd.DataFrame) -> Expected:
    """Average the sessions of every signal, and of the model less each other one."""
    saved: dict[tuple[str, int, str], dict[date, float]] = defaultdict(dict)
    counts: dict[tuple[int, str], dict[date, int]] = defaultdict(dict)
    columns = [table[name].tolist() for name in ("signal", "wait", "side")]
    numbers = [table[name].tolist() for name in ("saving_bps", "n_orders")]
    for signal, wait, side, value, n, day in zip(
        *columns, *numbers, to_dates(table["session"]), strict=True
    ):
        saved[signal, wait, side][day] = value
        counts[wait, side][day] = n
    for signal, wait in {(signal, wait) for signal, wait, _ in saved}:
        buys, sells = (saved[signal, wait, side] for side in SIDES)
        saved[signal, wait, "both"] = {d: (buys[d] + sells[d]) / 2 for d in buys}
    for wait in {wait for wait, _ in counts}:
        both = [counts[wait, side] for side in SIDES]
        counts[wait, "both"] = {d: both[0][d] + both[1][d] for d in both[0]}
    days = sorted(next(iter(counts.values())))
    parts = {"all": days}
    for day in days:
        parts.setdefault(str(day.year), []).append(day)
    for part, own in parts.items():
        drawn = {
            block: draw_resamples(
                len(own),
                block=block,
                repetitions=data.study.verdict.bootstrap_reps,
                seed=data.study.seed,
            )
            for block in BLOCKS
        }
        for (signal, wait, side), by_day in saved.items():
            few = signal in (MODEL, PLACEBO)
            rivals = {"at_once": dict.fromkeys(own, 0.0)}
            if signal != MODEL:
                rivals = rivals if few or part == "all" else {}
            for other in {name for name, _, _ in saved} if signal == MODEL else ():
                if other == PLACEBO or (part == "all" and other != MODEL):
                    rivals[other] = saved[other, wait, side]
            for against, rival in rivals.items():
                values = [by_day[day] - rival[day] for day in own]
                key = (SAVINGS, signal, against, wait, side, part)
                yield (*key, "value_bps"), mean(values)
                yield (*key, "n_sessions"), len(own)
                yield (*key, "n_orders"), sum(counts[wait, side][day] for day in own)
                yield from _bounds(data, key, values, drawn)


def _bounds(
    data: RecountData,
    key: tuple[object, ...],
    values: list[float],
    drawn: dict[int, list[list[int]]],
) -> Expected:
    tail = (1 - data.study.verdict.confidence) / 2
    for block, name in BLOCKS.items():
        means = [mean([values[i] for i in places]) for places in drawn[block]]
        yield (*key, f"lower_{name}bps"), quantile(means, tail)
        yield (*key, f"upper_{name}bps"), quantile(means, 1 - tail)
