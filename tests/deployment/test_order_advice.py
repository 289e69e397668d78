"""Advice on orders: the rule, its dates and every refusal, by hand."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nse_lstm.data.trading_days import WEEKDAYS
from nse_lstm.deployment.order_advice import (
    AdviceBasis,
    Order,
    advise_orders,
    read_orders,
    standing_orders,
)
from nse_lstm.errors import ArtefactError, DataError

# A Friday; the next session is Monday 8 January.
ORIGIN, FIRST = date(2024, 1, 5), date(2024, 1, 8)
SAVINGS = pd.DataFrame(
    {
        "signal": "own",
        "against": "at_once",
        "part": "all",
        "wait": [1, 5, 10, 1, 5, 10],
        "side": ["buy"] * 3 + ["sell"] * 3,
        "value_bps": [1.0, 5.0, 10.0, 2.0, 6.0, 12.0],
        "lower_bps": 0.5,
        "upper_bps": 20.0,
        "sd_bps": 300.0,
    }
)


def basis(**changes: Any) -> AdviceBasis:
    given = {"forecasts": {}, "savings": SAVINGS, "model": "own", "origin": ORIGIN}
    given |= {"calendar": WEEKDAYS, "listed": {"AAA"}, **changes}
    return AdviceBasis(**given)


def advice(side: str, y_hat: float | None, latest: date) -> "pd.Series[float]":
    order = Order(line=2, side=side, ticker="AAA", shares=100, latest=latest)
    forecasts = {} if y_hat is None else {"AAA": y_hat}
    return advise_orders([order], basis(forecasts=forecasts)).iloc[0]


@pytest.mark.parametrize(
    ("side", "y_hat", "waits"),
    [
        ("buy", -0.001, True),
        ("buy", 0.0, False),
        ("buy", 0.001, False),
        ("sell", 0.001, True),
        ("sell", 0.0, False),
        ("sell", -0.001, False),
    ],
)
def test_an_order_waits_against_its_forecast(
    side: str, y_hat: float, waits: bool
) -> None:
    row = advice(side, y_hat, date(2024, 3, 1))
    assert row["advice"] == ("wait" if waits else "send now")
    assert row["forecast_bps"] == pytest.approx(1e4 * y_hat)
    expected = {"buy": 10.0, "sell": 12.0}[side] if waits else 0.0
    assert row["saving_bps"] == expected
    # Ten weekdays after Monday 8 January.
    assert row["until"] == ("2024-01-22" if waits else "2024-01-08")


def test_a_shorter_wait_has_its_own_saving() -> None:
    # Six weekdays after the 8th: the longest measured wait below is five sessions.
    row = advice("buy", -0.001, date(2024, 1, 16))
    assert (row["advice"], row["until"]) == ("wait", "2024-01-16")
    assert row["saving_bps"] == 5.0
    assert "waits up to 5 sessions" in row["why"]


def test_an_order_for_the_next_session_cannot_wait() -> None:
    row = advice("buy", -0.001, FIRST)
    assert (row["advice"], row["saving_bps"]) == ("send now", 0.0)
    assert "latest session is the next one" in row["why"]


def test_without_a_forecast_nothing_is_promised() -> None:
    row = advice("sell", None, date(2024, 3, 1))
    assert row["advice"] == "send now" and "no forecast" in row["why"]
    assert row[["forecast_bps", "saving_bps"]].isna().all()


def test_an_order_of_a_suspended_stock_is_told_apart() -> None:
    order = Order(2, "buy", "AAA", 100, date(2024, 3, 1))
    known = basis(forecasts={"AAA": -0.01}, suspended={"AAA"})
    (row,) = advise_orders([order], known).to_dict("records")
    assert row["advice"] == "send now"
    assert "suspended" in row["why"]
    assert pd.isna(row["saving_bps"])


def test_without_measured_savings_there_is_no_advice() -> None:
    with pytest.raises(ArtefactError, match="Received: none"):
        advise_orders([], basis(model="other"))


def read(folder: Path, text: str) -> list[Order]:
    path = folder / "orders.csv"
    path.write_text(text)
    return read_orders(path, basis())


def test_orders_are_read_with_their_lines(tmp_path: Path) -> None:
    text = "side,ticker,shares,latest\nbuy,AAA,100,2024-01-08\nsell, AAA,5,2024-01-31\n"
    assert read(tmp_path, text) == [
        Order(2, "buy", "AAA", 100, FIRST),
        Order(3, "sell", "AAA", 5, date(2024, 1, 31)),
    ]


def test_every_bad_cell_is_named(tmp_path: Path) -> None:
    text = (
        "side,ticker,shares,latest\n"
        "hold,AAA,100,2024-01-31\n"
        "buy,ZZZ,-5,2024-01-31\n"
        "sell,AAA,1.5,2024-01-06\n"
        "buy,AAA,5,soon\n"
        "buy,AAA,5,2024-01-04,more\n"
    )
    with pytest.raises(DataError) as error:
        read(tmp_path, text)
    lines = str(error.value).splitlines()
    found = [line.split(", ", 1)[1] for line in lines]
    day = "a trading day as 2024-01-08, not before it"
    assert found == [
        "line 2, side: expected buy or sell. Received: 'hold'",
        "line 3, ticker: expected a code of an ordinary share that is listed now. "
        "Received: 'ZZZ'",
        "line 3, shares: expected a whole number above 0. Received: '-5'",
        "line 4, shares: expected a whole number above 0. Received: '1.5'",
        f"line 4, latest: expected {day}. Received: '2024-01-06'",
        f"line 5, latest: expected {day}. Received: 'soon'",
        f"line 6, latest: expected {day}. Received: '2024-01-04'",
        "line 6, row: expected 4 cells. Received: 'more'",
    ]
    assert all(line.startswith(str(tmp_path / "orders.csv")) for line in lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Received: none"),
        ("side,ticker,shares\nbuy,AAA,1\n", "Expected the columns side, ticker"),
        ("side,ticker,shares,latest\n", "Expected at least one order"),
    ],
)
def test_a_file_without_orders_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a readable CSV file"):
        read_orders(tmp_path / "none.csv", basis())


def test_every_stock_has_a_buyer_and_a_seller_that_may_wait_ten_sessions() -> None:
    known = basis(forecasts={"BBB": 0.01, "AAA": -0.01})
    orders = standing_orders(known)
    assert [(each.ticker, each.side) for each in orders] == [
        *(("AAA", "buy"), ("AAA", "sell"), ("BBB", "buy"), ("BBB", "sell")),
    ]
    # Ten weekdays after Monday 8 January.
    assert {each.latest for each in orders} == {date(2024, 1, 22)}
    said = advise_orders(orders, known)["advice"].tolist()
    assert said == ["wait", "send now", "send now", "wait"]
