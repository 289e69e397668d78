"""Mean savings by session, side and part, by hand."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import Verdict
from nse_lstm.evaluation.order_savings import (
    TimedOrders,
    savings_by_session,
    summarise_savings,
)
from nse_lstm.evaluation.order_timing import Orders

DAYS = pd.to_datetime(["2021-12-30", "2021-12-31", "2022-01-03"])
ORDERS = Orders(np.ones((3, 2), bool), 0, 0, 0)
NAMES = ["own", "stale_60", "stale_120", "placebo", "random", "twap"]


def timed() -> TimedOrders:
    """Two stocks on three sessions; the buys of the second stock save nothing."""
    rows = [
        (wait, side, day, ticker, group, *savings)
        for wait in (5, 10)
        for side, first in (("buy", 12.0), ("sell", 4.0))
        for day, more in zip(DAYS, (0.0, 6.0, 12.0), strict=True)
        for ticker, group, savings in (
            ("AAA", "turnover_low", (first + more, 2.0, 4.0, 3.0, 0.0, 1.0)),
            ("BBB", "turnover_high", (0.0, 0.0, 2.0, 1.0, 0.0, 1.0)),
        )
    ]
    key = ["wait", "side", "session", "ticker", "group"]
    return TimedOrders(pd.DataFrame(rows, columns=[*key, *NAMES]), ORDERS, "own")


def test_a_session_is_the_mean_of_its_orders() -> None:
    table = savings_by_session(timed())
    own = table[(table["signal"] == "own") & (table["wait"] == 10)]
    buys = own[own["side"] == "buy"].sort_values("session")
    # (12 + 0) / 2, (18 + 0) / 2, (24 + 0) / 2
    assert buys["saving_bps"].tolist() == [6.0, 9.0, 12.0]
    assert buys["n_orders"].tolist() == [2, 2, 2]
    assert len(table) == 2 * 2 * 3 * len(NAMES)


def test_means_differences_and_spread() -> None:
    table = summarise_savings(timed(), verdict=Verdict(bootstrap_reps=200), seed=1)
    key = ["signal", "against", "wait", "side", "part"]
    found = table.set_index(key).sort_index()
    buys = found.loc[("own", "at_once", 10, "buy", "all")]
    assert buys["value_bps"] == pytest.approx(9.0)
    assert (buys["n_orders"], buys["n_sessions"]) == (6, 3)
    # Of 12, 0, 18, 0, 24, 0.
    assert buys["sd_bps"] == pytest.approx(np.std([12, 0, 18, 0, 24, 0], ddof=1))
    assert 6 <= buys["lower_bps"] <= 9 <= buys["upper_bps"] <= 12
    # Sells: (4 + 10 + 16) / 3 / 2 = 5, so both sides are 7; the placebo is 2.
    both = found.loc[("own", "placebo", 10, "both", "all")]
    assert both["value_bps"] == pytest.approx(7.0 - 2.0)
    assert both["n_orders"] == 12
    year = found.loc[("own", "at_once", 5, "buy", "2022")]
    assert year["value_bps"] == year["lower_bps"] == pytest.approx(12.0)
    low = found.loc[("own", "at_once", 5, "both", "turnover_low")]
    assert low["value_bps"] == pytest.approx((12 + 18 + 24 + 4 + 10 + 16) / 6)
    # Years and groups show the model and its placebo alone.
    parts = table[table["part"] != "all"]
    assert set(parts["signal"]) | set(parts["against"]) == {"own", "placebo", "at_once"}


def test_bounds_follow_the_seed_alone() -> None:
    verdict = Verdict(bootstrap_reps=50)
    one, same, other = (
        summarise_savings(timed(), verdict=verdict, seed=seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(other)
    assert one["value_bps"].equals(other["value_bps"])
