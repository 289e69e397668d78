import os
from pathlib import Path

import pytest

from nse_lstm.errors import ConfigurationError
from nse_lstm.paths import find_root
from nse_lstm.study.core.workspace import open_workspace
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.tools.stamp import write_stamp


def test_relative_paths_are_taken_from_the_project_wherever_one_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = find_root()
    monkeypatch.chdir(root / "notebooks")
    workspace = open_workspace("build/quick", raw="../shared/nse", market="nse")
    assert workspace.paths.root == root / "build" / "quick"
    assert workspace.paths.raw.resolve() == (root.parent / "shared" / "nse").resolve()
    assert open_workspace().paths.root == root


def test_the_stamp_keeps_its_time_until_the_study_changes(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    assert write_stamp(open_workspace(), path)
    os.utime(path, (0, 0))
    assert not write_stamp(open_workspace(), path)
    assert path.stat().st_mtime == 0
    assert write_stamp(open_workspace(test_year=2020), path)
    assert path.stat().st_mtime > 0


def test_the_stamp_sees_a_raw_file_come_and_grow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    workspace = open_workspace(market="nse", raw=str(raw))
    path = tmp_path / "study.json"
    write_stamp(workspace, path)
    (raw / "new.csv").write_text("a")
    assert write_stamp(workspace, path)
    (raw / "new.csv").write_text("ab")
    assert write_stamp(workspace, path)
    os.utime(raw / "new.csv", (4e9, 4e9))
    assert not write_stamp(workspace, path)
    (raw / "late.xlsx").touch()
    assert write_stamp(workspace, path)
    prepare_raw(workspace)
    said = capsys.readouterr().err
    assert said.startswith("Not read: late.xlsx is a spreadsheet: save it as CSV")


def test_the_simulator_never_writes_into_a_folder_of_real_files(
    tmp_path: Path,
) -> None:
    (tmp_path / "real.csv").write_text("precious")
    workspace = open_workspace(raw=str(tmp_path))
    with pytest.raises(ConfigurationError, match="MARKET=nse"):
        prepare_raw(workspace)
    assert (tmp_path / "real.csv").read_text() == "precious"
