"""Whatever comes in: an answer in time, none of the 500s, nothing of the inside."""

import os
import random
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from support.service_parts import TOKEN, Service, make_source, running

from nse_lstm.deployment.service.limits import Limits

QUICK = Limits(head_seconds=0.4, body_seconds=0.4, body_bytes=4096, concurrent=4)
INSIDE = re.compile(
    rb"Traceback|/work|/tmp|/home|site-packages|nse_lstm|\.py\b|pydantic"
)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return make_source(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def quick(source):
    with running(source, limits=QUICK) as service:
        yield service


def exchange(port: int, sent: bytes, *, wait: float = 10.0) -> bytes:
    """Send bytes and read until the other side closes; a reset is an end too."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), wait) as connection:
        try:
            connection.sendall(sent)
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionError:
            pass
    return received


def request(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def status_of(answer: bytes) -> int:
    """Return the status of an answer, 0 without one; "100 Continue" is none yet."""
    if answer.startswith(b"HTTP/1.1 100 "):
        answer = answer.partition(b"\r\n\r\n")[2]
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS to a plain port
        (b"no HTTP at all\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 404),
        (request("GET", "/health", "Bad Header: 1"), 400),
        (request("GET", "/health", "X: " + "a" * 20_000), 431),
        (request("GET", "/" + "a" * 20_000), 431),
        (request("GET", "/health?" + "a=b&" * 5_000), 431),
        (request("GET", "/health", "Content-Length: -1"), 400),
        (request("GET", "/health", "Content-Length: 1", "Content-Length: 2"), 400),
        (request("POST", "/forecasts", "Content-Length: 9999", body=b"x" * 9999), 413),
        (request("POST", "/forecasts", "Content-Length: 10", body=b"x"), 408),
        (
            request(
                "POST", "/forecasts", "Transfer-Encoding: chunked", body=b"zz\r\nx\r\n"
            ),
            400,
        ),
        (request("GET", "/%00%ff%c0%ae"), 404),
        (request("TRACE", "/health"), 405),
        (b"GET /health HTTP/1.1\r\nHost: x\r\n", 0),  # no end of the head
    ],
)
def test_raw_bytes_get_an_answer_or_an_end_in_time(quick: Service, sent, status):
    start = time.monotonic()
    answer = exchange(quick.port, sent)
    assert time.monotonic() - start < 5
    assert status_of(answer) == status
    assert not INSIDE.search(answer)
    assert quick.client.get("/health").status_code == 200


def test_a_head_without_end_is_cut_off(quick: Service):
    answer = exchange(quick.port, request("GET", "/health", "X: " + "a" * 9_000_000))
    # The refusal is lost if the rest of the head is still on its way.
    assert status_of(answer) in (0, 400)
    assert quick.client.get("/health").status_code == 200


def test_a_head_that_trickles_in_is_cut_off(quick: Service):
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", quick.port), 10) as connection:
        with pytest.raises(ConnectionError):
            for byte in b"GET /health HTTP/1.1\r\nX: " + b"a" * 1000:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
    assert 0.3 < time.monotonic() - start < 3


def test_the_second_head_of_a_connection_may_not_trickle_either(quick: Service):
    with socket.create_connection(("127.0.0.1", quick.port), 10) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status_of(connection.recv(65536)) == 200
        with pytest.raises(ConnectionError):
            for byte in b"GET /health HTTP/1.1\r\nX: " + b"a" * 1000:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)


def test_more_at_once_than_the_limit_are_told_to_wait(quick: Service):
    slow = request("POST", "/forecasts", "Content-Length: 10", body=b"x")
    with ThreadPoolExecutor(12) as pool:
        statuses = Counter(
            pool.map(lambda _: status_of(exchange(quick.port, slow)), range(12))
        )
    # Four wait for the rest of their body in vain, the others are not let in.
    assert statuses == {408: 4, 429: 8}
    assert quick.client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/forecasts/BBB?dat=2020-02-03", "query.dat: unknown; this address has date"),
        ("/forecasts/BBB?date=2020-02-03&date=2020-02-04", "once, received 2 times"),
        ("/history?limit=2&limit=2", "query.limit: expected once"),
        ("/history?tickers=BBB", "this address has limit, ticker"),
        ("/health?verbose=1", "this address has no parameters"),
        ("/champions?Ticker=BBB", "query.Ticker: unknown"),
    ],
)
def test_a_parameter_that_is_unknown_or_repeated_is_refused(quick, target, told):
    answer = quick.client.get(target)
    assert answer.status_code == 422 and told in answer.json()["error"]


@pytest.mark.parametrize(
    "target", ["/health", "/forecasts/BBB", "/forecasts/ZZZ", "/nowhere"]
)
def test_head_has_the_head_of_get(quick, target):
    head, got = quick.client.head(target), quick.client.get(target)
    assert head.status_code == got.status_code and head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]
    assert len(got.content) == int(got.headers["content-length"])


def test_head_changes_nothing_where_there_is_no_get(quick):
    assert quick.client.head("/promotions").status_code == 405


def test_a_flood_of_idle_connections_logs_one_line_and_ends(source, capfd):
    limits = Limits(head_seconds=2.0, connections=20)
    with running(source, limits=limits) as service, ExitStack() as open_ones:
        for _ in range(80):
            each = socket.create_connection(("127.0.0.1", service.port), 5)
            open_ones.enter_context(each)
        assert exchange(service.port, request("GET", "/health")) == b""
        assert capfd.readouterr().err.count("20 connections: closing new ones") == 1
        give_up = time.monotonic() + 10
        while status_of(exchange(service.port, request("GET", "/health"))) != 200:
            assert time.monotonic() < give_up
            time.sleep(0.1)


@pytest.mark.slow
def test_nothing_that_its_own_description_provokes_breaks_the_service(source, tmp_path):
    with running(source) as service:
        done = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("schemathesis")), "run"),
                f"http://127.0.0.1:{service.port}/openapi.json",
                *("--checks", "all", "--max-examples", "40", "--seed", "1"),
                *("--header", f"Authorization: Bearer {TOKEN}", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert service.client.get("/forecasts/BBB").status_code == 200
    assert done.returncode == 0, done.stdout
    n_made, n_passed = re.search(r"(\d+) generated, (\d+) passed", done.stdout).groups()
    assert n_made == n_passed and int(n_made) > 200
    assert "7 selected / 7 total" in done.stdout


def malformed(draw: random.Random) -> bytes:
    """Make one request that is wrong in one way or another."""
    odd = ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "get", "", "\x00"]
    method = draw.choice([*["GET"] * 7, *["POST"] * 14, *odd])
    noise = junk(draw, 1, 40)
    # Most noise shall pass the parser and reach the addresses behind it.
    target = draw.choice(TARGETS).replace(
        "*", draw.choice([quote(noise)] * 6 + [noise])
    )
    body = draw.choice(BODIES)(draw)
    headers = [f"Content-Length: {draw.choice([len(body)] * 6 + [0, len(body) + 5])}"]
    if draw.random() < 0.8:
        headers.append("Content-Type: application/json")
    if draw.random() < 0.3:
        headers.append(
            f"Authorization: Bearer {draw.choice([TOKEN, quote(junk(draw, 0, 9))])}"
        )
    if draw.random() < 0.05:
        headers.append(f"{junk(draw, 1, 9)}: {junk(draw, 0, 60)}")
    if draw.random() < 0.15:
        headers.append(draw.choice(HEADERS))
    whole = request(method, target, *headers, body=body)
    if draw.random() < 0.1:
        place = draw.randrange(len(whole))
        whole = whole[:place] + os.urandom(draw.randrange(1, 9)) + whole[place + 1 :]
    return whole


def junk(draw: random.Random, least: int, most: int) -> str:
    signs = "aB9/.%\\'\"<>{}[];$`|&^~\x00\x1f\x7f\xff \t\r\n-_=+,:?#@!()*"
    return "".join(draw.choice(signs) for _ in range(draw.randint(least, most)))


TARGETS = [
    *("/forecasts/*", "/forecasts/BBB?date=*", "/forecasts/BBB?stage=*", "*", "/*"),
    *(
        "/forecasts",
        "/promotions",
        "/rollbacks",
        "/history?limit=*",
        "/history?ticker=*",
    ),
    *("/champions?*", "/health/*", "/../../etc/passwd", "/forecasts/..%2f..%2fetc"),
    *("/openapi.json", "/forecasts/%5eN20I", "http://elsewhere/health", "//health"),
    *("/forecasts/BBB?date=2020-03-27&date=*", "/forecasts/BBB?*=2020-03-27"),
    *("/history?limit=1&limit=*", "/health?*", "/forecasts/BBB#*", "/forecasts/BBB/*"),
]
HEADERS = [
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked"),
    *("Expect: 100-continue", "Range: bytes=0-1,-1", "Content-Encoding: gzip"),
    *("Host: y", "Content-Length: 00", "Connection: upgrade\r\nUpgrade: websocket"),
    *("If-None-Match: *", "X-Forwarded-For: ::1", "Authorization: Basic eDp5"),
]
BODIES = [
    lambda draw: b"",
    lambda draw: os.urandom(draw.randrange(200)),
    lambda draw: b"[" * draw.randrange(1, 50_000),
    lambda draw: b'{"forecasts": [' + b'{"ticker": "BBB", "date": "2020-03-27"},' * 9,
    lambda draw: (
        b'{"forecasts": [{"ticker": "BBB", "date": %d}]}' % draw.getrandbits(70)
    ),
    lambda draw: b'{"forecasts": [{"ticker": "\\ud800", "date": "2020-03-27"}]}',
    lambda draw: b'{"forecasts": [' + b"9" * draw.randrange(1, 9000) + b"]}",
    lambda draw: (
        b'{"forecasts": [{"ticker": "BBB", "date": "%b"}]}'
        % junk(draw, 1, 12).encode("latin-1")
    ),
    lambda draw: b'{"forecasts": NaN, "a": Infinity, "": 1e999}',
    lambda draw: (
        b'{"ticker":"BBB","stage":"champion","version":"%b","why":"%b"}'
        % (junk(draw, 1, 70).encode("latin-1"), junk(draw, 1, 70).encode("latin-1"))
    ),
]


def attack(port: int, n: int, *, seed: int) -> tuple[Counter[int], float]:
    """Send malformed requests from eight connections; count the answers."""
    draw = random.Random(seed)
    sent = [malformed(draw) for _ in range(n)]

    def one(raw: bytes) -> tuple[int, bool, float]:
        start = time.monotonic()
        answer = exchange(port, raw, wait=30)
        leaks = bool(INSIDE.search(answer))
        return status_of(answer), leaks, time.monotonic() - start

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, sent))
    assert not any(leaks for _, leaks, _ in answers)
    return Counter(status for status, _, _ in answers), max(t for *_, t in answers)


def check_attack(source, n: int) -> None:
    log = (source.paths.registry / "log.jsonl").read_bytes()
    with running(source, limits=Limits(head_seconds=1, body_seconds=1)) as service:
        statuses, slowest = attack(service.port, n, seed=1)
        assert service.client.get("/forecasts/BBB").status_code == 200
    print(f"{n} requests: {dict(sorted(statuses.items()))}, slowest {slowest:.1f} s")
    assert max(statuses) < 500
    assert slowest < 20
    assert (source.paths.registry / "log.jsonl").read_bytes() == log


@pytest.mark.slow
def test_hundreds_of_malformed_requests_break_nothing(source):
    check_attack(source, 500)


@pytest.mark.exhaustive
def test_ten_thousand_malformed_requests_break_nothing(source):
    check_attack(source, 10_000)
