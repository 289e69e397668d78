"""Day orders, costs and marks: what a rule would have earned in one stock.

A forecast made after session t is a day order at the next session, t + ``delay``. The
order meets that session's board: it lapses without volume, on a stale-copy session,
while the stock is suspended, and when the price sits at the limit on its side. The next
session decides afresh. A position bought at t+1 earns t+1 to t+2; nothing is ever dealt
at the price that made the signal. The account is long or flat, without leverage.

The panel's flag ``limit`` is not used: it has no side, and measures from the price that
the row prints as ``previous``. An order lapses on its own side only, and what counts
here is the move from the mark that the account holds, splits and missing rows included.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Backtest
from nse_lstm.errors import StudyError, TableError

RULES = ("sign", "gate", "hold")

Numbers = NDArray[np.float64]

ENTER, LEAVE, STAY = 1.0, 0.0, float("nan")
"""A signal is the position wanted from the next deal on; STAY sends no order."""

ROUNDING = 1e-9
"""A price of 109.50 after 100 is at the limit, whatever binary fractions make of it."""

MAX_ABSENT = 10
"""Sessions in a row without a row before a stock counts as off the board; the panel
calls a stock suspended after as many without volume."""


@dataclass(frozen=True)
class TradabilityCalendar:
    """One stock's sessions as a dealer meets them, each array of shape (n_sessions,).

    Parameters
    ----------
    session : datetime64
        Market sessions of the span, whether or not the stock has a row.
    origin : datetime64
        Session whose evening sends the orders dealt here; NaT where it is stale.
    stock_return : float64
        Simple return of the stock's mark from the session before.
    buy_fills, sell_fills : bool
        Whether an order of that side is dealt at this session's price.
    """

    session: NDArray[np.datetime64]
    origin: NDArray[np.datetime64]
    stock_return: NDArray[np.float64]
    buy_fills: NDArray[np.bool_]
    sell_fills: NDArray[np.bool_]


def tradability(
    stock: pd.DataFrame,
    *,
    sessions: pd.DatetimeIndex,
    start: pd.Timestamp,
    end: pd.Timestamp,
    backtest: Backtest,
) -> TradabilityCalendar:
    """Lay one stock's rows on the market's calendar and see who could deal.

    Marks are the last known adjusted price. While a stock is suspended, or absent for
    more than ``MAX_ABSENT`` sessions, the mark is ``suspension_haircut`` lower; it
    comes back when the stock does. A return across a gap in the market's calendar is
    booked as 0; one across a break in the stock's own rows is booked, since its holder
    had it.

    While a price is ``settling`` after an ex-date (``with_returns``), a session books 0
    and deals nothing. The session that ends it books what is left, so that a holder
    neither gains nor loses by the wait. Each session's part in this is known in its own
    evening.

    Parameters
    ----------
    stock : DataFrame
        Rows of one ticker of ``with_returns(panel)``. A missing price keeps the mark.
    sessions : DatetimeIndex
        The whole market's calendar, ascending; it must hold every row's session.
    start, end : Timestamp
        Span of the board, ``end`` exclusive.
    dealing : Dealing
        ``delay``, ``limit`` and ``suspension_haircut`` are used.

    Raises
    ------
    TableError
        If the rows are of several tickers or not all in ``sessions``.
    """
    _check_stock(stock, sessions)
    rows = stock.set_index("session").reindex(sessions)
    stale, present = _flag(rows["stale"]), rows["ticker"].notna()
    # A row that is missing amid a suspension does not end it.
    suspended = _flag(rows["suspended"].ffill())
    market_gap = _flag(rows["gap"]) & present.shift(fill_value=True)
    rows["adjusted"] = rows["adjusted"].mask(_flag(rows["settling"]))
    move = _price_move(rows["adjusted"], market_gap)
    off_board = suspended | _is_off_board(present)
    haircut = np.where(off_board, backtest.suspension_haircut, 0.0)
    kept = pd.Series(1 - haircut)
    change = (kept / kept.shift(fill_value=1.0)).to_numpy()
    if backtest.suspension_haircut == 1:  # 0 / 0 while nothing is left to lose
        change = np.nan_to_num(change, nan=1.0, posinf=1.0)
    dealt = rows["volume"].notna() & rows["adjusted"].notna() & ~stale & ~suspended
    origin = pd.Series(sessions).mask(stale.to_numpy()).shift(backtest.delay).to_numpy()
    span = np.asarray((sessions >= start) & (sessions < end))
    return TradabilityCalendar(
        session=sessions.to_numpy()[span],
        origin=origin[span],
        stock_return=((1 + move) * change - 1)[span],
        buy_fills=(dealt & (move < backtest.limit - ROUNDING)).to_numpy()[span],
        sell_fills=(dealt & (move > -backtest.limit + ROUNDING)).to_numpy()[span],
    )


def to_signals(
    y_hat: pd.Series, *, rule: str, backtest: Backtest, cost_bps: int
) -> pd.Series:
    """Turn forecast log returns into signals by one of the declared rules.

    ``sign`` enters above 0 and else leaves. ``gate`` enters where the forecast simple
    return is above ``gate_multiple`` times the cost of a side, leaves below 0, and else
    stays as held. ``hold`` always enters. A missing forecast (its price was not
    positive) leaves under both forecasting rules.

    Parameters
    ----------
    y_hat : Series of shape (n,)
        Forecast log returns by origin.
    rule : str
        One of ``RULES``.
    cost_bps : int
        Basis points a side.

    Returns
    -------
    Series of shape (n,)
        ``ENTER``, ``LEAVE`` or ``STAY`` by origin.

    Examples
    --------
    >>> y_hat = pd.Series([0.02, 0.01, -0.01, float("nan")])
    >>> to_signals(y_hat, rule="gate", backtest=Backtest(), cost_bps=66).tolist()
    [1.0, nan, 0.0, 0.0]
    """
    if rule == "hold":
        return pd.Series(ENTER, index=y_hat.index)
    if rule == "sign":
        signals = np.where(y_hat > 0, ENTER, LEAVE)
        return pd.Series(signals, index=y_hat.index)
    if rule != "gate":
        raise StudyError(f"`rule` must be one of {RULES}. Received: {rule!r}")
    expected = np.expm1(y_hat)
    enter = expected > backtest.gate_multiple * cost_bps / 1e4
    leave = (expected < 0) | y_hat.isna()
    signals = np.where(enter, ENTER, np.where(leave, LEAVE, STAY))
    return pd.Series(signals, index=y_hat.index)


def simulate_fills(
    board: TradabilityCalendar, signals: pd.Series, *, backtest: Backtest, cost_bps: int
) -> pd.DataFrame:
    """Send each origin's signal to the board and book every session.

    The account starts flat. Of session s, with the position held into it,
    ``gross = position * stock + (1 - position) * cash`` and
    ``net = (1 + gross) * (1 - cost * turnover) - 1``. An open position is marked, not
    sold, at the end.

    Parameters
    ----------
    board : Board
        From ``tradability``.
    signals : Series
        From ``to_signals``, by origin, each origin once. An origin without one stays.
    dealing : Dealing
        ``cash_rate`` and ``sessions_per_year`` are used.
    cost_bps : int
        Basis points a side.

    Returns
    -------
    DataFrame
        One row a session of the board; the columns of ``STRATEGY_RETURNS`` from
        ``session`` on. ``cash_return`` is what cash alone would have earned.
    """
    wanted = signals.reindex(pd.DatetimeIndex(board.origin)).to_numpy()
    bought = (wanted == ENTER) & board.buy_fills
    sold = (wanted == LEAVE) & board.sell_fills
    done = np.where(bought, ENTER, np.where(sold, LEAVE, STAY))
    after = pd.Series(done).ffill().fillna(LEAVE).to_numpy()
    position = np.concatenate([[LEAVE], after])[:-1]
    return account_sessions(
        board.session,
        position=position,
        turnover=np.abs(after - position),
        earned=position * board.stock_return,
        stock_return=board.stock_return,
        backtest=backtest,
        cost_bps=cost_bps,
    )


def account_sessions(
    session: NDArray[np.datetime64],
    *,
    position: Numbers,
    turnover: Numbers,
    earned: Numbers,
    stock_return: Numbers,
    backtest: Backtest,
    cost_bps: int,
) -> pd.DataFrame:
    """Book an account's sessions: what is not invested earns cash, deals cost.

    Parameters
    ----------
    session : array of shape (n,)
        Every other array has its shape.
    position, turnover : array
        Shares of the account invested into the session, and dealt at it.
    earned : array
        Simple return of the account by what was held, cash apart.
    stock_return : array
        What stands beside it.
    dealing : Dealing
        ``cash_rate`` and ``sessions_per_year`` are used.
    cost_bps : int
        Basis points a side.

    Returns
    -------
    DataFrame
        As ``simulate_fills`` returns it.
    """
    cash = backtest.cash_rate / backtest.sessions_per_year
    gross = earned + (1 - position) * cash
    return pd.DataFrame(
        {
            "session": session,
            "position": position,
            "turnover": turnover,
            "gross_return": gross,
            "net_return": net_of_cost(gross, turnover, cost_bps=cost_bps),
            "cash_return": cash,
            "stock_return": stock_return,
        }
    )


def net_of_cost(
    gross: NDArray[np.float64], turnover: NDArray[np.float64], *, cost_bps: int
) -> NDArray[np.float64]:
    """Return net returns: the cost is a share of the account after its gross return.

    Parameters
    ----------
    gross, turnover : array
        Session returns as fractions, and shares of the account dealt; of one shape.
    cost_bps : int
        Basis points a side.

    Examples
    --------
    >>> net_of_cost(np.array([0.10]), np.array([2.0]), cost_bps=50).round(4).tolist()
    [0.089]
    """
    return (1 + gross) * (1 - cost_bps / 1e4 * turnover) - 1


def _check_stock(stock: pd.DataFrame, sessions: pd.DatetimeIndex) -> None:
    tickers = stock["ticker"].unique()
    if len(tickers) != 1:
        raise TableError(f"Expected rows of one ticker. Received: {list(tickers)}")
    outside = ~stock["session"].isin(sessions)
    if outside.any():
        first = stock.loc[outside, "session"].min()
        raise TableError(
            "Expected every row's session in the market's calendar. "
            f"Received: {first:%Y-%m-%d} (ticker {tickers[0]})"
        )


def _flag(column: pd.Series) -> pd.Series:
    """Return a flag with False where the stock has no row."""
    return column.eq(True)


def _is_off_board(present: pd.Series) -> pd.Series:
    """Return where a stock that was listed has been absent for long."""
    seen = present.cumsum()
    absent_for = (~present).groupby(seen).cumsum()
    return (seen > 0) & (absent_for > MAX_ABSENT)


def _price_move(adjusted: pd.Series, gap: pd.Series) -> NDArray[np.float64]:
    """Return the last price's simple return; 0 at a gap and before the first price."""
    last = adjusted.ffill()
    return (last / last.shift() - 1).mask(gap, 0.0).fillna(0.0).to_numpy()
