"""Who may change what, and what a change does to requests that are under way."""

import asyncio
import json
import threading
import time
from dataclasses import replace

import httpx
import numpy as np
import pandas as pd
import pytest
from support.service_parts import (
    TOKEN,
    VERSIONS,
    make_source,
    promote_network,
    running,
)
from support.stored_network import leave_network

from nse_lstm.deployment.registry import history, read_registry
from nse_lstm.deployment.service.app import make_app
from nse_lstm.deployment.store import append_forecasts, open_store
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.tables import STORED_FORECASTS, TIME

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
GIVEN = {"ticker": "BBB", "stage": "champion", "why": "a test"}


@pytest.fixture
def service(source):
    promote_network(source, 2, stage="candidate")
    promote_network(source, 1)
    with running(source) as service:
        yield service


@pytest.fixture
def client(service):
    return service.client


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """One service for all the tests that shall change nothing."""
    source = make_source(tmp_path_factory.mktemp("settled"))
    promote_network(source, 2, stage="candidate")
    promote_network(source, 1)
    log = source.paths.registry / "log.jsonl"
    before = log.read_bytes()
    with running(source) as service:
        yield service.client
    assert log.read_bytes() == before


def test_a_promotion_with_the_token_changes_the_champion_at_once(client, source):
    before = client.get("/forecasts/BBB").json()
    answer = client.post(
        "/promotions", json={**GIVEN, "version": VERSIONS[2]}, headers=HEADERS
    )
    assert answer.status_code == 200
    after = client.get("/forecasts/BBB").json()
    assert (before["version"], after["version"]) == (VERSIONS[1], VERSIONS[2])
    assert before["price_hat"] != after["price_hat"]
    assert after["snapshot"] == answer.json()["snapshot"] != before["snapshot"]
    entry = read_registry(source.paths.registry)["BBB"]["champion"]
    assert (entry.version, entry.why) == (VERSIONS[2], "a test")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": TOKEN},
        {"Authorization": b"Bearer \xff\xfe"},
    ],
)
def test_without_the_token_nothing_changes(settled, headers):
    given = {**GIVEN, "version": VERSIONS[2]}
    answer = settled.post("/promotions", json=given, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"error": "A token is needed"})
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "])
def test_the_scheme_may_have_any_case(settled, scheme):
    headers = {"Authorization": f"{scheme} {TOKEN}"}
    given = {**GIVEN, "version": "9" * 64}
    answer = settled.post("/promotions", json=given, headers=headers)
    assert answer.status_code == 404


@pytest.mark.parametrize("token", ["short", "é" * 40, "a" * 30 + "\n"])
def test_a_token_that_could_be_guessed_is_refused_at_the_start(source, token):
    with pytest.raises(ConfigurationError, match="NSE_LSTM_TOKEN") as refused:
        make_app(source, token=token)
    assert token not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"version": "3" * 64}, 404),
        ({"version": VERSIONS[2], "ticker": "AAA"}, 404),
        ({"version": "../../etc/passwd"}, 422),
        ({"version": VERSIONS[2], "ticker": "../BBB"}, 422),
        ({"version": VERSIONS[2], "bundle": "v2/BBB_2"}, 422),
        ({"version": VERSIONS[2], "why": " "}, 422),
        ({"version": VERSIONS[2], "stage": "retired"}, 422),
    ],
)
def test_only_what_the_log_knows_can_be_promoted(settled, changes, status):
    answer = settled.post("/promotions", json={**GIVEN, **changes}, headers=HEADERS)
    assert answer.status_code == status and set(answer.json()) == {"error"}


def kept(source, number):
    """Return the registry's own copy of a network."""
    log = history(source.paths.registry)
    bundle = log.loc[log["version"] == VERSIONS[number], "bundle"].iloc[-1]
    return source.paths.models / bundle / "model.keras"


def test_a_roll_back_brings_the_champion_before(client, source):
    given = {**GIVEN, "version": VERSIONS[2]}
    assert client.post("/promotions", json=given, headers=HEADERS).status_code == 200
    undo = {"ticker": "BBB", "why": "it was worse"}
    assert client.post("/rollbacks", json=undo).status_code == 401
    answer = client.post("/rollbacks", json=undo, headers=HEADERS)
    assert answer.json()["version"] == VERSIONS[1]
    assert client.get("/forecasts/BBB").json()["version"] == VERSIONS[1]
    lines = client.get("/history", params={"limit": 2}).json()
    assert [line["way"] for line in lines] == ["rollback", "override"]
    nothing = client.post("/rollbacks", json={**undo, "ticker": "CCC"}, headers=HEADERS)
    assert nothing.status_code == 404


def test_who_comes_second_is_told(client):
    given = {**GIVEN, "replaces": VERSIONS[1]}
    for version, status in ((VERSIONS[2], 200), ("persistence", 409)):
        body = {**given, "version": version}
        answer = client.post("/promotions", json=body, headers=HEADERS)
        assert answer.status_code == status


