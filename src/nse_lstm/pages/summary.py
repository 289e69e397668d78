"""Tables of the test year that the status page and the results page share."""

import math

import pandas as pd

from nse_lstm.evaluation.scoring import POOL
from nse_lstm.evaluation.strategies import HOLD
from nse_lstm.json_files import read_json
from nse_lstm.pages.phrases import NAIVE
from nse_lstm.reporting.format import DASH, format_number
from nse_lstm.study.core.phase_tables import read_facts
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.training.model_checks import safety_card
from nse_lstm.tables import ACCURACY_COST, SCORES, read_table

ORIGINAL = "v1"

FIRST_PAGE = {
    "R², median of stocks": ("−70.10", "0.13"),
    "Sharpe ratio, pooled": ("−4.05", "10.67"),
    "win rate, invested sessions": ("34 %", DASH),
    "negative predictions": (DASH, "0 %"),
}
"""Numbers of the first status page: its original model, and SCOM under v2."""


def read_test_scores(workspace: Workspace) -> pd.DataFrame:
    """Return the scores of the test year: ``SCORES``."""
    scores = read_table(SCORES, workspace.paths.evaluation / "scores.parquet")
    return scores[scores["fold"] == read_facts(workspace).test_year]


def comparison(workspace: Workspace) -> pd.DataFrame:
    """Return the pooled scores of the test year as text, one column per model.

    Two columns hold the first page's own numbers. The original model is shown where
    it was rebuilt.
    """
    scores, backtest = read_test_scores(workspace), workspace.study.backtest
    model, rule = workspace.study.verdict.model, workspace.study.verdict.rule
    models = [(model, rule), (NAIVE, rule), (HOLD, "hold")]
    if ORIGINAL in set(scores["model"]):
        models.insert(0, (ORIGINAL, rule))
    rows = []
    for figure, metric, kind in (
        ("R², median of stocks", "r_squared", ".2f"),
        ("skill against persistence", "skill", ".2f"),
        ("negative predictions", "negative_predictions", ".0f"),
        ("Sharpe ratio, pooled", "sharpe_ratio", ".2f"),
        ("win rate, invested sessions", "win_rate", ".0%"),
        ("net return", "net_return", "+.1%"),
    ):
        first = FIRST_PAGE.get(figure, (DASH, DASH))
        row = {"figure": figure, "first page: original": first[0]}
        row["first page: SCOM"] = first[1]
        for name, how in models:
            value = pooled_score(
                scores,
                model=name,
                rule=how,
                metric=metric,
                cost_bps=backtest.headline_cost_bps,
            )
            row[_title(name, how)] = format_number(value, kind)
        rows.append(row)
    return pd.DataFrame(rows)


def expectations(workspace: Workspace) -> pd.DataFrame:
    """Return the report card and the safety card as one table."""
    safety = safety_card(workspace)
    card = pd.read_csv(workspace.paths.evaluation / "report_card.csv")
    card = card.assign(met=card["met"].astype("boolean"))
    # The report card counts the test year, the safety card all years.
    safety = safety[~safety["target"].isin(card["target"])]
    columns = ["target", "found", "met"]
    both = pd.concat([card[columns], safety[columns]], ignore_index=True)
    return both.rename(columns={"target": "expected"})


def accuracy_by_stock(workspace: Workspace) -> pd.DataFrame:
    """Return each stock's error in the test year and persistence's, as text."""
    scores = read_test_scores(workspace)
    model = workspace.study.verdict.model
    rows = scores[scores["cost_bps"] == ACCURACY_COST]
    wide = rows.pivot(index="ticker", columns=["metric", "model"], values="value")
    mae, skill = wide["mae"], wide["skill"]
    table = pd.DataFrame(
        {
            f"MAE {model}, KES": mae[model].map("{:.3f}".format),
            f"MAE {NAIVE}, KES": mae[NAIVE].map("{:.3f}".format),
            "ratio": (mae[model] / mae[NAIVE]).map("{:.2f}".format),
            f"skill of {model}": skill[model].map(lambda v: format_number(v, ".2f")),
        }
    )
    if ORIGINAL in mae:
        table.insert(0, f"MAE {ORIGINAL}, KES", mae[ORIGINAL].map("{:.3f}".format))
    return _pool_last(table)


def net_by_stock(workspace: Workspace) -> pd.DataFrame:
    """Return the declared strategy's net return by stock and cost level, as text."""
    scores, declared = read_test_scores(workspace), workspace.study.verdict
    rows = scores[
        (scores["model"] == declared.model)
        & (scores["rule"] == declared.rule)
        & (scores["metric"] == "net_return")
    ]
    wide = rows.pivot(index="ticker", columns="cost_bps", values="value")
    text = wide.map(lambda value: format_number(value, "+.1%"))
    return _pool_last(text.rename(columns=lambda cost: f"{cost} bps"))


def strategies_table(workspace: Workspace) -> pd.DataFrame:
    """Return every strategy pooled over the stocks at the headline cost, as text."""
    scores = read_test_scores(workspace)
    cost = workspace.study.backtest.headline_cost_bps
    rows = scores[(scores["ticker"] == POOL) & (scores["cost_bps"] == cost)]
    wide = rows.pivot(index=["model", "rule"], columns="metric", values="value")
    formats = {
        "net_return": ("net return", "+.1%"),
        "sharpe_ratio": ("Sharpe over 0", ".2f"),
        "sharpe_over_cash": ("Sharpe over cash", ".2f"),
        "win_rate": ("win rate", ".0%"),
        "max_drawdown": ("largest drawdown", ".1%"),
        "turnover": ("turnover per year", ".1f"),
        "exposure": ("capital invested", ".0%"),
    }
    columns = {
        heading: [format_number(value, kind) for value in wide[metric]]
        for metric, (heading, kind) in formats.items()
    }
    return pd.DataFrame(columns, index=wide.index).reset_index()


def selection_table(workspace: Workspace) -> pd.DataFrame:
    """Return the model selected for each stock and the reason, by rank."""
    rows = read_json(workspace.paths.evaluation / "selection.json")
    return pd.DataFrame(rows)[["ticker", "champion", "challenger", "reason"]]


def pooled_score(
    scores: pd.DataFrame, *, model: str, rule: str, metric: str, cost_bps: int
) -> float:
    """Return one score of all stocks together, NaN where it is not defined.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES`` of one year.
    model, rule, metric : str
        Which score.
    cost_bps : int
        Basis points per side, of strategy scores.
    """
    rows = scores[
        (scores["ticker"] == POOL)
        & (scores["model"] == model)
        & (scores["metric"] == metric)
        & scores["rule"].isin(["none", rule])
        & scores["cost_bps"].isin([ACCURACY_COST, cost_bps])
    ]
    return float(rows["value"].iloc[0]) if len(rows) else math.nan


def _title(model: str, rule: str) -> str:
    named = f"{model}, a rebuild" if model == ORIGINAL else model.replace("_", " ")
    return named if rule == "hold" or model == NAIVE else f"{named}, {rule} rule"


def _pool_last(table: pd.DataFrame) -> pd.DataFrame:
    order = [*sorted(set(table.index) - {POOL}), POOL]
    named = table.loc[order].rename(index={POOL: "all stocks"})
    return named.rename_axis("ticker").rename_axis(columns=None).reset_index()
