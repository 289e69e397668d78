"""A few places for the highest forecasts: trades and returns by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import Backtest
from nse_lstm.errors import TableError
from nse_lstm.evaluation.backtest import TradabilityCalendar
from nse_lstm.evaluation.top_n_portfolio import hold_top_n

SESSIONS = pd.date_range("2022-03-01", periods=5)
# A gate of 2 x 0.5 % = 1 %, and no interest.
BACKTEST = Backtest(cost_bps=(50,), headline_cost_bps=50, cash_rate=0.0)


def calendar(*moves: float) -> TradabilityCalendar:
    origin = pd.Series(SESSIONS).shift(1).to_numpy()
    fills = np.ones(len(SESSIONS), bool)
    return TradabilityCalendar(
        SESSIONS.to_numpy(), origin, np.array(moves), fills, fills
    )


BOARDS = {
    "AAA": calendar(0.0, 0.1, 0.1, 0.1, 0.1),
    "BBB": calendar(0.0, 0.0, 0.2, 0.2, 0.2),
    "CCC": calendar(0.0, 0.0, 0.0, 0.4, 0.4),
}


def forecasts(**y_hat: list[float]) -> pd.DataFrame:
    blocks = [
        pd.DataFrame({"ticker": name, "origin": SESSIONS[:4], "y_hat": values})
        for name, values in y_hat.items()
    ]
    return pd.concat(blocks, ignore_index=True)


def hold(
    table: pd.DataFrame, n_names: int = 2, **changes: TradabilityCalendar
) -> pd.DataFrame:
    return hold_top_n(
        table, {**BOARDS, **changes}, n_names=n_names, backtest=BACKTEST, cost_bps=50
    )


UP = [0.05, 0.05, 0.05, 0.05]
TABLE = forecasts(AAA=UP, BBB=[0.02, 0.02, -0.01, 0.0], CCC=[0.015, 0.015, 0.015, 0.0])


def test_the_highest_are_bought_and_what_a_sale_frees_buys_the_next() -> None:
    # Session 1 buys AAA and BBB; session 3 sells BBB and buys CCC; on 4 nothing.
    account = hold(TABLE)
    assert account["position"].tolist() == [0, 0, 1, 1, 1]
    assert account["turnover"].tolist() == [0, 1, 0, 1, 0]
    gross = [0, 0, (0.1 + 0.2) / 2, (0.1 + 0.2) / 2, (0.1 + 0.4) / 2]
    assert account["gross_return"].tolist() == pytest.approx(gross)
    assert account["net_return"].iloc[3] == pytest.approx(1.15 * (1 - 0.005) - 1)
    assert account["net_return"].iloc[2] == pytest.approx(0.15)


def test_below_the_gate_nothing_is_bought() -> None:
    # exp(0.0099) - 1 = 0.99 %, below the gate; 0.00996 is 1.001 %, above it.
    assert not hold(forecasts(AAA=[0.0099] * 4))["position"].any()
    assert hold(forecasts(AAA=[0.00996] * 4))["position"].any()


def test_an_order_that_lapses_leaves_its_place_to_the_next() -> None:
    closed = replace(BOARDS["AAA"], buy_fills=np.zeros(5, bool))
    account = hold(TABLE, n_names=1, AAA=closed)
    # BBB in its place; sold by session 3, when CCC follows.
    assert account["gross_return"].tolist() == pytest.approx([0, 0, 0.2, 0.2, 0.4])


def test_what_is_no_longer_forecast_is_sold_and_a_stale_evening_decides_nothing() -> (
    None
):
    gone = TABLE[(TABLE["ticker"] == "AAA") & (TABLE["origin"] < SESSIONS[2])]
    assert hold(gone)["turnover"].tolist() == [0, 0.5, 0, 0.5, 0]
    stale = {name: each.origin.copy() for name, each in BOARDS.items()}
    for origin in stale.values():
        origin[3] = np.datetime64("NaT")
    later = {name: replace(BOARDS[name], origin=stale[name]) for name in BOARDS}
    assert hold(gone, **later)["turnover"].tolist() == [0, 0.5, 0, 0, 0.5]


def test_a_later_forecast_moves_no_earlier_deal() -> None:
    other = TABLE.assign(y_hat=TABLE["y_hat"].mask(TABLE["origin"] >= SESSIONS[2], 9.0))
    one, two = hold(TABLE), hold(other)
    pd.testing.assert_frame_equal(one[:3], two[:3])
    assert not one.equals(two)


def test_a_share_without_a_calendar_is_an_error() -> None:
    with pytest.raises(TableError, match="1 stocks without a calendar"):
        hold(forecasts(ZZZ=UP))
