import json
from pathlib import Path

import pandas as pd
import pytest

from nse_lstm.errors import ArtefactError
from nse_lstm.study.tools.artefact_diff import first_difference
from nse_lstm.study.tools.reproducibility import compare_builds, copy_ledger


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


def page(seconds: int, value: str, foot: str) -> str:
    return (
        f"<p>It took {seconds} s, the longest {seconds + 1} ms (ABC-R).</p>"
        f'<td class="number measured" data-label="s">{seconds}</td>'
        f'<td class="number">{value}</td><code>make all ROOT=build/{foot} V=1</code>'
        f"<footer>{foot}</footer>"
    )


def test_a_page_counts_but_for_its_times_and_its_foot(tmp_path: Path) -> None:
    first, second = build(tmp_path / "a"), build(tmp_path / "b")
    for root, text in ((first, page(1, "7", "x")), (second, page(22, "7", "y"))):
        (root / "reports").mkdir()
        (root / "reports" / "a.html").write_text(text)
    assert set(compare_builds(first, second)["result"]) == {"equal"}
    (second / "reports" / "a.html").write_text(page(22, "8", "y"))
    row = compare_builds(first, second).set_index("artefact").loc["reports/a.html"]
    assert row["result"] == "different"
    assert row["first"].count(">7</td>") == 1 and ">8</td>" in row["first"]


def test_an_executed_notebook_counts_by_what_it_shows(tmp_path: Path) -> None:
    def notebook(shown: str, printed: str) -> str:
        out = [
            {"output_type": "stream", "text": printed},
            {"output_type": "display_data", "data": {"text/html": shown}},
        ]
        cell = {"cell_type": "code", "source": "show()", "metadata": {}, "outputs": out}
        return json.dumps({"cells": [cell]})

    first, second = build(tmp_path / "a"), build(tmp_path / "b")
    place = Path("build") / "tiny" / "01.ipynb"
    for root, printed in ((first, "1"), (second, "2")):
        (root / place).parent.mkdir(parents=True)
        (root / place).write_text(notebook("<p>5</p>", printed))
    assert set(compare_builds(first, second)["result"]) == {"equal"}
    (second / place).write_text(notebook("<p>6</p>", "2"))
    table = compare_builds(first, second)
    row = table.set_index("artefact").loc[place.as_posix()]
    assert row["result"] == "different" and "6</p>" in row["first"]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"a": [1.0, 2.0], "b": ["x", "z"]}, "row 1, b: y | z"),
        ({"a": [1.0, 2.0]}, "columns: ['a', 'b'] | ['a']"),
        ({"a": [1.0], "b": ["x"]}, "rows: 2 | 1"),
        ({"a": [None, 2.0], "b": ["x", "y"]}, "row 0, a: 1.0 | nan"),
    ],
)
def test_the_first_difference_of_two_tables_is_a_cell(
    tmp_path: Path, other: dict, says: str
) -> None:
    one, two = tmp_path / "1.parquet", tmp_path / "2.parquet"
    pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}).to_parquet(one)
    pd.DataFrame(other).to_parquet(two)
    assert first_difference(one, two) == says


def test_the_first_difference_of_two_networks_is_a_byte(tmp_path: Path) -> None:
    one, two = tmp_path / "1.keras", tmp_path / "2.keras"
    one.write_bytes(b"\xff\x00abc")
    two.write_bytes(b"\xff\x00aXc")
    assert first_difference(one, two) == "byte 3: b'b' | b'X'"
