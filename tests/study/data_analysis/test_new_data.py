"""The day a new exchange file arrives."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.raw_files import Row, copy_session, random_rows, write_folder, write_rows
from support.tiny_study import STUDY
from typer.testing import CliRunner

from nse_lstm.cli import app
from nse_lstm.config import Review
from nse_lstm.errors import TableError
from nse_lstm.paths import find_root
from nse_lstm.study.core.workspace import Workspace, open_workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.jump_review import (
    accept_jumps,
    accepted_path,
    new_jumps,
)
from nse_lstm.study.data_analysis.panel_diff import changes_table, read_changes
from nse_lstm.tables import ACCEPTED_JUMPS, read_table

OLD = pd.bdate_range("2020-01-06", "2022-12-30")
NEW = pd.bdate_range("2023-01-02", "2023-03-31")
TICKERS = ("AAA", "BBB", "CCC", "DDD")
ROWS = random_rows(OLD.append(NEW), seed=7, tickers=TICKERS)
OLD_ROWS = [row for row in ROWS if row.session <= OLD[-1]]
NEW_ROWS = [row for row in ROWS if row.session > OLD[-1]]
NEW_FILE = "NSE_data_all_stocks_2023.csv"


def opened(root: Path) -> Workspace:
    raw = root / "raw"
    text = STUDY.replace("min_sessions = 300", "min_sessions = 100")
    text += f'\n[review]\naccepted = "{root / "accepted"}"\n'
    (root / "study.toml").write_text(text)
    return open_workspace(
        str(root), study=str(root / "study.toml"), market="files", raw=str(raw)
    )


def built(root: Path, rows: list[Row]) -> Workspace:
    root.mkdir(exist_ok=True)
    write_folder(root / "raw", rows)
    workspace = opened(root)
    analyse_data(workspace)
    return workspace


@pytest.fixture(scope="module")
def old_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("old") / "build"
    built(root, OLD_ROWS)
    return root


@pytest.fixture
def old(old_build: Path, tmp_path: Path) -> Workspace:
    """A study of the old files that a test may change."""
    root = tmp_path / "study"
    shutil.copytree(old_build, root)
    return opened(root)


def arrive(workspace: Workspace, rows: list[Row]) -> None:
    write_rows(workspace.paths.raw / NEW_FILE, rows, "new")
    analyse_data(workspace)


def found(workspace: Workspace) -> dict[str, tuple[int, str]]:
    table = changes_table(read_changes(workspace))
    return {row.what: (row.n, row.which) for row in table.itertuples()}


def run(workspace: Workspace, *command: str) -> tuple[int, str]:
    root = workspace.paths.root
    options = ["--root", str(root), "--study", str(root / "study.toml")]
    done = CliRunner().invoke(app, [*command, *options, "--market", "files"])
    return done.exit_code, done.output


def test_a_first_build_has_nothing_to_compare_with(old: Workspace) -> None:
    workspace = old
    assert read_changes(workspace) is None
    assert run(workspace, "changes")[0] == 0


def test_a_new_file_adds_its_sessions_and_rewrites_nothing(old: Workspace) -> None:
    workspace = old
    arrive(workspace, NEW_ROWS)
    changes = found(workspace)
    # Weekdays of January, February and March 2023: 22 + 20 + 23.
    assert changes["sessions added"] == (65, "65 in 2023")
    assert changes["values rewritten"] == (0, "")
    assert changes["sessions gone"][0] == 0
    # A year that has only begun is no test year.
    assert "test year changed" not in changes
    assert run(workspace, "changes")[0] == 0


def test_a_new_ticker_is_named_and_not_recommended_at_once(old: Workspace) -> None:
    workspace = old
    newcomer = [replace(row, ticker="NEW") for row in NEW_ROWS if row.ticker == "AAA"]
    # As the exchange prints them: session by session.
    arrive(workspace, sorted([*NEW_ROWS, *newcomer], key=lambda row: row.session))
    assert found(workspace)["tickers added"] == (1, "NEW")
    assert found(workspace)["newly recommended"][0] == 0


def test_the_same_files_again_leave_the_last_comparison_alone(old: Workspace) -> None:
    workspace = old
    arrive(workspace, NEW_ROWS)
    before = found(workspace)
    analyse_data(workspace)
    assert found(workspace) == before


def test_a_replaced_file_that_says_else_about_the_past_is_found(old: Workspace) -> None:
    workspace = old
    one = next(n for n, row in enumerate(OLD_ROWS) if row.session >= OLD[100])
    row = OLD_ROWS[one]
    assert row.price is not None
    forged = replace(row, price=row.price + 0.01)
    write_folder(workspace.paths.raw, [*OLD_ROWS[:one], forged, *OLD_ROWS[one + 1 :]])
    analyse_data(workspace)
    assert found(workspace)["values rewritten"] == (1, f"{row.ticker} 2020")
    code, output = run(workspace, "changes")
    assert code == 1
    assert f"{row.ticker} 2020" in output


def test_the_mending_of_a_stale_last_session_is_no_rewriting(tmp_path: Path) -> None:
    # Volume in all four, so that the repeated board is taken for a copy.
    traded = [replace(r, volume=800.0) if r.session == OLD[-2] else r for r in ROWS]
    stale = copy_session(traded, OLD[-1])
    workspace = built(tmp_path, [row for row in stale if row.session <= OLD[-1]])
    arrive(workspace, NEW_ROWS)
    changes = found(workspace)
    # All four repeated their session, and the new file tells the true prices.
    assert changes["stale sessions mended"][0] == 4
    assert changes["values rewritten"] == (0, "")


def test_an_unexplained_jump_fails_the_review_until_it_is_accepted(
    old: Workspace,
) -> None:
    workspace = old
    assert run(workspace, "review")[0] == 0
    # AAA doubles in the middle of the new file and stays there: one jump.
    jumped = [
        replace(
            row,
            price=round(row.price * 2, 2),
            previous=round(row.previous * (2 if row.session > NEW[30] else 1), 2),
        )
        if row.ticker == "AAA" and row.session >= NEW[30]
        else row
        for row in NEW_ROWS
        if row.price is not None and row.previous is not None
    ]
    arrive(workspace, jumped)
    jumps = new_jumps(workspace)
    assert list(zip(jumps["ticker"], jumps["session"], strict=True)) == [
        ("AAA", NEW[30])
    ]
    code, output = run(workspace, "review")
    assert code == 1
    assert NEW_FILE in output and "2023-02-13" in output
    assert NEW[30] == pd.Timestamp("2023-02-13")
    assert run(workspace, "review", "--accept", "looked up, AB")[0] == 0
    assert run(workspace, "review")[0] == 0
    listed = accepted_path(workspace).read_text()
    assert listed == 'ticker,session,note\nAAA,2023-02-13,"looked up, AB"\n'


def test_accepting_twice_adds_nothing(old: Workspace) -> None:
    workspace = old
    assert accept_jumps(workspace, note="none") == 0
    assert not accepted_path(workspace).exists()


def test_a_list_that_is_none_is_refused(old: Workspace) -> None:
    workspace = old
    accepted_path(workspace).parent.mkdir()
    accepted_path(workspace).write_text("ticker,day\nAAA,2023-02-13\n")
    with pytest.raises(TableError, match="session"):
        new_jumps(workspace)


def test_the_lists_of_the_project_hold_up() -> None:
    lists = sorted((find_root() / Review().accepted).glob("*.csv"))
    assert [path.stem for path in lists] == ["nse"]
    for path in lists:
        assert read_table(ACCEPTED_JUMPS, path)["note"].str.len().gt(0).all()


def test_the_random_market_of_these_tests_has_no_jump_of_its_own() -> None:
    # Moves are drawn within 6 %, under the limit of the review.
    prices = np.array([row.price for row in OLD_ROWS if row.ticker == "AAA"], float)
    assert np.abs(np.diff(np.log(prices))).max() < 0.135
