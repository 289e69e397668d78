"""The reference account of one stock under one rule, session by session."""

import math
from dataclasses import dataclass
from datetime import date

from nse_lstm.config import Backtest
from nse_lstm.study.audit.reference.market import ReferenceDay, ReferenceMarket

MOST_ABSENT = 10
"""Sessions without a row after which a listed stock counts as suspended."""
ROUNDING = 1e-9
MOST_COVERED = 0.95
"""Fraction of the stocks whose dividends must be sourced before any counts."""


@dataclass(frozen=True)
class ReferenceSession:
    """One session of a stock: its return, its fills and its printed row."""

    session: date
    origin: date | None
    """Session after which its orders were sent; None where that one is stale."""
    stock: float
    buys: bool
    sells: bool
    price: float | None
    volume: float
    cash: float
    """Return of idle money in the session."""


@dataclass(frozen=True)
class ReferenceBooking:
    """Position, turnover and returns of the account in one session."""

    session: date
    position: float
    turnover: float
    gross: float
    net: float
    stock: float
    cash: float


def list_sessions(
    market: ReferenceMarket,
    rows: dict[date, ReferenceDay],
    *,
    year: int,
    backtest: Backtest,
    with_dividends: bool = False,
) -> list[ReferenceSession]:
    """List a year's sessions of one stock: returns of its mark, and fills per side.

    Parameters
    ----------
    market : ReferenceMarket
        Whose sessions are the calendar.
    rows : dict
        The stock's rows by session.
    year : int
    backtest : Backtest
        The study's delay, limit and haircut.
    with_dividends : bool
        Whether a holder is paid the dividends, after tax.
    """
    sessions, found = market.sessions, []
    mark: float | None = None
    value_before, absent, listed, suspended = 1.0, 0, False, False
    for at, session in enumerate(sessions):
        if session.year > year:
            break
        day = rows.get(session)
        present_before = at == 0 or sessions[at - 1] in rows
        listed = listed or day is not None
        absent = 0 if day is not None else absent + 1
        suspended = day.suspended if day is not None else suspended
        paid_on = None if mark is None else mark * value_before
        move, mark = _move(day, mark, present_before)
        off_market = suspended or (listed and absent > MOST_ABSENT)
        value = 1 - (backtest.suspension_haircut if off_market else 0.0)
        stock = (1 + move) * value / value_before - 1
        value_before = value
        if with_dividends and day is not None and day.dividend and paid_on:
            paid = day.dividend * day.shares / day.factor
            if session.year in backtest.withholding_tax:
                paid -= paid * backtest.withholding_tax[session.year]["dividend"]
            stock += paid / paid_on
        if session.year != year:
            continue
        origin = sessions[at - backtest.delay] if at >= backtest.delay else None
        if origin is not None and origin in rows and rows[origin].stale:
            origin = None
        deals = _deals(day)
        found.append(
            ReferenceSession(
                session,
                origin,
                stock,
                buys=deals and move < backtest.order_limit - ROUNDING,
                sells=deals and move > -backtest.order_limit + ROUNDING,
                price=None if day is None else day.price,
                volume=0.0 if day is None or day.volume is None else day.volume,
                cash=cash_return(session, backtest),
            )
        )
    return found


