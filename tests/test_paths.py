from pathlib import Path

import pytest
from support.places import ROOT

from nse_lstm.errors import ConfigurationError
from nse_lstm.paths import (
    SOURCED,
    Paths,
    csv_paths,
    find_root,
    unread_paths,
    write_aside,
    write_folder,
)


def test_the_root_is_found_from_any_folder_of_the_project() -> None:
    for folder in (ROOT, ROOT / "notebooks", ROOT / "src" / "nse_lstm"):
        assert find_root(folder) == ROOT


def test_outside_the_project_the_error_says_where_one_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="inside the nse-lstm project"):
        find_root(tmp_path)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="killed"), write_aside(path) as aside:
        aside.write_text("half of the n")
        raise RuntimeError("killed")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_whole_or_left_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    write_folder(folder, {"a": b"1", "b": b"2"})
    with pytest.raises(FileNotFoundError):
        write_folder(folder, {"a": b"3", "deep/c": b"4"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "a": b"1",
        "b": b"2",
    }
    write_folder(folder, {"c": b"5"})
    assert [path.name for path in folder.iterdir()] == ["c"]
    assert list(tmp_path.iterdir()) == [folder]


def test_two_markets_and_two_roots_share_no_folder(tmp_path: Path) -> None:
    one, two = Paths(tmp_path, "simulated"), Paths(tmp_path, "nse")
    for name in ("raw", "processed", "models", "build", "reports", "ledger"):
        assert getattr(one, name) != getattr(two, name)
        assert tmp_path in getattr(one, name).parents


def test_what_looks_like_data_and_is_not_read_is_listed(tmp_path: Path) -> None:
    for name in ("a.csv", "b.CSV.GZ", "c.xlsx", "d.zip", "e.tsv", "f.gz", "README.md"):
        (tmp_path / name).touch()
    for name in (".hidden.csv", "SHA256SUMS", "notes.txt"):
        (tmp_path / name).touch()
    for name in ("old", SOURCED):
        (tmp_path / name).mkdir()
        (tmp_path / name / "g.csv").touch()
    (tmp_path / "scripts").mkdir()
    (tmp_path / "h.csv").symlink_to(tmp_path / "gone.csv")
    assert [path.name for path in csv_paths(tmp_path)] == ["a.csv", "b.CSV.GZ"]
    unread = {path.name: what for path, what in unread_paths(tmp_path).items()}
    assert sorted(unread) == ["c.xlsx", "d.zip", "e.tsv", "f.gz", "h.csv", "old"]
    assert unread["c.xlsx"].endswith("save it as CSV UTF-8 (comma delimited)")
    assert unread["h.csv"].startswith("a broken link")
    assert unread["old"].startswith("a folder: move its CSV files")
    assert unread_paths(tmp_path / "missing") == {}
