"""Render the index page: the verdict first, then its evidence."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.reporting.banner import describe_evaluation, make_banner
from nse_lstm.reporting.cards import show_report_card, show_safety
from nse_lstm.reporting.display import Html
from nse_lstm.reporting.pages import PHASES, environment, read_notebook, wrap_page


@dataclass(frozen=True)
class Fact:
    """A number of the first screen, its name linked to the glossary."""

    name: str
    anchor: str
    """Of its term in the glossary."""
    value: str
    beside: str
    """Its interval, or its basis."""


@dataclass(frozen=True)
class PlainAnswer:
    """A question of the first screen with its answer in a few words."""

    question: str
    answer: str
    evidence: str
    """The figures that say so."""


def render_index(
    notebooks: list[Path],
    *,
    verdict: dict[str, Any],
    report_card: pd.DataFrame,
    safety: pd.DataFrame,
    stocks: list[str],
    answers: Sequence[PlainAnswer],
    claims: Sequence[PlainAnswer],
    claims_picture: Html,
    claims_basis: str,
    accounts: Html,
    next_session: Html,
    readings: Sequence[str],
    facts: Sequence[Fact],
    model: str,
    faults: Html,
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
    answers : sequence of PlainAnswer
        On the network and on v2; first on the page of a study without claims.
    claims : sequence of PlainAnswer
        One per declared claim; first on the page.
    claims_picture : Html
        All claims in one figure.
    claims_basis : str
        The years that they are judged on.
    accounts : Html
        Value and drawdown of the accounts; empty where there are none.
    next_session : Html
        The forecasts in use; empty where there are none.
    readings : sequence of str
        What a fund could do with the answers, and what it must not conclude.
    facts : sequence of Fact
        The numbers of the first screen.
    model : str
        The model of the declared strategy.
    faults : Html
        Why v2 fails: a table and a sentence.
    """
    executed = {path.stem: read_notebook(path) for path in notebooks}
    metadata = _metadata(executed.values())
    body = (
        environment()
        .get_template("index.html.j2")
        .render(
            card=show_report_card(report_card, model=model).html,
            safety=show_safety(safety).html,
            stocks=stocks,
            answers=answers,
            claims=claims,
            claims_picture=claims_picture.html,
            claims_basis=claims_basis,
            accounts=accounts.html,
            next_session=next_session.html,
            readings=readings,
            facts=facts,
            faults=faults.html,
            beside=make_banner(verdict).beside,
            test_year_label=describe_evaluation(verdict),
            pages=[_page(stem, notebook) for stem, notebook in executed.items()],
            **verdict,
        )
    )
    return wrap_page(body, name="index", metadata=metadata)


def _metadata(notebooks: Collection[Any]) -> dict[str, Any]:
    metadata = dict([*notebooks][-1].metadata["nse_lstm"])
    seconds = sum(_duration(notebook) for notebook in notebooks)
    metadata["provenance"] = metadata["provenance"] | {
        "duration": _minutes(seconds) + " for all phases, "
        "without the models that were trained before"
    }
    return metadata


def _page(stem: str, notebook: Any) -> dict[str, str]:
    return {
        "file": f"{stem}.html",
        "name": PHASES.get(stem, stem),
        "question": _question(notebook),
        # In one unit, so that two builds differ in the number alone.
        "duration": f"{_duration(notebook):,.0f} s",
    }


def _question(notebook: Any) -> str:
    """Return the line after the title, a notebook's question."""
    lines = [line for line in notebook.cells[0].source.splitlines() if line.strip()]
    return lines[1].strip("*_ ") if len(lines) > 1 else ""


def _duration(notebook: Any) -> float:
    return float(notebook.metadata.get("papermill", {}).get("duration") or 0)


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
