"""Every stock, model, rule and cost level dealt, beside the yardsticks.

The yardsticks forecast nothing: holding the same stocks, equal weight with its costs,
and the market's index.
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
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.tables import STRATEGY_RETURNS, check

FORECAST_RULES = ("sign", "gate")
"""Rules of the strategies that act on a forecast."""

HOLD = "buy_and_hold"
"""The ``model`` of the strategy that buys once, under the rule ``hold``, one book a
stock. Their pool is a mean over stocks, evened out every session for nothing."""
EQUAL_WEIGHT = "equal_weight"
"""All stocks at one weight, rule ``rebalance``, one book for all (ticker "ALL"): evened
out monthly with its costs, so somebody could have had it."""
INDEX = "index_hold"
"""The market's index under its own ticker, rule ``no_cost``: it cannot be dealt."""
YARDSTICKS = {HOLD: "hold", EQUAL_WEIGHT: "rebalance", INDEX: "no_cost"}
"""The models that forecast nothing, each with its one rule."""

Key = tuple[str | int, ...]
TradabilityByStock = dict[tuple[str, int], TradabilityCalendar]


def strategy_returns(
    forecasts: pd.DataFrame, panel: pd.DataFrame, *, backtest: Backtest
) -> pd.DataFrame:
    """Deal every stock, model, rule and cost level, session by session.

    Each fold is its calendar year, starts flat and is dealt on its own. Beside the
    forecasting models stand the yardsticks (seed 0) over the same stocks and sessions:
    ``buy_and_hold``, one book a stock, whose pool is evened out every session for
    nothing; ``equal_weight``, one book for all of them, evened out monthly with its
    costs; and ``index_hold`` at cost 0 only, where the panel has the index. Prices
    leave out dividends, for all of them alike.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with one delay a model and a horizon of one session.
    panel : DataFrame
        ``PANEL`` of the whole market, whose calendar is ``market_sessions``.

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
        If a forecast's horizon is not 1: orders are decided anew every session, so a
        longer forecast would be dealt as if it spoke of the next one.
    """
    check_forecasts(forecasts)
    _check_horizon(forecasts)
    prices = with_returns(panel)
    boards = tradability_by_stock(forecasts, prices, backtest=backtest)
    sessions = market_sessions(panel)
    books: dict[Key, pd.DataFrame] = {}
    for (ticker, fold), block in forecasts.groupby(["ticker", "fold"]):
        where = str(ticker), cast(int, fold)
        for key, book in _books(block, boards[where], sessions, backtest):
            books[*where, *key] = book
    for fold in forecasts["fold"].unique():
        books |= _yardsticks(boards, prices, int(fold), backtest)
    names = ["ticker", "fold", "model", "seed", "rule", "cost_bps", "row"]
    table = pd.concat(books, names=names).reset_index()
    columns = list(STRATEGY_RETURNS.columns)
    return check(table[columns], STRATEGY_RETURNS)


def tradability_by_stock(
    forecasts: pd.DataFrame, prices: pd.DataFrame, *, backtest: Backtest
) -> TradabilityByStock:
    """Read the board of every stock and fold of a table.

    Parameters
    ----------
    forecasts : DataFrame
        Any table with ``ticker`` and ``fold``.
    prices : DataFrame
        ``with_returns(panel)`` of the whole market, so that its ``market_sessions``
        are the calendar.
    dealing : Dealing

    Returns
    -------
    dict
        A ``Board`` of the fold's calendar year for each (ticker, fold).

    Raises
    ------
    TableError
        If a stock has no row in the panel.
    """
    sessions = market_sessions(prices)
    pairs = forecasts[["ticker", "fold"]].drop_duplicates()
    return {
        (str(ticker), int(fold)): tradability(
            prices[prices["ticker"] == ticker],
            sessions=sessions,
            start=pd.Timestamp(int(fold), 1, 1),
            end=pd.Timestamp(int(fold) + 1, 1, 1),
            backtest=backtest,
        )
        for ticker, fold in pairs.itertuples(index=False)
    }


def _check_horizon(forecasts: pd.DataFrame) -> None:
    other = forecasts[forecasts["horizon"] != 1]
    if len(other):
        first = other.iloc[0]
        raise StudyError(
            "`horizon` must be 1 session to be dealt. "
            f"Received: horizon={first['horizon']} "
            f"(model {first['model']}, ticker {first['ticker']})"
        )


def _books(
    block: pd.DataFrame,
    board: TradabilityCalendar,
    sessions: pd.DatetimeIndex,
    backtest: Backtest,
) -> Iterator[tuple[Key, pd.DataFrame]]:
    """Deal one stock and fold; the keys are (model, seed, rule, cost_bps)."""
    views: list[tuple[str, int, str, pd.Series]] = [
        (str(model), cast(int, seed), rule, rows.set_index("origin")["y_hat"])
        for (model, seed), rows in block.groupby(["model", "seed"])
        for rule in FORECAST_RULES
    ]
    views.append((HOLD, 0, YARDSTICKS[HOLD], pd.Series(np.nan, index=sessions)))
    for model, seed, rule, y_hat in views:
        for cost_bps in backtest.cost_bps:
            signals = to_signals(y_hat, rule=rule, backtest=backtest, cost_bps=cost_bps)
            book = simulate_fills(board, signals, backtest=backtest, cost_bps=cost_bps)
            yield (model, seed, rule, cost_bps), book


def _yardsticks(
    boards: TradabilityByStock, prices: pd.DataFrame, fold: int, backtest: Backtest
) -> dict[Key, pd.DataFrame]:
    """Book one fold's equal weight and index."""
    held = [board for (_, year), board in sorted(boards.items()) if year == fold]
    equal = EQUAL_WEIGHT, 0, YARDSTICKS[EQUAL_WEIGHT]
    books: dict[Key, pd.DataFrame] = {
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
        ticker, book = index
        books[ticker, fold, INDEX, 0, YARDSTICKS[INDEX], 0] = book
    return books
