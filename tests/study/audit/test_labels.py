"""The reference's labels against arithmetic by hand, and panels that end early."""

import math
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.odd_panel import SMALL, odd_panel

from nse_lstm.config import Backtest, CrossSection
from nse_lstm.features import risk_features, stock_channels
from nse_lstm.features.stock_channels import volatility_unit
from nse_lstm.study.audit.prefixes import compare_prefixes
from nse_lstm.study.audit.reference.labels import (
    list_labels,
    list_members,
    list_volatility,
    scaled_move,
    split_apart,
)
from nse_lstm.study.audit.reference.market import ReferenceDay, ReferenceMarket


def market_of(prices: dict[str, list[float | None]]) -> ReferenceMarket:
    days = [
        day.date()
        for day in pd.bdate_range(
            "2020-01-27", periods=len(next(iter(prices.values())))
        )
    ]
    stocks = {
        ticker: {
            day: ReferenceDay(price, None, 100.0, None)
            for day, price in zip(days, own, strict=True)
            if price is not None
        }
        for ticker, own in prices.items()
    }
    return ReferenceMarket(days, stocks)


def test_a_label_is_the_return_from_the_entry() -> None:
    prices = {"AAA": [1, 2, 4, 8], "BBB": [1, 1, 3, 3], "CCC": [5, 5, 5, 5]}
    market = market_of({name: list(map(float, own)) for name, own in prices.items()})
    members = {(2020, 1): ["AAA", "BBB"]}
    found = list_labels(market, {*prices}, members, delay=1, horizon=2)
    first = market.sessions[0]
    assert {origin for _, origin in found} == {first}
    a, b, c = (found[name, first] for name in prices)
    assert (a.entry, a.target) == (market.sessions[1], market.sessions[3])
    assert [a.y, b.y, c.y] == pytest.approx([math.log(4), math.log(3), 0.0])
    middle = (math.log(4) + math.log(3)) / 2
    assert [x.excess for x in (a, b, c)] == pytest.approx(
        [math.log(4) - middle, math.log(3) - middle, -middle]
    )
    # Of two members: one below and itself; itself; none.
    assert [a.rank, b.rank, c.rank] == [0.25, -0.25, -0.5]


def test_no_label_spans_a_gap_or_ends_on_a_copy() -> None:
    market = market_of({"AAA": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
    days = list(market.stocks["AAA"].values())
    days[2].gap, days[5].stale = True, True
    found = list_labels(
        market, {"AAA"}, {(2020, 1): [], (2020, 2): []}, delay=0, horizon=1
    )
    known = [origin for (_, origin), label in found.items() if not math.isnan(label.y)]
    assert known == [market.sessions[place] for place in (0, 2, 3)]


def test_members_are_the_most_traded_before_the_month() -> None:
    prices = {"AAA": [1.0] * 8, "BBB": [3.0] * 8, "CCC": [2.0, None] * 4}
    market = market_of(prices)
    rule = CrossSection(size=2, liquidity_sessions=5, min_traded_share=0.7)
    found = list_members(market, {*prices}, rule)
    # January has five sessions, all before February's first.
    assert found == {(2020, 1): [], (2020, 2): ["BBB", "AAA"]}
    wide = CrossSection(size=3, liquidity_sessions=5, min_traded_share=0.5)
    assert list_members(market, {*prices}, wide)[2020, 2] == ["BBB", "CCC", "AAA"]


def test_volatility_is_that_of_the_study_by_another_formula() -> None:
    generator = np.random.default_rng(3)
    steps = 0.02 * generator.standard_normal(400)
    steps[generator.random(400) < 0.3] = 0.0
    values: list[float | None] = list(10 * np.exp(np.cumsum(steps)))
    for place in (5, 60, 61, 300):
        values[place] = None
    market = market_of({"AAA": values})
    price = pd.Series([np.nan if v is None else v for v in values], dtype=float)
    returns = pd.DataFrame({"AAA": np.log(price / price.shift())})
    expected = volatility_unit(returns)["AAA"].tolist()
    found = [list_volatility(market, "AAA")[day] for day in market.sessions]
    assert found == pytest.approx(expected, rel=1e-9)
    assert found[:10] == [0.02] * 10 and found[30] != 0.02


def test_volatility_of_one_size_is_that_size() -> None:
    values: list[float | None] = [10 * 1.01 ** (place % 2) for place in range(40)]
    found = list_volatility(market_of({"AAA": values}), "AAA")
    assert list(found.values())[-1] == pytest.approx(math.log(1.01))


def test_a_scaled_move_is_in_units_of_volatility_and_bounded() -> None:
    assert scaled_move(10, 10 * math.exp(0.04), 0.02) == pytest.approx(2)
    assert scaled_move(10, 1, 0.02) == -6


def test_spans_that_meet_a_held_back_label_do_not_teach() -> None:
    day = [date(2024, 1, 1) + timedelta(days=n) for n in range(8)]
    spans = [(day[n], day[n + 1], day[n + 2]) for n in range(6)]
    taught, held = split_apart(spans, [(day[4], day[4])])
    assert held == [False, False, True, False, False, False]
    # The held-back label reaches from day 3 to day 4.
    assert taught == [True, False, False, False, False, True]


def small_run() -> Any:
    rule = replace(SMALL, horizons=(1, 3))
    study = SimpleNamespace(cross_section=rule, backtest=Backtest())
    prices = odd_panel(400).sort_values(["ticker", "session"], ignore_index=True)
    return SimpleNamespace(prices=prices, workspace=SimpleNamespace(study=study))


def test_a_value_filled_back_shows_where_the_panel_ends_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = small_run()
    assert compare_prefixes(run) == []

    def filled(log_return: pd.DataFrame) -> pd.DataFrame:
        unit = volatility_unit(log_return)
        return unit.mask(unit == stock_channels.UNKNOWN_SIGMA).bfill().fillna(0.02)

    monkeypatch.setattr(stock_channels, "volatility_unit", filled)
    monkeypatch.setattr(risk_features, "volatility_unit", filled)
    alarms = compare_prefixes(run)
    assert {alarm.check for alarm in alarms} == {"early sessions"}
    assert any("stock channels" in alarm.where for alarm in alarms)
