"""What was forecast stays as it was forecast, in every database alike."""

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from support.stored_rows import make_rows

from nse_lstm.deployment.backups import backup_store, restore_store
from nse_lstm.deployment.databases import store_url as choose_url
from nse_lstm.deployment.store import (
    append_forecasts,
    append_new_forecasts,
    open_store,
    read_forecasts,
)
from nse_lstm.errors import ArtefactError, ConfigurationError, TableError
from nse_lstm.paths import Paths

# The smallest subnormal, a sum that is no short decimal, the largest number below 2.
ODD = [5e-324, 0.1 + 0.2, np.nextafter(2.0, 1.0), -1.7976931348623157e308]


@pytest.fixture
def store(store_url):
    engine = open_store(store_url)
    yield engine
    engine.dispose()


def bits(numbers) -> list[bytes]:
    return [number.tobytes() for number in np.asarray(numbers, np.float64)]


def test_what_is_appended_is_read_back_sorted_by_key(store):
    rows = make_rows()
    assert append_forecasts(store, rows.sample(frac=1, random_state=1)) == 6
    pd.testing.assert_frame_equal(read_forecasts(store), rows, check_exact=True)


def test_every_bit_of_a_number_comes_back(store):
    rows = make_rows(len(ODD), ("AAA",))
    rows = rows.assign(price_hat=ODD, lower=-np.inf, upper=np.inf, y_hat=np.nan)
    append_forecasts(store, rows)
    back = read_forecasts(store)
    assert bits(back["price_hat"]) == bits(ODD)
    assert back["y_hat"].isna().all()
    assert np.isneginf(back["lower"]).all()
    assert np.isposinf(back["upper"]).all()
    # A missing number and an infinite one are the same again, too.
    assert append_forecasts(store, rows) == 0


def test_minus_zero_is_stored_as_zero(store):
    append_forecasts(store, make_rows(1).assign(y_hat=-0.0))
    assert bits(read_forecasts(store)["y_hat"]) == bits([0.0, 0.0])
    assert append_forecasts(store, make_rows(1).assign(y_hat=-0.0)) == 0


def test_the_same_rows_again_write_nothing(store):
    assert append_forecasts(store, make_rows(2)) == 4
    assert append_forecasts(store, make_rows(2)) == 0
    assert append_forecasts(store, make_rows(3)) == 2
    assert append_forecasts(store, make_rows(3).iloc[:0]) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price_hat", np.nextafter(20.0, 21.0)),
        ("price_hat", np.nan),
        ("model", "v2"),
        ("target_date", pd.Timestamp("2024-01-05")),
        ("upper", 0.02),
    ],
)
def test_other_values_under_a_key_are_refused_by_name_and_write_nothing(
    store, name, value
):
    append_forecasts(store, make_rows(1))
    changed = make_rows(2)
    changed.loc[0, name] = value
    expected = f"{name}=.*AAA, stage champion, version persistence, origin 2024-01-02"
    with pytest.raises(ArtefactError, match=expected):
        append_forecasts(store, changed)
    pd.testing.assert_frame_equal(read_forecasts(store), make_rows(1))


@pytest.mark.parametrize(
    ("name", "value"), [("data_digest", "e" * 64), ("flags", "stale_panel")]
)
def test_provenance_is_recorded_and_not_compared(store, name, value):
    append_forecasts(store, make_rows(1))
    # The row of a third stock arrives late, so the market's digest is another.
    late = make_rows(1, ("AAA", "BBB", "CCC")).assign(**{name: value})
    assert append_forecasts(store, late) == 1
    kept = read_forecasts(store)
    assert kept.loc[kept[name] == value, "ticker"].tolist() == ["CCC"]


def test_what_is_new_is_added_and_what_differs_is_shown_side_by_side(store):
    append_forecasts(store, make_rows(1))
    again = make_rows(1, ("AAA", "BBB", "CCC")).assign(data_digest="e" * 64)
    again.loc[1, ["y_hat", "lower"]] = [0.003, np.nan]
    n_new, differences = append_new_forecasts(store, again)
    assert n_new == 1
    shown = differences[["ticker", "what", "stored", "now"]].to_numpy().tolist()
    assert shown[0] == ["BBB", "y_hat", 0.0, 0.003]
    assert shown[1][:3] == ["BBB", "lower", -0.01] and np.isnan(shown[1][3])
    assert len(shown) == 2
    expected = make_rows(1, ("AAA", "BBB", "CCC"))
    expected.loc[2, "data_digest"] = "e" * 64
    pd.testing.assert_frame_equal(read_forecasts(store), expected, check_exact=True)
    assert append_new_forecasts(store, make_rows(1))[1].empty


