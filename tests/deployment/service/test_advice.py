"""Advice on orders over HTTP is that of ``advise_orders``."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from support.service_parts import running

from nse_lstm.data.trading_days import WEEKDAYS
from nse_lstm.deployment.order_advice import (
    LIMITS,
    AdviceBasis,
    Order,
    advise_orders,
)
from nse_lstm.deployment.service.snapshot import NO_ADVICE, Source
from nse_lstm.errors import ArtefactError

# A Friday.
BASIS = AdviceBasis(
    forecasts={"AAA": -0.002},
    savings=pd.DataFrame(
        {
            "signal": "own",
            "against": "at_once",
            "part": "all",
            "wait": [5, 10, 5, 10],
            "side": ["buy", "buy", "sell", "sell"],
            "value_bps": [5.0, 10.0, 6.0, 12.0],
            "lower_bps": 0.5,
            "upper_bps": 20.0,
            "sd_bps": 300.0,
        }
    ),
    model="own",
    origin=date(2024, 1, 5),
    calendar=WEEKDAYS,
    listed={"AAA", "BBB"},
)


def test_it_is_what_the_command_would_say(source: Source) -> None:
    with running(replace(source, read_advice=lambda _: BASIS)) as service:
        ask = service.client.get
        waits = ask("/advice/AAA", params={"side": "buy"}).json()
        at_once = ask("/advice/AAA", params={"side": "sell"}).json()
        until = {"side": "buy", "latest": "2024-01-16", "shares": 7}
        sooner = ask("/advice/AAA", params=until).json()
        unknown = ask("/advice/BBB", params={"side": "buy"}).json()
        health = ask("/health").json()
    order = Order(1, "buy", "AAA", 1, date(2024, 1, 22))
    (expected,) = advise_orders([order], BASIS).to_dict("records")
    del expected["line"]
    about = {"snapshot": health["snapshot"], "origin": "2024-01-05"}
    about |= {"holds_for": "2024-01-08", "limits": list(LIMITS)}
    assert waits == {**expected, **about}
    assert (waits["advice"], waits["saving_bps"]) == ("wait", 10.0)
    assert (at_once["advice"], at_once["lower_bps"]) == ("send now", None)
    assert (sooner["until"], sooner["saving_bps"]) == ("2024-01-16", 5.0)
    assert sooner["shares"] == 7
    assert (unknown["forecast_bps"], unknown["advice"]) == (None, "send now")


@pytest.mark.parametrize(
    ("path", "given", "code"),
    [
        ("/advice/ZZZ", {"side": "buy"}, 404),
        ("/advice/AAA", {"side": "hold"}, 422),
        ("/advice/AAA", {}, 422),
        ("/advice/AAA", {"side": "buy", "shares": 0}, 422),
        ("/advice/AAA", {"side": "buy", "latest": "2024-01-05"}, 422),
        ("/advice/AAA", {"side": "buy", "latest": "2024-01-13"}, 422),
    ],
)
def test_what_cannot_be_advised_on_is_refused(
    source: Source, path: str, given: dict[str, str], code: int
) -> None:
    with running(replace(source, read_advice=lambda _: BASIS)) as service:
        answer = service.client.get(path, params=given)
    assert answer.status_code == code and set(answer.json()) == {"error"}


def test_without_a_ranking_of_the_last_session_there_is_none(source: Source) -> None:
    def missing(panel: pd.DataFrame) -> AdviceBasis:
        raise ArtefactError("Expected a ranking. Received: none in /a/private/path")

    for read in (None, missing):
        with running(replace(source, read_advice=read)) as service:
            answer = service.client.get("/advice/AAA", params={"side": "buy"})
            # Forecasts are answered all the same.
            assert service.client.get("/forecasts/BBB").status_code == 200
        assert answer.status_code == 409
        assert answer.json() == {"error": NO_ADVICE}
