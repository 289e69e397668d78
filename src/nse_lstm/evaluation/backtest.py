"""Backtest of one stock: signals become day orders, fills, costs and session returns.

A forecast made after session t sends a day order to session t + ``delay``. The order
lapses without volume, on a stale-copy session, while the stock is suspended, and when
the price is at the daily limit on its side. The next session sends a new order. A
position bought at t+1 earns t+1 to t+2: no order is filled at the price that made its
signal. The account is long or flat, without leverage.

The panel's flag ``limit`` is not used: it has no side, and measures from the price that
the row prints as ``previous``. Here an order lapses on its own side only. The move is
measured from the mark of the account, across splits and missing rows.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Backtest
from nse_lstm.errors import StudyError, TableError
from nse_lstm.evaluation.cash import cash_returns

RULES = ("sign", "gate", "hold")

Numbers = NDArray[np.float64]

ENTER, LEAVE, STAY = 1.0, 0.0, float("nan")
"""A signal is the position wanted after the next fill; STAY sends no order."""

ROUNDING = 1e-9
"""Tolerance of the limit: 109.50 after 100 is at it in spite of binary fractions."""

MAX_ABSENT = 10
"""Sessions in a row without a row after which a stock counts as withdrawn. The panel
flags a stock as suspended after as many sessions without volume."""


@dataclass(frozen=True)
class TradabilityCalendar:
    """One stock's fills per side and returns, arrays of shape (n_sessions,).

    Parameters
    ----------
    session : datetime64
        Market sessions of the span, whether or not the stock has a row.
    origin : datetime64
        Session after whose close this session's orders are sent; NaT where stale.
    stock_return : float64
        Simple return of the stock's mark from the session before, dividends after tax
        included where they count.
    buy_fills, sell_fills : bool
        Whether an order of that side is filled at this session's price.
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
    total_return: bool = False,
) -> TradabilityCalendar:
    """Build one stock's tradability calendar: fills per side and returns per session.

    Marks are the last known adjusted price. While a stock is suspended, or absent for
    more than ``MAX_ABSENT`` sessions, the mark is ``suspension_haircut`` lower. It
    recovers when the stock returns. A return across a gap in the market's calendar
    counts as 0. A return across a break in the stock's own rows counts in full, since
    a holder had it.

    While a price is ``settling`` after an ex-date (``with_returns``), a session returns
    0 and fills no order. The session that ends it returns the rest, so a holder neither
    gains nor loses by the wait. Each session's values are known after its close.

    A dividend belongs to who holds the stock into its ex-date, whose price has dropped
    by about as much. Fills at the limit are judged by the price alone.

    Parameters
    ----------
    stock : DataFrame
        Rows of one ticker of ``with_returns(panel)``. A missing price keeps the mark.
    sessions : DatetimeIndex
        The whole market's calendar, ascending; it must hold every row's session.
    start, end : Timestamp
        Span of the calendar, ``end`` exclusive.
    backtest : Backtest
        ``delay``, ``limit``, ``suspension_haircut`` and ``withholding_tax`` are used.
    total_return : bool
        Whether returns include the panel's dividends (``total_return.return_basis``).

    Raises
    ------
    TableError
        If the rows are of several tickers or not all in ``sessions``.
    """
    _check_stock(stock, sessions)
    rows = stock.set_index("session").reindex(sessions)
    stale, present = _flag(rows["stale"]), rows["ticker"].notna()
    # A row that is missing during a suspension does not end it.
    suspended = _flag(rows["suspended"].ffill())
    market_gap = _flag(rows["gap"]) & present.shift(fill_value=True)
    rows["adjusted"] = rows["adjusted"].mask(_flag(rows["settling"]))
    move = _price_move(rows["adjusted"], market_gap)
    withdrawn = suspended | _is_withdrawn(present)
    haircut = np.where(withdrawn, backtest.suspension_haircut, 0.0)
    kept = pd.Series(1 - haircut)
    # The mark's change by the haircut alone: kept[t] / kept[t-1].
    change = (kept / kept.shift(fill_value=1.0)).to_numpy()
    if backtest.suspension_haircut == 1:  # 0 / 0 once the mark is 0
        change = np.nan_to_num(change, nan=1.0, posinf=1.0)
    tradable = rows["volume"].notna() & rows["adjusted"].notna() & ~stale & ~suspended
    # (1 + price move) * (1 + haircut change) - 1
    stock_return = (1 + move) * change - 1
    if total_return:
        mark = rows["adjusted"].ffill().to_numpy() * kept.to_numpy()
        stock_return = stock_return + _dividend_return(rows, mark, backtest)
    origin = pd.Series(sessions).mask(stale.to_numpy()).shift(backtest.delay).to_numpy()
    span = np.asarray((sessions >= start) & (sessions < end))
    limit = backtest.order_limit
    return TradabilityCalendar(
        session=sessions.to_numpy()[span],
        origin=origin[span],
        stock_return=stock_return[span],
        buy_fills=(tradable & (move < limit - ROUNDING)).to_numpy()[span],
        sell_fills=(tradable & (move > -limit + ROUNDING)).to_numpy()[span],
    )


