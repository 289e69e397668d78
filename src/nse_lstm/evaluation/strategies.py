"""Every stock, model, rule and cost level dealt, beside holding the same stocks."""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pandas as pd

from nse_lstm.config import Dealing
from nse_lstm.evaluation.dealing import Board, deal, decide, read_board
from nse_lstm.evaluation.scoring import check_forecasts
from nse_lstm.features.returns import with_returns
from nse_lstm.tables import STRATEGY_RETURNS, check

__all__ = ["HOLD", "strategy_returns"]

HOLD = "buy_and_hold"
"""The ``model`` of the strategy that buys once, under the rule ``hold``."""

Key = tuple[str | int, ...]


def strategy_returns(
    forecasts: pd.DataFrame, panel: pd.DataFrame, *, dealing: Dealing
) -> pd.DataFrame:
    """Deal every stock, model, rule and cost level, session by session.

    Each fold is its calendar year, starts flat and is dealt on its own. Beside the
    forecasting models stands ``buy_and_hold`` (seed 0) in the same stocks and
    sessions. Prices leave out dividends, for all of them alike.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with one delay and horizon a model.
    panel : DataFrame
        ``PANEL``; its distinct sessions are the market's calendar.

    Returns
    -------
    DataFrame
        ``STRATEGY_RETURNS``.

    Raises
    ------
    TableError
        If there are no forecasts, a model forecasts one origin twice, or a stock has no
        row in the panel.
    """
    check_forecasts(forecasts)
    prices = with_returns(panel)
    sessions = pd.DatetimeIndex(panel["session"].unique()).sort_values()
    books: dict[Key, pd.DataFrame] = {}
    for (ticker, fold), block in forecasts.groupby(["ticker", "fold"]):
        year = cast(int, fold)
        board = read_board(
            prices[prices["ticker"] == ticker],
            sessions=sessions,
            start=pd.Timestamp(year, 1, 1),
            end=pd.Timestamp(year + 1, 1, 1),
            dealing=dealing,
        )
        for key, book in _books(block, board, sessions, dealing):
            books[str(ticker), year, *key] = book
    names = ["ticker", "fold", "model", "seed", "rule", "cost_bps", "row"]
    table = pd.concat(books, names=names).reset_index()
    columns = list(STRATEGY_RETURNS.columns)
    return check(table[columns], STRATEGY_RETURNS)


def _books(
    block: pd.DataFrame, board: Board, sessions: pd.DatetimeIndex, dealing: Dealing
) -> Iterator[tuple[Key, pd.DataFrame]]:
    """Deal one stock and fold; the keys are (model, seed, rule, cost_bps)."""
    views: list[tuple[str, int, str, pd.Series]] = [
        (str(model), cast(int, seed), rule, rows.set_index("origin")["y_hat"])
        for (model, seed), rows in block.groupby(["model", "seed"])
        for rule in ("sign", "gate")
    ]
    views.append((HOLD, 0, "hold", pd.Series(np.nan, index=sessions)))
    for model, seed, rule, y_hat in views:
        for cost_bps in dealing.cost_bps:
            signals = decide(y_hat, rule=rule, dealing=dealing, cost_bps=cost_bps)
            book = deal(board, signals, dealing=dealing, cost_bps=cost_bps)
            yield (model, seed, rule, cost_bps), book
