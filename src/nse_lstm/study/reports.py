"""The index page, from what the phases left on disk."""

from pathlib import Path

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.paths import write_text
from nse_lstm.reporting.index import render_index
from nse_lstm.study.safety import safety_card
from nse_lstm.study.stock_page import stock_tickers
from nse_lstm.study.workspace import Workspace, read_json

__all__ = ["write_index"]


def write_index(workspace: Workspace, path: Path) -> None:
    """Write the index of one market's reports.

    Raises
    ------
    ArtefactError
        If a phase has not run.
    """
    notebooks = sorted(workspace.paths.build.glob("0*_*.ipynb"))
    if not notebooks:
        raise ArtefactError(
            f"Expected executed notebooks in {workspace.paths.build}. Received: none"
        )
    folder = workspace.paths.evaluation
    page = render_index(
        notebooks,
        verdict=read_json(folder / "verdict.json"),
        report_card=pd.read_csv(folder / "report_card.csv"),
        safety=safety_card(workspace),
        stocks=stock_tickers(workspace),
    )
    write_text(path, page)
