"""Compare accounts, scores and choices with the reference."""

import math
from collections.abc import Iterator
from datetime import date

import pandas as pd

from nse_lstm.config import Backtest
from nse_lstm.evaluation.scoring import MIN_EXPOSURE, POOL
from nse_lstm.evaluation.strategies import FORECAST_RULES
from nse_lstm.study.audit.differences import (
    Differences,
    column_differences,
    is_close,
    to_array,
)
from nse_lstm.study.audit.pipeline_run import PipelineRun
from nse_lstm.study.audit.reference.account import (
    ReferenceBooking,
    sharpe,
    simulate_account,
)
from nse_lstm.study.audit.reference.choices import choose_champion
from nse_lstm.study.audit.reference.market import ReferenceMarket
from nse_lstm.study.audit.reference.windows import target_return
from nse_lstm.study.audit.table_rows import blocks_by_model, forecast_rows, to_dates
from nse_lstm.tables import ACCURACY_COST

SUMS = 1e-6
"""Relative tolerance of long sums and products in another order."""
BOOKED = {
    "position": "position",
    "turnover": "turnover",
    "gross_return": "gross",
    "net_return": "net",
    "stock_return": "stock",
}
Accounts = dict[tuple[str, int, str, str, int], list[ReferenceBooking]]
"""By ticker, fold, model, rule and cost."""