def book_orders(
    sessions: list[ReferenceSession],
    forecasts: dict[date, float],
    *,
    rule: str,
    cost_bps: int,
    backtest: Backtest,
) -> list[ReferenceBooking]:
    """Book a year: an origin's order is filled ``delay`` sessions later, or lapses.

    Parameters
    ----------
    sessions : list of ReferenceSession
        From ``list_sessions``.
    forecasts : dict
        Forecast log return by origin; NaN where the price forecast is not positive.
    rule : str
        "sign", "gate", or "hold", which needs no forecast.
    cost_bps : int
        Per side.
    backtest : Backtest
        The study's fills and costs.
    """
    held, account = 0.0, []
    for each in sessions:
        wanted = ordered_position(
            forecasts, each.origin, rule=rule, cost_bps=cost_bps, backtest=backtest
        )
        after = held
        if wanted == 1.0 and each.buys:
            after = 1.0
        if wanted == 0.0 and each.sells:
            after = 0.0
        gross = held * each.stock + (1 - held) * each.cash
        turnover = abs(after - held)
        net = (1 + gross) * (1 - cost_bps / 10_000 * turnover) - 1
        account.append(
            ReferenceBooking(
                each.session, held, turnover, gross, net, each.stock, each.cash
            )
        )
        held = after
    return account


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
    """Simulate one stock's year from its rows.

    Parameters
    ----------
    market : ReferenceMarket
        Rows of every session.
    ticker : str
        Stock that is traded.
    forecasts, rule, cost_bps, backtest
        As for ``book_orders``.
    year : int
        Whose sessions are booked.
    """
    sessions = list_sessions(
        market, market.stocks[ticker], year=year, backtest=backtest
    )
    return book_orders(
        sessions, forecasts, rule=rule, cost_bps=cost_bps, backtest=backtest
    )


def cash_return(session: date, backtest: Backtest) -> float:
    """Return what cash earns in a session: the bill of the month before, less tax.

    Parameters
    ----------
    session : date
        Whose month and year count.
    backtest : Backtest
        The study's bill rates, tax and constant.
    """
    return bill_rate(session, backtest)[0] / backtest.sessions_per_year


def bill_rate(session: date, backtest: Backtest) -> tuple[float, bool]:
    """Return the yearly rate of idle money after tax, and whether it is sourced.

    Parameters
    ----------
    session, backtest
        As for ``cash_return``.
    """
    year, month = session.year, session.month - 1
    if month == 0:
        year, month = year - 1, 12
    name = f"{year:04d}-{month:02d}"
    rate, sourced = backtest.cash_rate, name in backtest.bill_rates
    if sourced:
        rate = backtest.bill_rates[name]
    else:
        last = ""
        for known, value in backtest.bill_rates.items():
            if last < known < name:
                last, rate = known, max(value, backtest.cash_rate)
    if session.year in backtest.withholding_tax:
        rate -= rate * backtest.withholding_tax[session.year]["bill"]
    return rate, sourced


def pays_dividends(market: ReferenceMarket, tickers: set[str], year: int) -> bool:
    """Return whether dividends count: nearly all of the stocks' are sourced.

    Parameters
    ----------
    market : ReferenceMarket
        With the stocks and years that are covered.
    tickers : set of str
        The stocks that are traded in the year.
    year : int
    """
    return covered_share(market, tickers, year) >= MOST_COVERED


def covered_share(market: ReferenceMarket, tickers: set[str], year: int) -> float:
    """Return the fraction of stocks with all dividends of the year; 0 for none.

    Parameters
    ----------
    market, tickers, year
        As for ``pays_dividends``.
    """
    listed = [t for t in tickers if any(day.year == year for day in market.stocks[t])]
    n_covered = sum((ticker, year) in market.covered for ticker in listed)
    return n_covered / len(listed) if listed else 0.0


def ordered_position(
    forecasts: dict[date, float],
    origin: date | None,
    *,
    rule: str,
    cost_bps: int,
    backtest: Backtest,
) -> float | None:
    """Return the position ordered at an origin; None sends no order.

    Parameters
    ----------
    forecasts, rule, cost_bps, backtest
        As for ``book_orders``.
    origin : date or None
        Of ``ReferenceSession``.
    """
    if origin is None:
        return None
    if rule == "hold":
        return 1.0
    if origin not in forecasts:
        return None
    expected = math.expm1(forecasts[origin])
    if math.isnan(expected):
        return 0.0
    if rule == "sign":
        return 1.0 if expected > 0 else 0.0
    if expected > backtest.gate_multiple * cost_bps / 10_000:
        return 1.0
    return 0.0 if expected < 0 else None


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


def _deals(day: ReferenceDay | None) -> bool:
    """Say whether a session fills orders at all."""
    if day is None or day.volume is None or day.settled is None:
        return False
    return not (day.stale or day.suspended)
