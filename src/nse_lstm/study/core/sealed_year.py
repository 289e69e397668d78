"""The seal of the test year.

``open_test_year`` is the only function that hands out prices of the test year to code
that is judged by them. It writes a line the first time a frozen study is evaluated on
that year. The label says how much the evaluation can prove.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.study.core.ledger import append_lines, identity, read_lines
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import PANEL, read_table

Label = Literal["confirmatory", "replication", "exploratory"]

MEANING = {
    "confirmatory": "first evaluation of this year, with a frozen study",
    "replication": "results that cover this year were known before the study",
    "exploratory": "this year had been evaluated before with another study or data",
}


@dataclass(frozen=True)
class YearEvaluation:
    """One evaluation of the test year."""

    test_year: int
    label: Label
    n_evaluations: int
    """Distinct studies evaluated on this year of the market, this one included."""

    @property
    def meaning(self) -> str:
        """The meaning of the label, in words."""
        return MEANING[self.label]


def open_test_year(
    data: StudyData, *, study: str = "", now: datetime | None = None
) -> tuple[pd.DataFrame, YearEvaluation]:
    """Break the seal: return the panel with the test year, and record the evaluation.

    Parameters
    ----------
    data : StudyData
    study : str
        What names the frozen study; ``ledger.identity`` if empty.
    now : datetime, optional
        Time written into the ledger.

    Returns
    -------
    panel : DataFrame
        All sessions up to the last one of the data.
    evaluation : YearEvaluation
        Its label: ``replication`` where results on that year were known beforehand,
        else ``confirmatory`` for the first evaluation of that year of the market, and
        ``exploratory`` for any other study or other data after it. The same study on
        the same data is the same evaluation.
    """
    facts = data.facts
    path = data.paths.ledger / "test_year_evaluations.jsonl"
    mine = {
        "data": facts.digest,
        "test_year": facts.test_year,
        "study": study or identity(data.study, facts.test_year),
    }
    lines = [line for line in read_lines(path) if line["test_year"] == facts.test_year]
    known = [line for line in lines if mine.items() <= line.items()]
    if not known:
        moment = (now or datetime.now(UTC)).isoformat(timespec="seconds")
        label: Label = "exploratory" if lines else "confirmatory"
        if facts.test_year <= data.study.market.results_known_through:
            label = "replication"
        known = [{**mine, "when": moment, "label": label}]
        lines += known
        append_lines(path, known, key=list(mine))
    panel = read_table(PANEL, data.paths.processed / "panel.parquet")
    return panel, YearEvaluation(facts.test_year, known[0]["label"], len(lines))


def open_to_serve(workspace: Workspace) -> pd.DataFrame:
    """Return the panel through its last session, to forecast from and to watch.

    A new session makes other data, but no new evaluation: nothing of the study is
    chosen or judged by it. Before a first evaluation the seal holds.

    Raises
    ------
    ArtefactError
        If no study of this market has opened a test year yet.
    """
    path = workspace.paths.ledger / "test_year_evaluations.jsonl"
    if not read_lines(path):
        raise ArtefactError(
            f"Expected a finished study of market {workspace.study.market.name}. "
            f"Received: no evaluation of a test year in {path}. Build it first: make "
            f"all MARKET={workspace.study.market.name}"
        )
    return read_table(PANEL, workspace.paths.processed / "panel.parquet")
