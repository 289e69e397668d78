"""Every known dialect gives the same rows; what cannot be decided is asked for."""

import gzip
from datetime import date

import numpy as np
import pandas as pd
import pytest
from support.foreign_files import COLUMNS, DIALECTS, price_table, write_foreign

from nse_lstm.data.panel import build_panel
from nse_lstm.data.price_import.arrange import arrange
from nse_lstm.data.price_import.exchange_files import exchange_files
from nse_lstm.data.price_import.headers import parse_columns
from nse_lstm.data.price_import.shapes import ImportOptions, read_foreign
from nse_lstm.errors import ConfigurationError, DataError

TODAY = date(2025, 1, 1)
STOCKS = {"AAA": price_table(seed=1), "BBB": price_table(seed=2)}


def arranged(folder, options=None):
    options = options or ImportOptions()
    return arrange(read_foreign(folder, options), options, today=TODAY)


def one_file(tmp_path, text, name="AAA.csv", **options):
    data = text.encode() if isinstance(text, str) else text
    (tmp_path / name).write_bytes(data)
    return arranged(tmp_path, ImportOptions(**options))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_is_read_and_written_as_the_exchange_writes(dialect, tmp_path):
    folder = write_foreign(tmp_path / "theirs", dialect, STOCKS)
    options = ImportOptions(columns=parse_columns(COLUMNS.get(dialect, "")))
    found = arranged(folder, options)
    written = tmp_path / "ours"
    written.mkdir()
    for name, data in exchange_files(found.rows, "mine").items():
        (written / name).write_bytes(data)
    panel = build_panel(written, limit=0).panel
    for ticker, rows in STOCKS.items():
        own = panel[panel["ticker"] == ticker].reset_index(drop=True)
        assert own["session"].tolist() == rows["session"].tolist()
        assert own["price"].to_numpy() == pytest.approx(rows["close"].to_numpy())
        assert own["volume"].to_numpy() == pytest.approx(rows["volume"].to_numpy())
        before = own["price"].shift().to_numpy()
        assert own["previous"].to_numpy() == pytest.approx(before, nan_ok=True)
        assert (own["factor"] == 1).all() and not own["limit"].any()
        if dialect not in ("long", "daily"):
            assert own["low"].to_numpy() == pytest.approx(rows["low"].to_numpy())
            assert own["high"].to_numpy() == pytest.approx(rows["high"].to_numpy())
    assert (panel["kind"] == "ordinary").all()
    assert found.row_counts["n_rows"].sum() == sum(map(len, STOCKS.values()))


def test_the_ledger_adds_up_with_blank_lines_repeats_and_days_without_a_price(tmp_path):
    text = (
        "Date,Close,Volume\n2020-03-04,11,100\n\n,,\n2020-03-03,null,null\n"
        "2020-03-02,10,100\n2020-03-02,10,100\n"
    )
    found = one_file(tmp_path, text)
    counts = found.row_counts.set_index(["action", "reason"])["n_rows"].to_dict()
    assert counts == {
        ("dropped", "blank row"): 2,
        ("dropped", "no price"): 1,
        (
            "dropped",
            "same prices and volume as an earlier row of the code and session",
        ): 1,
        ("kept", "as printed"): 2,
    }
    assert found.rows["previous"].tolist()[1] == 10.0


DAYS = "Date;Close;Volume\n{};10;100\n{};11;100\n"


@pytest.mark.parametrize(
    ("first", "second", "options", "expected"),
    [
        ("03/02/20", "03/13/20", {}, "2020-03-02"),
        ("02/03/2020", "13/03/2020", {}, "2020-03-02"),
        ("02.03.2020", "05.03.2020", {"dates": "day-first"}, "2020-03-02"),
        ("02.03.2020", "05.03.2020", {"dates": "month-first"}, "2020-02-03"),
        ("2-Mar-20", "3-Mar-20", {}, "2020-03-02"),
        ("March 2, 2020", "Mar 3, 2020", {}, "2020-03-02"),
        ("20200302", "20200303", {}, "2020-03-02"),
        ("2020-03-02 00:00:00+03:00", "2020-03-03 00:00:00+03:00", {}, "2020-03-02"),
        ("2020/3/2", "2020/3/3", {}, "2020-03-02"),
    ],
)
def test_dates_of_every_form(first, second, options, expected, tmp_path):
    found = one_file(tmp_path, DAYS.format(first, second), **options)
    assert str(found.rows["session"].min().date()) == expected


