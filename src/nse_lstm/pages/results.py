"""Write the committed results page: statistics of the study, no rows of data.

It names its data and configuration and no date but those of the data, so that the same
study writes the same file on every machine.
"""

from pathlib import Path

from nse_lstm.config import configuration_hash
from nse_lstm.json_files import read_json
from nse_lstm.pages.summary import (
    accuracy_by_stock,
    comparison,
    expectations,
    net_by_stock,
    selection_table,
    strategies_table,
)
from nse_lstm.paths import write_text
from nse_lstm.reporting.banner import describe_evaluation
from nse_lstm.reporting.status import render_markdown
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.training.model_checks import safety_card

MEASURED = ("Prediction in less than", "Training time")
"""Targets that measure one machine's time; they stay out of the file."""


def results_path(workspace: Workspace) -> Path:
    """Return the path of this market and test year's results page."""
    name = f"{workspace.study.market.name}-{read_facts(workspace).test_year}.md"
    return workspace.paths.root / "docs" / "results" / name


def write_results(workspace: Workspace) -> Path:
    """Write the results page and return its path.

    Raises
    ------
    ArtefactError
        If a phase has not run.
    """
    path = results_path(workspace)
    write_text(path, _results(workspace))
    return path


def _results(workspace: Workspace) -> str:
    study = workspace.study
    safety = safety_card(workspace)
    timed = safety["target"].str.startswith(MEASURED)
    expected = expectations(workspace)
    document = read_json(workspace.paths.evaluation / "verdict.json")
    return render_markdown(
        "results.md.j2",
        test_year_label=describe_evaluation(document),
        market=study.market,
        facts=read_facts(workspace),
        configuration=configuration_hash(study),
        declared=study.verdict,
        backtest=study.backtest,
        **document,
        expected=expected[~expected["expected"].str.startswith(MEASURED)],
        comparison=comparison(workspace),
        accuracy=accuracy_by_stock(workspace),
        net=net_by_stock(workspace),
        strategies=strategies_table(workspace),
        selection=selection_table(workspace),
        safety=safety[~timed][["target", "found", "comment"]],
    )