def simulate_accounts(
    forecasts: pd.DataFrame, market: ReferenceMarket, backtest: Backtest
) -> Accounts:
    """Compute the reference account of every stock, model, rule and cost level.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS``, whose log returns are the signals.
    market : ReferenceMarket
        Read from the same raw files.
    backtest : Backtest
        The study's fills and costs.
    """
    accounts: Accounts = {}
    for ticker, year, model, rows in blocks_by_model(forecasts):
        by_origin = {row.origin: row.y_hat for row in forecast_rows(rows)}
        for rule in FORECAST_RULES:
            for cost in backtest.cost_bps:
                accounts[ticker, year, model, rule, cost] = simulate_account(
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
    """Compare every account session by session.

    Parameters
    ----------
    returns : DataFrame
        ``STRATEGY_RETURNS``.
    accounts : dict
        From ``simulate_accounts``.
    """
    key = ["ticker", "fold", "model", "rule", "cost_bps"]
    blocks = {tuple(group): rows for group, rows in returns.groupby(key)}
    for name, account in accounts.items():
        where = " ".join(map(str, name))
        rows = blocks.get(name, returns[:0])
        sessions = to_dates(rows["session"])
        if sessions != [booking.session for booking in account]:
            yield where, f"{len(sessions)} sessions booked, reference {len(account)}"
            continue
        for column, field in BOOKED.items():
            expected = to_array([getattr(booking, field) for booking in account])
            yield from column_differences(
                rows[column], expected, where=where, least=1e-9
            )


def compare_money(
    scores: pd.DataFrame, accounts: Accounts, backtest: Backtest
) -> Differences:
    """Compare the pooled Sharpe ratio and net return of every strategy.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES``.
    accounts : dict
        Of ``simulate_accounts``.
    backtest : Backtest
        The study's, for the sessions per year.
    """
    values = _values(scores)
    for year, model, rule, cost in sorted({key[1:] for key in accounts}):
        pool = _pool(accounts, (year, model, rule, cost))
        net, held = zip(*pool, strict=True)
        invested = sum(held) / len(held) >= MIN_EXPOSURE
        per_year = backtest.sessions_per_year
        expected = {
            "sharpe_ratio": sharpe(list(net), per_year) if invested else math.nan,
            "net_return": math.prod(1 + value for value in net) - 1,
        }
        for metric, value in expected.items():
            score = values.get((POOL, model, year, rule, metric, cost), math.nan)
            if not is_close(score, value, tolerance=SUMS):
                where = f"{model} {rule} {year} at {cost} bps"
                yield where, f"{metric} {score:.6g}, reference {value:.6g}"


def compare_accuracy(
    forecasts: pd.DataFrame, scores: pd.DataFrame, market: ReferenceMarket
) -> Differences:
    """Compare skill and mean absolute error of every stock and model.

    Parameters
    ----------
    forecasts, scores : DataFrame
        ``FORECASTS`` and ``SCORES``.
    market : ReferenceMarket
        Read from the same raw files.
    """
    values = _values(scores)
    for ticker, year, model, rows in blocks_by_model(forecasts):
        for metric, value in _accuracy(market, ticker, rows).items():
            key = (ticker, model, year, "none", metric, ACCURACY_COST)
            score = values.get(key, math.nan)
            if not is_close(score, value, tolerance=1e-5):
                where = f"{model} {ticker} {year}"
                yield where, f"{metric} {score:.6g}, reference {value:.6g}"


def compare_verdict(run: PipelineRun, accounts: Accounts) -> Differences:
    """Compare the verdict's input: the declared strategy's excess over cash.

    Parameters
    ----------
    run : PipelineRun
        Nothing is compared where it judged nothing.
    accounts : dict
        From ``simulate_accounts``.
    """
    study = run.workspace.study
    backtest, declared = study.backtest, study.verdict
    excess: list[float] = []
    for year in _years(run):
        strategy = declared.model, declared.rule, backtest.headline_cost_bps
        pool = _pool(accounts, (year, *strategy))
        cash = backtest.cash_rate / backtest.sessions_per_year
        excess += [net - cash for net, _ in pool]
    judged = run.judgement
    if judged is None:
        return
    value = sum(excess) / len(excess) * backtest.sessions_per_year
    mean = judged.excess_over_cash.mean
    if not is_close(mean, value, tolerance=SUMS):
        yield "excess over cash", f"{mean:.6g} per year, reference {value:.6g}"
    if judged.n_sessions != len(excess):
        yield "sessions", f"{judged.n_sessions} judged, reference {len(excess)}"


def compare_champions(run: PipelineRun, market: ReferenceMarket) -> Differences:
    """Compare each stock's champion, chosen on the walk-forward years alone.

    Parameters
    ----------
    run : PipelineRun
    market : ReferenceMarket
        Read from the same raw files.
    """
    before = run.forecasts[run.forecasts["fold"].isin(_years(run))]
    for row in run.selection.itertuples():
        losses: dict[str, dict[date, float]] = {}
        for model in ("persistence", "v2"):
            rows = before[(before["ticker"] == row.ticker) & (before["model"] == model)]
            if len(rows) and rows["y_hat"].notna().all():
                losses[model] = dict(_losses(market, str(row.ticker), rows))
        champion = choose_champion(losses) if losses else "persistence"
        if champion != row.champion:
            yield str(row.ticker), f"champion {row.champion}, reference {champion}"


def _years(run: PipelineRun) -> list[int]:
    return [fold.year for fold in run.folds if fold.kind == "walk_forward"]


def _values(scores: pd.DataFrame) -> dict[tuple[object, ...], float]:
    key = ["ticker", "model", "fold", "rule", "metric", "cost_bps"]
    rows = scores[[*key, "value"]].itertuples(index=False)
    return {tuple(row[:-1]): float(row[-1]) for row in rows}


def _pool(
    accounts: Accounts, strategy: tuple[int, str, str, int]
) -> list[tuple[float, float]]:
    """Return mean net return and position over the stocks, one pair per session."""
    strategies = [account for key, account in accounts.items() if key[1:] == strategy]
    return [
        (sum(b.net for b in s) / len(s), sum(b.position for b in s) / len(s))
        for s in zip(*strategies, strict=True)
    ]


def _accuracy(
    market: ReferenceMarket, ticker: str, rows: pd.DataFrame
) -> dict[str, float]:
    """Return skill and mean absolute error in KES against the reference's prices."""
    errors, squares, misses = [], [], []
    for row in forecast_rows(rows):
        realised = target_return(market, ticker, row.origin, row.target)
        if realised is None:
            continue
        now, then, shares = realised
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
    market: ReferenceMarket, ticker: str, rows: pd.DataFrame
) -> Iterator[tuple[date, float]]:
    for row in forecast_rows(rows):
        realised = target_return(market, ticker, row.origin, row.target)
        if realised is not None:
            now, then, _ = realised
            yield row.origin, abs(math.log(then / now) - row.y_hat)
