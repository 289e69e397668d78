"""Tables and sentences of scores and rank IC, one row per strategy or model."""

from collections.abc import Iterable
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
"""Accuracy metrics that are shown on sessions with a trade too."""
SENSITIVITY = [NET, GROSS, GROSS_LATER, NET_LATER, BREAK_EVEN, START_DAY]
FILLED = 0.9
"""Fraction of the ordered amount that is filled if a capital is not too large."""


def pooled_scores(scores: pd.DataFrame, *, cost_bps: int) -> pd.DataFrame:
    """Return the pool's strategy scores at one cost level, one row per strategy.

    ``exposure`` is the mean fraction of capital invested, ``win_rate`` of the stocks'
    own invested sessions, and a Sharpe ratio is missing below an exposure of 1 %.
    Forecasting models come first, then the benchmarks. The index, which pays no cost,
    has one level only. Random positions have a table of their own.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES`` of one year.
    cost_bps : int
        Basis points per side.
    """
    at_cost = (scores["cost_bps"] == cost_bps) | (scores["rule"] == BENCHMARKS[INDEX])
    rows = scores[(scores["ticker"] == POOL) & at_cost & (scores["model"] != RANDOM)]
    wide = rows.pivot(index=["model", "rule"], columns="metric", values="value")
    wide = wide[POOLED_METRICS].reset_index().rename_axis(columns=None)
    return _named(wide)


def random_comparison(
    scores: pd.DataFrame, *, model: str, cost_bps: int
) -> pd.DataFrame:
    """Return a model's net return among random positions, one row per rule.

    ``net_return`` is the model's own; ``median``, ``lower`` and ``upper`` (5 and 95 %)
    are of the draws; ``random_beaten`` is the fraction of draws that earned less.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES`` of one year.
    model : str
    cost_bps : int
        Basis points per side.
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
    """Return the pool's accuracy, one row per model."""
    rows = scores[
        (scores["ticker"] == POOL)
        & (scores["cost_bps"] == ACCURACY_COST)
        & scores["metric"].isin(ACCURACY)
    ]
    wide = rows.pivot(index="model", columns="metric", values="value")
    return _named(wide[ACCURACY].reset_index().rename_axis(columns=None))


def traded_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the pool's accuracy on all sessions and on sessions with a trade."""
    names = [*SPLIT, *(f"{name}{TRADED}" for name in SPLIT)]
    rows = scores[
        (scores["ticker"] == POOL)
        & (scores["cost_bps"] == ACCURACY_COST)
        & scores["metric"].isin(names)
    ]
    wide = rows.pivot(index="model", columns="metric", values="value")
    return _named(wide.reindex(columns=names).reset_index().rename_axis(columns=None))


def sensitivity_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the sensitivity of each strategy that traded, one row per strategy.

    All excess returns are yearly. ``fragile`` is true if more than half of the gross
    excess is gone with every order one session later, missing if there was none.
    """
    wide = _sensitivity(scores, ["model", "rule"]).dropna(subset=GROSS)
    return _named(wide.drop(columns=START_DAY))


def fragile_sentence(scores: pd.DataFrame) -> str:
    """Count the strategies that gain before costs, and that lose it with delay."""
    table = sensitivity_table(scores)
    gained = table["fragile"].notna()
    fragile = int(table.loc[gained, "fragile"].sum())
    return (
        f"Of {len(table)} strategies that traded, {int(gained.sum())} gain before "
        f"costs against holding the same stocks at the same exposure. {fragile} of "
        "these lose more than half of the gain with every order one session later."
    )


def declared_table(scores: pd.DataFrame, *, model: str, rule: str) -> pd.DataFrame:
    """Return the sensitivity of the declared strategy, one row per year.

    The last columns are accounts opened on each of the first sessions of the year:
    mean, worst and best yearly excess over cash.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES`` of all years.
    model, rule : str
        The declared strategy.
    """
    own = scores[(scores["model"] == model) & (scores["rule"] == rule)]
    wide = _sensitivity(own, ["fold"])
    starts = own[own["metric"] == START_DAY].set_index("fold")
    table = wide.rename(columns={"fold": "year_traded"})
    worst, best = (
        table["year_traded"].map(starts[name]) for name in ("lower", "upper")
    )
    return table.assign(start_worst=worst, start_best=best)


def capacity_table(capacity: pd.DataFrame) -> pd.DataFrame:
    """Return the declared strategy's fills and excess by capital, over all years.

    Years are weighted by their sessions, fills by the amount ordered.
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
    """State the largest capital at which nine tenths of the orders are filled."""
    table = capacity_table(capacity)
    enough = table.loc[table["fill_share"] >= FILLED, "capital_kes"]
    if enough.empty:
        return "At none of these capitals are nine tenths of the orders filled."
    return (
        "Capacity: the largest of these capitals at which nine tenths of the amount "
        f"ordered was filled is KES {enough.max():,.0f}."
    )


def rank_ic_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the mean rank IC over all years, one row per model.

    Each cell holds the mean and, in brackets, its Newey-West t. The columns are
    horizons; "from the same session" is delay 0, which cannot be traded.
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
    """Return the mean rank IC of one delay and horizon by year, one row per model.

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


def _sensitivity(scores: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    rows = scores[(scores["ticker"] == POOL) & scores["metric"].isin(SENSITIVITY)]
    wide = rows.pivot(index=key, columns="metric", values="value")
    wide = wide.reindex(columns=SENSITIVITY)
    gone = [is_fragile(*pair) for pair in wide[[GROSS, GROSS_LATER]].to_numpy()]
    wide.insert(3, "fragile", pd.Series(gone, index=wide.index, dtype="boolean"))
    return wide.reset_index().rename_axis(columns=None)


def difference_table(differences: pd.DataFrame) -> pd.DataFrame:
    """Compare models in pairs: one row per pair, one column per horizon.

    "Ahead" and "behind" are said only where the 95 % interval of the paired difference,
    in brackets, excludes 0. All other pairs are level.

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
    table.insert(0, "compared with", named["second"])
    table.insert(0, "strategy", named["first"])
    return table


def metric_by_model(scores: pd.DataFrame, metric: str) -> pd.Series:
    """Return one accuracy metric, indexed by ticker and model.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES`` of one year.
    metric : str
    """
    rows = scores[(scores["metric"] == metric) & (scores["rule"] == "none")]
    return rows.set_index(["ticker", "model"])["value"]


def _sessions(horizon: int) -> str:
    return f"{horizon} session{'s' if horizon > 1 else ''}"


def _standing(row: "pd.Series[Any]") -> str:
    lower, upper = row["lower"], row["upper"]
    side = "ahead" if lower > 0 else "behind" if upper < 0 else "level"
    return f"{side}: {format_bounds(row['value'], lower, upper, '+.3f')}"


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Give models their names, in the order of ``NAMES``."""
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
