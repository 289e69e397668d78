"""What the service answers is what scoring computes, to the bit."""

import struct
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pandas as pd
import pytest
from support.service_parts import make_source, running

from nse_lstm.deployment.service.limits import Limits
from nse_lstm.deployment.service.snapshot import Source
from nse_lstm.deployment.serving import score_latest
from nse_lstm.paths import find_root


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return make_source(tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def client(source: Source) -> Iterator[httpx.Client]:
    with running(source, token="") as service:
        yield service.client


def scored(source: Source, panel: pd.DataFrame, day: pd.Timestamp) -> dict:
    """Return what scoring as of a session forecasts, by ticker and model."""
    rows, _ = score_latest(panel, study=source.study, paths=source.paths, as_of=day)
    return {(row["ticker"], row["model"]): row for row in rows.to_dict("records")}


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@pytest.mark.parametrize("place", [9, 10, 30, 39, 40, 41, 58, 59])
def test_a_forecast_is_to_the_bit_what_scoring_gives(client, source, panel, place):
    day = pd.Timestamp(panel["session"].unique()[place])
    expected = scored(source, panel, day)
    for ticker, stage, model in (
        ("AAA", "champion", "persistence"),
        ("BBB", "champion", "v2"),
        ("BBB", "challenger", "persistence"),
    ):
        given = {"date": str(day.date()), "stage": stage}
        found = client.get(f"/forecasts/{ticker}", params=given).json()
        row = expected[ticker, model]
        assert (found["ticker"], found["model"]) == (ticker, model)
        assert bits(found["price_hat"]) == bits(row["price_hat"])
        assert bits(found["y_hat"]) == bits(row["y_hat"])
        assert found["origin"] == str(row["origin"].date())
        assert found["target_date"] == str(row["target_date"].date())
        assert (found["lower"], found["upper"], found["flags"]) == (None, None, "")


def test_without_a_date_it_is_the_last_session(client, panel):
    last = str(panel["session"].max().date())
    assert client.get("/forecasts/BBB").json()["origin"] == last


def test_a_batch_gives_the_same_bytes_as_single_questions(client, panel):
    days = [str(pd.Timestamp(day).date()) for day in panel["session"].unique()[12:40:3]]
    asked = [{"ticker": t, "date": day} for day in days for t in ("BBB", "AAA")]
    answer = client.post("/forecasts", json={"forecasts": asked})
    singles = [
        client.get(f"/forecasts/{each['ticker']}", params={"date": each["date"]}).text
        for each in asked
    ]
    snapshot = answer.json()["snapshot"]
    whole = ", ".join(singles)
    assert answer.text == f'{{"snapshot": "{snapshot}", "forecasts": [{whole}]}}'


def test_a_batch_says_what_cannot_be_forecast_and_goes_on(client, panel):
    last = str(panel["session"].max().date())
    asked = [
        {"ticker": "NONE", "date": last},
        {"ticker": "BBB", "date": "2020-01-04"},  # a Saturday
        {"ticker": "BBB", "date": "2020-01-07"},  # the second session
        {"ticker": "AAA", "date": last},
    ]
    answer = client.post("/forecasts", json={"forecasts": asked}).json()
    assert [each.get("error") for each in answer["forecasts"]] == [
        "There is no champion of that ticker",
        "no row there, or too short a history",
        "no row there, or too short a history",
        None,
    ]


@pytest.mark.parametrize(
    ("address", "status", "error"),
    [
        ("/forecasts/NONE", 404, "There is no champion of that ticker"),
        ("/forecasts/AAA?stage=challenger", 404, "There is no challenger"),
        ("/forecasts/BBB?date=2020-01-07", 409, "too short a history"),
        ("/forecasts/BBB?date=0001-01-01", 409, "no row"),
        ("/forecasts/BBB?date=9999-12-31", 409, "no row"),
        ("/forecasts/BBB?date=1578268800", 422, "must be a date"),
        ("/forecasts/bbb", 422, "match pattern"),
        ("/forecasts/..%2F..%2Fetc", 404, "Not Found"),
        ("/forecasts/BBB?stage=retired", 422, "champion"),
        ("/history?limit=0", 422, "greater than or equal to 1"),
        ("/docs", 404, "Not Found"),
        ("/promotions", 404, "Not Found"),
    ],
)
def test_a_question_without_an_answer_is_told_why(client, address, status, error):
    answer = client.get(address)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert error in answer.json()["error"] and set(answer.json()) == {"error"}


def test_a_stale_origin_is_refused_with_the_reason(source, panel):
    row = panel.index[panel["ticker"] == "BBB"][-1]
    panel.loc[row, "stale"] = True
    stale = Source(source.study, source.paths, lambda: panel)
    with running(stale) as service:
        answer = service.client.get("/forecasts/BBB")
        assert (answer.status_code, answer.json()) == (409, {"error": "stale origin"})


def test_champions_and_history_are_the_registrys(client):
    standing = client.get("/champions").json()
    assert [(each["ticker"], each["stage"], each["model"]) for each in standing] == [
        ("AAA", "champion", "persistence"),
        ("BBB", "challenger", "persistence"),
        ("BBB", "champion", "v2"),
    ]
    lines = client.get("/history", params={"limit": 2}).json()
    assert [(line["seq"], line["ticker"]) for line in lines] == [(3, "BBB"), (2, "BBB")]
    own = client.get("/history", params={"ticker": "AAA"}).json()
    assert [line["seq"] for line in own] == [1]


def test_health_names_the_state_that_answers(client):
    health = client.get("/health").json()
    assert health["status"] == "ok" and health["n_models"] == 3
    assert health["snapshot"] == client.get("/forecasts/BBB").json()["snapshot"]


def test_neither_service_nor_scoring_brings_tensorflow(source):
    code = (
        "import sys\n"
        "def loaded(*names):\n"
        "    return {name.split('.')[0] for name in sys.modules} & set(names)\n"
        "import nse_lstm.study.deployment.service, nse_lstm.deployment.service.server\n"
        "assert not loaded('tensorflow', 'keras', 'sklearn', 'scipy', 'matplotlib')\n"
        "from pathlib import Path\n"
        "from nse_lstm.config import Market, Study\n"
        "from nse_lstm.deployment.serving import score_latest\n"
        "from nse_lstm.paths import Paths\n"
        "from nse_lstm.tables import PANEL, read_table\n"
        f"paths = Paths(root=Path({str(source.paths.root)!r}), market='tiny')\n"
        "panel = read_table(PANEL, paths.processed / 'panel.parquet')\n"
        "study = Study(market=Market(name='tiny', label='Tiny'))\n"
        "rows, _ = score_latest(panel, study=study, paths=paths)\n"
        "print(sorted(rows['model']), loaded('tensorflow', 'keras'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "['persistence', 'persistence', 'v2'] set()", (
        done.stderr
    )


def test_every_address_and_limit_is_in_the_documentation(source):
    text = (find_root() / "docs" / "service.md").read_text()
    with running(source) as service:
        described = service.client.get("/openapi.json").json()["paths"]
    assert set(described) >= {"/forecasts/{ticker}", "/promotions", "/rollbacks"}
    for path, methods in described.items():
        for method in methods:
            assert f"`{method.upper()} {path}`" in text
    limits = Limits()
    assert f"{limits.body_bytes // 1024} KiB" in text
    assert f"{limits.head_bytes // 1024} KiB" in text
    assert f"{limits.concurrent} requests" in text
    assert f"| answer | {limits.answer_seconds:.0f} s |" in text
