"""Commands run as they are printed."""

import subprocess
from pathlib import Path

import pytest
from support.places import ROOT
from support.tiny_study import tiny_workspace

from nse_lstm.study.tools.make_command import make_command, parameters_of


def test_the_command_has_only_what_is_not_at_its_default() -> None:
    given = {"root": "", "study": "study.toml", "test_year": 0, "seed": 3}
    assert make_command("reports", given) == "make reports"
    given = {"root": "build/quick", "study": "study.quick.toml", "test_year": 2023}
    expected = "make all ROOT=build/quick STUDY=study.quick.toml TEST_YEAR=2023"
    assert make_command("all", given) == expected


@pytest.mark.parametrize("name", ["my files", "it's", "50 $US", 'a "b" (1)'])
def test_a_shell_gives_make_the_folder_that_was_meant(
    tmp_path: Path, name: str
) -> None:
    raw = tmp_path / name
    command = make_command("-f - shown", {"market": "nse", "raw": str(raw)})
    makefile = "export RAW\nshown:\n\t@printenv RAW\n"
    done = subprocess.run(
        command, shell=True, input=makefile, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(raw)


def test_a_workspace_is_named_with_its_raw_folder_and_test_year(tmp_path: Path) -> None:
    workspace = tiny_workspace(tmp_path, market="files", raw=ROOT / "data/raw/files")
    assert parameters_of(workspace, "any.toml") == {
        "root": str(tmp_path),
        "study": "any.toml",
        "market": "files",
        "raw": "data/raw/files",
        "test_year": workspace.study.test_year,
    }
