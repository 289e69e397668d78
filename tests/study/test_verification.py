from pathlib import Path

import pytest

from nse_lstm.errors import ArtefactError
from nse_lstm.study.verification import compare_builds, copy_ledger


def build(root: Path, *, weights: str = "w", seconds: str = "1") -> Path:
    folder = root / "trained_models" / "tiny" / "stock_specific_v2" / "AAA"
    folder.mkdir(parents=True)
    (folder / "model.keras").write_text(weights)
    (folder / "run.json").write_text(seconds)
    ledger = root / "trained_models" / "tiny" / "ledger"
    ledger.mkdir()
    (ledger / "trials.jsonl").write_text(seconds)
    return root


def test_times_do_not_count_but_weights_do(tmp_path: Path) -> None:
    first = build(tmp_path / "a", seconds="1")
    same = compare_builds(first, build(tmp_path / "b", seconds="2"))
    assert same["result"].to_list() == ["equal"]
    other = compare_builds(first, build(tmp_path / "c", weights="v"))
    assert other["result"].to_list() == ["different"]


def test_an_artefact_of_one_build_only_is_named(tmp_path: Path) -> None:
    first, second = build(tmp_path / "a"), build(tmp_path / "b")
    (second / "data").mkdir()
    (second / "data" / "panel.parquet").write_text("x")
    table = compare_builds(first, second).set_index("artefact")
    assert table.loc["data/panel.parquet", "result"] == "missing in the first"


def test_an_empty_build_is_no_equal_build(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="finished build"):
        compare_builds(build(tmp_path / "a"), tmp_path / "empty")


def test_the_second_build_gets_the_firsts_history(tmp_path: Path) -> None:
    first = build(tmp_path / "a", seconds="42")
    copy_ledger(first, tmp_path / "b", "tiny")
    copied = tmp_path / "b" / "trained_models" / "tiny" / "ledger" / "trials.jsonl"
    assert copied.read_text() == "42"
