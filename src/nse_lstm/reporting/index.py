"""The index: the verdict in plain words first, then what it rests on."""

from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.reporting.banner import make_banner
from nse_lstm.reporting.display import show_table
from nse_lstm.reporting.pages import PHASES, environment, read_notebook, wrap_page

__all__ = ["render_index"]


def render_index(
    notebooks: list[Path],
    *,
    verdict: dict[str, Any],
    report_card: pd.DataFrame,
    safety: pd.DataFrame,
    stocks: list[str],
) -> str:
    """Return the index page of one market.

    Parameters
    ----------
    notebooks : list of Path
        Executed notebooks, in phase order.
    verdict : dict
        What Phase 4 wrote into ``verdict.json``.
    report_card : DataFrame
        What Phase 4 wrote into ``report_card.csv``.
    safety : DataFrame
        The models against the plan's safety targets.
    stocks : list of str
        The tickers that have a page.
    """
    executed = {path.stem: read_notebook(path) for path in notebooks}
    metadata = dict(next(reversed(executed.values())).metadata["nse_lstm"])
    seconds = sum(_duration(notebook) for notebook in executed.values())
    metadata["provenance"] = metadata["provenance"] | {
        "duration": _minutes(seconds) + " for all phases"
    }
    body = (
        environment()
        .get_template("index.html.j2")
        .render(
            report_card=show_table(report_card).html,
            safety=show_table(safety).html,
            stocks=stocks,
            beside=make_banner(verdict).beside,
            pages=[_page(stem, notebook) for stem, notebook in executed.items()],
            **verdict,
        )
    )
    return wrap_page(body, name="index", metadata=metadata)


def _page(stem: str, notebook: Any) -> dict[str, str]:
    return {
        "file": f"{stem}.html",
        "name": PHASES.get(stem, stem),
        "question": _question(notebook),
        "duration": _minutes(_duration(notebook)),
    }


def _question(notebook: Any) -> str:
    """Return the line after the title: each notebook opens with its question."""
    lines = [line for line in notebook.cells[0].source.splitlines() if line.strip()]
    return lines[1].strip("*_ ") if len(lines) > 1 else ""


def _duration(notebook: Any) -> float:
    return float(notebook.metadata.get("papermill", {}).get("duration") or 0)


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
