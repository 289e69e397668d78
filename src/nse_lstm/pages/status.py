"""The status page written anew, in the first one's headings, from tables on disk.

Every figure is read from what a phase left; a phase that has not run says so. But for
provenance the page is the same for the same tables.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.json_files import read_json
from nse_lstm.pages.status_phases import IMPROVEMENTS, PHASES
from nse_lstm.pages.summary import comparison, expectations, read_test_scores
from nse_lstm.paths import find_root, write_text
from nse_lstm.reporting.banner import make_banner
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
from nse_lstm.tables import ACCURACY_COST

Found = TypeVar("Found")

DOCUMENTS = (
    ("QUICK_START.md", "README.md", "Set up, first commands, where things lie"),
    (
        "LSTM_RETRAINING_SUMMARY.md",
        "index.html",
        "Executive summary: the verdict, the report card, what could be wrong",
    ),
    ("ml/RETRAINING_PLAN.md", "study.toml", "The plan as a file: every choice"),
    (
        "ml/PHASE2_COMPLETE.md",
        "02_architecture.html",
        "The v2 network looked at closely",
    ),
    (
        "ml/LSTM_IMPROVEMENTS.md",
        "04_validation.html",
        "Technical depth: what v2 is worth",
    ),
    ("(none)", "docs/new_data.md", "The day a new exchange file arrives"),
    ("(none)", "CONTRIBUTING.md", "Where code goes and what a change must keep"),
)
"""Document of the first page, its place now (a page, or a file of the project)."""

STEPS = (
    "Read the exchange's files and judge every stock before each year",
    "Train one regularised model a recommended stock and walk-forward year",
    "Score all models beside persistence and simple rules, after costs",
    "Select, promote, and forecast the session after the last one",
)


def write_status(workspace: Workspace, path: Path) -> None:
    """Write the status page, and the same in Markdown beside it.

    Raises
    ------
    ArtefactError
        If not even Phase 1 has run.
    """
    status = read_status(workspace, folder=path.parent)
    write_text(path, render_status(status, metadata=page_metadata(workspace)))
    text = render_markdown("status.md.j2", status=status)
    write_text(path.with_suffix(".md"), text)


def read_status(workspace: Workspace, *, folder: Path) -> Status:
    """Gather what the status page says.

    Parameters
    ----------
    folder : Path
        Where the page will lie: its links to the project's files start there.

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
        look=_look(verdict),
        comparison=_or(lambda: comparison(workspace), nothing),
        expected=_or(lambda: expectations(workspace), nothing),
        stocks=_or(lambda: _stocks(workspace), nothing),
        commands=_commands(workspace),
        steps=STEPS,
        documents=tuple(
            {"was": was, "now": now, "link": _link(now, folder), "purpose": purpose}
            for was, now, purpose in DOCUMENTS
        ),
        improvements=tuple(read(workspace) for read in IMPROVEMENTS) if verdict else (),
    )


def _or(read: Callable[[], Found], missing: Found) -> Found:
    """Return what is read, or a stand-in where its phase has not run."""
    try:
        return read()
    except ArtefactError:
        return missing


def _look(verdict: dict[str, Any] | None) -> str:
    """Say what the look at the test year is worth; nothing before it."""
    if verdict is None:
        return ""
    look = verdict["look"]
    return f"{look['label']}: {look['meaning']}"


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
        lines=lines or ("Its tables are not there: run `make all`.",),
        page=page,
        output=output.format(market=workspace.study.market.name),
    )


def _stocks(workspace: Workspace) -> pd.DataFrame:
    """Return who serves each stock and v2's error as a multiple of persistence's."""
    model = workspace.study.verdict.model
    scores = read_test_scores(workspace)
    rows = scores[(scores["metric"] == "mae") & (scores["cost_bps"] == ACCURACY_COST)]
    wide = rows.pivot(index="ticker", columns="model", values="value")
    ratio = wide[model] / wide["persistence"]
    chosen = read_json(workspace.paths.evaluation / "selection.json")
    return pd.DataFrame(
        {
            "ticker": [row["ticker"] for row in chosen],
            "served by": [row["champion"] for row in chosen],
            f"error of {model}": [
                f"{ratio[row['ticker']]:.1f} times persistence's" for row in chosen
            ],
        }
    )


def _commands(workspace: Workspace) -> tuple[str, ...]:
    market = workspace.study.market
    where = (
        "" if market.simulated else f" MARKET={market.name} RAW=<folder of the files>"
    )
    return (
        "# With a new file of the exchange in the folder: docs/new_data.md",
        f"make all{where}",
        "# The session after the last one",
        f"make score{where}",
    )


def _link(place: str, folder: Path) -> str:
    """Return a link from the page's folder: pages lie beside it."""
    if place.endswith(".html"):
        return place
    return Path(os.path.relpath(find_root() / place, folder)).as_posix()
