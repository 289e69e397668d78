"""Phase 4's scores as tables that are read: one row a strategy or model."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from nse_lstm.evaluation.price_averaging import LATER
from nse_lstm.evaluation.random_positions import BEATEN, RANDOM
from nse_lstm.evaluation.rank_ic import ALL_YEARS
from nse_lstm.evaluation.robustness import (
    BREAK_EVEN,
    GROSS,
    GROSS_LATER,
    NET,
    NET_LATER,
    START_DAY,
    is_fragile,
)
from nse_lstm.evaluation.scoring import POOL, TRADED
from nse_lstm.evaluation.strategies import BENCHMARKS, INDEX
from nse_lstm.evaluation.verdict import ExcessInterval, Judgement
from nse_lstm.reporting.canvas import NAMES, name_of
from nse_lstm.reporting.format import format_bounds, format_number
from nse_lstm.tables import ACCURACY_COST

POOLED_METRICS = [
    "net_return",
    "sharpe_ratio",
    "sharpe_over_cash",
    "win_rate",
    "max_drawdown",
    "turnover",
    "exposure",
]
ACCURACY = [
    *("mape", "skill", "mase", "directional_accuracy", "three_way_accuracy"),
    LATER,
]
SPLIT = ["skill", "mase", "directional_accuracy", "three_way_accuracy"]
"""Accuracy that is shown on traded sessions too."""
HANGS_ON = [NET, GROSS, GROSS_LATER, NET_LATER, BREAK_EVEN, START_DAY]
FILLED = 0.9
"""Share of the ordered money that is dealt as long as a capital is not too large."""


def pooled_scores(scores: pd.DataFrame, *, cost_bps: int) -> pd.DataFrame:
    """Return the pool's strategy scores at one cost level, one row a strategy.

    ``exposure`` is the mean share of the capital invested, ``win_rate`` of the stocks'
    own invested sessions, and a Sharpe ratio is missing below an exposure of 1 %.
    Forecasting models come first, then the yardsticks; the index, which pays no cost,
    stands at its only level. Random positions have a table of their own.
    """
    at_cost = (scores["cost_bps"] == cost_bps) | (scores["rule"] == BENCHMARKS[INDEX])
    rows = scores[(scores["ticker"] == POOL) & at_cost & (scores["model"] != RANDOM)]
    wide = rows.pivot(index=["model", "rule"], columns="metric", values="value")
    wide = wide[POOLED_METRICS].reset_index().rename_axis(columns=None)
    return _named(wide)


def random_comparison(
    scores: pd.DataFrame, *, model: str, cost_bps: int
) -> pd.DataFrame:
    """Return a model's net return among random positions, one row a rule.

    ``net_return`` is the model's own; ``median``, ``lower`` and ``upper`` (5 and 95 %)
    are of the draws; ``random_beaten`` is the share of draws that earned less.
    """
    at_cost = scores[(scores["ticker"] == POOL) & (scores["cost_bps"] == cost_bps)]
    net = at_cost[at_cost["metric"] == "net_return"]
    drawn = net[net["model"] == RANDOM].rename(columns={"value": "median"})
    own = at_cost[at_cost["model"] == model].pivot(
        index="rule", columns="metric", values="value"
    )
    own = own[["net_return", BEATEN, "turnover", "exposure"]].reset_index()
    table = own.merge(drawn[["rule", "median", "lower", "upper"]], on="rule")
    columns = ["net_return", "median", "lower", "upper", BEATEN, "turnover", "exposure"]
    return _named(table.assign(model=model))[["strategy", "rule", *columns]]


def pooled_accuracy(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the pool's accuracy, one row a model, persistence first."""
    rows = scores[
        (scores["ticker"] == POOL)
        & (scores["cost_bps"] == ACCURACY_COST)
        & scores["metric"].isin(ACCURACY)
    ]
    wide = rows.pivot(index="model", columns="metric", values="value")
    return _named(wide[ACCURACY].reset_index().rename_axis(columns=None))


def traded_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the pool's accuracy on all sessions and on those with a deal, by model."""
    names = [*SPLIT, *(f"{name}{TRADED}" for name in SPLIT)]
    rows = scores[
        (scores["ticker"] == POOL)
        & (scores["cost_bps"] == ACCURACY_COST)
        & scores["metric"].isin(names)
    ]
    wide = rows.pivot(index="model", columns="metric", values="value")
    return _named(wide.reindex(columns=names).reset_index().rename_axis(columns=None))


