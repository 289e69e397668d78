"""Write the status page, with the first one's headings, from tables on disk.

Every number is read from the tables of a phase, and a phase that has not run says so.
Except for provenance, the same tables give the same page.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd

from nse_lstm.deployment.registry import read_registry
from nse_lstm.deployment.registry_entry import CHAMPION
from nse_lstm.errors import ArtefactError
from nse_lstm.json_files import read_json
from nse_lstm.pages.phrases import error_ratios
from nse_lstm.pages.status_phases import IMPROVEMENTS, PHASES
from nse_lstm.pages.summary import comparison, expectations, read_test_scores
from nse_lstm.paths import find_root, write_text
from nse_lstm.reporting.banner import describe_evaluation, make_banner
from nse_lstm.reporting.canvas import name_of
from nse_lstm.reporting.status import (
    Phase,
    Status,
    render_markdown,
    render_status,
)
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.verdict import read_verdict
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.tools.execute_notebook import page_metadata
from nse_lstm.study.tools.make_command import make_command, parameters_of

Found = TypeVar("Found")

DOCUMENTS = (
    ("QUICK_START.md", "README.md", "Set up, first commands, folders"),
    (
        "LSTM_RETRAINING_SUMMARY.md",
        "index.html",
        "Executive summary: the verdict, the report card, limitations",
    ),
    ("ml/RETRAINING_PLAN.md", "study.toml", "The plan as a file: every setting"),
    (
        "ml/PHASE2_COMPLETE.md",
        "02_architecture.html",
        "The v2 network in detail",
    ),
    (
        "ml/LSTM_IMPROVEMENTS.md",
        "04_validation.html",
        "Technical details: the tests of v2",
    ),
    ("(none)", "docs/new_data.md", "What to do when a new exchange file arrives"),
    ("(none)", "CONTRIBUTING.md", "Where code goes, and the checks of a change"),
)
"""Document of the first page, its place now (a page, or a file of the project)."""

STEPS = (
    "Read the exchange's files and rank every stock before each year",
    "Train one regularised model per recommended stock and walk-forward year",
    "Score all models, persistence and simple rules, after costs",
    "Select, promote, and forecast the session after the last one",
)


def write_status(
    workspace: Workspace, path: Path, *, study_file: str = "study.toml"
) -> None:
    """Write the status page as HTML, and as Markdown in the same folder.

    Parameters
    ----------
    workspace : Workspace
    path : Path
        Of the HTML page.
    study_file : str
        That the page's commands name.

    Raises
    ------
    ArtefactError
        If not even Phase 1 has run.
    """
    status = read_status(workspace, folder=path.parent, study_file=study_file)
    write_text(path, render_status(status, metadata=page_metadata(workspace)))
    text = render_markdown("status.md.j2", status=status)
    write_text(path.with_suffix(".md"), text)


def read_status(
    workspace: Workspace, *, folder: Path, study_file: str = "study.toml"
) -> Status:
    """Gather the values of the status page.

    Parameters
    ----------
    workspace : Workspace
    folder : Path
        Where the page will lie: its links to the project's files start there.
    study_file : str
        As for ``write_status``.

    Raises
    ------
    ArtefactError
        If Phase 1 has not run.
    """
    facts = read_facts(workspace)
    verdict = read_verdict(workspace)
    nothing = pd.DataFrame()
    return Status(
        label=workspace.study.market.label,
        test_year=facts.test_year,
        data_through=facts.last_session,
        phases=tuple(_phase(workspace, *phase) for phase in PHASES),
        verdict=make_banner(verdict),
        evaluation=describe_evaluation(verdict) if verdict else "",
        comparison=_or(lambda: comparison(workspace), nothing),
        expected=_or(lambda: expectations(workspace), nothing),
        stocks=_or(lambda: _stocks(workspace), nothing),
        commands=_commands(workspace, study_file),
        steps=STEPS,
        documents=tuple(
            {"was": was, "now": now, "link": _link(now, folder), "purpose": purpose}
            for was, now, purpose in DOCUMENTS
        ),
        improvements=tuple(read(workspace) for read in IMPROVEMENTS) if verdict else (),
    )


def _or(read: Callable[[], Found], missing: Found) -> Found:
    """Return the value read, or a default where its phase has not run."""
    try:
        return read()
    except ArtefactError:
        return missing


def _phase(
    workspace: Workspace,
    name: str,
    page: str,
    output: str,
    read: Callable[[Workspace], tuple[str, ...]],
) -> Phase:
    nothing: tuple[str, ...] = ()
    lines = _or(lambda: read(workspace), nothing)
    return Phase(
        name=name,
        done=bool(lines),
        lines=lines or ("Its tables are missing: the build was not finished.",),
        page=page,
        output=output.format(market=workspace.study.market.name),
    )


def _stocks(workspace: Workspace) -> pd.DataFrame:
    """Return each stock's model in use and its error over persistence's."""
    model = workspace.study.verdict.model
    ratio = error_ratios(read_test_scores(workspace), model=model)
    chosen = read_json(workspace.paths.evaluation / "selection.json")
    tickers = [row["ticker"] for row in chosen]
    # The gate may have refused the model that was chosen.
    registry = read_registry(workspace.paths.registry)
    used = [registry.get(ticker, {}).get(CHAMPION) for ticker in tickers]
    return pd.DataFrame(
        {
            "ticker": tickers,
            "chosen in Phase 4": [name_of(row["champion"]) for row in chosen],
            "model in use": [name_of(each.model) if each else "none" for each in used],
            f"error of {model}": [
                f"{ratio[ticker]:.1f} times persistence's"
                if ticker in ratio
                else "not in the test year's files"
                for ticker in tickers
            ],
        }
    )


def _commands(workspace: Workspace, study_file: str) -> tuple[str, ...]:
    """Return what to type next, with the variables of this very study."""
    given = parameters_of(workspace, study_file)
    return (
        "# With a new file of the exchange in the folder: docs/new_data.md",
        make_command("all", given),
        "# Every day after the close: forecasts for the next session, then alarms",
        make_command("daily", given),
    )


def _link(place: str, folder: Path) -> str:
    """Return a link from the page's folder: pages lie beside it."""
    if place.endswith(".html"):
        return place
    return Path(os.path.relpath(find_root() / place, folder)).as_posix()
