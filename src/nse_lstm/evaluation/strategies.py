"""Backtest every stock, model, rule and cost level beside the benchmarks.

The benchmarks forecast nothing: buy and hold of the same stocks, equal weight with its
costs, and the market's index.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pandas as pd

from nse_lstm.config import Backtest
from nse_lstm.errors import StudyError
from nse_lstm.evaluation.backtest import (
    TradabilityCalendar,
    simulate_fills,
    to_signals,
    tradability,
)
from nse_lstm.evaluation.portfolios import hold_equal_weight, hold_index
from nse_lstm.evaluation.scoring import POOL, check_forecasts
from nse_lstm.evaluation.total_return import ReturnBasis, return_basis
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.tables import STRATEGY_RETURNS, check

FORECAST_RULES = ("sign", "gate")
"""Rules of the strategies that act on a forecast."""

HOLD = "buy_and_hold"
"""The ``model`` that buys once, rule ``hold``, with one account per stock. Its pool is
a mean over stocks, so it is rebalanced every session at no cost."""
EQUAL_WEIGHT = "equal_weight"
"""All stocks at one weight, rule ``rebalance``, with one account for all (ticker
"ALL"). It is rebalanced monthly and pays its costs, so it could have been held."""
INDEX = "index_hold"
"""The market's index under its own ticker, rule ``no_cost``: it cannot be traded."""
BENCHMARKS = {HOLD: "hold", EQUAL_WEIGHT: "rebalance", INDEX: "no_cost"}
"""The models that forecast nothing, each with its one rule."""

Key = tuple[str | int, ...]
TradabilityByStock = dict[tuple[str, int], TradabilityCalendar]


def strategy_returns(
    forecasts: pd.DataFrame, panel: pd.DataFrame, *, backtest: Backtest
) -> pd.DataFrame:
    """Backtest every stock, model, rule and cost level, session by session.

    Each fold is one calendar year and starts flat. The benchmarks have seed 0 and the
    same stocks and sessions: ``buy_and_hold`` with one account per stock,
    ``equal_weight`` with one account for all stocks, and ``index_hold`` at cost 0 only,
    where the panel has the index. A fold's returns include dividends where those of
    its stocks are sourced (``total_return``), but for the index.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with one delay per model and a horizon of one session.
    panel : DataFrame
        ``PANEL`` of the whole market, whose calendar is ``market_sessions``.
    backtest : Backtest
        ``delay``, ``cost_bps`` and the rules of fills and cash are used.

    Returns
    -------
    DataFrame
        ``STRATEGY_RETURNS``.

    Raises
    ------
    TableError
        If there are no forecasts, a model forecasts one origin twice, or a stock has no
        row in the panel.
    StudyError
        If a forecast's horizon is not 1: every session sends new orders, so a longer
        forecast would be traded as if it were of the next session.
    """
    check_forecasts(forecasts)
    _check_horizon(forecasts)
    prices = with_returns(panel)
    calendars = tradability_by_stock(forecasts, prices, backtest=backtest)
    sessions = market_sessions(panel)
    accounts: dict[Key, pd.DataFrame] = {}
    for (ticker, fold), block in forecasts.groupby(["ticker", "fold"]):
        where = str(ticker), cast(int, fold)
        for key, account in _backtest_stock(
            block, calendars[where], sessions, backtest
        ):
            accounts[*where, *key] = account
    for fold in forecasts["fold"].unique():
        accounts |= _benchmarks(calendars, prices, int(fold), backtest)
    names = ["ticker", "fold", "model", "seed", "rule", "cost_bps", "row"]
    table = pd.concat(accounts, names=names).reset_index()
    columns = list(STRATEGY_RETURNS.columns)
    return check(table[columns], STRATEGY_RETURNS)


