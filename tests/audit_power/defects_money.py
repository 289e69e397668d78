"""Defects in cash and dividends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from audit_power.defects import Defect
from nse_lstm.config import Backtest
from nse_lstm.data import dividends
from nse_lstm.evaluation import backtest as backtest_module
from nse_lstm.evaluation import strategies
from nse_lstm.evaluation.backtest import TradabilityCalendar
from nse_lstm.study.audit.patching import patched


@contextmanager
def tomorrows_bill() -> Iterator[None]:
    """Pay idle money the average bill rate of the session's own month."""
    before = backtest_module.cash_returns

    def pay(sessions: Any, backtest: Backtest) -> Any:
        later = np.asarray(sessions, "datetime64[M]") + 1
        return before(later.astype("datetime64[D]"), backtest)

    with patched(backtest_module, cash_returns=pay):
        yield


@contextmanager
def early_dividends() -> Iterator[None]:
    """Book every dividend in the session before its ex-date."""
    before = dividends.add_dividends

    def add(rows: pd.DataFrame, *given: Any) -> pd.DataFrame:
        booked = before(rows, *given)
        earlier = booked.groupby("ticker", observed=True)["dividend"].shift(-1)
        return booked.assign(dividend=earlier.fillna(0.0))

    with patched(dividends, add_dividends=add):
        yield


@contextmanager
def one_sided_dividends() -> Iterator[None]:
    """Pay dividends to the strategies, and none to buy and hold."""
    read, run = strategies.tradability, strategies._backtest_stock
    bare: dict[int, TradabilityCalendar] = {}
    kept: list[TradabilityCalendar] = []

    def remember(*given: Any, **how: Any) -> TradabilityCalendar:
        calendar = read(*given, **how)
        price = read(*given, **(how | {"total_return": False}))
        kept.append(calendar)  # an id is only good while its object lives
        bare[id(calendar)] = replace(calendar, stock_return=price.stock_return)
        return calendar

    def simulate(block: Any, calendar: TradabilityCalendar, *given: Any) -> Any:
        without = dict(run(block, bare[id(calendar)], *given))
        for key, account in run(block, calendar, *given):
            yield key, without[key] if key[0] == strategies.HOLD else account

    with patched(strategies, tradability=remember, _backtest_stock=simulate):
        yield


MONEY_DEFECTS = (
    Defect(
        "tomorrow's bill rate",
        "idle money earns its own month's average bill rate",
        tomorrows_bill,
    ),
    Defect(
        "early dividends",
        "each dividend is booked a session before its ex-date",
        early_dividends,
    ),
    Defect(
        "dividends on one side",
        "strategies earn dividends, buy and hold does not",
        one_sided_dividends,
    ),
)