def strategy_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return what every strategy's result hangs on, one row a strategy that dealt.

    All excesses are yearly; ``fragile`` says whether more than half of the gross
    excess is gone when every order is sent a session later, a dash that there was none.
    """
    wide = _hangs_on(scores, ["model", "rule"]).dropna(subset=GROSS)
    return _named(wide.drop(columns=START_DAY))


def strategy_sentence(scores: pd.DataFrame) -> str:
    """Count the strategies that gain without cost, and keep it a session later."""
    table = strategy_table(scores)
    gained = table["fragile"].notna()
    fragile = int(table.loc[gained, "fragile"].sum())
    return (
        f"Of {len(table)} strategies that dealt, {int(gained.sum())} gain on a holding "
        f"of the same exposure before costs; {fragile} of these lose more than half of "
        "it when every order is sent one more session later."
    )


def declared_table(scores: pd.DataFrame, *, model: str, rule: str) -> pd.DataFrame:
    """Return what the declared strategy's result hangs on, one row a year.

    The last columns are accounts opened on each of the first sessions of the year:
    mean, worst and best yearly excess over cash.
    """
    own = scores[(scores["model"] == model) & (scores["rule"] == rule)]
    wide = _hangs_on(own, ["fold"])
    starts = own[own["metric"] == START_DAY].set_index("fold")
    table = wide.rename(columns={"fold": "year_dealt"})
    worst, best = (table["year_dealt"].map(starts[name]) for name in ("lower", "upper"))
    return table.assign(start_worst=worst, start_best=best)


def capacity_table(capacity: pd.DataFrame) -> pd.DataFrame:
    """Return what is left of the declared strategy by capital, all its years together.

    Years count by their sessions, fills by the money that was ordered.
    """
    weights = capacity["n"]
    parts = capacity.assign(
        filled=(capacity["fill_share"] * capacity["ordered"]).fillna(0.0),
        net_excess=capacity["net_excess"] * weights,
        exposure=capacity["exposure"] * weights,
    )
    sums = parts.groupby("capital_kes")[
        ["filled", "ordered", "net_excess", "exposure", "n"]
    ].sum()
    table = pd.DataFrame(
        {
            "fill_share": sums["filled"] / sums["ordered"].where(sums["ordered"] > 0),
            "excess_over_cash": sums["net_excess"] / sums["n"],
            "exposure": sums["exposure"] / sums["n"],
        }
    )
    return table.reset_index()


def capacity_sentence(capacity: pd.DataFrame) -> str:
    """Say up to which of the capitals nine tenths of the orders are dealt."""
    table = capacity_table(capacity)
    enough = table.loc[table["fill_share"] >= FILLED, "capital_kes"]
    if enough.empty:
        return "At none of these capitals are nine tenths of its orders dealt."
    return (
        "Capacity: the largest of these capitals at which nine tenths of the money "
        f"ordered was dealt is KES {enough.max():,.0f}."
    )


def rank_ic_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the mean rank IC over all years, one row a model, a column an aim.

    Each cell holds the mean and, in brackets, its Newey-West t; "same session" is delay
    0, which nobody can deal at.
    """
    rows = summary[summary["fold"] == ALL_YEARS].sort_values(["delay", "horizon"])
    aims = zip(rows["delay"], rows["horizon"], strict=True)
    figures = zip(rows["value"], rows["t_statistic"], strict=True)
    table = rows.assign(
        aim=[
            f"{_sessions(horizon)}{' from the same session' if delay == 0 else ''}"
            for delay, horizon in aims
        ],
        cell=[
            f"{format_number(value, '+.3f')} ({format_number(t, '+.1f')})"
            for value, t in figures
        ],
    )
    wide = table.pivot(index="model", columns="aim", values="cell")
    return _named(wide[table["aim"].unique()].reset_index().rename_axis(columns=None))


