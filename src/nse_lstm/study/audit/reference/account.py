"""The reference account of one stock under one rule, session by session."""

import math
from dataclasses import dataclass
from datetime import date

from nse_lstm.config import Backtest
from nse_lstm.study.audit.reference.market import ReferenceDay, ReferenceMarket

MOST_ABSENT = 10
"""Sessions without a row after which a listed stock counts as suspended."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class ReferenceBooking:
    """Position, turnover and returns of the account in one session."""

    session: date
    position: float
    turnover: float
    gross: float
    net: float
    stock: float


def simulate_account(
    market: ReferenceMarket,
    ticker: str,
    forecasts: dict[date, float],
    *,
    year: int,
    rule: str,
    cost_bps: int,
    backtest: Backtest,
) -> list[ReferenceBooking]:
    """Simulate a year: an origin's order is filled ``delay`` sessions later, or lapses.

    Parameters
    ----------
    market : ReferenceMarket
        Rows of every session.
    ticker : str
        Stock that is traded.
    forecasts : dict
        Forecast log return by origin; NaN where the price forecast is not positive.
    year : int
        Whose sessions are booked.
    rule : str
        "sign" or "gate".
    cost_bps : int
        Per side.
    backtest : Backtest
        The study's fills and costs.
    """
    rows, sessions = market.stocks[ticker], market.sessions
    held = 0.0
    account: list[ReferenceBooking] = []
    mark: float | None = None
    value_before, absent, listed, suspended = 1.0, 0, False, False
    for at, session in enumerate(sessions):
        day = rows.get(session)
        present_before = at == 0 or sessions[at - 1] in rows
        listed = listed or day is not None
        absent = 0 if day is not None else absent + 1
        suspended = day.suspended if day is not None else suspended
        move, mark = _move(day, mark, present_before)
        off_market = suspended or (listed and absent > MOST_ABSENT)
        value = 1 - (backtest.suspension_haircut if off_market else 0.0)
        stock = (1 + move) * value / value_before - 1
        value_before = value
        if session.year != year:
            continue
        origin = sessions[at - backtest.delay] if at >= backtest.delay else None
        wanted = _ordered_position(rows, forecasts, origin, rule, cost_bps, backtest)
        after = _position_after(day, held, wanted, move, backtest)
        cash = backtest.cash_rate / backtest.sessions_per_year
        gross = held * stock + (1 - held) * cash
        paid = 1 - cost_bps / 10_000 * abs(after - held)
        turnover, net = abs(after - held), (1 + gross) * paid - 1
        account.append(ReferenceBooking(session, held, turnover, gross, net, stock))
        held = after
    return account


def sharpe(returns: list[float], sessions_per_year: int) -> float:
    """Return the annualised Sharpe ratio over zero, with the sample's deviation.

    Parameters
    ----------
    returns : list of float
        One per session, as fractions.
    sessions_per_year : int
        For the annualisation.
    """
    mean = sum(returns) / len(returns)
    variance = sum((r - mean) ** 2 for r in returns) / (len(returns) - 1)
    return mean / math.sqrt(variance) * math.sqrt(sessions_per_year)


def _move(
    day: ReferenceDay | None, mark: float | None, present_before: bool
) -> tuple[float, float | None]:
    """Return the return on the last mark, and the new mark; no return across a gap.

    A settling price leaves the mark unchanged. The first settled one books the whole
    return.
    """
    price = None if day is None else day.settled
    if price is None:
        return 0.0, mark
    if mark is None or (day is not None and day.gap and present_before):
        return 0.0, price
    return price / mark - 1, price


def _ordered_position(
    rows: dict[date, ReferenceDay],
    forecasts: dict[date, float],
    origin: date | None,
    rule: str,
    cost_bps: int,
    backtest: Backtest,
) -> float | None:
    """Return the position ordered at an origin; None sends no order."""
    if origin is None or origin not in forecasts:
        return None
    if origin in rows and rows[origin].stale:
        return None
    expected = math.expm1(forecasts[origin])
    if math.isnan(expected):
        return 0.0
    if rule == "sign":
        return 1.0 if expected > 0 else 0.0
    if expected > backtest.gate_multiple * cost_bps / 10_000:
        return 1.0
    return 0.0 if expected < 0 else None


def _position_after(
    day: ReferenceDay | None,
    held: float,
    wanted: float | None,
    move: float,
    backtest: Backtest,
) -> float:
    """Return the position after the order was filled or lapsed."""
    if wanted is None or day is None or day.volume is None or day.settled is None:
        return held
    if day.stale or day.suspended:
        return held
    if wanted == 1.0 and move < backtest.limit - ROUNDING:
        return 1.0
    if wanted == 0.0 and move > -backtest.limit + ROUNDING:
        return 0.0
    return held
