"""Fetching, against a server of this machine that answers well, badly or not at all."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.places import ALL_FILES
from support.public_server import Remote, serving
from support.raw_files import HEADERS

from nse_lstm.data.download.catalogue import (
    Catalogue,
    Dataset,
    datasets_of,
    read_catalogue,
    years_of,
)
from nse_lstm.data.download.fetch import SOURCES, STAGE, fetch_years
from nse_lstm.data.row_digest import digest_file
from nse_lstm.errors import ConfigurationError, FetchError
from nse_lstm.paths import FETCHED, csv_paths, find_root, unread_paths

HEADER = HEADERS["old"].encode() + b"\r\n"
ROW = b'02-Jan-13,AAA,A Plc,1,9,10,12,11,10.5,0.5,4.8%,"1,600",-\r\n'
PRICES = HEADER + ROW
SECTORS = b"SECTOR,CODE,NAME\r\nBanking,AAA,A Plc\r\n"
YEARS = (2013, 2020)
DATASET = Dataset(
    id="abc123def4",
    version=2,
    years=(2013, 2020),
    licence="CC BY 4.0",
    citation="B. Author, Prices, doi:10.0/abc123def4",
)


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    files = {"NSE_2013.csv": PRICES, "NSE_sectors.csv": SECTORS}
    remote = Remote(dataset=DATASET.id, files=files)
    with serving(remote):
        yield remote


def catalogue_of(remote: Remote, **bodies: bytes) -> Catalogue:
    digests = {f"{name}.csv": rows_of(body) for name, body in bodies.items()}
    return Catalogue(
        market="nse",
        address=remote.address,
        years=YEARS,
        datasets=(DATASET,),
        rows=digests,
    )


def rows_of(body: bytes) -> str:
    """Return the digest of the rows in a file's bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p_2013.csv"
        path.write_bytes(body)
        return digest_file(path)


def fetch(
    catalogue: Catalogue, folder: Path, years: tuple[int, int] | None = None
) -> tuple[int, str]:
    """Fetch a catalogue's years; return how many files were new and what was told."""
    told: list[str] = []
    n = fetch_years(catalogue, years or catalogue.years, folder, tell=told.append)
    return n, "\n".join(told)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_csv_file_arrives_with_its_licence_and_its_checksum(remote, tmp_path):
    remote.files["notes.pdf"] = b"%PDF"
    n_fetched, told = fetch(catalogue_of(remote, NSE_2013=PRICES), tmp_path)
    assert n_fetched == 2
    expected = sorted(["NSE_2013.csv", "NSE_sectors.csv", FETCHED, SOURCES])
    assert names_in(tmp_path) == expected
    assert unread_paths(tmp_path) == {}
    assert (tmp_path / "NSE_2013.csv").read_bytes() == PRICES
    for text in (told, (tmp_path / SOURCES).read_text()):
        assert "CC BY 4.0" in text and "doi:10.0/abc123def4" in text
    entry = json.loads((tmp_path / FETCHED).read_text())[DATASET.id]
    assert entry["version"] == 2
    assert entry["files"]["NSE_2013.csv"] == {
        "sha256": hashlib.sha256(PRICES).hexdigest(),
        "by": "the catalogue",
    }
    assert entry["files"]["NSE_sectors.csv"]["by"] == "the server"


def test_what_lies_beside_the_files_is_no_price_file(remote, tmp_path):
    fetch(catalogue_of(remote), tmp_path)
    assert [path.name for path in csv_paths(tmp_path)] == [
        "NSE_2013.csv",
        "NSE_sectors.csv",
    ]


def test_a_second_fetch_downloads_nothing_and_changes_nothing(remote, tmp_path):
    catalogue = catalogue_of(remote, NSE_2013=PRICES)
    fetch(catalogue, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in csv_paths(tmp_path)}
    lock = (tmp_path / FETCHED).read_bytes()
    remote.asked.clear()
    n_fetched, told = fetch(catalogue, tmp_path)
    assert n_fetched == 0 and "2 files are there and unchanged" in told
    assert remote.asked == [f"/public-api/datasets/{DATASET.id}/versions"]
    after = {path.name: path.stat().st_mtime_ns for path in csv_paths(tmp_path)}
    assert after == before and (tmp_path / FETCHED).read_bytes() == lock


