"""The doctor says what is wrong and what to do, and does nothing."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from support.tiny_study import tiny_workspace

from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.tools import doctor
from nse_lstm.study.tools.doctor import examine


def checks(table: pd.DataFrame) -> dict[str, tuple[str, str]]:
    return {row.check: (row.result, row.do) for row in table.itertuples()}


def test_a_study_that_was_built_is_well_but_for_its_models(finished: Workspace) -> None:
    # Its bundles are of no version that today's sources would give.
    found = examine(finished)
    results = checks(found)
    assert results["panel"] == ("ok", "")
    assert results["verdict"] == ("ok", "")
    result, do = results["trained models"]
    assert result == "warning" and do == (
        f"make train ROOT={finished.paths.root} TEST_YEAR=2024"
    )
    n_models = found.set_index("check")["found"]["trained models"]
    # v1 and two stocks, for the year walked forward and the test year.
    assert n_models.startswith("0 of 6 ")


def test_before_the_first_build_it_names_the_command(tmp_path: Path) -> None:
    table = examine(tiny_workspace(tmp_path), study_file="any.toml")
    given = f"ROOT={tmp_path} STUDY=any.toml MARKET=simulated"
    expected = f"make all {given} TEST_YEAR=2024"
    assert checks(table)["panel"] == ("warning", expected)
    assert "trained models" not in checks(table)


def test_a_real_market_without_files_fails(tmp_path: Path) -> None:
    workspace = tiny_workspace(tmp_path, market="files")
    result, do = checks(examine(workspace))["source files"]
    assert result == "failed" and "RAW=folder MARKET=files" in do


def test_years_in_the_names_of_files_are_told_as_spans(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for year in (2019, 2020, 2023):
        (raw / f"NSE_{year}.csv").touch()
    workspace = tiny_workspace(tmp_path, market="files", raw=raw)
    table = examine(workspace).set_index("check")
    assert table.loc["source files", "found"].endswith("named 2019 to 2020, 2023")


def test_a_package_of_another_version_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "numpy==0.1 ; python_full_version < '3.12' \\\n    --hash=sha256:0\n"
        "pandas[x]==0.2 \\\n    --hash=sha256:0\n"
    )
    assert doctor._locked(text) == {"numpy": {"0.1"}, "pandas": {"0.2"}}
    (tmp_path / "requirements.lock").write_text(text)
    workspace = tiny_workspace(tmp_path / "root")
    monkeypatch.setattr(doctor, "find_root", lambda: tmp_path)
    row = examine(workspace).set_index("check").loc["packages"]
    assert row["result"] == "failed"
    assert "numpy " in row["found"] and "(locked: 0.1)" in row["found"]


def test_a_study_error_is_a_failed_check_not_the_end(finished: Workspace) -> None:
    # Phase 1 ran for 2024.
    study = replace(finished.study, test_year=2023)
    results = checks(examine(replace(finished, study=study)))
    assert results["panel"][0] == "failed"
    assert results["disk"][0] == "ok"
