"""The portfolio rules on the validation page: one table, two figures, one sentence."""

import pandas as pd

from nse_lstm.config import Backtest
from nse_lstm.evaluation.portfolio_rules import TILTS
from nse_lstm.evaluation.portfolio_scores import ALPHA, BETA, RATIO
from nse_lstm.evaluation.strategies import INDEX
from nse_lstm.evaluation.total_return import describe_basis
from nse_lstm.pages.tear_sheets import declared_sheet, portfolio_sheets
from nse_lstm.reporting.canvas import name_of
from nse_lstm.reporting.display import Html, picture, sentence, show_table
from nse_lstm.reporting.format import format_bounds, format_number
from nse_lstm.reporting.portfolio_figures import (
    RULE_NAMES,
    draw_equity,
    draw_turnover,
)
from nse_lstm.study.ranking.rank_models import EQUAL
from nse_lstm.study.validation.portfolios import PortfolioResult
from nse_lstm.study.validation.validate import Validation

BENCHMARK_RULES = {
    "rebalance": "rebalanced each month",
    "hold": "bought once",
    "no_cost": "pays no costs",
}
COLUMNS = {
    "over_cash": "over the bill",
    "over_equal_weight": "over equal weight",
    "over_buy_and_hold": "over buy and hold",
    RATIO: "information ratio",
    "turnover": "turnover",
    BETA: "market beta",
    ALPHA: "market alpha",
    "untradable": "untradable",
    "drawdown": "largest drawdown",
}
OF_RISK = (BETA, ALPHA, "untradable", "drawdown")
"""Metrics of a table of their own: one of all is too wide for paper."""
FORMATS = {RATIO: "+.2f", BETA: ".2f", "turnover": ".1f", "untradable": ".1%"}
NOTHING = (
    "These data have too few stocks or years to rank, so no portfolio was traded on a "
    "ranking. Phase 1 names the missing years or stocks."
)


def show_portfolios(result: PortfolioResult, *, backtest: Backtest) -> Html:
    """Show the rules beside their benchmarks: sentence, figures and tables.

    Parameters
    ----------
    result : PortfolioResult
    backtest : Backtest
        Its headline cost.
    """
    if result.basis is None:
        return sentence(NOTHING)
    headline = backtest.headline_cost_bps
    table = portfolio_table(result.scores, headline=headline)
    of_risk = [COLUMNS[metric] for metric in OF_RISK]
    parts = [
        sentence(portfolio_sentence(result.scores, headline=headline)),
        picture(
            draw_turnover(result.scores, headline=headline),
            alt="Excess over equal weight by rule, gross and net, against turnover.",
        ),
        picture(
            draw_equity(result.returns, headline=headline, model=EQUAL),
            alt="Value of 1 KES and drawdown of the rules and their benchmarks.",
        ),
        show_table(
            table.drop(columns=of_risk),
            caption=f"Returns per year at {headline} basis points per side, with 95 % "
            "intervals; the mean of five start days",
        ),
        show_table(
            table[[*table.columns[:2], *of_risk]],
            caption="The same accounts beside the market index",
        ),
        show_table(
            capacity_table(result.capacity),
            caption="The same rules in whole lots, with a tenth of the volume at most",
        ),
        sentence(
            "Where the volume does not suffice, money stays in bills. That raises the "
            "excess over equal weight when stocks earn less than the bill."
        ),
        sentence(describe_basis(result.basis, taxed=bool(backtest.withholding_tax))),
    ]
    return Html("".join(part.html for part in parts))


def show_tear_sheets(
    result: PortfolioResult, validation: Validation, *, backtest: Backtest
) -> Html:
    """Show a tear sheet of each portfolio rule, then of the verdict's strategy.

    Parameters
    ----------
    result : PortfolioResult
    validation : Validation
    backtest : Backtest
    """
    rules = portfolio_sheets(result.returns, backtest=backtest)
    return Html(rules.html + declared_sheet(validation, backtest=backtest).html)


def portfolio_table(scores: pd.DataFrame, *, headline: int) -> pd.DataFrame:
    """Return one row per rule and model, then per benchmark.

    Parameters
    ----------
    scores : DataFrame
        ``PORTFOLIO_SCORES``.
    headline : int
        Cost level, basis points per side; the index pays none.
    """
    shown = scores[(scores["cost_bps"] == headline) | (scores["model"] == INDEX)]
    rows = []
    for (model, rule), block in shown.groupby(["model", "rule"], sort=False):
        found = block.set_index("metric")
        row = {
            "ranking or benchmark": name_of(model),
            "rule": {**RULE_NAMES, **BENCHMARK_RULES}[str(rule)],
            "is_rule": rule in TILTS,
        }
        for metric, name in COLUMNS.items():
            row[name] = _cell(found, metric)
        rows.append(row)
    table = pd.DataFrame(rows).sort_values("is_rule", ascending=False, kind="stable")
    return table.drop(columns="is_rule").reset_index(drop=True)


def capacity_table(capacity: pd.DataFrame) -> pd.DataFrame:
    """Return the accounts in whole lots, one row per rule and model.

    Parameters
    ----------
    capacity : DataFrame
        ``PORTFOLIO_CAPACITY``.
    """
    table = pd.DataFrame(
        {
            "model": capacity["model"],
            "rule": capacity["rule"],
            "capital": [
                f"KES {kes / 1e6:.0f} million" for kes in capacity["capital_kes"]
            ],
            "over the bill": _percent(capacity["over_cash"]),
            "over equal weight": _percent(capacity["over_equal_weight"]),
            "turnover": [format_number(x, ".1f") for x in capacity["turnover"]],
            "invested": [format_number(x, ".0%") for x in capacity["exposure"]],
        }
    )
    table.insert(0, "ranking", table.pop("model").map(name_of))
    return table.assign(rule=table["rule"].map(RULE_NAMES))


def portfolio_sentence(scores: pd.DataFrame, *, headline: int) -> str:
    """Say which rules beat the bill, equal weight, and buy and hold.

    Parameters
    ----------
    scores : DataFrame
        ``PORTFOLIO_SCORES``.
    headline : int
        Cost level, basis points per side.
    """
    own = scores[(scores["cost_bps"] == headline) & scores["rule"].isin(TILTS)]
    n = len(own[["model", "rule"]].drop_duplicates())
    counts = {
        name: int((own.loc[own["metric"] == metric, "lower"] > 0).sum())
        for metric, name in (
            ("over_cash", "the bill"),
            ("over_equal_weight", "equal weight"),
            ("over_buy_and_hold", "buy and hold"),
        )
    }
    beaten = ", ".join(f"{name}: {count} of {n}" for name, count in counts.items())
    detectable = own.loc[own["metric"] == "detectable", "value"].median()
    return (
        f"Rules whose excess at {headline} basis points per side has an interval above "
        f"zero, by benchmark: {beaten}. An excess over equal weight below about "
        f"{detectable:.0%} per year is too small to detect here."
    )


def _percent(values: "pd.Series[float]") -> list[str]:
    return [format_number(value, "+.1%") for value in values]


def _cell(found: pd.DataFrame, metric: str) -> str:
    if metric not in found.index:
        return format_number(float("nan"), "")
    row, form = found.loc[metric], FORMATS.get(metric, "+.1%")
    if pd.isna(row["lower"]):
        return format_number(float(row["value"]), form)
    bounds = (float(row[name]) for name in ("value", "lower", "upper"))
    return format_bounds(*bounds, form)
