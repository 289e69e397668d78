"""Write the index and the further pages from the tables that the phases left."""

from functools import partial
from pathlib import Path

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.json_files import read_json
from nse_lstm.pages.answers import plain_answers
from nse_lstm.pages.cards import write_cards
from nse_lstm.pages.claims import claim_answers, draw_family, fund_sentences
from nse_lstm.pages.forecast_faults import show_faults
from nse_lstm.pages.stock_page import stocks_with_page
from nse_lstm.pages.summary import pooled_score, read_test_scores
from nse_lstm.paths import write_text
from nse_lstm.reporting.display import Html
from nse_lstm.reporting.format import format_number
from nse_lstm.reporting.index import Fact, PlainAnswer, render_index
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.training.model_checks import safety_card
from nse_lstm.study.validation.claims import read_claims
from nse_lstm.tables import EVIDENCE, FORECAST_FAULTS, read_table


def write_index(workspace: Workspace, path: Path) -> list[PlainAnswer]:
    """Write the index of one market's reports, the audit, data card and glossary.

    Parameters
    ----------
    workspace : Workspace
    path : Path
        Of the index, the other pages lie in its folder.

    Returns
    -------
    list of PlainAnswer
        What stands first on the page.

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
    document = read_json(folder / "verdict.json")
    evidence = read_table(EVIDENCE, folder / "evidence.parquet")
    answers = plain_answers(evidence, document)
    claims = read_claims(folder)
    judged = claim_answers(claims)
    page = render_index(
        notebooks,
        verdict=document,
        report_card=pd.read_csv(folder / "report_card.csv"),
        safety=safety_card(workspace),
        stocks=stocks_with_page(workspace),
        answers=answers,
        claims=judged,
        claims_picture=draw_family(claims) if judged else Html(""),
        readings=fund_sentences(claims),
        facts=headline_facts(workspace),
        model=workspace.study.verdict.model,
        faults=_faults(workspace),
    )
    write_cards(workspace, path.parent)
    write_text(path, page)
    return [*judged, *answers]


def headline_facts(workspace: Workspace) -> list[Fact]:
    """Return the numbers of the first screen: excess returns, costs, Sharpe ratio."""
    document = read_json(workspace.paths.evaluation / "verdict.json")
    verdict, year = document["verdict"], document["test_year"]
    declared, cost = workspace.study.verdict, workspace.study.backtest.headline_cost_bps
    scores = read_test_scores(workspace)
    read = partial(
        pooled_score, scores, model=declared.model, rule=declared.rule, cost_bps=cost
    )
    paid = read(metric="gross_return") - read(metric="net_return")
    return [
        _excess("Excess return over cash", "cash", verdict["excess_over_cash"]),
        _excess(
            "Against holding the same stocks, same fraction invested",
            "exposure",
            verdict["excess_over_holding"],
        ),
        Fact(
            name=f"Costs paid in {year}",
            anchor="basis-point",
            value=f"{paid:.1%} of the capital",
            beside=f"turned over {read(metric='turnover'):.1f} times at "
            f"{cost / 100:.2f} % per side",
        ),
        Fact(
            name="Sharpe ratio over cash",
            anchor="smallest-sharpe",
            value=format_number(verdict["sharpe_over_cash"], "+.1f"),
            beside="too little data to detect a ratio below "
            f"{verdict['smallest_detectable_sharpe']:.1f}",
        ),
    ]


def _faults(workspace: Workspace) -> Html:
    """Show the faults of the test year's forecasts, all stocks."""
    path = workspace.paths.evaluation / "forecast_faults.parquet"
    table = read_table(FORECAST_FAULTS, path)
    return show_faults(table[table["fold"] == read_facts(workspace).test_year])


def _excess(name: str, anchor: str, found: dict[str, float]) -> Fact:
    if found["lower"] == found["upper"] == 0:
        return Fact(name=name, anchor=anchor, value="never traded", beside="")
    low, high = (format_number(found[end], "+.1%") for end in ("lower", "upper"))
    return Fact(
        name=name,
        anchor=anchor,
        value=f"{format_number(found['mean'], '+.1%')} per year",
        beside=f"95 %: {low} to {high}",
    )
