"""Write the committed results page: statistics of the study, no rows of data.

It names its data and configuration and no date but those of the data, so that the same
study writes the same file on every machine.
"""

import io
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd

from nse_lstm.config import configuration_hash
from nse_lstm.json_files import read_json
from nse_lstm.pages.claims import ALL, draw_claims_in_words
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
from nse_lstm.study.validation.claims import read_claims
from nse_lstm.tables import write_csv

MEASURED = ("Prediction in less than", "Training time")
"""Targets that measure one machine's time; they stay out of the file."""


def results_path(workspace: Workspace) -> Path:
    """Return the path of this market and test year's results page."""
    name = f"{workspace.study.market.name}-{read_facts(workspace).test_year}.md"
    return workspace.paths.root / "docs" / "results" / name


def write_results(workspace: Workspace) -> Path:
    """Write the results page and return its path, its claims as CSV and SVG beside it.

    Raises
    ------
    ArtefactError
        If a phase has not run.
    """
    path = results_path(workspace)
    write_text(path, _results(workspace))
    claims = read_claims(workspace.paths.evaluation)
    if len(claims):
        table = path.with_name(f"{workspace.study.market.name}-claims.csv")
        write_csv(claims[claims["span"] == ALL].dropna(axis=1, how="all"), table)
        draw_committed_claims(table)
    return path


def draw_committed_claims(table: Path) -> Path:
    """Draw the claims of a committed table, the README's picture, as SVG beside it.

    Parameters
    ----------
    table : Path
        CSV of ``CLAIMS`` over all spans.
    """
    target = table.with_suffix(".svg")
    figure = draw_claims_in_words(pd.read_csv(table, keep_default_na=False))
    drawn = io.StringIO()
    # The same bytes on every machine with the same packages.
    with mpl.rc_context({"svg.hashsalt": table.stem, "svg.fonttype": "path"}):
        figure.savefig(drawn, format="svg", facecolor="white", metadata={"Date": None})
    plt.close(figure)
    write_text(target, drawn.getvalue())
    return target


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