def test_a_fetch_that_was_stopped_goes_on_where_it_was(remote, tmp_path):
    remote.truncated = frozenset({"NSE_sectors.csv"})
    catalogue = catalogue_of(remote)
    with pytest.raises(FetchError):
        fetch(catalogue, tmp_path)
    assert names_in(tmp_path) == ["NSE_2013.csv", SOURCES]
    remote.truncated = frozenset()
    remote.asked.clear()
    assert fetch(catalogue, tmp_path)[0] == 1
    assert len(remote.downloads()) == 1


@pytest.mark.parametrize("vouches", [True, False])
def test_a_truncated_file_is_refused_and_removed(remote, tmp_path, vouches):
    remote.vouches = vouches
    remote.truncated = frozenset({"NSE_2013.csv"})
    with pytest.raises(FetchError, match=r"No\s+partial file is left"):
        fetch(catalogue_of(remote), tmp_path)
    assert names_in(tmp_path) == [SOURCES]


def test_a_short_file_that_arrives_whole_is_refused_by_its_size(remote, tmp_path):
    row = remote.row("NSE_2013.csv")
    del row["content_details"]["sha256_hash"]
    row["content_details"]["size"] += 1
    remote.listing = [row]
    with pytest.raises(FetchError, match=f"Expected {len(PRICES) + 1} bytes"):
        fetch(catalogue_of(remote), tmp_path)
    assert names_in(tmp_path) == [SOURCES]


@pytest.mark.parametrize(
    "other",
    [
        PRICES.replace(b"12,11,", b"12,11.5,"),
        PRICES.replace(b"02-Jan", b"03-Jan"),
        PRICES.replace(b"1,600", b"1,700"),
        PRICES.replace(b"AAA", b"AAB"),
        PRICES + ROW,
        SECTORS,
    ],
)
def test_other_rows_than_the_catalogues_are_refused_and_removed(
    remote, tmp_path, other
):
    with pytest.raises(FetchError, match="They are other data") as caught:
        fetch(catalogue_of(remote, NSE_2013=other), tmp_path)
    for body in (other, PRICES):
        assert rows_of(body) in str(caught.value)
    assert names_in(tmp_path) == [SOURCES]


def test_a_file_that_cannot_be_read_is_refused_with_its_line(remote, tmp_path):
    remote.files["NSE_2013.csv"] = PRICES.replace(b"02-Jan", b"31-Feb")
    with pytest.raises(FetchError, match=r"31-Feb.*line 2.*They are other data"):
        fetch(catalogue_of(remote, NSE_2013=PRICES), tmp_path)
    assert names_in(tmp_path) == [SOURCES]


@pytest.mark.parametrize(
    "same",
    [
        PRICES.replace(b"\r\n", b"\n"),
        b"\xef\xbb\xbf" + PRICES,
        PRICES.replace(b"02-Jan-13", b"2-Jan-2013"),
        PRICES.replace(b"4.8%", b"-4.8%"),
        PRICES.replace(b'"1,600"', b"1600.00"),
        PRICES.replace(b",1,9,", b",2,8,") + b",,,,,,,,,,,,\r\n",
    ],
)
def test_the_same_rows_under_other_bytes_are_the_same_file(remote, tmp_path, same):
    remote.files["NSE_2013.csv"] = same
    catalogue = catalogue_of(remote, NSE_2013=PRICES)
    assert fetch(catalogue, tmp_path)[0] == 2
    assert (tmp_path / "NSE_2013.csv").read_bytes() == same
    lock = json.loads((tmp_path / FETCHED).read_text())[DATASET.id]["files"]
    assert lock["NSE_2013.csv"]["by"] == "the catalogue"
    # The other bytes, placed by hand, are complete too.
    (tmp_path / "NSE_2013.csv").write_bytes(PRICES)
    assert fetch(catalogue, tmp_path)[0] == 0