def tradability_by_stock(
    forecasts: pd.DataFrame, prices: pd.DataFrame, *, backtest: Backtest
) -> TradabilityByStock:
    """Build the tradability calendar of every stock and fold of a table.

    Parameters
    ----------
    forecasts : DataFrame
        Any table with ``ticker`` and ``fold``.
    prices : DataFrame
        ``with_returns(panel)`` of the whole market, so that its ``market_sessions``
        are the calendar.
    backtest : Backtest
        As for ``backtest.tradability``.

    Returns
    -------
    dict
        A ``TradabilityCalendar`` of the fold's year for each (ticker, fold).

    Raises
    ------
    TableError
        If a stock has no row in the panel.
    """
    sessions = market_sessions(prices)
    pairs = forecasts[["ticker", "fold"]].drop_duplicates()
    bases = fold_bases(forecasts, prices, backtest=backtest)
    return {
        (str(ticker), int(fold)): tradability(
            prices[prices["ticker"] == ticker],
            sessions=sessions,
            start=pd.Timestamp(int(fold), 1, 1),
            end=pd.Timestamp(int(fold) + 1, 1, 1),
            backtest=backtest,
            total_return=bases[int(fold)].is_total,
        )
        for ticker, fold in pairs.itertuples(index=False)
    }


def fold_bases(
    forecasts: pd.DataFrame, prices: pd.DataFrame, *, backtest: Backtest
) -> dict[int, ReturnBasis]:
    """Return by fold whether the stocks of a table are compared in total return.

    Parameters
    ----------
    forecasts : DataFrame
        Any table with ``ticker`` and ``fold``.
    prices : DataFrame
        ``with_returns(panel)``.
    backtest : Backtest
        As for ``total_return.return_basis``.
    """
    return {
        fold: return_basis(
            prices,
            sorted(forecasts.loc[forecasts["fold"] == fold, "ticker"].unique()),
            start=pd.Timestamp(fold, 1, 1),
            end=pd.Timestamp(fold + 1, 1, 1),
            backtest=backtest,
        )
        for fold in sorted(forecasts["fold"].unique().tolist())
    }


def _check_horizon(forecasts: pd.DataFrame) -> None:
    other = forecasts[forecasts["horizon"] != 1]
    if len(other):
        first = other.iloc[0]
        raise StudyError(
            "`horizon` must be 1 session for a backtest. "
            f"Received: horizon={first['horizon']} "
            f"(model {first['model']}, ticker {first['ticker']})"
        )


def _backtest_stock(
    block: pd.DataFrame,
    calendar: TradabilityCalendar,
    sessions: pd.DatetimeIndex,
    backtest: Backtest,
) -> Iterator[tuple[Key, pd.DataFrame]]:
    """Backtest one stock and fold; the keys are (model, seed, rule, cost_bps)."""
    runs: list[tuple[str, int, str, pd.Series]] = [
        (str(model), cast(int, seed), rule, rows.set_index("origin")["y_hat"])
        for (model, seed), rows in block.groupby(["model", "seed"])
        for rule in FORECAST_RULES
    ]
    runs.append((HOLD, 0, BENCHMARKS[HOLD], pd.Series(np.nan, index=sessions)))
    for model, seed, rule, y_hat in runs:
        for cost_bps in backtest.cost_bps:
            signals = to_signals(y_hat, rule=rule, backtest=backtest, cost_bps=cost_bps)
            account = simulate_fills(
                calendar, signals, backtest=backtest, cost_bps=cost_bps
            )
            yield (model, seed, rule, cost_bps), account


def _benchmarks(
    calendars: TradabilityByStock, prices: pd.DataFrame, fold: int, backtest: Backtest
) -> dict[Key, pd.DataFrame]:
    """Return the accounts of one fold's equal weight and index."""
    held = [
        calendar for (_, year), calendar in sorted(calendars.items()) if year == fold
    ]
    equal = EQUAL_WEIGHT, 0, BENCHMARKS[EQUAL_WEIGHT]
    accounts: dict[Key, pd.DataFrame] = {
        (POOL, fold, *equal, cost_bps): hold_equal_weight(
            held, backtest=backtest, cost_bps=cost_bps
        )
        for cost_bps in backtest.cost_bps
    }
    index = hold_index(
        prices,
        sessions=market_sessions(prices),
        start=pd.Timestamp(fold, 1, 1),
        end=pd.Timestamp(fold + 1, 1, 1),
        backtest=backtest,
    )
    if index is not None:
        ticker, account = index
        accounts[ticker, fold, INDEX, 0, BENCHMARKS[INDEX], 0] = account
    return accounts
