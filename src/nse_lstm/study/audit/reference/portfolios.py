"""The reference accounts of equal weight and of the market's index."""

import math
from dataclasses import replace
from datetime import date

from nse_lstm.config import Backtest
from nse_lstm.study.audit.reference.account import (
    ReferenceBooking,
    ReferenceSession,
    list_sessions,
)
from nse_lstm.study.audit.reference.market import ReferenceDay, ReferenceMarket


def book_equal_weight(
    stocks: list[list[ReferenceSession]], *, cost_bps: int, backtest: Backtest
) -> list[ReferenceBooking]:
    """Book all stocks at one weight, with orders at each month's first session.

    Each order is 1 / n less the stock's weight at its origin's close. One that lapses
    is sent again. Sales come first, and purchases share what cash there is.

    Parameters
    ----------
    stocks : list of list of ReferenceSession
        Of one year, one list per stock.
    cost_bps : int
        Per side.
    backtest : Backtest
        The study's delay and cash.
    """
    n = len(stocks)
    history = [[0.0] * n]
    due, account, month = [False] * n, [], None
    for at, today in enumerate(zip(*stocks, strict=True)):
        session, cash = today[0].session, today[0].cash
        if (session.year, session.month) != month:
            month, due = (session.year, session.month), [True] * n
        seen = history[max(at + 1 - backtest.delay, 0)]
        held = history[-1]
        earned = sum(w * each.stock for w, each in zip(held, today, strict=True))
        growth = 1 + earned + (1 - sum(held)) * cash
        now = [
            w * (1 + each.stock) / growth for w, each in zip(held, today, strict=True)
        ]
        orders = []
        for i, each in enumerate(today):
            order = 1 / n - seen[i] if due[i] else 0.0
            fills = each.origin is not None and (each.sells if order < 0 else each.buys)
            orders.append(order if fills else 0.0)
            due[i] = due[i] and not fills
        sold = [min(max(-o, 0.0), w) for o, w in zip(orders, now, strict=True)]
        bought = [max(order, 0.0) for order in orders]
        money = max(1 - sum(now) + sum(sold), 0.0)
        part = min(1.0, money / sum(bought)) if sum(bought) else 0.0
        after = [w - s + part * b for w, s, b in zip(now, sold, bought, strict=True)]
        turnover = sum(abs(a - w) for a, w in zip(after, now, strict=True))
        position = min(sum(held), 1.0)
        gross = earned + (1 - position) * cash
        net = (1 + gross) * (1 - cost_bps / 10_000 * turnover) - 1
        stock = sum(each.stock for each in today) / n
        account.append(
            ReferenceBooking(session, position, turnover, gross, net, stock, cash)
        )
        history.append(after)
    return account


def book_index(
    market: ReferenceMarket, *, year: int, backtest: Backtest
) -> tuple[str, list[ReferenceBooking]] | None:
    """Book the market's index from the year's first session on, without costs.

    Parameters
    ----------
    market : ReferenceMarket
    year : int
    backtest : Backtest
        The study's limit, indices and cash.

    Returns
    -------
    tuple of str and list of ReferenceBooking, or None
        The index with levels on most sessions; None where there is none.
    """
    calendar = set(market.sessions)
    levels = {
        ticker: {
            d: day for d, day in market.indices.get(ticker, {}).items() if d in calendar
        }
        for ticker in backtest.indices
    }
    counts = {
        ticker: sum(d.year == year and day.price is not None for d, day in rows.items())
        for ticker, rows in levels.items()
    }
    if not any(counts.values()):
        return None
    ticker = max(counts, key=lambda name: counts[name])
    rows = _without_misprints(levels[ticker], backtest.order_limit)
    free = replace(backtest, suspension_haircut=0.0)
    account: list[ReferenceBooking] = []
    for each in list_sessions(market, rows, year=year, backtest=free):
        held = 1.0 if account else 0.0
        gross = each.stock if account else each.cash
        account.append(
            ReferenceBooking(
                each.session, held, 1 - held, gross, gross, each.stock, each.cash
            )
        )
    return ticker, account


def _without_misprints(
    rows: dict[date, ReferenceDay], limit: float
) -> dict[date, ReferenceDay]:
    """Drop a level that is beyond the limit above, or below, both its neighbours."""
    days = list(rows)
    prices = [math.nan if (p := rows[d].price) is None else p for d in days]
    kept = {}
    for at, session in enumerate(days):
        near = [prices[i] for i in (at - 1, at + 1) if 0 <= i < len(days)]
        moves = [prices[at] / other - 1 for other in near]
        odd = len(moves) == 2 and (
            all(m > limit for m in moves) or all(m < -limit for m in moves)
        )
        kept[session] = replace(rows[session], price=None) if odd else rows[session]
    return kept
