"""The reference's scores of forecasts and of accounts, from their definitions."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from nse_lstm.study.audit.reference.account import ReferenceBooking
from nse_lstm.study.audit.reference.market import ReferenceMarket
from nse_lstm.study.audit.reference.statistics import mean, ratio

LEAST_EXPOSURE = 0.05
"""An account with less of its money invested has no Sharpe ratio."""
LOWEST_WIN = 5e-13
"""A return below this is rounding."""

Score = tuple[float, int]
"""A value and its number of observations."""


@dataclass(frozen=True)
class RealisedForecast:
    """One forecast beside what came."""

    origin: date
    target: date
    price_hat: float
    y_hat: float
    y: float
    level: float
    """The target's price in shares of the origin, KES."""
    scale: float
    """Mean absolute log return of the stock before the forecast's year."""


def realised_return(
    market: ReferenceMarket, ticker: str, *, origin: date, entry: date, target: date
) -> tuple[float, float] | None:
    """Return the log return from entry to target, and the target's price.

    None where no return may be scored: a price is missing or settling at either end,
    the target or a later entry is stale, or a gap or a settling price lies between
    origin and target.

    Parameters
    ----------
    market : ReferenceMarket
        Rows of every session.
    ticker : str
        Stock of the forecast.
    origin, entry, target : date
        Sessions. The price is in shares of the origin, KES.
    """
    rows = market.stocks[ticker]
    known, start, end = (rows.get(day) for day in (origin, entry, target))
    if known is None or start is None or end is None or end.stale:
        return None
    if start.stale and entry != origin:
        return None
    first, last = (bisect_right(market.sessions, day) for day in (origin, target))
    between = [rows.get(session) for session in market.sessions[first:last]]
    if any(day is not None and (day.gap or day.settling) for day in between):
        return None
    if start.settled is None or end.settled is None:
        return None
    return math.log(end.settled / start.settled), end.settled / known.shares


def mean_move(market: ReferenceMarket, ticker: str, before: date) -> float:
    """Return the mean absolute log return of a stock's sessions before a date.

    Parameters
    ----------
    market, ticker, before
        As for ``log_moves``.
    """
    return mean([abs(move) for move in log_moves(market, ticker, before).values()])


def log_moves(market: ReferenceMarket, ticker: str, before: date) -> dict[date, float]:
    """Return a stock's log returns by session, those that have one.

    A return needs a row on the market's session before, no gap, and at both ends a
    price that is neither settling nor of a suspended session.

    Parameters
    ----------
    market : ReferenceMarket
        Rows of every session.
    ticker : str
        Stock.
    before : date
        First session that is left out.
    """
    rows, moves = market.stocks[ticker], {}
    for at, session in enumerate(market.sessions[1:], start=1):
        if session >= before:
            break
        last, now = rows.get(market.sessions[at - 1]), rows.get(session)
        if last is None or now is None or now.gap or last.suspended or now.suspended:
            continue
        if last.settled is not None and now.settled is not None:
            moves[session] = math.log(now.settled / last.settled)
    return moves


