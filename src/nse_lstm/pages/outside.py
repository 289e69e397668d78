"""Page of an outside model: forecasts made elsewhere, before the study's judge."""

from pathlib import Path

import pandas as pd

from nse_lstm.evaluation.scoring import POOL
from nse_lstm.pages.evidence_tables import forecast_table
from nse_lstm.pages.score_tables import pooled_scores
from nse_lstm.paths import write_text
from nse_lstm.reporting.banner import make_banner
from nse_lstm.reporting.canvas import name_of
from nse_lstm.reporting.display import bullets, picture, sentence, show_table
from nse_lstm.reporting.laboratory_figures import draw_run
from nse_lstm.reporting.pages import wrap_page
from nse_lstm.study.core.verdict import read_verdict
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.laboratory.judge import OutsideJudgement
from nse_lstm.study.tools.execute_notebook import page_metadata
from nse_lstm.tables import ACCURACY_COST

ACCURACY = ["skill", "mase", "directional_accuracy", "mape", "r_squared"]


def write_outside(workspace: Workspace, result: OutsideJudgement) -> Path:
    """Write the page of an outside model below the market's reports.

    Parameters
    ----------
    workspace : Workspace
        After Phase 1.
    result : OutsideJudgement
        From ``judge_outside``.

    Returns
    -------
    Path
        Of the page.
    """
    name = f"judged_{result.name}"
    path = workspace.paths.reports / f"{name}.html"
    page = wrap_page(
        "\n".join(_sections(workspace, result)),
        name=name,
        metadata=page_metadata(workspace),
        banner=make_banner(read_verdict(workspace)),
        title=f"Outside forecasts: {result.name}",
    )
    write_text(path, page)
    return path


def accuracy_by_horizon(result: OutsideJudgement, horizon: int) -> pd.DataFrame:
    """Return the pooled accuracy of the model and the baselines, by year.

    Parameters
    ----------
    result : OutsideJudgement
    horizon : int
        Sessions ahead.
    """
    rows = result.scores[result.scores["horizon"] == horizon]
    rows = rows[(rows["ticker"] == POOL) & (rows["cost_bps"] == ACCURACY_COST)]
    wide = rows.pivot(index=["fold", "model"], columns="metric", values="value")
    table = wide[ACCURACY].reset_index().rename_axis(columns=None)
    order = {result.name: 0, "persistence": 1}
    place = table["model"].map(order).fillna(len(order))
    table = table.assign(place=place).sort_values(["fold", "place"], kind="stable")
    names = {"fold": "year", "model": "strategy"}
    shown = table.drop(columns="place").rename(columns=names)
    return shown.assign(strategy=shown["strategy"].map(name_of)).reset_index(drop=True)


def _sections(workspace: Workspace, result: OutsideJudgement) -> list[str]:
    study = workspace.study
    parts = [f"<h1>Outside forecasts: {result.name}</h1>"]
    parts.append(bullets(*result.summary).html)
    for each in result.placed:
        caption = f"Accuracy {each.horizon} sessions ahead, all stocks of the file"
        parts.append(f"<h2>Accuracy, {each.horizon} sessions ahead</h2>")
        table = accuracy_by_horizon(result, each.horizon)
        parts.append(show_table(table, caption=caption).html)
        own = result.evidence[result.evidence["horizon"] == each.horizon]
        parts.append(show_table(forecast_table(own.drop(columns="horizon"))).html)
    parts.append(
        sentence(
            "Accuracy is of the printed price, an average that nobody can trade at "
            "after seeing it. It is no profit."
        ).html
    )
    if len(result.coverage):
        caption = "Intervals of the file, and conformal ones around persistence"
        parts.append("<h2>Intervals</h2>")
        parts.append(show_table(result.coverage, caption=caption).html)
    if result.judgement:
        cost = study.backtest.headline_cost_bps
        year = max(result.years)
        rows = result.scores[
            (result.scores["horizon"] == 1) & (result.scores["fold"] == year)
        ]
        money = pooled_scores(rows.drop(columns="horizon"), cost_bps=cost)
        parts.append("<h2>Backtest after costs</h2>")
        caption = f"{year}, {cost} basis points per side, one session after the signal"
        parts.append(show_table(money, caption=caption).html)
        parts.append(bullets(*result.judgement.reasons).html)
        ticker = str(result.joined["ticker"].iloc[0])
        shown = result.joined[
            (result.joined["ticker"] == ticker)
            & (result.joined["horizon"] == 1)
            & (result.joined["fold"] == year)
        ]
        figure = draw_run(shown, ticker=ticker, model=result.name)
        alt = f"{ticker} in {year}: printed price and the forecast of {result.name}."
        parts.append(picture(figure, alt=alt).html)
    return parts
