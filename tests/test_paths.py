from pathlib import Path

import pytest

from nse_lstm.errors import ConfigurationError
from nse_lstm.paths import Paths, find_root, write_aside

ROOT = Path(__file__).resolve().parents[1]


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


def test_two_markets_and_two_roots_share_no_folder(tmp_path: Path) -> None:
    one, two = Paths(tmp_path, "simulated"), Paths(tmp_path, "nse")
    for name in ("raw", "processed", "models", "build", "reports", "ledger"):
        assert getattr(one, name) != getattr(two, name)
        assert tmp_path in getattr(one, name).parents
