"""Reading of raw files: dialects, physical lines, and refusal of what is damaged."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.raw_files import (
    HEADERS,
    SECTORS,
    Row,
    random_rows,
    write_folder,
    write_lines,
)

from nse_lstm.data.ingest import read_raw
from nse_lstm.data.panel import build_panel
from nse_lstm.data.parse import parse_rows
from nse_lstm.errors import DataError
from nse_lstm.paths import csv_paths
from nse_lstm.study.audit.printed_files import read_printed

GOOD = '02-Jan-20,AAA,A Plc,1,9,10,12,11,10.5,0.5,4.8%,"1,600",-'
NAME = "NSE_data_all_stocks_2020.csv"


def read_typed(folder: Path) -> pd.DataFrame:
    return parse_rows(read_raw(folder).rows)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("2-Jan-13", "2013-01-02"),
        ("02-Jan-14", "2014-01-02"),
        ("03-Jan-2023", "2023-01-03"),
        ("3-Dec-2024", "2024-12-03"),
    ],
)
def test_four_shapes_of_date_are_read(tmp_path, printed, expected):
    write_lines(tmp_path / "prices.csv", [GOOD.replace("02-Jan-20", printed)])
    assert read_typed(tmp_path)["session"].tolist() == [pd.Timestamp(expected)]


def sessions_of(folder: Path, printed: list[str]) -> list[str]:
    """Write one row per printed date and return the sessions read."""
    write_lines(folder / NAME, [GOOD.replace("02-Jan-20", day) for day in printed])
    return read_typed(folder)["session"].dt.strftime("%Y-%m-%d").tolist()


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        # The 13th and later can only be days.
        (["1/2/2007", "1/15/2007"], ["2007-01-02", "2007-01-15"]),
        (["2/1/2007", "15/1/2007"], ["2007-01-02", "2007-01-15"]),
        # One session a day, or one a month: the exchange was never closed so long.
        (["1/2/2007", "1/3/2007"], ["2007-01-02", "2007-01-03"]),
        (["2/1/2007", "3/1/2007"], ["2007-01-02", "2007-01-03"]),
        # A misprint of the order is a valid date, which its place in the file mends.
        (["1/12/2007", "1/15/2007", "12/1/2007"], None),
        # A form may change within a file.
        (["1/15/2007", "16-Jan-07"], ["2007-01-15", "2007-01-16"]),
    ],
)
def test_the_file_tells_day_from_month(tmp_path, printed, expected):
    expected = expected or ["2007-01-12", "2007-01-15", "2007-12-01"]
    assert sessions_of(tmp_path, printed) == expected


@pytest.mark.parametrize(
    ("printed", "line", "says"),
    [
        # 2 January or 1 February; two sessions of which both readings hold.
        (["1/2/2007"], 2, "print the month's name"),
        (["1/1/2007", "2/2/2007"], 2, "print the month's name"),
        # Two rows show a month first, so the third is a misprint.
        (["1/15/2007", "1/16/2007", "17/1/2007"], 4, "month first"),
        (["15/1/2007", "16/1/2007", "1/17/2007"], 4, "day first"),
        (["1/15/2007", "2/30/2007"], 3, "month first"),
        (["1/15/07"], 2, "02-Jan-2013"),
    ],
)
def test_a_date_that_the_file_does_not_tell_is_refused(tmp_path, printed, line, says):
    with pytest.raises(DataError, match=says) as caught:
        sessions_of(tmp_path, printed)
    assert (caught.value.file, caught.value.line) == (NAME, line)
    assert printed[line - 2] in str(caught.value)


def test_each_file_tells_its_own_order(tmp_path):
    for name, days in (
        ("a.csv", ["1/2/07", "1/15/07"]),
        ("b.csv", ["1/2/07", "15/2/07"]),
    ):
        lines = [GOOD.replace("02-Jan-20", day.replace("/07", "/2007")) for day in days]
        write_lines(tmp_path / name, lines)
    found = read_typed(tmp_path)["session"].dt.strftime("%d-%b").tolist()
    assert found == ["02-Jan", "15-Jan", "01-Feb", "15-Feb"]


def test_a_previous_of_0_is_missing_and_a_price_of_0_is_refused(tmp_path):
    write_lines(tmp_path / NAME, [GOOD.replace("11,10.5,", "11,0,")])
    assert read_typed(tmp_path)["previous"].isna().all()
    write_lines(tmp_path / NAME, [GOOD.replace("12,11,", "12,0,")])
    with pytest.raises(DataError, match="'0'"):
        read_typed(tmp_path)


def test_numbers_keep_thousands_decimals_and_dashes(tmp_path):
    lines = [
        '02-Jan-20,AAA,A Plc,1,9,"1,600","1,700.5","1,650.25",-,-,-,"1,900.00",-',
        "02-Jan-20,BBB,B Plc,1,9,-,-,0.16,0.15,0.01,6%,373457600,0.08",
    ]
    write_lines(tmp_path / "prices.csv", lines)
    rows = read_typed(tmp_path)
    numbers = rows[["low", "high", "price", "previous", "volume", "adjust"]].to_numpy()
    nan = np.nan
    expected = [
        [1600, 1700.5, 1650.25, nan, 1900, nan],
        [nan, nan, 0.16, 0.15, 373457600, 0.08],
    ]
    np.testing.assert_array_equal(numbers, expected)


def test_byte_order_mark_line_ends_and_header_case_do_not_matter(tmp_path):
    for dialect, end in (("first", "\n"), ("old", "\r\n"), ("new", "\n")):
        text = end.join([HEADERS[dialect], GOOD, ""])
        folder = tmp_path / dialect
        folder.mkdir()
        (folder / "any name.csv").write_bytes(text.encode("utf-8-sig"))
    old, *others = (read_raw(tmp_path / name).rows for name in HEADERS)
    for other in others:
        pd.testing.assert_frame_equal(old, other)


def test_look_ahead_and_unsigned_columns_stay_at_the_door(tmp_path):
    write_lines(tmp_path / NAME, [GOOD])
    columns = " ".join(read_raw(tmp_path).rows.columns)
    assert "12m" not in columns and "%" not in columns


def test_source_line_is_physical_past_blank_rows(tmp_path):
    # Header is line 1, so the rows are on lines 2, 4 and 6.
    second = GOOD.replace("AAA", "BBB")
    third = GOOD.replace("AAA", "CCC")
    write_lines(tmp_path / NAME, [GOOD, "," * 12, second, "", third, ",,,"])
    raw = read_raw(tmp_path)
    assert raw.rows["source_line"].tolist() == [2, 4, 6]
    assert raw.blanks["source_line"].tolist() == [3, 5, 7]


def test_names_are_carried_as_plain_text(tmp_path):
    name = '<script>alert("x, y")</script> & Söhne'
    quoted = '"' + name.replace('"', '""') + '"'
    write_lines(tmp_path / NAME, [GOOD.replace("A Plc", quoted)])
    assert read_raw(tmp_path).rows["name"].tolist() == [name]


def test_sector_files_are_known_by_header(tmp_path):
    write_lines(tmp_path / NAME, [GOOD])
    (tmp_path / "x.csv").write_bytes(b"Sector,Stock_code,Stock_name\nBanking,AAA,A\n")
    (tmp_path / "README.md").write_text("not looked at")
    raw = read_raw(tmp_path)
    assert raw.price_files == (NAME,)
    assert raw.sectors[["sector", "ticker"]].to_numpy().tolist() == [["Banking", "AAA"]]


def test_files_in_capitals_are_read_and_named_by_one_function(tmp_path):
    write_lines(tmp_path / "b_2020.CSV", [GOOD])
    write_lines(tmp_path / "a_2020.csv", [GOOD])
    (tmp_path / ".hidden.csv").write_text("no price file")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "README.md").write_text("not looked at")
    names = [path.name for path in csv_paths(tmp_path)]
    assert names == ["a_2020.csv", "b_2020.CSV"]
    assert list(read_raw(tmp_path).price_files) == names


def test_the_digest_covers_names_and_values(tmp_path):
    def digest(folder: str, name: str, line: str) -> str:
        write_lines(tmp_path / folder / name, [line])
        return build_panel(tmp_path / folder).digest

    first = digest("a", NAME, GOOD)
    assert digest("b", "other.csv", GOOD) != first
    assert digest("c", NAME, GOOD.replace("10.5,", "10.6,")) != first
    assert digest("d", NAME, GOOD.replace("02-Jan", "03-Jan")) != first
    # A sign that no reader uses, and the form of a date, are no other data.
    assert digest("e", NAME, GOOD.replace("4.8%", "-4.8%")) == first
    assert digest("f", NAME, GOOD.replace("02-Jan-20", "2-Jan-2020")) == first


@pytest.mark.parametrize(
    ("damage", "line", "says"),
    [
        (("A Plc", '"A\r\nPlc"'), 2, "quote"),
        (("A Plc", "A\0Plc"), 2, "NUL"),
        (("A Plc", "A\rPlc"), 2, "carriage return"),
        ((",-", ""), 2, "12"),
        (("12,11", "12,11,11"), 2, "14"),
        (("02-Jan-20", "31-Feb-20"), 2, "31-Feb-20"),
        (("02-Jan-20", "02-Jan-0099"), 2, "02-Jan-0099"),
        (("02-Jan-20", "2020-01-02"), 2, "2020-01-02"),
        (("02-Jan-20", "02-Jan-1820"), 2, "02-Jan-1820"),
        (("12,11,", "12,eleven,"), 2, "eleven"),
        (("12,11,", '12,"11,5",'), 2, "11,5"),
        (("12,11,", "12,nan,"), 2, "nan"),
        (("12,11,", "12,1e5,"), 2, "1e5"),
        (("12,11,", "12,,"), 2, "''"),
        (("12,11,", "12,0,"), 2, "'0'"),
        (("12,11,", "12,-11,"), 2, "-11"),
        (("1,600", "-1,600"), 2, "-1,600"),
        (("AAA", ""), 2, "''"),
        (("AAA", "../A"), 2, "../A"),
        (("DATE", "DAY"), 1, "DAY"),
        (("Day Low,Day High", "Day High,Day Low"), 1, "header"),
    ],
)
def test_damage_is_refused_with_file_line_and_value(tmp_path, damage, line, says):
    text = "\r\n".join([HEADERS["old"], GOOD, ""])
    assert damage[0] in text
    (tmp_path / NAME).write_bytes(text.replace(*damage, 1).encode())
    with pytest.raises(DataError) as caught:
        read_typed(tmp_path)
    assert (caught.value.file, caught.value.line) == (NAME, line)
    assert says in str(caught.value)


def test_undecodable_bytes_name_their_line(tmp_path):
    text = "\n".join([HEADERS["new"], GOOD, GOOD.replace("A Plc", "Söhne"), ""])
    (tmp_path / NAME).write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=f"UTF-8.*{NAME}, line 3"):
        read_raw(tmp_path)


def test_a_half_written_last_line_is_refused(tmp_path):
    path = write_lines(tmp_path / NAME, [GOOD, GOOD.replace("AAA", "BBB")])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="line 3"):
        read_raw(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(tmp_path, content):
    write_lines(tmp_path / "good.csv", [GOOD])
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(DataError, match=f"empty file.*{NAME}, line 1"):
        read_raw(tmp_path)


def test_folders_without_price_rows_are_refused(tmp_path):
    with pytest.raises(DataError, match="folder"):
        read_raw(tmp_path / "missing")
    with pytest.raises(DataError, match="none"):
        read_raw(tmp_path)
    (tmp_path / "sectors.csv").write_text(SECTORS)
    with pytest.raises(DataError, match="price file"):
        read_raw(tmp_path)


BASE = pd.bdate_range("2020-01-01", periods=4)


@st.composite
def mutations(draw: st.DrawFn):
    """Draw one way to damage a file's bytes."""
    kind = draw(st.sampled_from(["cut", "flip", "drop", "swap columns", "repeat line"]))
    place = draw(st.floats(0, 0.999))
    byte = draw(st.integers(0, 255))
    length = draw(st.integers(1, 40))
    columns = draw(st.tuples(st.integers(0, 12), st.integers(0, 12)))

    def mutate(data: bytes) -> bytes:
        at = int(place * len(data))
        if kind == "cut":
            return data[:at]
        if kind == "flip":
            return data[:at] + bytes([byte]) + data[at + 1 :]
        if kind == "drop":
            return data[:at] + data[at + length :]
        lines = data.split(b"\n")
        if kind == "repeat line":
            number = int(place * len(lines))
            return b"\n".join([*lines[:number], lines[number - 1], *lines[number:]])
        return b"\n".join(_swapped(line, *columns) for line in lines)

    return mutate


