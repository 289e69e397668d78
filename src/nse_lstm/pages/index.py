"""Write the index and the further pages from the tables that the phases left."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from nse_lstm.deployment.registry_entry import CHAMPION
from nse_lstm.errors import ArtefactError
from nse_lstm.json_files import read_json
from nse_lstm.pages.answers import ACCURACY, PROFIT, plain_answers
from nse_lstm.pages.cards import write_cards
from nse_lstm.pages.claims import (
    QUESTIONS,
    claim_answers,
    draw_family,
    fund_sentences,
)
from nse_lstm.pages.forecast_faults import show_faults
from nse_lstm.pages.stock_page import stocks_with_page
from nse_lstm.pages.summary import pooled_score, read_test_scores
from nse_lstm.paths import write_text
from nse_lstm.reporting.deployment_figures import draw_next
from nse_lstm.reporting.display import Html, picture
from nse_lstm.reporting.format import format_number
from nse_lstm.reporting.index import Fact, PlainAnswer, render_index
from nse_lstm.reporting.portfolio_figures import draw_equity
from nse_lstm.study.core.phase_tables import read_facts, study_folds
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.ranking.rank_models import EQUAL
from nse_lstm.study.training.model_checks import safety_card
from nse_lstm.study.validation.claims import read_claims
from nse_lstm.tables import (
    EVIDENCE,
    FORECAST_FAULTS,
    PORTFOLIO_RETURNS,
    STORED_FORECASTS,
    read_table,
)


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
    first, rest = _in_order(judged, answers)
    page = render_index(
        notebooks,
        verdict=document,
        report_card=pd.read_csv(folder / "report_card.csv"),
        safety=safety_card(workspace),
        stocks=stocks_with_page(workspace),
        answers=rest,
        claims=first,
        claims_basis=_claims_basis(workspace),
        accounts=_accounts(workspace),
        next_session=_next_session(workspace),
        claims_picture=draw_family(claims) if judged else Html(""),
        readings=fund_sentences(claims),
        facts=headline_facts(workspace),
        model=workspace.study.verdict.model,
        faults=_faults(workspace),
    )
    write_cards(workspace, path.parent)
    write_text(path, page)
    return [*first, *rest]


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


def _in_order(
    claims: Sequence[PlainAnswer], answers: Sequence[PlainAnswer]
) -> tuple[list[PlainAnswer], list[PlainAnswer]]:
    """Put the answer on profit behind the claims on the price, and the rest apart.

    Claims answer for accuracy. The same on other years would only confuse.
    """
    about = [QUESTIONS["price"], QUESTIONS["direction"]]
    places = [n for n, each in enumerate(claims, 1) if each.question in about]
    if not places:
        return [*claims], [*answers]
    profit = [each for each in answers if each.question == PROFIT]
    rest = [each for each in answers if each.question not in (ACCURACY, PROFIT)]
    return [*claims[: max(places)], *profit, *claims[max(places) :]], rest


def _claims_basis(workspace: Workspace) -> str:
    """Say on which years the claims are judged."""
    folds = study_folds(workspace)
    walked = [fold.year for fold in folds if fold.kind == "walk_forward"]
    ranked = min(workspace.study.tabular.first_year, walked[0])
    test_year = read_facts(workspace).test_year
    return (
        f"Years: prices and risk {walked[0]} to {test_year}; rankings, portfolios and "
        f"orders {ranked} to {test_year - 1}. Brackets hold 95 % intervals."
    )


def _accounts(workspace: Workspace) -> Html:
    """Show value and drawdown of the accounts over the years they are judged on."""
    path = workspace.paths.evaluation / "portfolio_returns.parquet"
    if not path.is_file():
        return Html("")
    returns = read_table(PORTFOLIO_RETURNS, path)
    if returns.empty:
        return Html("")
    headline = workspace.study.backtest.headline_cost_bps
    return picture(
        draw_equity(returns, headline=headline, model=EQUAL),
        alt="Value of 1 KES and drawdown of the rules and their benchmarks.",
    )


def _next_session(workspace: Workspace) -> Html:
    """Show the price forecasts in use for the session after the last one."""
    path = workspace.paths.registry / "latest_forecasts.parquet"
    if not path.is_file():
        return Html("")
    table = read_table(STORED_FORECASTS, path)
    # Rankings have no price.
    used = table[(table["stage"] == CHAMPION) & table["price_hat"].notna()]
    if used.empty:
        return Html("")
    return picture(
        draw_next(used),
        alt="Forecast return of each stock for the next session, with its interval.",
    )


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