def accuracy(rows: Sequence[RealisedForecast]) -> dict[str, Score]:
    """Return every measure of accuracy of some forecasts.

    Parameters
    ----------
    rows : sequence of RealisedForecast
        Of one stock, or of all together. Those without a price forecast have no level
        measure, those without a return forecast no other.
    """
    priced = [row for row in rows if not math.isnan(row.price_hat)]
    aimed = [row for row in rows if not math.isnan(row.y_hat)]
    gaps = [row.price_hat - row.level for row in priced]
    n, centre = len(priced), mean([row.level for row in priced])
    around = sum((row.level - centre) ** 2 for row in priced)
    varies = bool(priced) and any(row.level != priced[0].level for row in priced)
    naive = sum(row.y**2 for row in aimed)
    missed = sum((row.y - row.y_hat) ** 2 for row in aimed)
    called = [row for row in aimed if row.y != 0 and row.y_hat != 0]
    scaled = all(row.scale > 0 for row in aimed)
    return {
        "mae": (mean([abs(gap) for gap in gaps]), n),
        "rmse": (math.sqrt(mean([gap**2 for gap in gaps])), n),
        "mape": (
            mean([abs(g) / row.level for g, row in zip(gaps, priced, strict=True)]),
            n,
        ),
        "bias": (mean(gaps), n),
        "r_squared": (
            1 - sum(gap**2 for gap in gaps) / around if varies else math.nan,
            n,
        ),
        "negative_predictions": (sum(row.price_hat <= 0 for row in priced), n),
        "skill": (1 - missed / naive if naive else math.nan, len(aimed)),
        "mase": (
            mean([abs(row.y - row.y_hat) / row.scale for row in aimed])
            if scaled
            else math.nan,
            len(aimed),
        ),
        "directional_accuracy": (
            mean([float((row.y > 0) == (row.y_hat > 0)) for row in called]),
            len(called),
        ),
        "three_way_accuracy": (
            mean([float(sign(row.y) == sign(row.y_hat)) for row in aimed]),
            len(aimed),
        ),
    }


def sign(value: float) -> int:
    """Return -1, 0 or 1."""
    return (value > 0) - (value < 0)


def pool_accounts(
    accounts: Sequence[Sequence[ReferenceBooking]],
) -> list[ReferenceBooking]:
    """Return the account of equal capital in every stock: the mean of each session."""
    return [
        ReferenceBooking(
            each[0].session,
            *(
                mean([getattr(booking, name) for booking in each])
                for name in ("position", "turnover", "gross", "net", "stock", "cash")
            ),
        )
        for each in zip(*accounts, strict=True)
    ]


def money(account: Sequence[ReferenceBooking], per_year: int) -> dict[str, Score]:
    """Return every measure of one account's year but its wins.

    Parameters
    ----------
    account : sequence of ReferenceBooking
    per_year : int
        Sessions of a year.
    """
    n = len(account)
    net = [booking.net for booking in account]
    over = [booking.net - booking.cash for booking in account]
    exposure = mean([booking.position for booking in account])
    invested = exposure >= LEAST_EXPOSURE
    yearly = math.sqrt(per_year)
    found = {
        "net_return": grown(net),
        "gross_return": grown([booking.gross for booking in account]),
        "sharpe_ratio": ratio(net) * yearly if invested else math.nan,
        "sharpe_over_cash": ratio(over) * yearly if invested else math.nan,
        "max_drawdown": drawdown(net),
        "turnover": mean([booking.turnover for booking in account]) * per_year,
        "exposure": exposure,
    }
    return {name: (value, n) for name, value in found.items()}


def wins(accounts: Sequence[Sequence[ReferenceBooking]]) -> dict[str, Score]:
    """Return the shares of winning sessions, of all accounts' sessions together.

    A win is a positive net return without the interest on idle money.
    """
    bookings = [booking for account in accounts for booking in account]
    won = [b.net - (1 - b.position) * b.cash > LOWEST_WIN for b in bookings]
    invested = [b.position > 0 for b in bookings]
    both = sum(w and i for w, i in zip(won, invested, strict=True))
    held = sum(invested)
    return {
        "win_rate": (both / held if held else math.nan, held),
        "win_rate_all": (both / len(bookings), len(bookings)),
    }


def grown(returns: Sequence[float]) -> float:
    """Return the compounded return."""
    return math.prod(1 + value for value in returns) - 1


def drawdown(returns: Sequence[float]) -> float:
    """Return the largest fall from an earlier peak, the start among the peaks."""
    value = peak = 1.0
    worst = 0.0
    for each in returns:
        value *= 1 + each
        peak = max(peak, value)
        worst = min(worst, value / peak - 1)
    return worst
