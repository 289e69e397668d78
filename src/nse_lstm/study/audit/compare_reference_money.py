"""Accounts, scores and choices held against the same by hand."""

import math
from collections.abc import Iterator
from datetime import date

import pandas as pd

from nse_lstm.config import Backtest
from nse_lstm.evaluation.scoring import MIN_EXPOSURE, POOL
from nse_lstm.evaluation.strategies import FORECAST_RULES
from nse_lstm.study.audit.differences import Differences, apart, array_of, is_near
from nse_lstm.study.audit.pipeline_run import PipelineRun
from nse_lstm.study.audit.reference.account import PlainBooking, follow, sharpe
from nse_lstm.study.audit.reference.choices import choose_champion
from nse_lstm.study.audit.reference.rows import PlainMarket
from nse_lstm.study.audit.reference.windows import target_return
from nse_lstm.study.audit.table_rows import blocks_of, days_of, forecasts_of
from nse_lstm.tables import ACCURACY_COST

SUMS = 1e-6
"""Relative: long sums and products in another order."""
BOOKED = {
    "position": "position",
    "turnover": "turnover",
    "gross_return": "gross",
    "net_return": "net",
    "stock_return": "stock",
}
Accounts = dict[tuple[str, int, str, str, int], list[PlainBooking]]
"""By ticker, fold, model, rule and cost."""


def follow_all(
    forecasts: pd.DataFrame, market: PlainMarket, backtest: Backtest
) -> Accounts:
    """Deal every stock, model, rule and cost level by hand."""
    accounts: Accounts = {}
    for ticker, year, model, rows in blocks_of(forecasts):
        by_origin = {row.origin: row.y_hat for row in forecasts_of(rows)}
        for rule in FORECAST_RULES:
            for cost in backtest.cost_bps:
                accounts[ticker, year, model, rule, cost] = follow(
                    market,
                    ticker,
                    by_origin,
                    year=year,
                    rule=rule,
                    cost_bps=cost,
                    backtest=backtest,
                )
    return accounts


def compare_accounts(returns: pd.DataFrame, accounts: Accounts) -> Differences:
    """Compare every account session by session."""
    key = ["ticker", "fold", "model", "rule", "cost_bps"]
    books = {tuple(group): rows for group, rows in returns.groupby(key)}
    for name, mine in accounts.items():
        where = " ".join(map(str, name))
        book = books.get(name, returns[:0])
        sessions = days_of(book["session"])
        if sessions != [booking.session for booking in mine]:
            yield where, f"{len(sessions)} sessions booked, by hand {len(mine)}"
            continue
        for theirs, ours in BOOKED.items():
            plain = array_of([getattr(booking, ours) for booking in mine])
            yield from apart(book[theirs], plain, where=where, least=1e-9)


def compare_money(
    scores: pd.DataFrame, accounts: Accounts, backtest: Backtest
) -> Differences:
    """Compare the pooled Sharpe ratio and net return of every strategy."""
    values = _values(scores)
    for year, model, rule, cost in sorted({key[1:] for key in accounts}):
        pool = _pool(accounts, (year, model, rule, cost))
        net, held = zip(*pool, strict=True)
        invested = sum(held) / len(held) >= MIN_EXPOSURE
        year_of = backtest.sessions_per_year
        found = {
            "sharpe_ratio": sharpe(list(net), year_of) if invested else math.nan,
            "net_return": math.prod(1 + value for value in net) - 1,
        }
        for metric, value in found.items():
            theirs = values.get((POOL, model, year, rule, metric, cost), math.nan)
            if not is_near(theirs, value, tolerance=SUMS):
                where = f"{model} {rule} {year} at {cost} bps"
                yield where, f"{metric} {theirs:.6g}, by hand {value:.6g}"


