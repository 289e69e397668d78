"""A forecast is served with what scoring stored: its interval, flags and quantiles."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.service_parts import TOKEN, VERSIONS, promote_network, running

from nse_lstm.deployment.corrections import append_corrections
from nse_lstm.deployment.registry_files import LATEST_QUANTILES
from nse_lstm.deployment.service.snapshot import Source
from nse_lstm.deployment.serving import score_latest
from nse_lstm.deployment.store import append_forecasts, open_store, read_forecasts
from nse_lstm.tables import (
    NEXT_QUANTILES,
    QUANTILE_COLUMNS,
    QUANTILE_LEVELS,
    write_table,
)

FLAGS = "outside_range,beyond_limit,flat"


@pytest.fixture
def stored(source: Source, panel: pd.DataFrame, tmp_path) -> Iterator[Source]:
    """The source with a store of its last forecasts, which scoring flagged."""
    rows, _ = score_latest(panel, study=source.study, paths=source.paths)
    store = open_store(f"sqlite:///{tmp_path / 'forecasts.sqlite'}")
    network = rows["model"] == "v2"
    rows = rows.assign(flags=np.where(network, FLAGS, ""), lower=-0.25, upper=0.5)
    append_forecasts(store, rows)
    yield replace(source, store=store)
    store.dispose()


def quantiles_of(origin: pd.Timestamp, *, middle: float = 0.0) -> pd.DataFrame:
    """Distributions of BBB's first network: normal-looking, wider with the horizon."""
    steps = np.linspace(-1, 1, len(QUANTILE_LEVELS))
    return pd.DataFrame(
        [
            {
                "ticker": "BBB",
                "stage": "champion",
                "version": VERSIONS[1],
                "origin": origin,
                "target_date": origin + pd.offsets.BDay(horizon),
                "horizon": horizon,
                "last_price": 40.5,
                "unchanged": 0.25,
                **dict(zip(QUANTILE_COLUMNS, middle + steps * horizon, strict=True)),
            }
            for horizon in (10, 1, 5)
        ]
    )


def leave_quantiles(source: Source, table: pd.DataFrame) -> None:
    write_table(table, NEXT_QUANTILES, source.paths.registry / LATEST_QUANTILES)


def test_flags_and_interval_are_those_of_the_store(stored, panel):
    days = panel["session"].unique()
    with running(stored) as service:
        last = service.client.get("/forecasts/BBB").json()
        assert (last["lower"], last["upper"], last["flags"]) == (-0.25, 0.5, FLAGS)
        assert service.client.get("/forecasts/AAA").json()["flags"] == ""
        asked = [
            {"ticker": "BBB", "date": str(pd.Timestamp(day).date())}
            for day in days[-2:]
        ]
        batch = service.client.post("/forecasts", json={"forecasts": asked}).json()
    # Nothing was stored of the session before.
    assert [each["flags"] for each in batch["forecasts"]] == ["", FLAGS]


def test_quantiles_are_served_with_the_forecast_that_they_are_of(stored, panel):
    origin = panel["session"].max()
    table = quantiles_of(origin)
    leave_quantiles(stored, table)
    with running(stored) as service:
        got = service.client.get("/forecasts/BBB").json()["distribution"]
        before = str(pd.Timestamp(panel["session"].unique()[-2]).date())
        for address in ("/forecasts/AAA", "/forecasts/BBB?stage=challenger"):
            assert service.client.get(address).json()["distribution"] == []
        earlier = service.client.get("/forecasts/BBB", params={"date": before}).json()
        assert earlier["distribution"] == []
        asked = {"forecasts": [{"ticker": "BBB", "date": str(origin.date())}]}
        batch = service.client.post("/forecasts", json=asked).json()
    assert batch["forecasts"][0]["distribution"] == got
    assert [each["horizon"] for each in got] == [1, 5, 10]
    rows = table.set_index("horizon")
    for each in got:
        row = rows.loc[each["horizon"]]
        assert each["target_date"] == str(row["target_date"].date())
        assert (each["last_price"], each["unchanged"]) == (40.5, 0.25)
        assert [float(level) for level in each["quantiles"]] == list(QUANTILE_LEVELS)
        assert list(each["quantiles"].values()) == row[list(QUANTILE_COLUMNS)].tolist()


def test_a_store_that_goes_away_leaves_the_last_state_and_one_line(
    stored, tmp_path, caplog
):
    file = tmp_path / "forecasts.sqlite"
    with running(stored) as service:
        before = service.client.get("/forecasts/BBB").json()
        stored.store.dispose()
        whole = file.read_bytes()
        file.write_bytes(b"no database" * 100)
        for _ in range(3):
            service.holder.refresh()
        assert service.client.get("/health").json()["status"] == "stale"
        assert service.client.get("/forecasts/BBB").json() == before
        change = {"ticker": "BBB", "why": "worse"}
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        promote_network(stored, 2)
        answer = service.client.post("/rollbacks", json=change, headers=bearer)
        assert answer.status_code == 503 and "not in service" in answer.json()["error"]
        stored.store.dispose()
        file.write_bytes(whole)
        service.holder.refresh()
        assert service.client.get("/health").json()["status"] == "ok"
        assert service.client.get("/forecasts/BBB").json()["lower"] == before["lower"]
    lines = [line for line in caplog.messages if "last valid state" in line]
    assert len(lines) == 1 and "forecasts.sqlite" in lines[0]


def test_another_model_has_no_part_in_them(stored, panel):
    leave_quantiles(stored, quantiles_of(panel["session"].max()))
    promote_network(stored, 2)
    with running(stored) as service:
        got = service.client.get("/forecasts/BBB").json()
    assert got["version"] == VERSIONS[2]
    assert (got["distribution"], got["flags"]) == ([], "")


def test_new_quantiles_are_a_new_state_and_broken_ones_are_not_served(stored, panel):
    origin = panel["session"].max()
    leave_quantiles(stored, quantiles_of(origin))
    with running(stored) as service:
        first = service.client.get("/forecasts/BBB").json()
        leave_quantiles(stored, quantiles_of(origin, middle=0.125))
        service.holder.refresh()
        second = service.client.get("/forecasts/BBB").json()
        assert second["snapshot"] != first["snapshot"]
        assert second["distribution"][0]["quantiles"]["0.5"] == 0.125
        path = stored.paths.registry / LATEST_QUANTILES
        path.write_bytes(path.read_bytes()[:100])
        service.holder.refresh()
        assert service.client.get("/health").json()["status"] == "stale"
        assert service.client.get("/forecasts/BBB").json() == second


def test_a_correction_stands_beside_what_was_first_stored(stored: Source) -> None:
    assert stored.store is not None
    with running(stored) as service:
        before = service.client.get("/forecasts/BBB").json()
        rows = read_forecasts(stored.store).query("model == 'v2'")
        late = rows.assign(price_hat=rows["price_hat"] + 1, lower=-0.5)
        append_corrections(stored.store, late, reason="a late row")
        service.holder.refresh()
        after = service.client.get("/forecasts/BBB").json()
    (first,) = before["stored"]
    assert (first["revision"], first["reason"], first["lower"]) == (0, "", -0.25)
    assert after["stored"][0] == first
    corrected = after["stored"][1]
    assert (corrected["revision"], corrected["reason"]) == (1, "a late row")
    assert corrected["price_hat"] == first["price_hat"] + 1
    # The last values' bounds count; the forecast is that of the model in use.
    assert (after["lower"], after["upper"]) == (-0.5, 0.5)
    assert after["price_hat"] == before["price_hat"]
    assert after["snapshot"] != before["snapshot"]
