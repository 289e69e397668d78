"""Advice on orders: send now or wait, from a ranking forecast and measured savings.

The rule is that of ``evaluation.order_timing``, whose backtest gives the expected
saving: a buy waits while the forecast return beyond the market is negative, a sell
while it is positive, both up to their latest session.
"""

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from nse_lstm.data.trading_days import TradingDays
from nse_lstm.errors import ArtefactError, DataError
from nse_lstm.evaluation.order_timing import AT_ONCE, BUY, DECLARED_WAIT, SIDES

COLUMNS = ("side", "ticker", "shares", "latest")
SEND, WAIT = "send now", "wait"
MOST_SHOWN = 20
"""Errors of a file of orders that are listed."""
LIMITS = (
    "The saving is the mean of the rule's orders in the backtest, those sent at once "
    "among them, beyond the market's own move. One order may save or lose several "
    "times as much, as the standard deviation shows.",
    "It cannot know news, or how far an order of this size moves the price. An order "
    "that waits may not be filled by its latest session.",
    "Ask again after every session: the forecast holds for one session.",
)
"""What advice leaves open, in words."""


@dataclass(frozen=True)
class Order:
    """One order that is sent in any case."""

    line: int
    """Of its file."""
    side: str
    ticker: str
    shares: int
    latest: date
    """Last session that it may be sent to."""


@dataclass(frozen=True, eq=False)
class AdviceBasis:
    """The inputs of advice: forecasts of one session, and measured savings."""

    forecasts: Mapping[str, float]
    """Log return beyond the market by ticker, from the next session to the one after
    it."""
    savings: pd.DataFrame
    """``ORDER_SAVINGS`` of the same market."""
    model: str
    """The forecaster, a ``signal`` of the savings."""
    origin: date
    """The session that the forecasts were made after."""
    calendar: TradingDays
    listed: Collection[str]
    """Ordinary shares on the origin's board."""
    suspended: Collection[str] = ()
    """Those that have not traded for so long that no order may be filled."""

    @property
    def first(self) -> date:
        """The next session, the only one that the advice holds for."""
        return self.calendar.shift(self.origin, 1)

    @property
    def last(self) -> date:
        """The last session that an order without a limit of its own may wait for."""
        return self.calendar.shift(self.first, DECLARED_WAIT)


