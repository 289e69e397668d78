"""Draw Phase 4: errors against persistence, net returns and coverage.

The networks and the benchmarks have colours. The baselines are grey, each named at the
end of its line. A strategy that was never invested earned cash and is not drawn.
"""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    NullLocator,
    PercentFormatter,
)

from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    NAMES,
    WIDE,
    End,
    colour_of,
    label_ends,
    put_dates,
    put_legend,
    put_numbers,
    put_title,
    start_axes,
    start_rows,
)
from nse_lstm.reporting.format import DASH
from nse_lstm.reporting.strategy_readings import (
    read_costs,
    read_coverage,
    read_errors,
    read_net_value,
)

RULES = {
    "sign": "long when the forecast is up (sign)",
    "gate": "long when the forecast gain is above twice the cost (gate)",
}
RANDOM = "random_positions"
NO_COST = "no_cost"
TALL = (8.0, 7.2)


def draw_errors(scores: pd.DataFrame, *, year: int) -> Figure:
    """Draw each stock's mean absolute error as a multiple of persistence's.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES``.
    year : int
        Which is drawn.
    """
    rows = scores[(scores["metric"] == "mae") & (scores["fold"] == year)]
    table = rows.pivot(index="ticker", columns="model", values="value")
    table = table.drop(index="ALL", errors="ignore")
    ratio = table.div(table["persistence"], axis=0).sort_values("v2")
    minor = [str(name) for name in ratio if name not in COLOURS]
    figure, axes = start_axes((8.0, 1.0 + 0.25 * len(ratio)))
    axes.axvline(1, color=COLOURS["persistence"], linewidth=1.2)
    for place, model in enumerate(minor):
        label = _list_of(minor) if place == 0 else None
        axes.plot(ratio[model], ratio.index, "|", color=GREY, ms=9, label=label)
    networks = ("v1", "v2", "stock_lstm", "stock_lstm_median")
    for model in [name for name in networks if name in ratio]:
        axes.plot(ratio[model], ratio.index, "o", color=COLOURS[model])
        axes.lines[-1].set_label(NAMES[model])
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.invert_yaxis()
    axes.set_xlabel(
        "mean absolute error as a multiple of persistence's (right is worse)"
    )
    put_legend(axes)
    put_title(axes, f"{year}: error against persistence (line)")
    numbers = ratio.rename_axis(columns=None).reset_index().round(3)
    put_numbers(figure, numbers, says=read_errors(ratio))
    return figure


def draw_costs(scores: pd.DataFrame, *, year: int, headline: int) -> Figure:
    """Draw each strategy's pooled net return by cost level, one row per rule.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES``.
    year : int
        Which is drawn.
    headline : int
        Cost level that is marked, basis points per side.
    """
    pool = scores[(scores["ticker"] == "ALL") & (scores["fold"] == year)]
    net = pool[pool["metric"] == "net_return"]
    exposure = pool[pool["metric"] == "exposure"]
    invested = exposure[exposure["value"] > 0][["model", "rule"]].drop_duplicates()
    figure, rows = start_rows(TALL, len(RULES))
    for axes, rule in zip(rows, RULES, strict=True):
        ends = _band(axes, net[(net["model"] == RANDOM) & (net["rule"] == rule)])
        for model, lines in _strategies(net.merge(invested), rule):
            line = lines.sort_values("cost_bps")
            if line["rule"].iloc[0] == NO_COST:
                line = _constant(line, net["cost_bps"].max())
            colour, last = colour_of(model), line.iloc[-1]
            axes.plot(line["cost_bps"], line["value"], **_line_style(model))
            ends.append((last["cost_bps"], last["value"], NAMES[model], colour))
        axes.axvline(headline, color=COLOURS["warning"], linewidth=1, linestyle=":")
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_ylabel("net return of the year")
        put_title(axes, f"{year}: {RULES[rule]}")
        label_ends(axes, ends)
    rows[-1].set_xlabel("cost per side, basis points (dotted: headline)")
    put_numbers(figure, _by_cost(net), says=read_costs(net, headline=headline))
    return figure