def rank_ic_by_year(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the mean rank IC of one aim by year, one row a model.

    The last column is over all years, with its 95 % interval in brackets.

    Parameters
    ----------
    summary : DataFrame
        ``summarise_rank_ic`` of one delay and horizon.
    """
    years = summary[summary["fold"] != ALL_YEARS]
    wide = years.pivot(index="model", columns="fold", values="value")
    whole = summary[summary["fold"] == ALL_YEARS].set_index("model")
    text = wide.map(lambda value: format_number(value, "+.3f"))
    table = text.rename(columns=str).rename_axis(columns=None)
    table["all years"] = [
        format_bounds(row["value"], row["lower"], row["upper"], "+.3f")
        for _, row in whole.loc[table.index].iterrows()
    ]
    return _named(table.reset_index())


def banded_table(judgements: Mapping[str, Judgement]) -> pd.DataFrame:
    """Return the gate with and without its band, one row a model.

    Parameters
    ----------
    judgements : mapping of str to Judgement
        By model.
    """
    rows = [
        {
            "model": model,
            "exposure": judged.exposure,
            "sharpe_over_cash": judged.sharpe_over_cash,
            "over cash a year": interval_words(judged.excess_over_cash),
            "over the same holding": interval_words(judged.excess_over_holding),
        }
        for model, judged in judgements.items()
    ]
    return _named(pd.DataFrame(rows))


def interval_words(excess: ExcessInterval) -> str:
    """Return a yearly excess and its interval, in per cent.

    Examples
    --------
    >>> interval_words(ExcessInterval(mean=0.02, lower=0.01, upper=0.03))
    '+2.0% [+1.0%, +3.0%]'
    """
    return format_bounds(excess.mean, excess.lower, excess.upper, "+.1%")


def _hangs_on(scores: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    rows = scores[(scores["ticker"] == POOL) & scores["metric"].isin(HANGS_ON)]
    wide = rows.pivot(index=key, columns="metric", values="value")
    wide = wide.reindex(columns=HANGS_ON)
    gone = [is_fragile(*pair) for pair in wide[[GROSS, GROSS_LATER]].to_numpy()]
    wide.insert(3, "fragile", pd.Series(gone, index=wide.index, dtype="boolean"))
    return wide.reset_index().rename_axis(columns=None)


def difference_table(differences: pd.DataFrame) -> pd.DataFrame:
    """Say who is ahead of whom: one row a pair, a column a horizon.

    "Ahead" and "behind" are said only where the 95 % interval of the paired difference,
    in brackets, excludes 0; everyone else is level.

    Parameters
    ----------
    differences : DataFrame
        ``first second horizon value lower upper`` of mean rank ICs of one delay.
    """
    pairs = pd.MultiIndex.from_frame(differences[["first", "second"]])
    cells = differences.assign(
        horizon=[_sessions(horizon) for horizon in differences["horizon"]],
        cell=[_standing(row) for _, row in differences.iterrows()],
    )
    wide = cells.pivot(index=["first", "second"], columns="horizon", values="cell")
    wide = wide.loc[pairs.unique(), list(dict.fromkeys(cells["horizon"]))]
    table = wide.reset_index().rename_axis(columns=None)
    named = {name: table.pop(name).map(NAMES) for name in ("first", "second")}
    table.insert(0, "beside", named["second"])
    table.insert(0, "strategy", named["first"])
    return table


def metric_by_model(scores: pd.DataFrame, metric: str) -> pd.Series:
    """Return one accuracy metric, indexed by ticker and model."""
    rows = scores[(scores["metric"] == metric) & (scores["rule"] == "none")]
    return rows.set_index(["ticker", "model"])["value"]


def _sessions(horizon: int) -> str:
    return f"{horizon} session{'s' if horizon > 1 else ''}"


def _standing(row: "pd.Series[Any]") -> str:
    lower, upper = row["lower"], row["upper"]
    side = "ahead" if lower > 0 else "behind" if upper < 0 else "level"
    return f"{side}: {format_bounds(row['value'], lower, upper, '+.3f')}"


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Give models their names, in the order in which ``NAMES`` lists them."""
    order = [name for name in NAMES if name in set(table["model"])]
    order += _rest(table["model"], order)
    table = table.assign(model=pd.Categorical(table["model"], order, ordered=True))
    by = ["model", "rule"] if "rule" in table else ["model"]
    table = table.sort_values(by, ignore_index=True)
    strategy = [name_of(model) for model in table.pop("model")]
    table.insert(0, "strategy", strategy)
    return table


def _rest(models: pd.Series, known: Iterable[str]) -> list[str]:
    return sorted(set(models) - set(known))