def _swapped(line: bytes, left: int, right: int) -> bytes:
    fields = line.split(b",")
    if len(fields) > max(left, right):
        fields[left], fields[right] = fields[right], fields[left]
    return b",".join(fields)


@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(mutate=mutations(), which=st.integers(0, 1))
def test_damaged_files_close_their_ledger_or_raise_a_data_error(
    tmp_path_factory, mutate, which
):
    folder = write_folder(
        tmp_path_factory.mktemp("raw"),
        [
            *random_rows(BASE, seed=1, tickers=("AAA", "BBB", "^IDX")),
            Row(BASE[-1], "CCC", 1234.5, volume=1_000_000, name="C, and Sons"),
        ],
    )
    path = sorted(folder.iterdir())[which]
    path.write_bytes(mutate(path.read_bytes()))
    try:
        market = build_panel(folder)
    except DataError as error:
        assert error.file == path.name or error.file is None
        assert path.name in str(error)
    else:
        n_lines = sum(
            len(file.read_bytes().rstrip(b"\n").split(b"\n")) - 1
            for file in folder.glob("*all_stocks*")
        )
        ledger = market.row_counts
        # Blank lines at the very end are lines too, and counted as dropped.
        n_blank_end = ledger.loc[ledger["reason"] == "blank row", "n_rows"].sum()
        assert n_lines <= ledger["n_rows"].sum() <= n_lines + n_blank_end
        kept = ledger.loc[ledger["action"] != "dropped", "n_rows"].sum()
        assert kept == len(market.panel)


