"""The reference account in whole lots, with a limit on each session's volume."""

import math
from dataclasses import dataclass
from datetime import date

from nse_lstm.config import Backtest
from nse_lstm.study.audit.reference.account import ReferenceSession, ordered_position

ROUNDING = 1e-9


@dataclass(frozen=True)
class SizedBooking:
    """Money of one stock's account after a session, KES."""

    before: float
    held_into: float
    """Invested before the session's return."""
    after: float
    ordered: float
    filled: float


def book_lots(
    sessions: list[ReferenceSession],
    forecasts: dict[date, float],
    *,
    capital: float,
    rule: str,
    backtest: Backtest,
) -> list[SizedBooking]:
    """Book a year with a capital, whole lots and a share of each session's volume.

    Parameters
    ----------
    sessions : list of ReferenceSession
    forecasts : dict
        Forecast log return by origin.
    capital : float
        KES of this stock, in cash at first.
    rule : str
        "sign" or "gate".
    backtest : Backtest
        The study's, at its headline cost.
    """
    cost = backtest.headline_cost_bps
    kept, cash, held, account = 1 - cost / 10_000, capital, 0.0, []
    for each in sessions:
        before, held_into = cash + held, held
        cash, held = cash * (1 + each.cash), held * (1 + each.stock)
        lot = backtest.board_lot if each.session <= backtest.board_lot_until else 1
        most = _whole(backtest.max_volume_share * each.volume, lot)
        ordered = filled = 0.0
        wanted = ordered_position(
            forecasts, each.origin, rule=rule, cost_bps=cost, backtest=backtest
        )
        if wanted == 1.0 and each.buys and each.price:
            shares = _whole(cash * kept / each.price, lot)
            ordered, filled = shares * each.price, min(shares, most) * each.price
            cash, held = cash - filled / kept, held + filled
        elif wanted == 0.0 and each.sells and held and each.price:
            odd = held < lot * each.price
            ordered, filled = held, held if odd else min(held, most * each.price)
            cash, held = cash + filled * kept, held - filled
        account.append(SizedBooking(before, held_into, cash + held, ordered, filled))
    return account


def _whole(shares: float, lot: float) -> float:
    """Round shares down to whole lots."""
    return math.floor(shares / lot + ROUNDING) * lot