def read_orders(path: Path, basis: AdviceBasis) -> list[Order]:
    """Read orders from a CSV file with the columns of ``COLUMNS``.

    Parameters
    ----------
    path : Path
    basis : AdviceBasis
        Its listed stocks and its calendar: no order's latest session lies before the
        next one.

    Raises
    ------
    DataError
        Naming the file, line, column and value of every cell that is not as expected.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header = tuple(reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a readable CSV file: {error}") from None
    if set(header) != set(COLUMNS) or len(header) != len(COLUMNS):
        raise DataError(
            f"Expected the columns {', '.join(COLUMNS)}. Received: "
            f"{', '.join(map(str, header)) or 'none'} ({path}, line 1)"
        )
    if not rows:
        raise DataError(f"Expected at least one order. Received: none ({path})")
    return check_orders(rows, basis, source=str(path))


def check_orders(
    rows: Iterable[tuple[int, Mapping[str, object]]],
    basis: AdviceBasis,
    *,
    source: str,
) -> list[Order]:
    """Turn rows of text into orders, or name every cell that is not as expected.

    Parameters
    ----------
    rows : iterable of (int, mapping)
        Number of the line, and its cells by name of ``COLUMNS``.
    basis : AdviceBasis
        As for ``read_orders``.
    source : str
        Of the rows, in messages.

    Raises
    ------
    DataError
        Naming source, line, column and value.
    """
    orders, wrong = [], list[str]()
    for line, row in rows:
        cells = {name: str(row.get(name) or "").strip() for name in COLUMNS}
        faults = _faults(cells, basis)
        if None in row:
            faults["row"] = (f"{len(COLUMNS)} cells", "more")
        wrong += [
            f"{source}, line {line}, {name}: expected {expected}. Received: {value!r}"
            for name, (expected, value) in faults.items()
        ]
        if not faults:
            orders.append(
                Order(
                    line=line,
                    side=cells["side"],
                    ticker=cells["ticker"],
                    shares=int(cells["shares"]),
                    latest=date.fromisoformat(cells["latest"]),
                )
            )
    if wrong:
        more = len(wrong) - MOST_SHOWN
        rest = [f"and {more} more"] if more > 0 else []
        raise DataError("\n".join([*wrong[:MOST_SHOWN], *rest]))
    return orders


def standing_orders(basis: AdviceBasis) -> list[Order]:
    """Return a purchase and a sale of every stock with a forecast, for any wait.

    Parameters
    ----------
    basis : AdviceBasis
    """
    pairs = [(ticker, side) for ticker in sorted(basis.forecasts) for side in SIDES]
    return [
        Order(line, side, ticker, 1, basis.last)
        for line, (ticker, side) in enumerate(pairs, start=1)
    ]


def advise_orders(orders: Collection[Order], basis: AdviceBasis) -> pd.DataFrame:
    """Advise on each order whether to send it to the next session or to wait.

    Parameters
    ----------
    orders : collection of Order
    basis : AdviceBasis

    Returns
    -------
    DataFrame
        One row per order: ``line side ticker shares advice until forecast_bps
        saving_bps lower_bps upper_bps sd_bps why``. ``until`` is the last session that
        it is sent to. Savings are basis points, 0 without a wait; an order without a
        forecast has none.

    Raises
    ------
    ArtefactError
        If the backtest has no savings of the forecaster.
    """
    savings = basis.savings
    measured = savings[
        (savings["signal"] == basis.model)
        & (savings["against"] == AT_ONCE)
        & (savings["part"] == "all")
    ].set_index(["side", "wait"])
    if measured.empty:
        raise ArtefactError(
            f"Expected measured savings of orders timed by {basis.model}. Received: "
            "none; Phase 4 could time no order on this market"
        )
    return pd.DataFrame([_advise(order, measured, basis) for order in orders])


def _advise(
    order: Order, measured: pd.DataFrame, basis: AdviceBasis
) -> dict[str, object]:
    y_hat, calendar = basis.forecasts.get(order.ticker), basis.calendar
    first, longest = basis.first, 0
    while (
        longest < DECLARED_WAIT and calendar.shift(first, longest + 1) <= order.latest
    ):
        longest += 1
    about = {"line": order.line, "side": order.side, "ticker": order.ticker}
    about |= {"shares": order.shares}
    nan = float("nan")
    bounds = {"saving_bps": 0.0, "lower_bps": nan, "upper_bps": nan, "sd_bps": nan}
    until = calendar.shift(first, longest) if longest else first
    if order.ticker in basis.suspended:
        why = "the stock is suspended: no order is filled until it trades again"
        return _row(about, SEND, first, nan, bounds | {"saving_bps": nan}, why)
    if y_hat is None:
        why = "no forecast: the stock is not among the most traded of the month"
        return _row(about, SEND, first, nan, bounds | {"saving_bps": nan}, why)
    favourable = y_hat >= 0 if order.side == BUY else y_hat <= 0
    against = "rise" if y_hat >= 0 else "fall"
    if favourable:
        why = f"it is forecast to {against} against the market after the next session"
        return _row(about, SEND, first, 1e4 * y_hat, bounds, why)
    if not longest:
        why = "its latest session is the next one"
        return _row(about, SEND, first, 1e4 * y_hat, bounds, why)
    waits = [wait for side, wait in measured.index if side == order.side]
    wait = max(each for each in waits if each <= longest)
    found = measured.loc[(order.side, wait)]
    names = {"saving_bps": "value_bps"} | {
        name: name for name in ("lower_bps", "upper_bps", "sd_bps")
    }
    bounds = {name: float(found[column]) for name, column in names.items()}
    why = (
        f"it is forecast to {against} against the market after the next session; "
        f"saving of waits up to {wait} sessions"
    )
    return _row(about, WAIT, until, 1e4 * y_hat, bounds, why)


def _row(
    about: Mapping[str, object],
    advice: str,
    until: date,
    forecast_bps: float,
    bounds: Mapping[str, float],
    why: str,
) -> dict[str, object]:
    return {
        **about,
        "advice": advice,
        "until": until.isoformat(),
        "forecast_bps": forecast_bps,
        **bounds,
        "why": why,
    }


def _faults(cells: Mapping[str, str], basis: AdviceBasis) -> dict[str, tuple[str, str]]:
    """Return what was expected and received, by column."""
    found, first = {}, basis.first
    if cells["side"] not in SIDES:
        found["side"] = (" or ".join(SIDES), cells["side"])
    if cells["ticker"] not in basis.listed:
        found["ticker"] = (
            "a code of an ordinary share that is listed now",
            cells["ticker"],
        )
    shares = cells["shares"]
    if not (shares.isascii() and shares.isdigit() and int(shares) > 0):
        found["shares"] = ("a whole number above 0", shares)
    try:
        latest = date.fromisoformat(cells["latest"])
        valid = latest >= first and basis.calendar.trades_on(latest)
    except ValueError:
        valid = False
    if not valid:
        expected = f"a trading day as {first.isoformat()}, not before it"
        found["latest"] = (expected, cells["latest"])
    return found
