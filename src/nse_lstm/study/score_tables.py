"""Phase 4's scores as tables that are read: one row a strategy or model."""

from collections.abc import Iterable

import pandas as pd

from nse_lstm.evaluation.averaging import LATER
from nse_lstm.evaluation.random_positions import BEATEN, RANDOM
from nse_lstm.evaluation.rank_ic import ALL_YEARS
from nse_lstm.evaluation.scoring import POOL
from nse_lstm.evaluation.strategies import INDEX, YARDSTICKS
from nse_lstm.reporting.canvas import NAMES
from nse_lstm.tables import ACCURACY_COST

__all__ = [
    "difference_table",
    "pooled_accuracy",
    "pooled_scores",
    "random_comparison",
    "rank_ic_table",
]

POOLED_METRICS = [
    "net_return",
    "sharpe_ratio",
    "sharpe_over_cash",
    "win_rate",
    "max_drawdown",
    "turnover",
    "exposure",
]
ACCURACY = ["mape", "skill", "mase", "directional_accuracy", LATER]


def pooled_scores(scores: pd.DataFrame, *, cost_bps: int) -> pd.DataFrame:
    """Return the pool's strategy scores at one cost level, one row a strategy.

    ``exposure`` is the mean share of the capital invested, ``win_rate`` of the stocks'
    own invested sessions, and a Sharpe ratio is missing below an exposure of 1 %.
    Forecasting models come first, then the yardsticks; the index, which pays no cost,
    stands at its only level. Random positions have a table of their own.
    """
    at_cost = (scores["cost_bps"] == cost_bps) | (scores["rule"] == YARDSTICKS[INDEX])
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
            f"{horizon} sessions{' from the same session' if delay == 0 else ''}"
            for delay, horizon in aims
        ],
        cell=[
            f"{value:+.3f} ({t:+.1f})".replace("-", "\u2212") for value, t in figures
        ],
    )
    wide = table.pivot(index="model", columns="aim", values="cell")
    return _named(wide[table["aim"].unique()].reset_index().rename_axis(columns=None))


def difference_table(differences: pd.DataFrame) -> pd.DataFrame:
    """Say who is ahead of whom: one row a pair and horizon.

    "Ahead" and "behind" are said only where the 95 % interval of the paired difference
    excludes 0; everyone else is level.

    Parameters
    ----------
    differences : DataFrame
        ``first second horizon value lower upper`` of mean rank ICs.
    """
    reach = zip(differences["lower"], differences["upper"], strict=True)
    rivals = differences["second"].map(NAMES)
    bounds = [(float(lower), float(upper)) for lower, upper in reach]
    return pd.DataFrame(
        {
            "strategy": differences["first"].map(NAMES),
            "stands": [
                f"{_standing(*bound)} {rival}"
                for bound, rival in zip(bounds, rivals, strict=True)
            ],
            "sessions ahead": differences["horizon"],
            "difference": [_signed(value) for value in differences["value"]],
            "95 % interval": [" to ".join(map(_signed, bound)) for bound in bounds],
        }
    )


def _standing(lower: float, upper: float) -> str:
    if lower > 0:
        return "ahead of"
    return "behind" if upper < 0 else "level with"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\u2212")


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Give models their names, in the order in which ``NAMES`` lists them."""
    order = [name for name in NAMES if name in set(table["model"])]
    order += _rest(table["model"], order)
    table = table.assign(model=pd.Categorical(table["model"], order, ordered=True))
    by = ["model", "rule"] if "rule" in table else ["model"]
    table = table.sort_values(by, ignore_index=True)
    strategy = [NAMES.get(str(model), str(model)) for model in table.pop("model")]
    table.insert(0, "strategy", strategy)
    return table


def _rest(models: pd.Series, known: Iterable[str]) -> list[str]:
    return sorted(set(models) - set(known))
