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
from nse_lstm.study.audit.reference.weights import follow_targets


def book_equal_weight(
    stocks: list[list[ReferenceSession]], *, cost_bps: int, backtest: Backtest
) -> list[ReferenceBooking]:
    """Book all stocks at one weight, with orders at each month's first session.

    Parameters
    ----------
    stocks : list of list of ReferenceSession
        Of one year, one list per stock.
    cost_bps : int
        Per side.
    backtest : Backtest
        The study's delay and cash.
    """
    n, months = len(stocks), [(s.session.year, s.session.month) for s in stocks[0]]
    path = follow_targets(
        stocks,
        lambda at, held: [1 / n] * n,
        decides=[at == 0 or months[at - 1] != months[at] for at in range(len(months))],
        delay=backtest.delay,
    )
    account = []
    for today, now in zip(zip(*stocks, strict=True), path, strict=True):
        cash, position = today[0].cash, min(sum(now.held), 1.0)
        gross = now.earned + (1 - position) * cash
        net = (1 + gross) * (1 - cost_bps / 10_000 * now.turnover) - 1
        stock = sum(each.stock for each in today) / n
        account.append(
            ReferenceBooking(
                today[0].session, position, now.turnover, gross, net, stock, cash
            )
        )
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