def to_signals(
    y_hat: pd.Series, *, rule: str, backtest: Backtest, cost_bps: int
) -> pd.Series:
    """Turn forecast log returns into trading signals by one of the declared rules.

    ``sign`` enters above 0 and otherwise leaves. ``gate`` enters where the forecast
    simple return is above ``gate_multiple`` times the cost per side, leaves below 0,
    and otherwise keeps its position. ``hold`` always enters. A missing forecast (its
    price was not positive) leaves under both forecast rules.

    Parameters
    ----------
    y_hat : Series of shape (n,)
        Forecast log returns by origin.
    rule : str
        One of ``RULES``.
    backtest : Backtest
        ``gate_multiple`` is used.
    cost_bps : int
        Basis points per side.

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
    calendar: TradabilityCalendar,
    signals: pd.Series,
    *,
    backtest: Backtest,
    cost_bps: int,
) -> pd.DataFrame:
    """Simulate fills of one stock's signals and return the account's session returns.

    The account starts flat. In each session, with the position held into it,
    ``gross = position * stock + (1 - position) * cash`` and
    ``net = (1 + gross) * (1 - cost * turnover) - 1``. A position open at the end is
    marked, not sold.

    Parameters
    ----------
    calendar : TradabilityCalendar
        From ``tradability``.
    signals : Series
        From ``to_signals``, each origin once. A missing origin sends no order.
    backtest : Backtest
        The settings of ``cash.cash_returns`` are used.
    cost_bps : int
        Basis points per side.

    Returns
    -------
    DataFrame
        One row per session of the calendar, with the columns of ``STRATEGY_RETURNS``
        from ``session`` on. ``cash_return`` is the return of cash alone.
    """
    wanted = signals.reindex(pd.DatetimeIndex(calendar.origin)).to_numpy()
    bought = (wanted == ENTER) & calendar.buy_fills
    sold = (wanted == LEAVE) & calendar.sell_fills
    filled = np.where(bought, ENTER, np.where(sold, LEAVE, STAY))
    after = pd.Series(filled).ffill().fillna(LEAVE).to_numpy()
    position = np.concatenate([[LEAVE], after])[:-1]
    return account_sessions(
        calendar.session,
        position=position,
        turnover=np.abs(after - position),
        earned=position * calendar.stock_return,
        stock_return=calendar.stock_return,
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
    """Compute an account's session returns: idle money earns cash, trades have costs.

    Parameters
    ----------
    session : array of shape (n,)
        Every other array has its shape.
    position, turnover : array
        Fractions of the account: invested into the session, and traded in it.
    earned : array
        Simple return of the account from its stocks, without cash.
    stock_return : array
        Simple return of the stocks, copied into the result.
    backtest : Backtest
        The settings of ``cash.cash_returns`` are used.
    cost_bps : int
        Basis points per side.

    Returns
    -------
    DataFrame
        As ``simulate_fills`` returns it.
    """
    cash = cash_returns(session, backtest)
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
    """Return net returns after trading costs: (1 + gross) * (1 - cost * turnover) - 1.

    Parameters
    ----------
    gross, turnover : array
        Session returns, and fractions of the account traded. Both have one shape.
    cost_bps : int
        Basis points per side.

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
    """Return a flag as booleans, False where the stock has no row."""
    return column.eq(True)


def _is_withdrawn(present: pd.Series) -> pd.Series:
    """Return where a listed stock has had no row for over ``MAX_ABSENT`` sessions."""
    seen = present.cumsum()
    absent_for = (~present).groupby(seen).cumsum()
    return (seen > 0) & (absent_for > MAX_ABSENT)


def _dividend_return(rows: pd.DataFrame, mark: Numbers, backtest: Backtest) -> Numbers:
    """Return each session's dividend after tax over the mark of the session before."""
    # Per share of the session before, like the adjusted price's first share.
    shares = (rows["shares"] / rows["factor"]).to_numpy()
    paid = np.nan_to_num(rows["dividend"].to_numpy(float) * shares)
    before = np.concatenate([[np.nan], mark[:-1]])
    tax = backtest.withholding_tax
    withheld = {year: rates["dividend"] for year, rates in tax.items()}
    kept = 1 - pd.Series(pd.DatetimeIndex(rows.index).year).map(withheld).fillna(
        0.0
    ).to_numpy(float)
    return np.where((paid > 0) & (before > 0), paid * kept / before, 0.0)


def _price_move(adjusted: pd.Series, gap: pd.Series) -> NDArray[np.float64]:
    """Return simple returns of the last price; 0 at a gap and before the first."""
    last = adjusted.ffill()
    return (last / last.shift() - 1).mask(gap, 0.0).fillna(0.0).to_numpy()