def test_files_of_other_years_are_left_until_they_are_asked_for(remote, tmp_path):
    remote.files |= {
        "NSE_2014.csv": PRICES.replace(b"Jan-13", b"Jan-14"),
        "NSE_sectors_2019.csv": SECTORS,
    }
    catalogue = catalogue_of(remote)
    assert fetch(catalogue, tmp_path, (2014, 2014))[0] == 3
    assert not (tmp_path / "NSE_2013.csv").exists()
    assert fetch(catalogue, tmp_path, (2014, 2014))[1].endswith("unchanged")
    assert fetch(catalogue, tmp_path, (2013, 2014))[0] == 1
    # Years that were fetched before are known to be complete.
    assert fetch(catalogue, tmp_path, (2013, 2013))[1].endswith("unchanged")


def test_a_file_spoiled_on_disk_is_fetched_anew_and_said(remote, tmp_path):
    catalogue = catalogue_of(remote)
    fetch(catalogue, tmp_path)
    (tmp_path / "NSE_2013.csv").write_bytes(b"spoiled")
    n_fetched, told = fetch(catalogue, tmp_path)
    assert n_fetched == 1 and "NSE_2013.csv: not as an earlier fetch" in told
    assert (tmp_path / "NSE_2013.csv").read_bytes() == PRICES


def test_a_file_nobody_vouches_for_is_pinned_at_its_first_fetch(remote, tmp_path):
    remote.vouches = False
    catalogue = catalogue_of(remote)
    _, told = fetch(catalogue, tmp_path)
    assert "NSE_2013.csv: no checksum is known; pinned as received" in told
    (tmp_path / "NSE_2013.csv").unlink()
    remote.files["NSE_2013.csv"] = PRICES.replace(b"AAA", b"BBB")
    with pytest.raises(FetchError, match="an earlier fetch's word"):
        fetch(catalogue, tmp_path)
    assert not (tmp_path / "NSE_2013.csv").exists()


def test_a_newer_version_is_told_and_not_taken(remote, tmp_path):
    remote.versions = [{"version": 3}, {"version": 2}, {"version": 1}]
    n_fetched, told = fetch(catalogue_of(remote), tmp_path)
    assert "version 2 is pinned, the server also has version 3: not taken" in told
    assert n_fetched == 2


def test_a_pinned_version_that_is_gone_stops_the_fetch(remote, tmp_path):
    remote.versions = [{"version": 2, "available": False}, {"version": 3}]
    with pytest.raises(FetchError, match=r"Expected version 2 .* versions \[3\]"):
        fetch(catalogue_of(remote), tmp_path)
    assert remote.downloads() == []


def test_a_version_put_in_the_catalogue_is_not_held_to_the_old_ones_files(
    remote, tmp_path
):
    old = replace(DATASET, version=1)
    catalogue = catalogue_of(remote)
    files = {"NSE_2013.csv": {"sha256": "0" * 64, "by": "first fetch"}}
    tmp_path.joinpath(FETCHED).write_text(
        json.dumps({old.id: {"version": 1, "files": files}})
    )
    assert fetch(catalogue, tmp_path)[0] == 2


def test_without_a_server_it_says_what_to_do_by_hand(remote, tmp_path):
    # Port 1 of this machine: nobody listens there.
    gone = replace(catalogue_of(remote), address="http://127.0.0.1:1")
    with pytest.raises(FetchError) as caught:
        fetch(gone, tmp_path)
    message = str(caught.value)
    assert "http://127.0.0.1:1" in message and "Connection refused" in message
    assert f"open doi:10.17632/{DATASET.id} in a browser" in message
    assert message.endswith(f"put them into {tmp_path}")
    assert csv_paths(tmp_path) == []


def test_a_complete_folder_needs_no_server(remote, tmp_path):
    fetch(catalogue_of(remote), tmp_path)
    gone = replace(catalogue_of(remote), address="http://127.0.0.1:1")
    n_fetched, told = fetch(gone, tmp_path)
    assert n_fetched == 0 and "newer versions are not known" in told


@pytest.mark.parametrize("name", ["versions", "listing"])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"<html>Please wait</html>", "Expected JSON .* Received: <html>Please"),
        ({"error": 400}, "Expected a list of objects .* Received: {'error': 400}"),
        (["x"], "Expected a list of objects"),
        ([{}], "Expected a (whole number|plain file name)"),
    ],
)
def test_an_answer_of_another_shape_is_refused_with_what_came(
    remote, tmp_path, name, answer, expected
):
    setattr(remote, name, answer)
    with pytest.raises(FetchError, match=expected):
        fetch(catalogue_of(remote), tmp_path)
    assert remote.downloads() == []