@pytest.mark.parametrize(
    ("first", "second", "options", "says"),
    [
        ("02/03/20", "03/03/20", {}, "--dates day-first or month-first"),
        ("13/03/20", "03/13/20", {}, "day-first, as in '13/03/20'"),
        ("13/03/20", "14/03/20", {"dates": "month-first"}, "as --dates says"),
        ("31-Feb-20", "3-Mar-20", {}, "Received: '31-Feb-20'"),
        ("43892", "43893", {}, "a spreadsheet's cells formatted as dates"),
        ("2020-03-02T21:00:00Z", "2020-03-03T21:00:00Z", {}, "depends on the time"),
        ("2020-03-02", "2030-03-02", {}, "not after today"),
        ("1920-03-02", "1920-03-03", {}, "a year from 1954"),
        ("2 mars 2020", "3 mars 2020", {}, "Received: '2 mars 2020'"),
    ],
)
def test_doubtful_dates_are_refused_with_their_line(
    first, second, options, says, tmp_path
):
    with pytest.raises(DataError, match=r"AAA\.csv, line [23]") as caught:
        one_file(tmp_path, DAYS.format(first, second), **options)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("price", "volume", "expected"),
    [
        ("1,234.50", "12.3K", (1234.5, 12_300)),
        ("1.234,50", "1.234.567", (1234.5, 1_234_567)),
        ("12,5", "3,24M", (12.5, 3_240_000)),
        ("10.5", "1,00,000", (10.5, 100_000)),
        ("$10.50", "1 234 567", (10.5, 1_234_567)),
        ("27.450001", "2e+05", (27.450001, 200_000)),
        ("10.5", "0", (10.5, 0)),
        ("10", "1B", (10.0, 1_000_000_000)),
    ],
)
def test_numbers_of_every_form(price, volume, expected, tmp_path):
    text = f"Date;Close;Volume\n2020-03-02;{price};{volume}\n2020-03-03;{price};5\n"
    row = one_file(tmp_path, text).rows.iloc[0]
    assert (row["price"], row["volume"]) == expected


@pytest.mark.parametrize(
    ("price", "volume", "says"),
    [
        ("1,234", "5", "Say --decimal point or comma"),
        ("1.5", "2,5", "Expected '.' as decimal mark, as in '1.5'. Received: '2,5'"),
        ("-3", "5", "Expected a positive price, or '-' for none. Received: '-3'"),
        ("ten", "5", "Received: 'ten'"),
        ("10.5", "12.5", "a whole number of shares"),
        ("10.5", "-5", "a whole number of shares"),
        ("1.5K", "5", "Received: '1.5K'"),
        ("10.5", "12,34,5", "Received: '12,34,5'"),
        ("1e99", "5", "Received: '1e99'"),
    ],
)
def test_doubtful_numbers_are_refused_with_their_line(price, volume, says, tmp_path):
    text = f"Date;Close;Volume\n2020-03-02;10;5\n2020-03-03;{price};{volume}\n"
    with pytest.raises(DataError, match=r"AAA\.csv, line 3") as caught:
        one_file(tmp_path, text)
    assert says in str(caught.value)


def test_the_users_word_decides_a_grouped_number(tmp_path):
    text = "Date;Close;Volume\n2020-03-02;1,234;5\n"
    assert one_file(tmp_path, text, decimal="point").rows["price"].item() == 1234
    assert one_file(tmp_path, text, decimal="comma").rows["price"].item() == 1.234


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_and_line_end_is_read(encoding, end, tmp_path):
    text = "Date,Close,Volume\n2020-03-02,10,100\n".replace("\n", end)
    assert one_file(tmp_path, text.encode(encoding)).rows["price"].tolist() == [10.0]
    data = gzip.compress(text.encode(encoding))
    (tmp_path / "gz").mkdir()
    assert len(one_file(tmp_path / "gz", data, name="AAA.csv.gz").rows) == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "an empty file"),
        (b"PK\x03\x04rest", "a spreadsheet or an archive; export it as CSV in UTF-8"),
        (b"\xd0\xcf\x11\xe0", "an old spreadsheet"),
        (b"<html>", "a web page"),
        ("Date,Close\n2020-03-02,10\nZürich,1\n".encode("latin-1"), "CSV in UTF-8"),
        (b'Date,Close\n2020-03-02,"10\n', "fields"),
        (b"Date,Close\n2020-03-02\n", "Expected 2 fields. Received: 1"),
        (b"Date,Close\n", "a header only"),
        (b"When,What\n2020-03-02,10\n", "Expected one of the known shapes"),
        (b"Date,Adj Close,Volume\n2020-03-02,10,5\n", "adjusted prices only"),
        (b"Date,Close,Price\n2020-03-02,10,5\n", "Received: 'Close' and 'Price'"),
        (b"Date,Close\n2020-03-02,10\n", "Say --volume"),
    ],
)
def test_other_files_are_refused_with_file_and_line(data, says, tmp_path):
    with pytest.raises(DataError, match=r"AAA\.csv, line [0-9]") as caught:
        one_file(tmp_path, data)
    assert says in str(caught.value)


