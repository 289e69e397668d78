"""A used root that keeps something of an earlier walk is an alarm."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
from audit_power.measure import STUDY

from nse_lstm.paths import Paths
from nse_lstm.study.audit.repeated_walk import compare_roots, published_files
from nse_lstm.study.core.workspace import Workspace


def workspace(root: Path) -> Workspace:
    study = replace(STUDY, market=replace(STUDY.market, name="audit"))
    paths = Paths(root, "audit", root / "raw")
    paths.evaluation.mkdir(parents=True)
    pd.DataFrame({"fold": [2023], "value": [1.0]}).to_parquet(
        paths.evaluation / "scores.parquet"
    )
    (paths.evaluation / "verdict.json").write_text('{"verdict": {"answer": "no"}}')
    (paths.evaluation / "run.json").write_text(f'"{root}"')
    return Workspace(study, paths)


def test_equal_roots_set_off_no_alarm(tmp_path: Path) -> None:
    fresh, used = workspace(tmp_path / "a"), workspace(tmp_path / "b")
    assert compare_roots(fresh, used) == []
    names = {Path(place).name for place in published_files(fresh)}
    assert names == {"scores.parquet", "verdict.json"}


def test_what_stayed_of_an_earlier_walk_is_named(tmp_path: Path) -> None:
    fresh, used = workspace(tmp_path / "a"), workspace(tmp_path / "b")
    folder = used.paths.evaluation
    pd.DataFrame({"fold": [2023], "value": [2.0]}).to_parquet(folder / "scores.parquet")
    (folder / "verdict.json").write_text('{"verdict": {"answer": "yes"}}')
    details = [alarm.detail for alarm in compare_roots(fresh, used)]
    assert details == [
        "column value is another than in a fresh root",
        "verdict.answer is another than in a fresh root",
    ]


def test_a_file_that_only_the_fresh_root_has_is_missing(tmp_path: Path) -> None:
    fresh, used = workspace(tmp_path / "a"), workspace(tmp_path / "b")
    (used.paths.evaluation / "verdict.json").unlink()
    (alarm,) = compare_roots(fresh, used)
    assert alarm.where.endswith("verdict.json") and alarm.detail == "is missing"