def test_a_row_twice_in_one_call_is_refused(store):
    with pytest.raises(TableError, match="stored_forecasts"):
        append_forecasts(store, pd.concat([make_rows(1), make_rows(1)]))
    assert read_forecasts(store).empty


@pytest.mark.parametrize(
    "change", [{"stage": "best"}, {"flags": "a, b"}, {"data_digest": "x"}]
)
def test_rows_that_break_their_schema_are_refused(store, change):
    with pytest.raises(TableError):
        append_forecasts(store, make_rows(1).assign(**change))


def test_a_reader_asks_for_stocks_origins_and_a_stage(store):
    rows = make_rows(4, ("AAA", "BBB", "CCC"))
    shadow = make_rows(4, ("AAA",)).assign(stage="challenger")
    append_forecasts(store, pd.concat([rows, shadow]))
    some = read_forecasts(
        store,
        tickers=["AAA", "CCC"],
        since=pd.Timestamp("2024-01-03"),
        until=pd.Timestamp("2024-01-04"),
        stage="champion",
    )
    asked = rows["ticker"].ne("BBB") & rows["origin"].dt.day.isin([3, 4])
    pd.testing.assert_frame_equal(some, rows[asked].reset_index(drop=True))
    assert read_forecasts(store, tickers=[]).empty
    assert len(read_forecasts(store, stage="challenger")) == 4
    assert read_forecasts(store, tickers=["'; DROP TABLE forecasts; --"]).empty


def test_a_store_opened_again_still_holds_its_rows(store, store_url):
    append_forecasts(store, make_rows())
    again = open_store(store_url)
    pd.testing.assert_frame_equal(read_forecasts(again), make_rows())
    again.dispose()


def test_writers_at_once_write_every_row_once(store_url):
    """Each opens the store for itself, so that they race for the table as well."""

    def write(number: int) -> int:
        engine = open_store(store_url)
        try:
            return append_forecasts(engine, make_rows(20, ("AAA", f"T{number % 2}")))
        finally:
            engine.dispose()

    with ThreadPoolExecutor(6) as pool:
        written = list(pool.map(write, range(6)))
    engine = open_store(store_url)
    # AAA, T0 and T1, 20 origins each.
    assert sum(written) == len(read_forecasts(engine)) == 60
    engine.dispose()


