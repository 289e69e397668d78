from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.sealed_study import make_workspace

from nse_lstm.config import Folds
from nse_lstm.errors import ArtefactError
from nse_lstm.study.core.ledger import append_lines, read_lines
from nse_lstm.study.core.phase_tables import read_sealed_panel
from nse_lstm.study.core.sealed_year import YearEvaluation, open_test_year
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.deploy import deploy
from nse_lstm.tables import PANEL, read_table, write_table

NOW = datetime(2024, 1, 2, tzinfo=UTC)


def open_year(workspace: Workspace, **how: Any) -> tuple[pd.DataFrame, YearEvaluation]:
    return open_test_year(open_study_data(workspace), **how)


def test_the_sealed_panel_ends_before_the_test_year(tmp_path: Path) -> None:
    sealed = read_sealed_panel(make_workspace(tmp_path))
    assert sealed["session"].max() < pd.Timestamp("2021-01-01")
    assert len(sealed)


def test_the_first_look_is_confirmatory_and_the_same_look_is_not_counted_twice(
    tmp_path: Path,
) -> None:
    workspace = make_workspace(tmp_path)
    panel, first = open_year(workspace, study="s", now=NOW)
    assert panel["session"].max() >= pd.Timestamp("2021-01-01")
    assert (first.label, first.n_evaluations) == ("confirmatory", 1)
    _, again = open_year(workspace, study="s", now=NOW)
    assert again == first
    ledger = workspace.paths.ledger / "test_year_evaluations.jsonl"
    assert len(ledger.read_text().splitlines()) == 1


def test_a_build_that_fails_after_phase_4_is_no_other_evaluation(
    tmp_path: Path,
) -> None:
    workspace = make_workspace(tmp_path)
    first = open_year(workspace, now=NOW)[1]
    ledger = workspace.paths.ledger / "test_year_evaluations.jsonl"
    before = ledger.read_bytes()
    # Phase 5 fails, as nothing was selected.
    with pytest.raises((ArtefactError, OSError)):
        deploy(workspace)
    assert ledger.read_bytes() == before
    later = NOW + timedelta(days=1)
    assert open_year(workspace, now=later)[1] == first
    assert ledger.read_bytes() == before


@pytest.mark.parametrize("change", [{"seed": 9}, {"folds": Folds(n_walk_forward=2)}])
def test_another_study_is_exploratory_and_the_first_keeps_its_label(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    workspace = make_workspace(tmp_path)
    open_year(workspace, now=NOW)
    other = replace(workspace, study=replace(workspace.study, **change))
    second = open_year(other, now=NOW)[1]
    assert (second.label, second.n_evaluations) == ("exploratory", 2)
    assert open_year(workspace, now=NOW)[1].label == "confirmatory"


def test_what_changes_no_number_is_the_same_look(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    first = open_year(workspace, now=NOW)[1]
    study = workspace.study
    for same in (
        replace(study, test_year=2021),
        replace(study, market=replace(study.market, label="Renamed", citation="c")),
        replace(study, training=replace(study.training, workers=2)),
    ):
        assert open_year(replace(workspace, study=same), now=NOW)[1] == first


def test_other_files_do_not_make_the_year_unseen_again(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    open_year(workspace, now=NOW)
    path = workspace.paths.processed / "market.json"
    path.write_text(path.read_text().replace("d" * 64, "e" * 64))
    assert open_year(workspace, now=NOW)[1].label == "exploratory"


def test_a_damaged_ledger_is_named_with_its_line(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    open_year(workspace, now=NOW)
    path = workspace.paths.ledger / "test_year_evaluations.jsonl"
    path.write_text(path.read_text() + '{"data": "d')
    with pytest.raises(ArtefactError, match=r"test_year_evaluations\.jsonl, line 2"):
        open_year(workspace, now=NOW)


def test_two_processes_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger" / "trials.jsonl"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: append_lines(path, [{"n": n}], key=["n"]), range(40)))
    assert sorted(line["n"] for line in read_lines(path)) == list(range(40))


def test_a_stale_last_session_is_not_in_the_sealed_panel(tmp_path: Path) -> None:
    # Its true price is the next session's word, which lies in the test year.
    workspace = make_workspace(tmp_path)
    path = workspace.paths.processed / "panel.parquet"
    panel = read_table(PANEL, path)
    last = panel.loc[panel["session"] < "2021-01-01", "session"].max()
    panel.loc[panel["session"] == last, ["stale", "mended"]] = True
    write_table(panel, PANEL, path)
    assert read_sealed_panel(workspace)["session"].max() < last


def test_a_year_with_known_results_is_a_replication_even_at_the_first_look(
    tmp_path: Path,
) -> None:
    workspace = make_workspace(tmp_path, known_through=2021)
    assert open_year(workspace, study="s", now=NOW)[1].label == "replication"


def test_a_wrong_test_year_is_refused(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    other = replace(workspace, study=replace(workspace.study, test_year=2022))
    with pytest.raises(ArtefactError, match="run for test year 2021"):
        open_year(other, study="s", now=NOW)
