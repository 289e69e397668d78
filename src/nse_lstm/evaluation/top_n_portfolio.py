"""A long-only account of the few shares that a ranking puts first.

The account has a number of equal places, each with one share or cash, and follows the
declared cost gate: a free place buys the share whose forecast is highest, if it is
above ``gate_multiple`` times the cost of a side, and a share is sold when its forecast
is below 0 or there is none. Orders, fills, marks and costs are ``dealing``'s.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Backtest
from nse_lstm.errors import TableError
from nse_lstm.evaluation.backtest import (
    ENTER,
    LEAVE,
    STAY,
    TradabilityCalendar,
    account_sessions,
    to_signals,
)


def hold_top_n(
    forecasts: pd.DataFrame,
    boards: Mapping[str, TradabilityCalendar],
    *,
    n_names: int,
    backtest: Backtest,
    cost_bps: int,
) -> pd.DataFrame:
    """Deal the shares that a model ranks first, from a flat account.

    The evening's forecasts send day orders to the next session. Sales are dealt as they
    fill, and what they free buys on the same session, the highest forecast first; an
    order that lapses is decided afresh. Places are kept equal at no cost, as the pool
    of single accounts is.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of one model, seed, delay and horizon; ``y_hat`` is what a share
        is expected to earn beyond the others.
    boards : mapping of str to Board
        Of every share forecast, all over the same sessions.
    n_names : int
        Places.
    dealing : Dealing
        ``cash_rate``, ``sessions_per_year`` and ``gate_multiple`` are used.
    cost_bps : int
        Basis points a side.

    Returns
    -------
    DataFrame
        One row a session, the columns of ``backtest.simulate_fills``, of the whole account:
        ``position`` is the share invested, ``stock_return`` the mean over the boards.

    Raises
    ------
    TableError
        If a share is forecast twice from one origin, or has no board.
    """
    wanted = _signals(forecasts, boards, backtest=backtest, cost_bps=cost_bps)
    names = list(boards)
    stock_return = np.column_stack([boards[name].stock_return for name in names])
    buys = np.column_stack([boards[name].buy_fills for name in names])
    sells = np.column_stack([boards[name].sell_fills for name in names])
    held, dealt = _walk(wanted, buys, sells, n_names=n_names)
    return account_sessions(
        boards[names[0]].session,
        position=held.sum(axis=1) / n_names,
        turnover=dealt / n_names,
        earned=(held * stock_return).sum(axis=1) / n_names,
        stock_return=stock_return.mean(axis=1),
        backtest=backtest,
        cost_bps=cost_bps,
    )


def _signals(
    forecasts: pd.DataFrame,
    boards: Mapping[str, TradabilityCalendar],
    *,
    backtest: Backtest,
    cost_bps: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return forecasts and signals as the boards' sessions meet them, (session, name).

    On a stale evening nobody decides, and all that is held stays.
    """
    absent = set(forecasts["ticker"]) - set(boards)
    if absent or forecasts.duplicated(["ticker", "origin"]).any():
        raise TableError(
            "Expected one forecast a share and origin, and a board for each share. "
            f"Received: {len(absent)} shares without one, "
            f"{int(forecasts.duplicated(['ticker', 'origin']).sum())} rows twice"
        )
    wide = forecasts.pivot(index="origin", columns="ticker", values="y_hat")
    origins = pd.DatetimeIndex(next(iter(boards.values())).origin)
    y_hat = wide.reindex(index=origins, columns=list(boards))
    signals = y_hat.apply(to_signals, rule="gate", backtest=backtest, cost_bps=cost_bps)
    stale = np.asarray(origins.isna())[:, np.newaxis]
    return y_hat.to_numpy(float), np.where(stale, STAY, signals.to_numpy(float))


def _walk(
    wanted: tuple[NDArray[np.float64], NDArray[np.float64]],
    buys: NDArray[np.bool_],
    sells: NDArray[np.bool_],
    *,
    n_names: int,
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return who is held into each session, and how many deals it saw."""
    y_hat, signals = wanted
    held = np.zeros((len(buys) + 1, buys.shape[1]), bool)
    dealt = np.zeros(len(buys), np.int64)
    for s in range(len(buys)):
        sold = held[s] & (signals[s] == LEAVE) & sells[s]
        kept = held[s] & ~sold
        able = np.flatnonzero((signals[s] == ENTER) & ~held[s] & buys[s])
        first = able[np.argsort(-y_hat[s, able], kind="stable")]
        bought = first[: n_names - int(kept.sum())]
        held[s + 1] = kept
        held[s + 1, bought] = True
        dealt[s] = int(sold.sum()) + len(bought)
    return held[:-1], dealt
