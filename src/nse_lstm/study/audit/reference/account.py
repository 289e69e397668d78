"""One stock's account under one rule, session by session."""

import math
from dataclasses import dataclass
from datetime import date

from nse_lstm.config import Backtest
from nse_lstm.study.audit.reference.rows import PlainDay, PlainMarket

MOST_ABSENT = 10
ROUNDING = 1e-9


@dataclass(frozen=True)
class PlainBooking:
    """What the account did and earned in one session."""

    session: date
    position: float
    turnover: float
    gross: float
    net: float
    stock: float


def follow(
    market: PlainMarket,
    ticker: str,
    forecasts: dict[date, float],
    *,
    year: int,
    rule: str,
    cost_bps: int,
    backtest: Backtest,
) -> list[PlainBooking]:
    """Deal a year: the order of an origin meets the board ``delay`` sessions later.

    Parameters
    ----------
    forecasts : dict
        Forecast log return by origin; NaN where the price forecast is not positive.
    """
    rows, sessions = market.stocks[ticker], market.sessions
    held = 0.0
    account: list[PlainBooking] = []
    mark: float | None = None
    worth, absent, listed, suspended = 1.0, 0, False, False
    for at, session in enumerate(sessions):
        day = rows.get(session)
        present_before = at == 0 or sessions[at - 1] in rows
        listed = listed or day is not None
        absent = 0 if day is not None else absent + 1
        suspended = day.suspended if day is not None else suspended
        move, mark = _move(day, mark, present_before)
        off_board = suspended or (listed and absent > MOST_ABSENT)
        kept = 1 - (backtest.suspension_haircut if off_board else 0.0)
        stock = (1 + move) * kept / worth - 1
        worth = kept
        if session.year != year:
            continue
        origin = sessions[at - backtest.delay] if at >= backtest.delay else None
        wanted = _wanted(rows, forecasts, origin, rule, cost_bps, backtest)
        after = _dealt(day, held, wanted, move, backtest)
        cash = backtest.cash_rate / backtest.sessions_per_year
        gross = held * stock + (1 - held) * cash
        paid = 1 - cost_bps / 10_000 * abs(after - held)
        turnover, net = abs(after - held), (1 + gross) * paid - 1
        account.append(PlainBooking(session, held, turnover, gross, net, stock))
        held = after
    return account


def sharpe(returns: list[float], sessions_per_year: int) -> float:
    """Return the yearly Sharpe ratio over zero, with the sample's deviation."""
    mean = sum(returns) / len(returns)
    variance = sum((r - mean) ** 2 for r in returns) / (len(returns) - 1)
    return mean / math.sqrt(variance) * math.sqrt(sessions_per_year)


def _move(
    day: PlainDay | None, mark: float | None, present_before: bool
) -> tuple[float, float | None]:
    """Return the mark's move and the new mark; none across a market gap.

    A price that is settling moves nothing; the first settled one books all of it.
    """
    price = None if day is None else day.settled
    if price is None:
        return 0.0, mark
    if mark is None or (day is not None and day.gap and present_before):
        return 0.0, price
    return price / mark - 1, price


def _wanted(
    rows: dict[date, PlainDay],
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


def _dealt(
    day: PlainDay | None,
    held: float,
    wanted: float | None,
    move: float,
    backtest: Backtest,
) -> float:
    """Return the position after the board has met the order."""
    if wanted is None or day is None or day.volume is None or day.settled is None:
        return held
    if day.stale or day.suspended:
        return held
    if wanted == 1.0 and move < backtest.limit - ROUNDING:
        return 1.0
    if wanted == 0.0 and move > -backtest.limit + ROUNDING:
        return 0.0
    return held
