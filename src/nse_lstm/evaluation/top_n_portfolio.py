"""Long-only top-n portfolio: the few stocks that a ranking puts first.

The account has ``n_names`` equal slots, each with one stock or cash, and follows the
declared cost gate. A free slot buys the stock with the highest forecast, if that is
above ``gate_multiple`` times the cost per side. A stock is sold when its forecast is
below 0 or missing. Orders, fills, marks and costs are those of ``backtest``.
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
    calendars: Mapping[str, TradabilityCalendar],
    *,
    n_names: int,
    backtest: Backtest,
    cost_bps: int,
) -> pd.DataFrame:
    """Backtest a portfolio of the stocks that a model ranks first, from a flat account.

    Forecasts send day orders to the next session. Slots that sales free are filled in
    the same session, highest forecast first. A lapsed order is decided again in the
    next session. Slots are rebalanced every session at no cost, like a pool of single
    accounts.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of one model, seed, delay and horizon; ``y_hat`` is a stock's
        expected return above the mean of the others.
    calendars : mapping of str to TradabilityCalendar
        Of every stock forecast, all over the same sessions.
    n_names : int
        Slots.
    backtest : Backtest
        ``gate_multiple`` and the settings of ``cash.cash_returns`` are used.
    cost_bps : int
        Basis points per side.

    Returns
    -------
    DataFrame
        One row per session, with the columns of ``backtest.simulate_fills``:
        ``position`` is the fraction of the account that is invested, ``stock_return``
        the mean over all stocks.

    Raises
    ------
    TableError
        If a stock is forecast twice from one origin, or has no calendar.
    """
    wanted = _signals(forecasts, calendars, backtest=backtest, cost_bps=cost_bps)
    names = list(calendars)
    stock_return = np.column_stack([calendars[name].stock_return for name in names])
    buys = np.column_stack([calendars[name].buy_fills for name in names])
    sells = np.column_stack([calendars[name].sell_fills for name in names])
    held, trades = _simulate(wanted, buys, sells, n_names=n_names)
    return account_sessions(
        calendars[names[0]].session,
        position=held.sum(axis=1) / n_names,
        turnover=trades / n_names,
        earned=(held * stock_return).sum(axis=1) / n_names,
        stock_return=stock_return.mean(axis=1),
        backtest=backtest,
        cost_bps=cost_bps,
    )


def _signals(
    forecasts: pd.DataFrame,
    calendars: Mapping[str, TradabilityCalendar],
    *,
    backtest: Backtest,
    cost_bps: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return forecasts and signals by session and stock, each (n_sessions, n_stocks).

    After a stale session no order is sent, so positions stay.
    """
    absent = set(forecasts["ticker"]) - set(calendars)
    if absent or forecasts.duplicated(["ticker", "origin"]).any():
        raise TableError(
            "Expected one forecast per stock and origin, and a calendar per stock. "
            f"Received: {len(absent)} stocks without a calendar, "
            f"{int(forecasts.duplicated(['ticker', 'origin']).sum())} rows twice"
        )
    wide = forecasts.pivot(index="origin", columns="ticker", values="y_hat")
    origins = pd.DatetimeIndex(next(iter(calendars.values())).origin)
    y_hat = wide.reindex(index=origins, columns=list(calendars))
    signals = y_hat.apply(to_signals, rule="gate", backtest=backtest, cost_bps=cost_bps)
    stale = np.asarray(origins.isna())[:, np.newaxis]
    return y_hat.to_numpy(float), np.where(stale, STAY, signals.to_numpy(float))


def _simulate(
    wanted: tuple[NDArray[np.float64], NDArray[np.float64]],
    buys: NDArray[np.bool_],
    sells: NDArray[np.bool_],
    *,
    n_names: int,
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return the stocks held into each session, and the number of trades in it."""
    y_hat, signals = wanted
    held = np.zeros((len(buys) + 1, buys.shape[1]), bool)
    trades = np.zeros(len(buys), np.int64)
    for s in range(len(buys)):
        sold = held[s] & (signals[s] == LEAVE) & sells[s]
        kept = held[s] & ~sold
        able = np.flatnonzero((signals[s] == ENTER) & ~held[s] & buys[s])
        first = able[np.argsort(-y_hat[s, able], kind="stable")]
        bought = first[: n_names - int(kept.sum())]
        held[s + 1] = kept
        held[s + 1, bought] = True
        trades[s] = int(sold.sum()) + len(bought)
    return held[:-1], trades