def test_a_compressed_and_a_utf16_file_are_read_like_the_plain_one(tmp_path):
    lines = [GOOD, GOOD.replace("AAA", "BBB")]
    plain = write_lines(tmp_path / "plain" / NAME, lines)
    expected = read_typed(plain.parent).drop(columns="source_file")
    for name, data in {
        f"{NAME}.gz": gzip.compress(plain.read_bytes(), mtime=0),
        "wide.csv": plain.read_bytes().decode("utf-8-sig").encode("utf-16"),
    }.items():
        path = tmp_path / name / name
        path.parent.mkdir()
        path.write_bytes(data)
        found = read_typed(path.parent)
        assert found["source_file"].unique().tolist() == [name]
        pd.testing.assert_frame_equal(found.drop(columns="source_file"), expected)
        assert read_printed(path).replace("\r", "") == read_printed(plain).replace(
            "\r", ""
        )


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.csv", b"PK\x03\x04rest", "a spreadsheet or an archive.*save it as CSV"),
        ("a.csv", b"\xd0\xcf\x11\xe0rest", "old spreadsheet"),
        ("a.csv", b"\x1f\x8brest", "name it .csv.gz"),
        ("a.csv", b"<!DOCTYPE html><html>", "a page of the web"),
        ("a.csv", b"Date;Code;Name\n1;2;3\n", "semicolons; export with commas"),
        ("a.csv", b"Date\tCode\tName\n", "tabs; export with commas"),
        ("a.csv", b"\xff\xfeD\x00a\x00t", "UTF-16, as its first bytes say"),
        ("a.csv.gz", b"no gzip", "Cannot read"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "Cannot read"),
    ],
)
def test_a_file_of_another_kind_is_told_what_to_do(tmp_path, name, data, says):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=says) as refused:
        read_raw(tmp_path)
    assert refused.value.file == name