def compare_accuracy(
    forecasts: pd.DataFrame, scores: pd.DataFrame, market: PlainMarket
) -> Differences:
    """Compare skill and mean absolute error of every stock and model."""
    values = _values(scores)
    for ticker, year, model, rows in blocks_of(forecasts):
        for metric, value in _accuracy(market, ticker, rows).items():
            key = (ticker, model, year, "none", metric, ACCURACY_COST)
            theirs = values.get(key, math.nan)
            if not is_near(theirs, value, tolerance=1e-5):
                where = f"{model} {ticker} {year}"
                yield where, f"{metric} {theirs:.6g}, by hand {value:.6g}"


def compare_verdict(walk: PipelineRun, accounts: Accounts) -> Differences:
    """Compare what the verdict judges: the declared strategy's excess over cash."""
    study = walk.workspace.study
    backtest, declared = study.backtest, study.verdict
    excess: list[float] = []
    for year in _years(walk):
        rule = declared.model, declared.rule, backtest.headline_cost_bps
        pool = _pool(accounts, (year, *rule))
        cash = backtest.cash_rate / backtest.sessions_per_year
        excess += [net - cash for net, _ in pool]
    judged = walk.judgement
    if judged is None:
        return
    value = sum(excess) / len(excess) * backtest.sessions_per_year
    theirs = judged.excess_over_cash.mean
    if not is_near(theirs, value, tolerance=SUMS):
        yield "excess over cash", f"{theirs:.6g} a year, by hand {value:.6g}"
    if judged.n_sessions != len(excess):
        yield "sessions", f"{judged.n_sessions} judged, by hand {len(excess)}"


def compare_champions(walk: PipelineRun, market: PlainMarket) -> Differences:
    """Compare each stock's champion, chosen on the walk-forward years alone."""
    before = walk.forecasts[walk.forecasts["fold"].isin(_years(walk))]
    for row in walk.selection.itertuples():
        losses: dict[str, dict[date, float]] = {}
        for model in ("persistence", "v2"):
            mine = before[(before["ticker"] == row.ticker) & (before["model"] == model)]
            if len(mine) and mine["y_hat"].notna().all():
                losses[model] = dict(_losses(market, str(row.ticker), mine))
        champion = choose_champion(losses) if losses else "persistence"
        if champion != row.champion:
            yield str(row.ticker), f"champion {row.champion}, by hand {champion}"


def _years(walk: PipelineRun) -> list[int]:
    return [fold.year for fold in walk.folds if fold.kind == "walk_forward"]


def _values(scores: pd.DataFrame) -> dict[tuple[object, ...], float]:
    key = ["ticker", "model", "fold", "rule", "metric", "cost_bps"]
    rows = scores[[*key, "value"]].itertuples(index=False)
    return {tuple(row[:-1]): float(row[-1]) for row in rows}


def _pool(
    accounts: Accounts, strategy: tuple[int, str, str, int]
) -> list[tuple[float, float]]:
    """Return mean net return and position by session."""
    books = [account for key, account in accounts.items() if key[1:] == strategy]
    return [
        (sum(b.net for b in s) / len(s), sum(b.position for b in s) / len(s))
        for s in zip(*books, strict=True)
    ]


def _accuracy(market: PlainMarket, ticker: str, rows: pd.DataFrame) -> dict[str, float]:
    """Return skill and mean absolute error in KES, realised by hand."""
    errors, squares, misses = [], [], []
    for row in forecasts_of(rows):
        came = target_return(market, ticker, row.origin, row.target)
        if came is None:
            continue
        now, then, shares = came
        misses.append(abs(row.price_hat - then / shares))
        if not math.isnan(row.y_hat):
            y = math.log(then / now)
            errors.append((y - row.y_hat) ** 2)
            squares.append(y**2)
    found = {"mae": sum(misses) / len(misses) if misses else math.nan}
    if sum(squares) > 0:
        found["skill"] = 1 - sum(errors) / sum(squares)
    return found


def _losses(
    market: PlainMarket, ticker: str, rows: pd.DataFrame
) -> Iterator[tuple[date, float]]:
    for row in forecasts_of(rows):
        came = target_return(market, ticker, row.origin, row.target)
        if came is not None:
            yield row.origin, abs(math.log(came[1] / came[0]) - row.y_hat)