def test_a_file_that_is_not_named_after_its_stock_is_asked_for(tmp_path):
    text = "Date,Close,Volume\n2020-03-02,10,100\n"
    for name in ("HistoricalPrices.csv", "Prices of Safaricom.csv"):
        folder = tmp_path / name
        folder.mkdir()
        with pytest.raises(DataError, match="--ticker"):
            one_file(folder, text, name=name)
        rows = one_file(folder, text, name=name, tickers={name: "SCOM"}).rows
        assert rows["ticker"].tolist() == ["SCOM"]
    with pytest.raises(ConfigurationError, match="a file of the folder"):
        one_file(tmp_path, text, tickers={"none.csv": "SCOM"})


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("scom.nr.csv", "SCOM-NR"),
        ("^N20I.csv", "^N20I"),
        ("BRK.B (1).csv", "BRK-B"),
        ("SCOM Stock Price History.csv", "SCOM"),
    ],
)
def test_codes_come_from_names_of_files(name, code, tmp_path):
    text = "Date,Close,Volume\n2020-03-02,10,100\n"
    assert one_file(tmp_path, text, name=name).rows["ticker"].tolist() == [code]


def test_dates_that_turn_within_a_stock_are_a_misprint(tmp_path):
    days = ["2020-03-02", "2020-03-04", "2020-03-03"]
    text = "Date,Close,Volume\n" + "".join(f"{day},10,5\n" for day in days)
    with pytest.raises(DataError, match=r"rising dates of AAA.*AAA\.csv, line 4"):
        one_file(tmp_path, text)


def test_two_prices_of_one_session_are_refused_with_both_places(tmp_path):
    (tmp_path / "AAA.csv").write_text("Date,Close,Volume\n2020-03-02,10,5\n")
    (tmp_path / "more.csv").write_text("Code,Date,Close,Volume\naaa,2020-03-02,11,5\n")
    with pytest.raises(DataError) as caught:
        arranged(tmp_path)
    assert "10 in AAA.csv, line 2, and 11 (more.csv, line 2)" in str(caught.value)


def test_files_without_volume_need_the_users_word_and_indices_do_not(tmp_path):
    (tmp_path / "AAA.csv").write_text("Date,Close\n2020-03-02,10\n")
    (tmp_path / "^IDX.csv").write_text("Date,Close\n2020-03-02,1000\n")
    rows = arranged(tmp_path, ImportOptions(volume=1000)).rows.set_index("ticker")
    assert rows.loc["AAA", "volume"] == 1000
    assert np.isnan(rows.loc["^IDX", "volume"])


def test_what_is_not_read_is_listed(tmp_path):
    write_foreign(tmp_path, "yahoo", {"AAA": STOCKS["AAA"]})
    (tmp_path / "notes.docx").write_bytes(b"x")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "2021.xlsx").write_bytes(b"x")
    found = read_foreign(tmp_path, ImportOptions())
    assert found.left_out == ("more/2021.xlsx", "notes.docx")
    assert list(found.files[0].unread) == ["Open", "Adj Close"]


def test_columns_are_named_by_position_or_refused():
    assert parse_columns("") == ()
    for text in ("date,close,close", "date,volume", "date,close,what"):
        with pytest.raises(ConfigurationError, match="--columns"):
            parse_columns(text)


def test_rows_do_not_depend_on_the_order_of_the_file(tmp_path):
    rows = STOCKS["AAA"]
    for name, table in (("up", rows), ("down", rows[::-1])):
        write_foreign(tmp_path / name, "yahoo", {"AAA": table})
    up, down = (arranged(tmp_path / name).rows for name in ("up", "down"))
    pd.testing.assert_frame_equal(
        up.drop(columns="source_line"), down.drop(columns="source_line")
    )
