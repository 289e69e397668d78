"""Published forecasts, and the accounts that plain code books on them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import pandas as pd

from nse_lstm.config import Backtest, Study
from nse_lstm.study.audit.reference.account import (
    ReferenceBooking,
    ReferenceSession,
    book_orders,
    list_sessions,
    pays_dividends,
)
from nse_lstm.study.audit.reference.intervals import Aim
from nse_lstm.study.audit.reference.market import ReferenceMarket
from nse_lstm.study.audit.reference.measures import (
    RealisedForecast,
    log_moves,
    mean_move,
    pool_accounts,
    realised_return,
)
from nse_lstm.study.audit.reference.portfolios import book_equal_weight, book_index
from nse_lstm.study.audit.table_rows import to_dates
from nse_lstm.tables import FORECASTS, read_table

ALL = "ALL"
RULES = ("sign", "gate")
NAN = float("nan")
HOLD, EQUAL, INDEX = "buy_and_hold", "equal_weight", "index_hold"

Account = list[ReferenceBooking]
Strategy = tuple[int, str, str, int]
"""Fold, model, rule and cost."""


@dataclass(frozen=True)
class PlainForecast:
    """One published forecast."""

    origin: date
    entry: date
    target: date
    price_hat: float
    y_hat: float


Forecasts = dict[tuple[str, int, str], list[PlainForecast]]
"""By ticker, fold and model."""


@dataclass(frozen=True)
class RecountData:
    """The published forecasts, and what plain code makes of them."""

    study: Study
    market: ReferenceMarket
    forecasts: Forecasts
    test_year: int
    seed: int
    """Of the forecasts."""

    @property
    def backtest(self) -> Backtest:
        """The study's backtest."""
        return self.study.backtest

    @cached_property
    def stocks(self) -> dict[int, list[str]]:
        """Stocks of each fold."""
        found = defaultdict(set)
        for ticker, fold, _ in self.forecasts:
            found[fold].add(ticker)
        return {fold: sorted(names) for fold, names in sorted(found.items())}

    @property
    def before_test(self) -> list[int]:
        """The walk-forward years."""
        return [fold for fold in self.stocks if fold < self.test_year]

    @cached_property
    def models(self) -> list[str]:
        """Models with forecasts."""
        return sorted({model for _, _, model in self.forecasts})

    @cached_property
    def sessions(self) -> dict[tuple[str, int], list[ReferenceSession]]:
        """Sessions of each stock and fold."""
        return self._sessions(self.backtest)

    @cached_property
    def sessions_later(self) -> dict[tuple[str, int], list[ReferenceSession]]:
        """The same with orders that arrive one session later."""
        return self._sessions(replace(self.backtest, delay=self.backtest.delay + 1))

    def signals(self, ticker: str, fold: int, model: str) -> dict[date, float]:
        """Return the forecast log returns by origin.

        Parameters
        ----------
        ticker, fold, model
            Of the forecasts.
        """
        rows = self.forecasts[ticker, fold, model]
        return {row.origin: row.y_hat for row in rows}

    @cached_property
    def accounts(self) -> dict[tuple[str, Strategy], Account]:
        """Accounts of every stock and strategy, and of the benchmarks."""
        costs, found = self.backtest.cost_bps, {}
        for ticker, fold, model in self.forecasts:
            for rule in RULES:
                for cost in costs:
                    found[ticker, (fold, model, rule, cost)] = self.book(
                        ticker, fold, model, rule, cost
                    )
        for fold, names in self.stocks.items():
            for cost in costs:
                for ticker in names:
                    found[ticker, (fold, HOLD, "hold", cost)] = book_orders(
                        self.sessions[ticker, fold],
                        {},
                        rule="hold",
                        cost_bps=cost,
                        backtest=self.backtest,
                    )
                own = [self.sessions[ticker, fold] for ticker in names]
                found[ALL, (fold, EQUAL, "rebalance", cost)] = book_equal_weight(
                    own, cost_bps=cost, backtest=self.backtest
                )
            index = book_index(self.market, year=fold, backtest=self.backtest)
            if index is not None:
                found[index[0], (fold, INDEX, "no_cost", 0)] = index[1]
        return found

    def book(
        self,
        ticker: str,
        fold: int,
        model: str,
        rule: str,
        cost: int,
        *,
        start: int = 0,
    ) -> Account:
        """Book one stock's account from one of the year's sessions on.

        Parameters
        ----------
        ticker, fold, model, rule, cost
            Of the account.
        start : int
            Place of its first session in the year.
        """
        return book_orders(
            self.sessions[ticker, fold][start:],
            self.signals(ticker, fold, model),
            rule=rule,
            cost_bps=cost,
            backtest=self.backtest,
        )

    @cached_property
    def by_strategy(self) -> dict[Strategy, dict[str, Account]]:
        """Each strategy's accounts by stock."""
        found: dict[Strategy, dict[str, Account]] = defaultdict(dict)
        for (ticker, strategy), account in self.accounts.items():
            found[strategy][ticker] = account
        return dict(found)

    @cached_property
    def pools(self) -> dict[Strategy, Account]:
        """Each strategy's account of equal capital in every stock."""
        return {
            strategy: own[ALL] if ALL in own else pool_accounts(list(own.values()))
            for strategy, own in self.by_strategy.items()
        }

    @cached_property
    def pools_later(self) -> dict[Strategy, Account]:
        """The same with orders one session later, at the headline cost."""
        cost, found = self.backtest.headline_cost_bps, {}
        later = replace(self.backtest, delay=self.backtest.delay + 1)
        strategies = [(model, rule) for model in self.models for rule in RULES]
        for fold, names in self.stocks.items():
            for model, rule in [*strategies, (HOLD, "hold")]:
                own = [
                    book_orders(
                        self.sessions_later[ticker, fold],
                        {} if model == HOLD else self.signals(ticker, fold, model),
                        rule=rule,
                        cost_bps=cost,
                        backtest=later,
                    )
                    for ticker in names
                    if model == HOLD or (ticker, fold, model) in self.forecasts
                ]
                if own:
                    found[fold, model, rule, cost] = pool_accounts(own)
        return found

    @cached_property
    def scored(self) -> dict[tuple[str, int, str], list[RealisedForecast]]:
        """Every price forecast beside what came, those with a return to score."""
        return {key: self._score(key, later=False) for key in self.forecasts}

    @cached_property
    def scored_later(self) -> dict[tuple[str, int, str], list[RealisedForecast]]:
        """The same forecasts beside the return of the session after their target."""
        return {key: self._score(key, later=True) for key in self.forecasts}

    @cached_property
    def aims(self) -> dict[tuple[str, str], list[Aim]]:
        """Each model's and stock's forecasts of the walk-forward years, in order."""
        found: dict[tuple[str, str], list[Aim]] = defaultdict(list)
        for (ticker, fold, model), rows in sorted(self.forecasts.items()):
            if fold in self.before_test:
                for row in rows:
                    came = self.came(ticker, row.origin, row.entry, row.target)
                    y = came[0] if came else NAN
                    found[model, ticker].append(
                        Aim(row.origin, row.target, row.y_hat, y)
                    )
        return dict(found)

    def came(
        self, ticker: str, origin: date, entry: date, target: date
    ) -> tuple[float, float] | None:
        """Return the log return from entry to target, and the target's price.

        Parameters
        ----------
        ticker, origin, entry, target
            As for ``realised_return``.
        """
        return realised_return(
            self.market, ticker, origin=origin, entry=entry, target=target
        )

    @cached_property
    def next_session(self) -> dict[date, date]:
        """The market's session after each."""
        return dict(pairwise(self.market.sessions))

    @cached_property
    def moves(self) -> dict[str, dict[date, float]]:
        """Each stock's log returns by session."""
        names = {ticker for names in self.stocks.values() for ticker in names}
        return {name: log_moves(self.market, name, date.max) for name in sorted(names)}

    def _score(
        self, key: tuple[str, int, str], *, later: bool
    ) -> list[RealisedForecast]:
        ticker, fold, _ = key
        scale, found = self._scales[ticker, fold], []
        for row in self.forecasts[key]:
            entry, target = row.entry, row.target
            if later:
                last = target
                entry, target = (self.next_session.get(d, d) for d in (entry, target))
                # Walk-forward years are scored while the test year is sealed.
                sealed = fold < self.test_year <= target.year
                if target == last or sealed:
                    continue
            came = self.came(ticker, row.origin, entry, target)
            if came is not None:
                found.append(
                    RealisedForecast(
                        row.origin, target, row.price_hat, row.y_hat, *came, scale
                    )
                )
        return found

    @cached_property
    def _scales(self) -> dict[tuple[str, int], float]:
        return {
            (ticker, fold): mean_move(self.market, ticker, date(fold, 1, 1))
            for fold, names in self.stocks.items()
            for ticker in names
        }

    def _sessions(
        self, backtest: Backtest
    ) -> dict[tuple[str, int], list[ReferenceSession]]:
        return {
            (ticker, fold): list_sessions(
                self.market,
                self.market.stocks[ticker],
                year=fold,
                backtest=backtest,
                with_dividends=pays_dividends(self.market, set(names), fold),
            )
            for fold, names in self.stocks.items()
            for ticker in names
        }


def read_forecasts(path: Path, *, model: str) -> tuple[Forecasts, int]:
    """Read the published forecasts as plain values.

    Parameters
    ----------
    path : Path
        ``forecasts.parquet``.
    model : str
        The declared model.

    Returns
    -------
    forecasts : dict
    seed : int
        Of the declared model's forecasts.
    """
    table = read_table(FORECASTS, path).sort_values("origin", kind="stable")
    forecasts = {
        (str(ticker), int(str(fold)), str(name)): list(_plain(rows))
        for (ticker, fold, name), rows in table.groupby(["ticker", "fold", "model"])
    }
    return forecasts, int(table.loc[table["model"] == model, "seed"].iloc[0])


def _plain(rows: pd.DataFrame) -> Iterator[PlainForecast]:
    columns = (
        to_dates(rows["origin"]),
        to_dates(rows["entry_date"]),
        to_dates(rows["target_date"]),
        rows["price_hat"].tolist(),
        rows["y_hat"].tolist(),
    )
    for values in zip(*columns, strict=True):
        yield PlainForecast(*values)
