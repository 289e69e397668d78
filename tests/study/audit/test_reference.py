"""The slow reference, against arithmetic by hand."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nse_lstm.config import Backtest
from nse_lstm.data.corporate_actions import find_events
from nse_lstm.study.audit.reference import rows
from nse_lstm.study.audit.reference.account import simulate_account
from nse_lstm.study.audit.reference.choices import choose_champion
from nse_lstm.study.audit.reference.market import ReferenceDay, ReferenceMarket
from nse_lstm.study.audit.reference.rows import read_market
from nse_lstm.study.audit.reference.statistics import ratio
from nse_lstm.study.audit.reference.windows import (
    list_windows,
    split_windows,
    target_return,
)


def test_a_sourced_event_counts_from_the_first_trade(raw: Path, tmp_path: Path) -> None:
    actions = tmp_path / "actions.csv"
    lines = ["ticker,ex_date,factor,kind,source,note", "AAA,2020-01-11,11/10,bonus,a,"]
    actions.write_text("\n".join(lines))
    market = read_market(raw, actions)
    # The sixth session, a Monday, is the first on or after that Saturday.
    shares = [day.shares for day in market.stocks["AAA"].values()]
    assert shares == pytest.approx([1, 1, 1, 1, 1, 1.1])
    assert {day.shares for day in market.stocks["BBB"].values()} == {1.0}


def reference_market(prices: list[float], **flags: object) -> ReferenceMarket:
    days = [day.date() for day in pd.bdate_range("2020-01-06", periods=len(prices))]
    rows = {
        d: ReferenceDay(p, None, 100.0, None) for d, p in zip(days, prices, strict=True)
    }
    for name, place in flags.items():
        setattr(rows[days[int(str(place))]], name, True)
    return ReferenceMarket(days, {"AAA": rows})


def test_reference_windows_end_at_their_origin() -> None:
    found = list_windows(
        reference_market([1, 2, 3, 4, 5]), "AAA", lookback=2, horizon=1
    )
    assert [w.inputs for w in found] == [(1, 2), (2, 3), (3, 4)]
    assert [w.y for w in found] == [3, 4, 5]


def test_reference_windows_leave_out_stale_origins_and_targets_and_gaps() -> None:
    stale = list_windows(
        reference_market([1, 2, 3, 4, 5, 6], stale=3), "AAA", lookback=2, horizon=1
    )
    assert [w.inputs for w in stale] == [(1, 2), (4, 5)]
    gap = list_windows(
        reference_market([1, 2, 3, 4, 5, 6], gap=3), "AAA", lookback=2, horizon=1
    )
    assert [w.inputs for w in gap] == [(1, 2), (4, 5)]


def settling_market(prices: list[float], *, at: int, factor: float) -> ReferenceMarket:
    """Return a market whose stock has a factor from a session on."""
    market = reference_market(prices)
    for day in market.sessions[at:]:
        market.stocks["AAA"][day].shares = factor
    rows._find_settling(market.stocks["AAA"], market.sessions)
    return market


def settling(market: ReferenceMarket) -> list[int]:
    flags = [day.settling for day in market.stocks["AAA"].values()]
    return [i for i, flag in enumerate(flags) if flag]


def test_a_reference_price_settles_until_it_has_followed_its_split() -> None:
    # Two for one at session 2; the price follows at session 4, 5.5 * 2 against 10.
    late = settling_market([10, 10, 10, 9, 5.5, 5.5], at=2, factor=2.0)
    assert settling(late) == [2, 3]
    assert settling(settling_market([10, 10, 5, 5, 5], at=2, factor=2.0)) == []
    # log(11.4 / 10) = 0.131 is within the limit, log(11.5 / 10) = 0.140 is not.
    assert settling(settling_market([10, 10, 5.7, 5.7], at=2, factor=2.0)) == []
    assert settling(settling_market([10, 10, 5.75, 5.7], at=2, factor=2.0)) == [2]


def test_a_reference_price_is_accepted_after_forty_sessions() -> None:
    market = settling_market([10.0] * 50, at=3, factor=2.0)
    assert settling(market) == list(range(3, 43))


def test_reference_windows_leave_out_settling_prices() -> None:
    market = settling_market([10, 10, 10, 10, 5, 5, 5], at=3, factor=2.0)
    assert settling(market) == [3]
    found = list_windows(market, "AAA", lookback=2, horizon=1)
    assert [w.origin for w in found] == [market.sessions[i] for i in (1, 5)]
    assert [w.inputs for w in found] == [(10, 10), (10, 10)]
    days = market.sessions
    assert target_return(market, "AAA", days[2], days[4]) is None
    assert target_return(market, "AAA", days[3], days[4]) is None
    assert target_return(market, "AAA", days[4], days[5]) == (10, 10, 2)


def test_nothing_is_traded_or_earned_while_a_price_settles() -> None:
    # Bought at 10 on session 1; 20 an old share for two sessions, then 2 * 5.5.
    market = settling_market([10, 10, 10, 10, 5.5, 5.5], at=2, factor=2.0)
    days = market.sessions
    signals = {days[0]: 0.1, days[1]: -0.1, days[2]: -0.1, days[3]: -0.1}
    account = simulate_account(
        market,
        "AAA",
        signals,
        year=2020,
        rule="sign",
        cost_bps=0,
        backtest=Backtest(cash_rate=0.0, limit=0.2),
    )
    assert [b.turnover for b in account] == [0, 1, 0, 0, 1, 0]
    assert [round(b.stock, 6) for b in account] == [0, 0, 0, 0, 0.1, 0]


def test_the_reference_split_purges_before_validation() -> None:
    market = reference_market([float(n) for n in range(1, 14)])
    windows = list_windows(market, "AAA", lookback=2, horizon=1)
    train, validation, ahead = split_windows(windows, 2021, share=0.2, purge=1)
    # 11 windows: 2 validate, 1 is purged, 8 train; none lies in 2021.
    assert (len(train), len(validation), ahead) == (8, 2, [])
    assert train[-1].target < validation[0].origin


def test_a_reference_order_is_filled_a_session_later_and_pays() -> None:
    market = reference_market([100.0, 101.0, 102.0, 103.0])
    days = market.sessions
    backtest = Backtest(cash_rate=0.0)
    signals = {days[0]: 0.1, days[1]: -0.1}
    account = simulate_account(
        market, "AAA", signals, year=2020, rule="sign", cost_bps=100, backtest=backtest
    )
    # Ordered after day 0, bought at day 1's 101, sold at day 2's 102.
    assert [b.position for b in account] == [0, 0, 1, 0]
    assert [b.turnover for b in account] == [0, 1, 1, 0]
    assert account[1].net == pytest.approx(-0.01)
    assert account[2].net == pytest.approx(102 / 101 * 0.99 - 1)


def test_a_reference_buy_lapses_at_the_limit() -> None:
    market = reference_market([100.0, 109.6, 110.0])
    account = simulate_account(
        market,
        "AAA",
        {market.sessions[0]: 0.1},
        year=2020,
        rule="sign",
        cost_bps=0,
        backtest=Backtest(),
    )
    assert sum(b.turnover for b in account) == 0


def test_the_reference_sharpe_ratio() -> None:
    assert ratio([0.01, 0.03]) == pytest.approx(0.02 / 0.0141421, rel=1e-5)


def test_the_reference_champion_is_the_simplest_within_one_error() -> None:
    days = [date(2020, 1, n) for n in range(1, 5)]
    naive = dict(zip(days, [0.2, 0.2, 0.2, 0.2], strict=True))
    close = dict(zip(days, [0.1, 0.3, 0.1, 0.28], strict=True))
    better = dict(zip(days, [0.1, 0.11, 0.1, 0.09], strict=True))
    assert choose_champion({"persistence": naive, "v2": close}) == "persistence"
    assert choose_champion({"persistence": naive, "v2": better}) == "v2"
    assert choose_champion({"persistence": naive}) == "persistence"


RUNS = st.lists(
    st.tuples(
        st.sampled_from([1.0, 0.5, 0.25, 2.0, 0.9]),
        st.sampled_from([1, 2, 3, 4, 6, 59, 60, 61]),
    ),
    min_size=1,
    max_size=6,
)


@given(RUNS)
def test_both_ways_find_the_same_events_and_misprints(
    runs: list[tuple[float, int]],
) -> None:
    factors = [factor for factor, n_rows in runs for _ in range(n_rows)]
    days = pd.bdate_range("2020-01-06", periods=len(factors)).as_unit("us")
    adjusts = [None if factor == 1 else 200.0 * factor for factor in factors]
    printed = {
        day.date(): ReferenceDay(200.0, None, 100.0, adjust)
        for day, adjust in zip(days, adjusts, strict=True)
    }
    table = pd.DataFrame(
        {
            "ticker": pd.Categorical(["AAA"] * len(days)),
            "session": days,
            "price": 200.0,
            "adjust": np.array(adjusts, float),
        }
    )
    found = find_events(table)
    plain = list(rows._shown_events(printed))
    assert [day.date() for day in found["session"]] == [day for day, _ in plain]
    assert found["factor"].tolist() == pytest.approx([each for _, each in plain])