def draw_net_value(returns: pd.DataFrame, *, year: int, cost_bps: int) -> Figure:
    """Draw the value of 1 KES in each pooled strategy at one cost level.

    Parameters
    ----------
    returns : DataFrame
        ``STRATEGY_RETURNS``.
    year : int
        Which is drawn.
    cost_bps : int
        Basis points per side.
    """
    at_cost = (returns["cost_bps"] == cost_bps) | (returns["rule"] == NO_COST)
    held = returns[(returns["fold"] == year) & at_cost]
    pooled = held.groupby(["model", "rule", "session"], as_index=False)[
        ["net_return", "position"]
    ].mean()
    cash = (1 + held.groupby("session")["cash_return"].mean()).cumprod()
    figure, rows = start_rows(TALL, len(RULES))
    values = {"cash": cash}
    for axes, rule in zip(rows, RULES, strict=True):
        axes.plot(cash.index, cash, color=COLOURS["cash"], linestyle=":")
        ends: list[End] = [(cash.index[-1], cash.iloc[-1], "cash", GREY)]
        for model, lines in _strategies(pooled, rule):
            if not lines["position"].any():
                continue
            value = (1 + lines.set_index("session")["net_return"]).cumprod()
            values[f"{model}, {rule}"] = value
            axes.plot(value.index, value, **_line_style(model))
            end = value.index[-1], value.iloc[-1], NAMES[model], colour_of(model)
            ends.append(end)
        axes.set_ylabel("value of 1 KES, net")
        put_title(axes, f"{year}, {cost_bps} bps per side: {RULES[rule]}")
        label_ends(axes, ends)
    put_dates(rows[-1])
    numbers = pd.DataFrame(values).round(4).reset_index()
    put_numbers(figure, numbers, says=read_net_value(values, year=year))
    return figure


def draw_coverage(coverage: pd.DataFrame, *, model: str, aim: float) -> Figure:
    """Draw the coverage of intervals by quarter, one dot per stock.

    Parameters
    ----------
    coverage : DataFrame
        ``COVERAGE``; the band of chance is the mean of the stocks' own.
    model : str
    aim : float
        Coverage that the intervals promise.
    """
    rows = coverage[coverage["model"] == model]
    quarters = sorted(rows["quarter"].unique())
    place = rows["quarter"].map({name: at for at, name in enumerate(quarters)})
    mean = rows.groupby("quarter")[["coverage", "lower", "upper"]].mean()
    figure, axes = start_axes(WIDE)
    at = range(len(quarters))
    axes.fill_between(
        at, mean["lower"], mean["upper"], color=GREY, alpha=0.2, lw=0, label="by chance"
    )
    axes.axhline(aim, color=COLOURS["persistence"], linewidth=1.2)
    axes.plot(place, rows["coverage"], "o", color=GREY, ms=3, label="a stock")
    axes.plot(at, mean["coverage"], color=colour_of(model), marker="o")
    axes.lines[-1].set_label("mean of the stocks")
    axes.set_xticks(at, quarters)
    axes.set_ylabel("fraction of outcomes inside")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    put_legend(axes)
    put_title(
        axes, f"Coverage of the {aim:.0%} intervals of {NAMES[model]}, by quarter"
    )
    numbers = rows[["ticker", "quarter", "coverage", "lower", "upper"]]
    put_numbers(figure, numbers, says=read_coverage(rows, aim=aim))
    return figure


def _by_cost(net: pd.DataFrame) -> pd.DataFrame:
    """Return the net returns of each strategy, one column per cost level."""
    wide = net.pivot(index=["rule", "model"], columns="cost_bps", values="value")
    text = wide.map(lambda value: DASH if value != value else f"{value:+.1%}")
    return text.rename(columns="{} bps".format).rename_axis(columns=None).reset_index()


def _strategies(rows: pd.DataFrame, rule: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the models of one rule, and the benchmarks that have none."""
    shown = rows[(rows["rule"] == rule) | ~rows["rule"].isin(RULES)]
    for model, lines in shown[shown["model"] != RANDOM].groupby("model"):
        yield str(model), lines


def _constant(line: pd.DataFrame, last: int) -> pd.DataFrame:
    """Repeat the value of a strategy without costs at every cost level."""
    return pd.concat([line, line.assign(cost_bps=last)])


def _line_style(model: str) -> dict[str, Any]:
    if model in COLOURS:
        return {"color": COLOURS[model], "linewidth": 1.6}
    return {"color": GREY, "linewidth": 0.8}


def _band(axes: Axes, drawn: pd.DataFrame) -> list[End]:
    """Draw the band of random positions, if there are any."""
    if drawn.empty:
        return []
    band = drawn.sort_values("cost_bps")
    colour = COLOURS[RANDOM]
    axes.fill_between(
        band["cost_bps"], band["lower"], band["upper"], color=colour, alpha=0.3, lw=0
    )
    last = band.iloc[-1]
    return [(last["cost_bps"], last["value"], f"{NAMES[RANDOM]}, 5–95%", colour)]


def _list_of(models: list[str]) -> str:
    return "baselines: " + ", ".join(NAMES[model] for model in models)
