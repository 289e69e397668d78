"""What a verb prints and how it ends, for a reader and for a program."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from nse_lstm import cli
from nse_lstm.cli import app
from nse_lstm.cli.verbs import EXIT_CODES, Answer, verb

runner = CliRunner()
TABLED = ["train", "score", "review", "changes", "ablation", "search", "verify"]
TABLED += ["doctor", "diff"]


@pytest.mark.parametrize("name", TABLED)
def test_a_verb_that_answers_with_a_table_has_json_and_says_its_codes(
    name: str,
) -> None:
    shown = runner.invoke(app, [name, "--help"], terminal_width=200).output
    assert "--json" in shown
    assert EXIT_CODES.split(";")[0] in " ".join(shown.split())


def build(root: Path, weights: str) -> str:
    folder = root / "trained_models" / "tiny"
    folder.mkdir(parents=True)
    (folder / "model.keras").write_text(weights)
    return str(root)


def test_equal_builds_end_with_0_and_others_with_1(tmp_path: Path) -> None:
    first, same = build(tmp_path / "a", "w"), build(tmp_path / "b", "w")
    other = build(tmp_path / "c", "v")
    assert runner.invoke(app, ["verify", first, same]).exit_code == 0
    ended = runner.invoke(app, ["verify", first, other, "--json"])
    assert ended.exit_code == 1
    document = json.loads(ended.stdout)
    assert document["exit_code"] == 1
    assert [row["result"] for row in document["rows"]] == ["different"]
    assert document["lines"] == ["1 artefacts, 1 different"]


def test_what_a_verb_prints_on_its_way_is_not_in_its_json() -> None:
    @verb(study=False, hidden=True)
    def chatter() -> Answer:
        """Talk first."""
        print("on the way")
        return Answer(pd.DataFrame({"a": [1.5, np.nan]}), code=3)

    ended = runner.invoke(app, ["chatter", "--json"])
    assert json.loads(ended.stdout)["rows"] == [{"a": 1.5}, {"a": None}]
    assert "on the way" in ended.stderr and ended.exit_code == 3
    plain = runner.invoke(app, ["chatter"])
    assert plain.stdout.startswith("on the way\n") and plain.exit_code == 3


def test_a_long_table_is_cut_for_a_reader_and_says_so() -> None:
    answer = Answer(pd.DataFrame({"n": range(5)}), ["done"], max_rows=2)
    assert answer.text().splitlines()[-2:] == [
        "… and 3 rows more; --json has them all",
        "done",
    ]
    assert len(json.loads(answer.json())["rows"]) == 5


def run_main(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["nse-lstm", *words])
    monkeypatch.setattr(cli, "isolate_process", lambda: None)
    cli.main()


def test_an_error_of_the_system_ends_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = tmp_path / "root"
    root.write_text("a file in the way")
    stamp = str(root / "stamp.json")
    with pytest.raises(SystemExit) as ended:
        run_main(monkeypatch, "stamp", stamp, "--root", str(root))
    said = capsys.readouterr().err.strip()
    assert ended.value.code == 1 and said.count("\n") == 0
    assert said.startswith("nse-lstm: File exists: ")
    assert str(root) in said and "something is in the way" in said


def test_the_target_is_named_not_the_file_beside_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "stamp.json"
    target.mkdir()
    with pytest.raises(SystemExit):
        run_main(monkeypatch, "stamp", str(target), "--root", str(tmp_path))
    assert f"Is a directory: {target};" in capsys.readouterr().err
