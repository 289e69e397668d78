"""One folded tear sheet per account of the validation page, from its own tables."""

import html
from collections.abc import Mapping

import pandas as pd

from nse_lstm.config import Backtest
from nse_lstm.evaluation.account_profile import (
    monthly_returns,
    rolling_sharpe,
    worst_drawdowns,
)
from nse_lstm.evaluation.metrics import max_drawdown, sharpe_ratio, total_return
from nse_lstm.evaluation.portfolio_scores import EQUAL_WEIGHT
from nse_lstm.reporting.canvas import name_of
from nse_lstm.reporting.display import Html, picture, show_table
from nse_lstm.reporting.format import format_number
from nse_lstm.reporting.portfolio_figures import RULE_NAMES
from nse_lstm.reporting.tear_sheet_figures import draw_account, show_months
from nse_lstm.study.ranking.rank_models import EQUAL
from nse_lstm.study.validation.validate import Validation


def portfolio_sheets(returns: pd.DataFrame, *, backtest: Backtest) -> Html:
    """Show a tear sheet of each portfolio rule on the equal blend.

    Parameters
    ----------
    returns : DataFrame
        ``PORTFOLIO_RETURNS``; the mean over start days is shown.
    backtest : Backtest
        Its headline cost.
    """
    at_cost = returns[returns["cost_bps"] == backtest.headline_cost_bps]
    mean = at_cost.groupby(["model", "rule", "session"])[["net_return", "cash_return"]]
    by_account = {
        (str(model), str(rule)): rows.droplevel(["model", "rule"])
        for (model, rule), rows in mean.mean().groupby(level=["model", "rule"])
    }
    benchmark = next(
        (rows for (model, _), rows in by_account.items() if model == EQUAL_WEIGHT), None
    )
    accounts = {}
    for rule, name in RULE_NAMES.items():
        if (EQUAL, rule) in by_account:
            account = _account(by_account[EQUAL, rule])
            if benchmark is not None:
                account["benchmark"] = benchmark["net_return"]
            accounts[name.capitalize()] = account
    return show_sheets(accounts, backtest=backtest)


def declared_sheet(validation: Validation, *, backtest: Backtest) -> Html:
    """Show the tear sheet of the strategy that the verdict judges.

    Parameters
    ----------
    validation : Validation
        Its walk-forward years.
    backtest : Backtest
    """
    judged, rows = validation.strategy, validation.walk_forward.returns
    own = rows[
        (rows["model"] == judged.model)
        & (rows["rule"] == judged.rule)
        & (rows["cost_bps"] == judged.cost_bps)
    ]
    pooled = own.groupby("session")[["net_return", "cash_return"]].mean()
    name = f"{name_of(judged.model)} by the {judged.rule} rule"
    return show_sheets({name: _account(pooled)}, backtest=backtest)


def show_sheets(accounts: Mapping[str, pd.DataFrame], *, backtest: Backtest) -> Html:
    """Show accounts, one folded sheet each: value, months and worst drawdowns.

    Parameters
    ----------
    accounts : mapping of str to DataFrame
        By name, as in ``draw_account``.
    backtest : Backtest
    """
    sheets = []
    for name, account in accounts.items():
        net = account["net"]
        falls, ratio = worst_drawdowns(net), rolling_sharpe(net, account["cash"])
        falls["depth"] = [format_number(x, ".1%") for x in falls["depth"]]
        parts = [
            picture(
                draw_account(account, ratio, name=name),
                alt="Value, drawdown and rolling Sharpe ratio over cash.",
            ),
            show_months(monthly_returns(net), name=name),
            show_table(
                falls, caption=f"{name}: worst drawdowns (a dash: not recovered)"
            ),
        ]
        title = html.escape(f"{name}: {_summary(account, backtest=backtest)}")
        body = "".join(part.html for part in parts)
        sheets.append(f"<details><summary>{title}</summary>{body}</details>")
    return Html("".join(sheets))


def _account(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"net": rows["net_return"], "cash": rows["cash_return"]})


def _summary(account: pd.DataFrame, *, backtest: Backtest) -> str:
    net, days = account["net"], pd.DatetimeIndex(account.index)
    yearly = backtest.sessions_per_year
    growth = (1 + total_return(net)) ** (yearly / len(net)) - 1
    ratio = sharpe_ratio(net, sessions_per_year=yearly, cash=account["cash"])
    years = " to ".join(map(str, dict.fromkeys((days[0].year, days[-1].year))))
    return (
        f"{format_number(growth, '+.1%')} per year {years}, "
        f"Sharpe ratio over cash {format_number(ratio, '+.2f')}, largest drawdown "
        f"{format_number(max_drawdown(net), '.1%')}"
    )