@pytest.mark.slow
def test_a_writer_killed_in_its_transaction_leaves_nothing(store, store_url):
    append_forecasts(store, make_rows(1))
    code = (
        "import os, signal\n"
        "import sqlalchemy as sa\n"
        "from nse_lstm.deployment.databases import write_transaction\n"
        "from nse_lstm.deployment.store import TABLE, open_store\n"
        f"store = open_store({store_url!r})\n"
        "with write_transaction(store) as connection:\n"
        "    connection.execute(sa.update(TABLE).values(ticker=TABLE.c.ticker + 'X'))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    pd.testing.assert_frame_equal(read_forecasts(store), make_rows(1))
    assert append_forecasts(store, make_rows(2)) == 2


def test_a_backup_restores_into_an_empty_store_and_into_its_own(
    store, tmp_path, store_url
):
    rows = make_rows().assign(upper=np.inf)
    append_forecasts(store, rows)
    path = tmp_path / "backup.parquet"
    assert backup_store(store, path) == 6
    # Always into SQLite: from PostgreSQL this is a change of database.
    other = open_store(f"sqlite:///{tmp_path / 'other.sqlite'}")
    assert restore_store(other, path) == 6
    pd.testing.assert_frame_equal(read_forecasts(other), rows, check_exact=True)
    assert restore_store(store, path) == 0
    again = tmp_path / "again.parquet"
    backup_store(other, again)
    assert again.read_bytes() == path.read_bytes()
    other.dispose()


def test_an_empty_store_makes_no_backup(store, tmp_path):
    with pytest.raises(ArtefactError, match="Received: none"):
        backup_store(store, tmp_path / "backup.parquet")
    assert not (tmp_path / "backup.parquet").exists()


def test_a_backup_that_is_missing_or_contradicts_the_store_is_refused(store, tmp_path):
    with pytest.raises(ArtefactError, match="backup"):
        restore_store(store, tmp_path / "backup.parquet")
    append_forecasts(store, make_rows())
    backup_store(store, tmp_path / "backup.parquet")
    other = open_store(f"sqlite:///{tmp_path / 'other.sqlite'}")
    append_forecasts(other, make_rows().assign(y_hat=1.0))
    with pytest.raises(ArtefactError, match="never rewritten"):
        restore_store(other, tmp_path / "backup.parquet")
    other.dispose()


def test_a_table_of_somebody_else_is_refused(store_url):
    open_store(store_url).dispose()
    engine = sa.create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE forecasts"))
        connection.execute(sa.text("CREATE TABLE forecasts (rain REAL)"))
    engine.dispose()
    with pytest.raises(ArtefactError, match=r"columns \['rain'\]"):
        open_store(store_url)


RULES = {
    "sqlite": (
        "CREATE TRIGGER full_disk BEFORE INSERT ON forecasts WHEN NEW.ticker = 'BBB' "
        "BEGIN SELECT RAISE(ABORT, 'no space left'); END",
        "DROP TRIGGER full_disk",
    ),
    "postgresql": (
        "ALTER TABLE forecasts ADD CONSTRAINT full_disk CHECK (ticker <> 'BBB')",
        "ALTER TABLE forecasts DROP CONSTRAINT full_disk",
    ),
}
"""A rule of the database's own against one row, and its end."""


def test_a_rule_of_the_database_against_a_row_is_an_error_and_writes_nothing(store):
    begin, end = map(sa.text, RULES[store.dialect.name])
    with store.begin() as connection:
        connection.execute(begin)
    with pytest.raises(ArtefactError, match=r"take 6 forecasts|no space left"):
        append_forecasts(store, make_rows())
    assert read_forecasts(store).empty
    with store.begin() as connection:
        connection.execute(end)
    assert append_forecasts(store, make_rows()) == 6


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "text.sqlite").write_text("no database " * 100)
    with pytest.raises(ArtefactError, match=r"text\.sqlite.*not a database"):
        open_store(f"sqlite:///{tmp_path / 'text.sqlite'}")


def test_a_sqlite_store_can_be_read_while_it_is_written(tmp_path):
    path = tmp_path / "forecasts.sqlite"
    store = open_store(f"sqlite:///{path}")
    append_forecasts(store, make_rows(1))
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE forecasts SET ticker = ticker || 'X'")
    assert read_forecasts(store)["ticker"].tolist() == ["AAA", "BBB"]
    writer.execute("ROLLBACK")
    writer.close()
    store.dispose()


# Port 1 listens nowhere.
@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql+psycopg://user:sesame@127.0.0.1:1/db", ArtefactError),
        ("postgresql+psycopg://user@127.0.0.1:1/db?password=sesame", ArtefactError),
        ("postgresql+psycopg://user:ope@n-sesame@127.0.0.1:1/db", ConfigurationError),
        ("postgresql+nothing://user:sesame@127.0.0.1/db", ConfigurationError),
        ("sesame", ConfigurationError),
        ("", ConfigurationError),
    ],
)
def test_a_store_out_of_reach_says_so_without_its_password(url, error):
    with pytest.raises(error) as caught:
        open_store(url)
    assert "sesame" not in str(caught.value)
    assert "Received" in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(ArtefactError, match="closed"):
        open_store(f"sqlite:///{tmp_path / 'closed' / 'forecasts.sqlite'}")


def test_the_store_is_the_given_one_the_environment_s_or_a_file(tmp_path, monkeypatch):
    paths = Paths(tmp_path, "nse")
    monkeypatch.delenv("NSE_LSTM_STORE", raising=False)
    file = tmp_path / "trained_models" / "nse" / "store" / "forecasts.sqlite"
    assert choose_url(paths) == f"sqlite:///{file}"
    monkeypatch.setenv("NSE_LSTM_STORE", "sqlite:///elsewhere")
    assert choose_url(paths) == "sqlite:///elsewhere"
    assert choose_url(paths, "sqlite:///given") == "sqlite:///given"
