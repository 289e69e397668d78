"""The reference's windows of one stock, and their split by fold."""

from dataclasses import dataclass
from datetime import date

from nse_lstm.study.audit.reference.market import ReferenceDay, ReferenceMarket


@dataclass(frozen=True)
class ReferenceWindow:
    """Prices known at an origin, and the target's price."""

    origin: date
    target: date
    inputs: tuple[float, ...]
    y: float


def list_windows(
    market: ReferenceMarket, ticker: str, *, lookback: int, horizon: int
) -> list[ReferenceWindow]:
    """Return every valid window, in order of origin.

    Inputs: a settled price on each of ``lookback`` market sessions, no gap inside, the
    origin neither stale nor suspended. Target: a settled price on each session up to
    it, no gap in between, itself not stale.

    Parameters
    ----------
    market : ReferenceMarket
        Rows of every session.
    ticker : str
        Stock of the windows.
    lookback, horizon : int
        Sessions.
    """
    rows, sessions = market.stocks[ticker], market.sessions
    first = sessions.index(next(iter(rows)))
    windows = []
    for at in range(first + lookback - 1, len(sessions) - horizon):
        inside = [rows.get(day) for day in sessions[at - lookback + 1 : at + 1]]
        ahead = [rows.get(day) for day in sessions[at + 1 : at + 1 + horizon]]
        inputs, later = _prices(inside), _prices(ahead)
        if inputs is None or later is None or _has_gap([*inside[1:], *ahead]):
            continue
        now, then = inside[-1], ahead[-1]
        if now is None or then is None or now.stale or now.suspended or then.stale:
            continue
        target = sessions[at + horizon]
        windows.append(ReferenceWindow(sessions[at], target, inputs, later[-1]))
    return windows


def split_windows(
    windows: list[ReferenceWindow], year: int, *, share: float, purge: int
) -> tuple[list[ReferenceWindow], list[ReferenceWindow], list[ReferenceWindow]]:
    """Return training, validation and forecast windows of a year's fold.

    Parameters
    ----------
    windows : list of ReferenceWindow
        In order of origin.
    year : int
        Whose targets are forecast.
    share : float
        Fraction of the earlier windows that validates.
    purge : int
        Windows dropped between training and validation.
    """
    before = [w for w in windows if w.target < date(year, 1, 1)]
    cut = len(before) - round(share * len(before))
    validation = before[cut:]
    train = [w for w in before[: cut - purge] if w.target < validation[0].origin]
    return train, validation, [w for w in windows if w.target.year == year]


def target_return(
    market: ReferenceMarket, ticker: str, origin: date, target: date
) -> tuple[float, float, float] | None:
    """Return the adjusted price at the origin and the target, and the origin's shares.

    None where no return may be scored: a price is missing or settling at either end,
    the target is stale, or a gap or a settling price lies in between.

    Parameters
    ----------
    market : ReferenceMarket
        Rows of every session.
    ticker : str
        Stock of the forecast.
    origin, target : date
        Sessions.
    """
    rows = market.stocks[ticker]
    now, then = rows.get(origin), rows.get(target)
    between = [day for session, day in rows.items() if origin < session <= target]
    if now is None or then is None or then.stale or _has_gap(between):
        return None
    if any(day.settling for day in between):
        return None
    if now.settled is None or then.settled is None:
        return None
    return now.settled, then.settled, now.shares


def _prices(days: list[ReferenceDay | None]) -> tuple[float, ...] | None:
    prices = [None if day is None else day.settled for day in days]
    known = tuple(price for price in prices if price is not None)
    return known if len(known) == len(prices) else None


def _has_gap(days: list[ReferenceDay | None] | list[ReferenceDay]) -> bool:
    return any(day is not None and day.gap for day in days)