@pytest.mark.parametrize("vouches", [True, False])
def test_a_page_of_html_in_place_of_a_file_is_refused(remote, tmp_path, vouches):
    remote.vouches = vouches
    remote.files["NSE_2013.csv"] = b"\n<!DOCTYPE html>"
    with pytest.raises(FetchError, match="Expected a CSV file as NSE_2013"):
        fetch(catalogue_of(remote), tmp_path)
    assert names_in(tmp_path) == [SOURCES]


@pytest.mark.parametrize(
    "name",
    ["../x.csv", "/etc/x.csv", "a/b.csv", "..\\x.csv", ".x.csv", "", "a\n.csv", None],
)
def test_a_hostile_file_name_is_refused(remote, tmp_path, name):
    remote.listing = [remote.row("NSE_2013.csv") | {"filename": name}]
    with pytest.raises(FetchError, match="Expected a plain file name"):
        fetch(catalogue_of(remote), tmp_path / "raw")
    assert names_in(tmp_path) == ["raw"]
    assert remote.downloads() == []


@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:1/x.csv", "file:///etc/passwd", None]
)
def test_a_file_on_another_server_is_refused(remote, tmp_path, place):
    row = remote.row("NSE_2013.csv")
    row["content_details"] |= {"download_url": place}
    remote.listing = [row]
    with pytest.raises(FetchError, match="Expected a `download_url` below http"):
        fetch(catalogue_of(remote), tmp_path)


def test_one_name_twice_is_refused_whatever_its_case(remote, tmp_path):
    row = remote.row("NSE_2013.csv")
    remote.listing = [row, row | {"filename": "nse_2013.CSV"}]
    with pytest.raises(FetchError, match="each name once"):
        fetch(catalogue_of(remote), tmp_path)


def test_an_empty_data_set_is_refused(remote, tmp_path):
    remote.files = {}
    with pytest.raises(FetchError, match="Expected CSV files"):
        fetch(catalogue_of(remote), tmp_path)


def test_a_spoiled_lock_is_refused_in_words(remote, tmp_path):
    (tmp_path / FETCHED).write_text('{"abc123def4": 1}')
    with pytest.raises(FetchError, match="remove it and fetch again"):
        fetch(catalogue_of(remote), tmp_path)


def test_what_a_killed_fetch_left_is_cleared_and_never_looks_complete(remote, tmp_path):
    left = tmp_path / STAGE / "tmpabc"
    left.parent.mkdir()
    left.write_bytes(PRICES[:5])
    assert csv_paths(tmp_path) == []
    fetch(catalogue_of(remote), tmp_path)
    assert not left.parent.exists()


def test_the_committed_catalogue_is_valid_and_covers_the_study() -> None:
    catalogue = read_catalogue(find_root() / "data" / "catalogue.toml")
    years = [year for each in catalogue.datasets for year in each.years]
    assert years == sorted(years) and years[0] == 2007
    assert len(catalogue.rows) == 24
    assert years_of(catalogue) == catalogue.years == (2007, 2023)
    chosen = datasets_of(catalogue, years_of(catalogue, "2020-2022"))
    assert [each.years for each in chosen] == [(2013, 2020), (2021, 2021), (2022, 2022)]
    assert years_of(catalogue, "2025") == (2025, 2025)


@pytest.mark.parametrize("years", ["x", "2013-", "1-2-3", "1990-1991"])
def test_years_that_are_none_are_refused(remote, years) -> None:
    with pytest.raises(ConfigurationError, match="`years` must"):
        years_of(catalogue_of(remote), years)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("market = 1", "not a valid catalogue"), ("market", "is not TOML")],
)
def test_a_catalogue_that_says_something_else_is_refused(tmp_path, text, expected):
    path = tmp_path / "catalogue.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=expected):
        read_catalogue(path)


@pytest.mark.skipif(
    not ALL_FILES.is_dir(), reason="the exchange's files are not on this machine"
)
def test_the_catalogues_rows_are_those_of_the_files_of_the_results() -> None:
    catalogue = read_catalogue(find_root() / "data" / "catalogue.toml")
    paths = csv_paths(ALL_FILES)
    assert catalogue.rows == {path.name: digest_file(path) for path in paths}
