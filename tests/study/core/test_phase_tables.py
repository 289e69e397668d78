from pathlib import Path

import pandas as pd
import pytest

from nse_lstm.config import Market, Study
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.json_files import write_json
from nse_lstm.paths import Paths
from nse_lstm.study.core.phase_tables import read_facts, read_recommended
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import INSTRUMENTS, write_table

SESSION = pd.Timestamp("2020-01-06").as_unit("us")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    study = Study(market=Market(name="tiny", label="Tiny"))
    workspace = Workspace(study, Paths(tmp_path, "tiny"))
    document = {
        "by_fold": {"2022": ["AAA"], "2023": ["BBB"]},
        "ranked_by_fold": {"2022": ["AAA", "BBB"], "2023": ["BBB", "AAA", "CCC"]},
    }
    path = workspace.paths.analysis / "training_recommendations.json"
    write_json(path, document)
    rows = {"name": "x", "kind": "ordinary", "sector": "s"}
    spans = {"first_session": SESSION, "last_session": SESSION, "n_sessions": 1}
    table = pd.DataFrame({"ticker": ["AAA", "BBB", "CCC", "^IDX"], **rows, **spans})
    table.loc[table["ticker"] == "^IDX", "kind"] = "index"
    write_table(table, INSTRUMENTS, workspace.paths.processed / "instruments.parquet")
    return workspace


@pytest.mark.parametrize(
    ("stocks", "expected"),
    [
        ("", {2022: ["AAA"], 2023: ["BBB"]}),
        ("2", {2022: ["AAA", "BBB"], 2023: ["BBB", "AAA"]}),
        ("all", {2022: ["AAA", "BBB"], 2023: ["BBB", "AAA", "CCC"]}),
        ("CCC, AAA", {2022: ["CCC", "AAA"], 2023: ["CCC", "AAA"]}),
    ],
)
def test_stocks_are_chosen_by_number_by_name_or_all(
    workspace: Workspace, stocks: str, expected: dict[int, list[str]]
) -> None:
    assert read_recommended(workspace, stocks) == expected


@pytest.mark.parametrize(
    ("stocks", "named"),
    [
        ("AAA,ZZZ", "Received: 'ZZZ'"),
        ("0", "at least 1"),
        ("--5", "Received: '--5'"),
        (",", "Received: ''"),
        ("^IDX", r"Received: '\^IDX'"),
    ],
)
def test_stocks_that_are_not_there_are_refused(
    workspace: Workspace, stocks: str, named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        read_recommended(workspace, stocks)


def test_a_phase_before_phase_1_says_what_to_run(workspace: Workspace) -> None:
    with pytest.raises(ArtefactError, match=r"market\.json"):
        read_facts(workspace)
