"""Book the plain portfolio rules a second time, and compare the published accounts.

Plain code follows the two rules without an optimisation on the plain signals, and the
benchmarks without a risk estimate.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from nse_lstm.config import Portfolio
from nse_lstm.study.audit.differences import column_differences, to_array
from nse_lstm.study.audit.recount_data import RecountData
from nse_lstm.study.audit.recount_portfolios import EQUAL, HOLD, RETURNS, SIGNALS, TILTS
from nse_lstm.study.audit.recount_ranking import Ranked
from nse_lstm.study.audit.reference.account import (
    ReferenceSession,
    list_sessions,
    pays_dividends,
)
from nse_lstm.study.audit.reference.labels import Members
from nse_lstm.study.audit.reference.statistics import mean
from nse_lstm.study.audit.reference.weights import (
    Known,
    Targets,
    divide_equally,
    find_stuck,
    follow_targets,
    keep_best,
    tilt_partly,
)
from nse_lstm.study.audit.table_rows import to_dates
from nse_lstm.tables import PORTFOLIO_RETURNS, read_table

DIGITS = 12
LEAST = 1e-9

Rule = Callable[[Known, list[float], Portfolio], Targets]
RULES: dict[tuple[str, str], Rule] = {
    (SIGNALS, "partial"): tilt_partly,
    (SIGNALS, "buffer"): keep_best,
    (EQUAL, "rebalance"): divide_equally,
    (HOLD, "hold"): divide_equally,
}
"""By model and rule: the accounts that plain code books."""

Ranks = dict[date, dict[str, float]]
"""Averaged fraction of the others below, by origin and stock."""


def compare_portfolios(
    data: RecountData, ranked: Ranked, members: Members, folder: Path
) -> Iterator[tuple[str, str]]:
    """Compare the published accounts of the plain rules with a second book.

    Parameters
    ----------
    data : RecountData
    ranked : dict
        From ``recount_ranking.read_ranked``.
    members : dict
        From ``reference.labels.list_members``.
    folder : Path
        Of Phase 4's tables.

    Yields
    ------
    tuple of str and str
        Account and difference.
    """
    table = read_table(PORTFOLIO_RETURNS, folder / RETURNS)
    if table.empty:
        return
    blocks = {
        (str(model), str(rule), int(str(start)), int(str(cost))): rows
        for (model, rule, start, cost), rows in table.groupby(
            ["model", "rule", "start", "cost_bps"]
        )
    }
    said = _of_signals(ranked, data)
    expected = defaultdict[tuple[str, str, int, int], list[dict[str, float]]](list)
    days = defaultdict[tuple[str, str, int, int], list[date]](list)
    for years in _runs(sorted(said)):
        span = _Span(data, years, said, members)
        for (model, rule), decide in RULES.items():
            for start in range(data.study.portfolio.n_starts):
                for cost, booked in span.book(model, rule, decide, start).items():
                    expected[model, rule, start, cost] += booked
                    days[model, rule, start, cost] += span.sessions
    for name, booked in expected.items():
        where, rows = " ".join(map(str, name)), blocks.get(name, table[:0])
        if to_dates(rows["session"]) != days[name]:
            yield where, f"{len(rows)} sessions booked, reference {len(booked)}"
            continue
        for column in booked[0]:
            values = to_array([each[column] for each in booked])
            yield from column_differences(
                rows[column], values, where=where, least=LEAST
            )


@dataclass(frozen=True)
class _Span:
    """Some years in a row, and what plain code knows of them."""

    data: RecountData
    years: list[int]
    said: dict[int, dict[date, dict[str, float]]]
    """The signals' forecasts by year, origin and stock."""
    members: Members

    @cached_property
    def tickers(self) -> list[str]:
        """Stocks of the universe in some month, the year before included."""
        years = {self.years[0] - 1, *self.years}
        found = {t for (y, _), own in self.members.items() if y in years for t in own}
        return sorted(found)

    @cached_property
    def stocks(self) -> list[list[ReferenceSession]]:
        """Each stock's sessions."""
        market, backtest = self.data.market, self.data.backtest
        pays = {
            year: pays_dividends(
                market, {t for own in self.said[year].values() for t in own}, year
            )
            for year in self.years
        }
        return [
            [
                each
                for year in self.years
                for each in list_sessions(
                    market,
                    market.stocks[ticker],
                    year=year,
                    backtest=backtest,
                    with_dividends=pays[year],
                )
            ]
            for ticker in self.tickers
        ]

    @cached_property
    def sessions(self) -> list[date]:
        """The account's sessions."""
        return [each.session for each in self.stocks[0]]

    @cached_property
    def stuck(self) -> list[list[bool]]:
        """By session and stock."""
        return find_stuck(self.stocks)

    @cached_property
    def ranks(self) -> Ranks:
        """Mean of the latest ranks that a stock has, where it has one now."""
        below = {
            day: _fractions_below(own)
            for year in self.years
            for day, own in sorted(self.said[year].items())
        }
        days, last = sorted(below), self.data.study.portfolio.smoothing
        found: Ranks = {}
        for at, day in enumerate(days):
            recent = [below[each] for each in days[max(at + 1 - last, 0) : at + 1]]
            found[day] = {
                ticker: round(mean([r[ticker] for r in recent if ticker in r]), DIGITS)
                for ticker in below[day]
            }
        return found

    @cached_property
    def known(self) -> list[Known]:
        """Knowledge by session of the orders."""
        calendar, delay = self.data.market.sessions, self.data.backtest.delay
        first, found = calendar.index(self.sessions[0]), []
        for at in range(len(self.sessions)):
            origin = calendar[first + at - delay]
            rank = self.ranks.get(origin, {})
            own = self.members[origin.year, origin.month]
            none = [False] * len(self.tickers)
            found.append(
                Known(
                    rank=[rank.get(ticker) for ticker in self.tickers],
                    member=[ticker in own for ticker in self.tickers],
                    stuck=self.stuck[at - delay] if at >= delay else none,
                )
            )
        return found

    def book(
        self, model: str, rule: str, decide: Rule, start: int
    ) -> dict[int, list[dict[str, float]]]:
        """Return the accounts by cost: one row of columns per session."""
        portfolio, known = self.data.study.portfolio, self.known

        def targets(at: int, held: list[float]) -> Targets:
            return decide(known[at], held, portfolio)

        path = follow_targets(
            self.stocks,
            targets,
            decides=self._decisions(model, rule, start),
            delay=self.data.backtest.delay,
        )
        accounts: dict[int, list[dict[str, float]]] = {}
        for cost in self.data.backtest.cost_bps:
            accounts[cost] = []
            for at, now in enumerate(path):
                cash = self.stocks[0][at].cash
                position = min(sum(now.held), 1.0)
                gross = now.earned + (1 - position) * cash
                stuck = zip(now.held, self.stuck[at], strict=True)
                accounts[cost].append(
                    {
                        "position": position,
                        "turnover": now.turnover,
                        "untradable": min(sum(w for w, out in stuck if out), 1.0),
                        "gross_return": gross,
                        "net_return": (1 + gross) * (1 - cost / 1e4 * now.turnover) - 1,
                        "cash_return": cash,
                    }
                )
        return accounts

    def _decisions(self, model: str, rule: str, start: int) -> list[bool]:
        n, every = len(self.sessions), self.data.study.portfolio.every
        if model == HOLD:
            return [at == start for at in range(n)]
        if rule in TILTS:
            return [at >= start and (at - start) % every == 0 for at in range(n)]
        months = [(day.year, day.month) for day in self.sessions]
        first = [at == 0 or months[at] != months[at - 1] for at in range(n)]
        return ([False] * start + first)[:n]


def _of_signals(
    ranked: Ranked, data: RecountData
) -> dict[int, dict[date, dict[str, float]]]:
    """Return the plain signals' forecasts that the rules trade, by year and origin."""
    aim = [data.backtest.delay, data.study.portfolio.horizon]
    found: dict[int, dict[date, dict[str, float]]] = {}
    for (model, _, (fold, *kind), origin), session in ranked.items():
        if model == SIGNALS and kind == aim and fold < data.test_year:
            said = {ticker: cell.y_hat for ticker, cell in session.items()}
            found.setdefault(fold, {})[origin] = said
    return found


def _fractions_below(said: dict[str, float]) -> dict[str, float]:
    """Return the fraction of the other stocks below, equal ones by half."""
    values, n = list(said.values()), len(said)
    return {
        ticker: (
            sum(v < y_hat for v in values) + (sum(v == y_hat for v in values) - 1) / 2
        )
        / max(n - 1, 1)
        for ticker, y_hat in said.items()
    }


def _runs(years: Sequence[int]) -> Iterator[list[int]]:
    """Yield runs of years without a hole."""
    run: list[int] = []
    for year in years:
        if run and year != run[-1] + 1:
            yield run
            run = []
        run.append(year)
    if run:
        yield run