def test_a_tampered_model_is_not_promoted_and_nobody_is_told_where_it_lies(
    client, source
):
    path = kept(source, 2)
    path.write_bytes(path.read_bytes() + b" ")
    given = {**GIVEN, "version": VERSIONS[2]}
    answer = client.post("/promotions", json=given, headers=HEADERS)
    assert answer.status_code == 409 and "/" not in answer.json()["error"]
    assert client.get("/forecasts/BBB").json()["version"] == VERSIONS[1]


def test_a_service_does_not_start_on_a_tampered_model(source):
    path = kept(source, 1)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ArtefactError, match="unchanged"):
        make_app(source)


def test_a_registry_changed_by_hand_leaves_the_last_checked_state(service, source):
    holder, client = service.holder, service.client
    state = source.paths.registry / "registry.json"
    whole = state.read_text()
    promote_network(source, 2)
    promoted = state.read_text()
    state.write_text(whole)
    holder.refresh()
    assert client.get("/health").json()["status"] == "stale"
    assert client.get("/forecasts/BBB").json()["version"] == VERSIONS[1]
    state.write_text(promoted)
    holder.refresh()
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/forecasts/BBB").json()["version"] == VERSIONS[2]


def test_a_promotion_by_another_process_is_followed(client, source):
    promote_network(source, 2)
    deadline = time.monotonic() + 10
    while client.get("/forecasts/BBB").json()["version"] != VERSIONS[2]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_no_request_is_lost_or_mixed_while_champions_change(source):
    promote_network(source, 2, stage="candidate")
    promote_network(source, 1)
    last = "2020-03-27"
    batch = {"forecasts": [{"ticker": "BBB", "date": last}] * 5}
    answers: list[tuple[int, bytes]] = []
    stop = threading.Event()

    async def ask(client: httpx.AsyncClient, number: int) -> None:
        while not stop.is_set():
            if number % 2:
                answer = await client.get("/forecasts/BBB")
            else:
                answer = await client.post("/forecasts", json=batch)
            answers.append((answer.status_code, answer.content))

    async def load(port: int) -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            tasks = [asyncio.create_task(ask(client, n)) for n in range(8)]
            for turn in range(10):
                await asyncio.sleep(0.2)
                given = {**GIVEN, "version": VERSIONS[1 + (turn + 1) % 2]}
                done = await client.post("/promotions", json=given, headers=HEADERS)
                assert done.status_code == 200
            stop.set()
            await asyncio.gather(*tasks)

    with running(source) as service:
        asyncio.run(load(service.port))
    assert len(answers) > 200 and {status for status, _ in answers} == {200}
    price_of: dict[str, set[float]] = {}
    version_of: dict[str, set[str]] = {}
    for _, content in answers:
        found = json.loads(content)
        rows = found.get("forecasts", [found])
        for row in rows:
            assert row["snapshot"] == found["snapshot"]
            price_of.setdefault(row["version"], set()).add(row["price_hat"])
            version_of.setdefault(row["snapshot"], set()).add(row["version"])
    # Both champions answered; each snapshot is of one, each champion has one price.
    assert price_of.keys() == {VERSIONS[1], VERSIONS[2]}
    assert {len(each) for each in (*price_of.values(), *version_of.values())} == {1}


def stored(row):
    """Return the rows that scoring would store of an answer."""
    given = {
        **row,
        **{"delay": 0, "lower": -0.01, "upper": np.inf, "flags": "stale_panel"},
        "data_digest": "d" * 64,
    }
    table = pd.DataFrame([given])[list(STORED_FORECASTS.columns)]
    return table.astype({"origin": TIME, "target_date": TIME})


def test_stored_intervals_show_once_they_are_in_the_store(source, tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'forecasts.sqlite'}")
    with running(replace(source, store=store)) as service:
        before = service.client.get("/forecasts/BBB").json()
        assert (before["lower"], before["flags"]) == (None, "")
        append_forecasts(store, stored(before))
        service.holder.refresh()
        after = service.client.get("/forecasts/BBB").json()
    store.dispose()
    # What is infinite has no number in JSON.
    bounds = {"lower": -0.01, "upper": None}
    values = {name: before[name] for name in ("price_hat", "y_hat")}
    first = {"revision": 0, "reason": "", **values, **bounds}
    bands = {**bounds, "flags": "stale_panel", "stored": [first]}
    assert after == {**before, **bands, "snapshot": after["snapshot"]}
    assert after["snapshot"] != before["snapshot"]


def test_a_model_forecasts_nothing_before_the_end_of_its_own_training(tmp_path):
    source = make_source(tmp_path)
    folder = source.paths.models / "v2/BBB_3"
    sessions = pd.bdate_range("2020-01-06", periods=60)
    span = {"validation": {"last_target": str(sessions[40].date())}}
    leave_network(folder, ticker="BBB", version=VERSIONS[3], **span)
    promote_network(source, 3)
    with running(source) as service:
        answers = [
            service.client.get("/forecasts/BBB", params={"date": str(day.date())})
            for day in sessions[39:42]
        ]
    assert [answer.status_code for answer in answers] == [409, 200, 200]
    assert "fitted on sessions after" in answers[0].json()["error"]
