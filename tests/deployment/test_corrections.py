"""A correction stands beside the forecast that it corrects, and nothing is lost."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.deployment.backups import backup_store, restore_store
from nse_lstm.deployment.corrections import (
    append_corrections,
    describe_corrections,
    newest,
    read_corrections,
)
from nse_lstm.deployment.store import append_forecasts, open_store, read_forecasts
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.tables import STORED_FORECASTS, check


def make_rows(n_sessions: int = 2, price: float = 20.0) -> pd.DataFrame:
    origin = pd.bdate_range("2024-01-02", periods=n_sessions).as_unit("us")
    table = pd.DataFrame({"origin": origin}).assign(
        ticker="AAA",
        stage="champion",
        model="persistence",
        version="persistence",
        target_date=origin + pd.offsets.BusinessDay(1),
        delay=0,
        horizon=1,
        price_hat=price,
        y_hat=0.0,
        lower=-np.inf,
        upper=np.nan,
        data_digest="d" * 64,
        flags="",
    )
    return check(table[list(STORED_FORECASTS.columns)], STORED_FORECASTS)


@pytest.fixture
def store(store_url):
    engine = open_store(store_url)
    append_forecasts(engine, make_rows())
    yield engine
    engine.dispose()


def test_a_store_without_corrections_has_none(store):
    assert read_corrections(store).empty
    pd.testing.assert_frame_equal(
        newest(read_forecasts(store), read_corrections(store)), make_rows()
    )


def test_the_first_value_stays_and_the_newest_is_given(store):
    for price, reason in ((21.0, "misprint"), (22.0, "misprint again")):
        changed = make_rows(1, price).assign(data_digest="e" * 64)
        (row,) = append_corrections(store, changed, reason=reason).itertuples()
        assert (row.what, row.stored, row.now) == ("price_hat", price - 1, price)
    pd.testing.assert_frame_equal(read_forecasts(store), make_rows(), check_exact=True)
    there = read_corrections(store)
    columns = ["revision", "price_hat", "reason"]
    expected = [[1, 21.0, "misprint"], [2, 22.0, "misprint again"]]
    assert there[columns].to_numpy().tolist() == expected
    now = newest(read_forecasts(store), there)
    assert now["price_hat"].tolist() == [22.0, 20.0]
    assert now["data_digest"].tolist() == ["e" * 64, "d" * 64]
    assert np.isneginf(now["lower"]).all() and now["upper"].isna().all()
    assert describe_corrections(read_forecasts(store), there) == [
        "AAA champion 2024-01-02: price_hat was stored as 20.0, correction 1 is 21.0: "
        "misprint",
        "AAA champion 2024-01-02: price_hat was stored as 20.0, correction 2 is 22.0: "
        "misprint again",
    ]


def test_what_is_the_same_or_was_never_forecast_is_no_correction(store):
    again = append_corrections(store, make_rows(3), reason="none needed")
    assert again.empty and read_corrections(store).empty
    assert len(read_forecasts(store)) == 2
    append_corrections(store, make_rows(1, 21.0), reason="one")
    # Another digest alone is no other value.
    same = make_rows(1, 21.0).assign(data_digest="f" * 64)
    assert append_corrections(store, same, reason="two").empty
    assert len(read_corrections(store)) == 1
    # The first value again is a correction of the correction.
    append_corrections(store, make_rows(1), reason="three")
    assert read_corrections(store)["price_hat"].tolist() == [21.0, 20.0]


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_correction_without_a_reason_is_refused(store, reason):
    with pytest.raises(ConfigurationError, match="a reason"):
        append_corrections(store, make_rows(1, 21.0), reason=reason)
    assert read_corrections(store).empty


def test_a_backup_holds_the_corrections(store, tmp_path):
    path, other = tmp_path / "b.parquet", f"sqlite:///{tmp_path / 'other.sqlite'}"
    append_corrections(store, make_rows(2, 21.0), reason="misprint")
    backup_store(store, path)
    engine = open_store(other)
    for n_new in (2, 0):
        assert restore_store(engine, path) == n_new
        pd.testing.assert_frame_equal(read_corrections(engine), read_corrections(store))
    engine.dispose()
    engine = open_store(f"sqlite:///{tmp_path / 'third.sqlite'}")
    append_forecasts(engine, make_rows())
    append_corrections(engine, make_rows(2, 23.0), reason="another")
    with pytest.raises(ArtefactError, match="under the same number"):
        restore_store(engine, path)
    engine.dispose()
