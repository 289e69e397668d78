"""What is left of a strategy that deals whole lots and small shares of the volume.

The headline account deals any share of itself at the session's price. Here the same
signals move money: the capital is split evenly over the stocks when the year begins, an
order is of whole board lots, and takes at most a stated share of the session's volume.
What is not dealt lapses with the session, like any order; the next session decides
afresh. With lots of no size and volume without bound it is the headline account.

That no more than a tenth of the volume is dealt stands for a price that is not moved by
it: no further impact is charged.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Backtest
from nse_lstm.evaluation import metrics
from nse_lstm.evaluation.backtest import ENTER, LEAVE, TradabilityCalendar, to_signals
from nse_lstm.evaluation.strategies import tradability_by_stock
from nse_lstm.features.returns import with_returns
from nse_lstm.tables import CAPACITY, conform

Numbers = NDArray[np.float64]

ROUNDING = 1e-9
"""Lots: what a sum of money lacks to a whole one through binary fractions alone."""


@dataclass(frozen=True)
class Floor:
    """What could be dealt on each session of a board, arrays of shape (n_sessions,).

    Parameters
    ----------
    price : float64
        As printed, KES a share; missing where there is none.
    volume : float64
        Shares dealt by the whole market; 0 where none were.
    lot : float64
        Shares of a board lot.
    """

    price: Numbers
    volume: Numbers
    lot: Numbers


@dataclass(frozen=True)
class Sized:
    """One stock's account in KES, arrays of shape (n_sessions,).

    ``value`` stands after the session, ``invested`` is the share of the account held
    into it. ``ordered`` and ``dealt`` are the money of the orders that met a session
    with volume on their side, and of what was filled of them.
    """

    value: Numbers
    invested: Numbers
    ordered: Numbers
    dealt: Numbers


def read_floor(
    stock: pd.DataFrame, board: TradabilityCalendar, *, backtest: Backtest
) -> Floor:
    """Read price, volume and lot of one stock on the sessions of its board.

    Parameters
    ----------
    stock : DataFrame
        Rows of one ticker of ``PANEL``.
    board : Board
        Of the same stock.
    dealing : Dealing
        ``board_lot`` and ``board_lot_until`` are used.
    """
    sessions = pd.DatetimeIndex(board.session)
    rows = stock.set_index("session")[["price", "volume"]].reindex(sessions)
    in_lots = sessions <= pd.Timestamp(backtest.board_lot_until)
    return Floor(
        price=rows["price"].to_numpy(),
        volume=rows["volume"].fillna(0.0).to_numpy(),
        lot=np.where(in_lots, float(backtest.board_lot), 1.0),
    )


def simulate_sized_fills(
    board: TradabilityCalendar,
    floor: Floor,
    signals: pd.Series,
    *,
    capital: float,
    backtest: Backtest,
    cost_bps: int,
) -> Sized:
    """Deal one stock with money.

    ENTER orders shares for all the cash there is, LEAVE all that is held, STAY nothing.
    An order is of whole lots and of at most ``max_volume_share`` of the session's
    volume, in whole lots; a holding that is less than a lot leaves by the odd-lot
    board. A deal of a shillings costs ``cost_bps`` of them, bought or sold.

    Parameters
    ----------
    board, signals, cost_bps
        As for ``backtest.simulate_fills``.
    floor : Floor
        Of the board's sessions.
    capital : float
        KES, in cash when the board begins.
    dealing : Dealing
        ``cash_rate``, ``sessions_per_year`` and ``max_volume_share`` are used.
    """
    wanted = signals.reindex(pd.DatetimeIndex(board.origin)).to_numpy()
    rate = backtest.cash_rate / backtest.sessions_per_year
    kept = 1 - cost_bps / 1e4
    n = len(wanted)
    value, invested, ordered, dealt = (np.zeros(n) for _ in range(4))
    cash, held = capital, 0.0
    for s in range(n):
        invested[s] = held / (cash + held) if cash + held else 0.0
        cash, held = cash * (1 + rate), held * (1 + board.stock_return[s])
        lot = floor.lot[s] * floor.price[s]
        most = _whole(backtest.max_volume_share * floor.volume[s], floor.lot[s])
        if wanted[s] == ENTER and board.buy_fills[s]:
            shares = _whole(cash * kept / floor.price[s], floor.lot[s])
            bought = min(shares, most) * floor.price[s]
            ordered[s], dealt[s] = shares * floor.price[s], bought
            cash, held = cash - bought / kept, held + bought
        elif wanted[s] == LEAVE and board.sell_fills[s] and held:
            sold = held if held < lot else min(held, most * floor.price[s])
            ordered[s], dealt[s] = held, sold
            cash, held = cash + sold * kept, held - sold
        value[s] = cash + held
    return Sized(value, invested, ordered, dealt)


def score_capacity(
    forecasts: pd.DataFrame,
    panel: pd.DataFrame,
    *,
    model: str,
    rule: str,
    backtest: Backtest,
) -> pd.DataFrame:
    """Deal one strategy at several capitals, at the headline cost.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with the model's, of a horizon of one session.
    panel : DataFrame
        ``PANEL`` of the whole market.
    model, rule : str
        The strategy.
    dealing : Dealing
        ``capacity_kes`` are the capitals.

    Returns
    -------
    DataFrame
        ``CAPACITY``, a row a fold and capital; seeds are averaged.
    """
    own = forecasts[forecasts["model"] == model]
    boards = tradability_by_stock(own, with_returns(panel), backtest=backtest)
    cost_bps = backtest.headline_cost_bps
    rows = []
    for (fold, seed), block in own.groupby(["fold", "seed"]):
        floors = []
        for ticker, views in block.groupby("ticker"):
            board = boards[str(ticker), cast(int, fold)]
            stock = panel[panel["ticker"] == ticker]
            y_hat = views.set_index("origin")["y_hat"]
            signals = to_signals(y_hat, rule=rule, backtest=backtest, cost_bps=cost_bps)
            floors.append((board, read_floor(stock, board, backtest=backtest), signals))
        for capital in backtest.capacity_kes:
            accounts = [
                simulate_sized_fills(
                    *each,
                    capital=capital / len(floors),
                    backtest=backtest,
                    cost_bps=cost_bps,
                )
                for each in floors
            ]
            found = _measure(accounts, capital=capital, backtest=backtest)
            rows.append({"fold": fold, "seed": seed, "capital_kes": capital, **found})
    table = pd.DataFrame(rows).groupby(["fold", "capital_kes"], as_index=False).mean()
    table = table.assign(model=model, rule=rule, cost_bps=cost_bps)
    return conform(table, CAPACITY)


def _whole(shares: float, lot: float) -> float:
    """Round shares down to whole lots."""
    return float(np.floor(shares / lot + ROUNDING) * lot)


def _measure(
    accounts: list[Sized], *, capital: float, backtest: Backtest
) -> dict[str, float]:
    """Measure the sum of the stocks' accounts."""
    value = np.sum([account.value for account in accounts], axis=0)
    before = np.concatenate([[capital], value[:-1]])
    net = value / before - 1
    # What is held into a session, over all that there is.
    each = [np.concatenate([[capital / len(accounts)], a.value[:-1]]) for a in accounts]
    held = np.sum(
        [a.invested * start for a, start in zip(accounts, each, strict=True)], axis=0
    )
    ordered = float(sum(account.ordered.sum() for account in accounts))
    dealt = float(sum(account.dealt.sum() for account in accounts))
    cash = backtest.cash_rate / backtest.sessions_per_year
    return {
        "fill_share": dealt / ordered if ordered else float("nan"),
        "ordered": ordered,
        "net_return": metrics.total_return(net),
        "net_excess": float(net.mean() - cash) * backtest.sessions_per_year,
        "exposure": float((held / before).mean()),
        "n": len(value),
    }
