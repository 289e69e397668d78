"""Capacity of a strategy: backtest with whole board lots and a volume limit per order.

The headline backtest ignores order size. Here the capital is split evenly over the
stocks at the start of the year. An order is of whole board lots and takes at most a
stated fraction of the session's volume. The unfilled rest lapses with the session, and
the next session sends a new order. Without lots and limits it is the headline account.

The volume limit stands for market impact: no further impact is charged.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from nse_lstm.config import Backtest
from nse_lstm.evaluation import metrics
from nse_lstm.evaluation.backtest import ENTER, LEAVE, TradabilityCalendar, to_signals
from nse_lstm.evaluation.cash import cash_returns
from nse_lstm.evaluation.strategies import TradabilityByStock
from nse_lstm.tables import CAPACITY, conform

Numbers = NDArray[np.float64]

ROUNDING = 1e-9
"""Tolerance in lots: a sum may miss a whole lot by binary fractions alone."""


@dataclass(frozen=True)
class VolumeLimits:
    """Price, volume and lot size per session, arrays of shape (n_sessions,).

    Parameters
    ----------
    price : float64
        As printed, KES; missing where there is none.
    volume : float64
        Shares traded by the whole market; 0 where there were none.
    lot : float64
        Shares per board lot.
    """

    price: Numbers
    volume: Numbers
    lot: Numbers


@dataclass(frozen=True)
class SizedAccount:
    """One stock's account in KES, arrays of shape (n_sessions,).

    ``value`` is after the session, ``invested`` the fraction of the account held into
    it. ``ordered`` is the money of the orders that met a session with volume on their
    side, ``filled`` the part of it that was filled.
    """

    value: Numbers
    invested: Numbers
    ordered: Numbers
    filled: Numbers


def read_volume_limits(
    stock: pd.DataFrame, session: ArrayLike, *, backtest: Backtest
) -> VolumeLimits:
    """Return price, volume and lot size of one stock on some sessions.

    Parameters
    ----------
    stock : DataFrame
        Rows of one ticker of ``PANEL``.
    session : array of datetime64
        Of the stock's calendar.
    backtest : Backtest
        ``board_lot`` and ``board_lot_until`` are used.
    """
    sessions = pd.DatetimeIndex(np.asarray(session))
    rows = stock.set_index("session")[["price", "volume"]].reindex(sessions)
    in_lots = sessions <= pd.Timestamp(backtest.board_lot_until)
    return VolumeLimits(
        price=rows["price"].to_numpy(),
        volume=rows["volume"].fillna(0.0).to_numpy(),
        lot=np.where(in_lots, float(backtest.board_lot), 1.0),
    )


def simulate_sized_fills(
    calendar: TradabilityCalendar,
    limits: VolumeLimits,
    signals: pd.Series,
    *,
    capital: float,
    backtest: Backtest,
    cost_bps: int,
) -> SizedAccount:
    """Simulate fills of one stock's signals with a capital in KES and limited volume.

    ENTER buys for all the cash, LEAVE sells the whole holding, STAY orders nothing.
    An order is of whole lots and of at most ``max_volume_share`` of the session's
    volume, in whole lots. A holding below one lot is sold on the odd-lot board. A trade
    costs ``cost_bps`` of its money, bought or sold.

    Parameters
    ----------
    calendar, signals, cost_bps
        As for ``backtest.simulate_fills``.
    limits : VolumeLimits
        Of the calendar's sessions.
    capital : float
        KES, in cash at the start of the calendar.
    backtest : Backtest
        ``max_volume_share`` and the settings of ``cash.cash_returns`` are used.
    """
    wanted = signals.reindex(pd.DatetimeIndex(calendar.origin)).to_numpy()
    rate = cash_returns(calendar.session, backtest)
    kept = 1 - cost_bps / 1e4
    n = len(wanted)
    value, invested, ordered, filled = (np.zeros(n) for _ in range(4))
    cash, held = capital, 0.0
    for s in range(n):
        invested[s] = held / (cash + held) if cash + held else 0.0
        # Cash earns interest and the holding its return before the session's order.
        cash, held = cash * (1 + rate[s]), held * (1 + calendar.stock_return[s])
        lot = limits.lot[s] * limits.price[s]
        most = _whole(backtest.max_volume_share * limits.volume[s], limits.lot[s])
        if wanted[s] == ENTER and calendar.buy_fills[s]:
            shares = _whole(cash * kept / limits.price[s], limits.lot[s])
            bought = min(shares, most) * limits.price[s]
            ordered[s], filled[s] = shares * limits.price[s], bought
            # bought / (1 - cost) leaves the account, so that the cost is paid too.
            cash, held = cash - bought / kept, held + bought
        elif wanted[s] == LEAVE and calendar.sell_fills[s] and held:
            sold = held if held < lot else min(held, most * limits.price[s])
            ordered[s], filled[s] = held, sold
            cash, held = cash + sold * kept, held - sold
        value[s] = cash + held
    return SizedAccount(value, invested, ordered, filled)


def score_capacity(
    forecasts: pd.DataFrame,
    panel: pd.DataFrame,
    calendars: TradabilityByStock,
    *,
    model: str,
    rule: str,
    backtest: Backtest,
) -> pd.DataFrame:
    """Backtest one strategy at several capitals, at the headline cost.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` that include the model's, with a horizon of one session.
    panel : DataFrame
        ``PANEL`` of the whole market.
    calendars : dict
        From ``tradability_by_stock``, of the same stocks and folds.
    model, rule : str
        The strategy.
    backtest : Backtest
        ``capacity_kes`` are the capitals.

    Returns
    -------
    DataFrame
        ``CAPACITY``, one row per fold and capital; seeds are averaged.
    """
    own = forecasts[forecasts["model"] == model]
    cost_bps = backtest.headline_cost_bps
    rows = []
    for (fold, seed), block in own.groupby(["fold", "seed"]):
        stocks = []
        for ticker, views in block.groupby("ticker"):
            calendar = calendars[str(ticker), cast(int, fold)]
            stock = panel[panel["ticker"] == ticker]
            y_hat = views.set_index("origin")["y_hat"]
            signals = to_signals(y_hat, rule=rule, backtest=backtest, cost_bps=cost_bps)
            stocks.append(
                (
                    calendar,
                    read_volume_limits(stock, calendar.session, backtest=backtest),
                    signals,
                )
            )
        for capital in backtest.capacity_kes:
            accounts = [
                simulate_sized_fills(
                    *each,
                    capital=capital / len(stocks),
                    backtest=backtest,
                    cost_bps=cost_bps,
                )
                for each in stocks
            ]
            found = _measure(
                accounts,
                cash=cash_returns(stocks[0][0].session, backtest),
                capital=capital,
                backtest=backtest,
            )
            rows.append({"fold": fold, "seed": seed, "capital_kes": capital, **found})
    table = pd.DataFrame(rows).groupby(["fold", "capital_kes"], as_index=False).mean()
    table = table.assign(model=model, rule=rule, cost_bps=cost_bps)
    return conform(table, CAPACITY)


def _whole(shares: float, lot: float) -> float:
    """Round shares down to whole lots."""
    return float(np.floor(shares / lot + ROUNDING) * lot)


def _measure(
    accounts: list[SizedAccount],
    *,
    cash: Numbers,
    capital: float,
    backtest: Backtest,
) -> dict[str, float]:
    """Measure the sum of the stocks' accounts as one account."""
    value = np.sum([account.value for account in accounts], axis=0)
    before = np.concatenate([[capital], value[:-1]])
    net = value / before - 1
    # held[t] = sum over stocks of invested[t] * value[t-1], KES
    each = [np.concatenate([[capital / len(accounts)], a.value[:-1]]) for a in accounts]
    held = np.sum(
        [a.invested * start for a, start in zip(accounts, each, strict=True)], axis=0
    )
    ordered = float(sum(account.ordered.sum() for account in accounts))
    filled = float(sum(account.filled.sum() for account in accounts))
    return {
        "fill_share": filled / ordered if ordered else float("nan"),
        "ordered": ordered,
        "net_return": metrics.total_return(net),
        "net_excess": float((net - cash).mean()) * backtest.sessions_per_year,
        "exposure": float((held / before).mean()),
        "n": len(value),
    }
