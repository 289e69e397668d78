"""Figures: table in, figure out. One visual language for all pages.

Colours are those of Okabe and Ito (2008), told apart by colour-blind readers; lines are
labelled where they end.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    NullLocator,
    PercentFormatter,
)

__all__ = [
    "draw_availability",
    "draw_costs",
    "draw_errors",
    "draw_forecast",
    "draw_latest",
    "draw_ledger",
    "draw_net_value",
    "draw_training_curves",
    "draw_training_summary",
    "draw_turnover",
]

COLOURS = {
    "v1": "#CC79A7",
    "v2": "#0072B2",
    "persistence": "#000000",
    "repeat_sign": "#E69F00",
    "buy_and_hold": "#009E73",
    "cash": "#999999",
    "realised": "#999999",
    "warning": "#D55E00",
}
NAMES = {
    "v1": "v1, the original rebuilt",
    "v2": "v2 LSTM",
    "persistence": "persistence",
    "repeat_sign": "repeat the sign",
    "buy_and_hold": "buy and hold",
}
WIDE = (8.0, 3.6)
LABEL_STEP = 11.0
"""Points between the labels of neighbouring lines."""

End = tuple[Any, float, str, str]
"""Where a line ends, its label and its colour."""

STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "font.size": 9.5,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def draw_availability(panel: pd.DataFrame, *, n_tickers: int = 70) -> Figure:
    """Draw the share of sessions with volume, ordinary shares by quarter.

    Parameters
    ----------
    panel : DataFrame
        PANEL rows; the tickers that trade most often are on top.
    """
    shares = panel[panel["kind"] == "ordinary"]
    quarter = shares["session"].dt.to_period("Q")
    traded = shares["volume"].notna().groupby([shares["ticker"], quarter]).mean()
    table = traded.unstack().reindex(
        columns=pd.period_range(quarter.min(), quarter.max(), freq="Q")
    )
    order = table.mean(axis=1).sort_values(ascending=False).index[:n_tickers]
    table = table.loc[order]
    figure, axes = _axes((8.0, 0.9 + 0.13 * len(table)))
    image = axes.imshow(table.to_numpy(), aspect="auto", cmap="cividis", vmin=0, vmax=1)
    axes.grid(False)
    quarters = pd.PeriodIndex(table.columns)
    years = np.flatnonzero(quarters.quarter == 1)
    axes.set_xticks(years, [str(year) for year in quarters.year[years]])
    axes.set_yticks(range(len(table)), list(table.index), fontsize=6)
    bar = figure.colorbar(image, ax=axes, format=PercentFormatter(1), shrink=0.5)
    bar.set_label("sessions with volume")
    _title(axes, "Who trades: share of sessions with volume, by quarter")
    return figure


def draw_turnover(statistics: pd.DataFrame, *, n_tickers: int = 30) -> Figure:
    """Draw the median turnover of the ranked stocks, KES a session, log scale."""
    ranked = statistics[statistics["rank"] > 0].sort_values("rank").head(n_tickers)
    figure, axes = _axes((8.0, 0.8 + 0.2 * len(ranked)))
    chosen = ranked["tier"] == 1
    colours = np.where(chosen, COLOURS["v2"], "#bbbbbb")
    axes.barh(ranked["ticker"], ranked["median_turnover"] / 1e6, color=colours)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("median turnover a session, KES million (log scale)")
    _title(axes, "Tradable stocks by turnover; the recommended ones in blue")
    return figure


def draw_ledger(file_ledger: pd.DataFrame) -> Figure:
    """Draw what became of every row of every file: kept, mended or dropped."""
    table = file_ledger.pivot_table(
        index="source_file", columns="action", values="n_rows", aggfunc="sum"
    ).fillna(0)
    table = table.reindex(columns=["kept", "mended", "dropped"], fill_value=0)
    figure, axes = _axes((8.0, 0.9 + 0.24 * len(table)))
    left = np.zeros(len(table))
    colours = [COLOURS["v2"], COLOURS["repeat_sign"], COLOURS["warning"]]
    for action, colour in zip(table.columns, colours, strict=True):
        axes.barh(table.index, table[action], left=left, color=colour, label=action)
        left += table[action].to_numpy()
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("rows")
    _legend(axes)
    _title(axes, "Rows of each source file")
    return figure


def draw_training_curves(history: pd.DataFrame, *, best_epoch: int) -> Figure:
    """Draw the Huber term by epoch, training and validation, and where it stopped."""
    figure, axes = _axes(WIDE)
    ends: list[End] = []
    for column, name, colour in (
        ("huber", "training", "#777777"),
        ("val_huber", "validation", COLOURS["v2"]),
    ):
        axes.plot(history["epoch"], history[column], color=colour)
        last = history.iloc[-1]
        ends.append((last["epoch"], last[column], name, colour))
    axes.axvline(best_epoch, color=COLOURS["warning"], linewidth=1, linestyle=":")
    axes.set_yscale("log")
    axes.set_xlabel("epoch (dotted: the epoch whose weights were kept)")
    axes.set_ylabel("Huber loss, scaled price")
    _title(axes, "Fitting v2: Huber term without the L2 penalty")
    _label_ends(axes, ends)
    return figure


def draw_forecast(joined: pd.DataFrame, *, ticker: str) -> Figure:
    """Draw the realised price and each model's one-session forecast of it, KES."""
    figure, axes = _axes(WIDE)
    realised = joined.drop_duplicates("target_date").sort_values("target_date")
    axes.plot(realised["target_date"], realised["level"], color="#bbbbbb", linewidth=3)
    last = realised.iloc[-1]
    ends: list[End] = [(last["target_date"], last["level"], "printed price", "#777777")]
    for model, rows in joined.groupby("model"):
        rows = rows.sort_values("target_date")
        colour = COLOURS.get(str(model), "#777777")
        axes.plot(rows["target_date"], rows["price_hat"], color=colour, linewidth=1)
        last = rows.iloc[-1]
        name = NAMES[str(model)]
        ends.append((last["target_date"], last["price_hat"], name, colour))
    axes.set_ylabel("KES a share")
    _title(axes, f"{ticker}: forecast of the next session's price")
    _label_ends(axes, ends)
    return figure


def draw_training_summary(summary: pd.DataFrame) -> Figure:
    """Draw the validation Huber term of every v2 model, one marker a fold."""
    summary = summary[summary["model"] == "v2"]
    years = sorted(summary["year"].unique())
    figure, axes = _axes((8.0, 1.0 + 0.25 * summary["ticker"].nunique()))
    for year, marker in zip(years, "osD^v<>", strict=False):
        rows = summary[summary["year"] == year]
        axes.plot(
            rows["validation_loss"],
            rows["ticker"],
            marker,
            color=COLOURS["v2"] if year == years[-1] else COLOURS["cash"],
            label=f"before {year}",
        )
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("validation Huber loss, scaled price (log scale)")
    _legend(axes)
    _title(axes, "Every trained model")
    return figure


def draw_errors(scores: pd.DataFrame, *, year: int) -> Figure:
    """Draw each stock's mean absolute error as a multiple of persistence's."""
    rows = scores[(scores["metric"] == "mae") & (scores["fold"] == year)]
    table = rows.pivot(index="ticker", columns="model", values="value")
    table = table.drop(index="ALL", errors="ignore")
    ratio = table.div(table["persistence"], axis=0).sort_values("v2")
    figure, axes = _axes((8.0, 1.0 + 0.25 * len(ratio)))
    axes.axvline(1, color=COLOURS["persistence"], linewidth=1.2)
    for model in ("v1", "v2", "repeat_sign"):
        axes.plot(
            ratio[model], ratio.index, "o", color=COLOURS[model], label=NAMES[model]
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.invert_yaxis()
    axes.set_xlabel(
        "mean absolute error as a multiple of persistence's (right is worse)"
    )
    _legend(axes)
    _title(axes, f"{year}: error against persistence (line)")
    return figure


def draw_costs(scores: pd.DataFrame, *, year: int, headline: int) -> Figure:
    """Draw the pooled net return of each strategy by cost level."""
    rows = scores[
        (scores["ticker"] == "ALL")
        & (scores["metric"] == "net_return")
        & (scores["fold"] == year)
        & (scores["model"] != "persistence")
    ]
    figure, axes = _axes(WIDE)
    ends: list[End] = []
    for (model, rule), line in rows.groupby(["model", "rule"]):
        line = line.sort_values("cost_bps")
        colour = COLOURS[str(model)]
        style = "--" if rule == "gate" else "-"
        axes.plot(line["cost_bps"], line["value"], style, marker=".", color=colour)
        last = line.iloc[-1]
        text = _strategy_name(str(model), str(rule))
        ends.append((last["cost_bps"], last["value"], text, colour))
    axes.axvline(headline, color=COLOURS["warning"], linewidth=1, linestyle=":")
    axes.axhline(0, color="#777777", linewidth=0.8)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("cost a side, basis points (dotted: headline)")
    axes.set_ylabel("net return of the year")
    _title(axes, f"{year}: what costs leave, equal capital in every stock")
    _label_ends(axes, ends)
    return figure


def draw_net_value(returns: pd.DataFrame, *, year: int, cost_bps: int) -> Figure:
    """Draw the value of one shilling in each pooled strategy at one cost level."""
    rows = returns[(returns["fold"] == year) & (returns["cost_bps"] == cost_bps)]
    figure, axes = _axes(WIDE)
    pooled = rows.groupby(["model", "rule", "session"])["net_return"].mean()
    ends: list[End] = []
    for (model, rule), line in pooled.groupby(["model", "rule"]):
        if model == "persistence":
            continue
        value = (1 + line.droplevel(["model", "rule"])).cumprod()
        colour = COLOURS[str(model)]
        axes.plot(value.index, value, "--" if rule == "gate" else "-", color=colour)
        text = _strategy_name(str(model), str(rule))
        ends.append((value.index[-1], value.iloc[-1], text, colour))
    cash = (1 + rows.groupby("session")["cash_return"].mean()).cumprod()
    axes.plot(cash.index, cash, color=COLOURS["cash"])
    ends.append((cash.index[-1], cash.iloc[-1], "cash", "#777777"))
    axes.set_ylabel("value of 1 KES, net")
    _title(axes, f"{year}: dealt one session later at {cost_bps} bps a side")
    _label_ends(axes, ends)
    return figure


def draw_latest(forecasts: pd.DataFrame) -> Figure:
    """Draw the forecast change to the next session, one dot a stock and model."""
    figure, axes = _axes((8.0, 1.0 + 0.25 * forecasts["ticker"].nunique()))
    axes.axvline(0, color=COLOURS["persistence"], linewidth=1.2)
    for model, rows in forecasts.groupby("model"):
        axes.plot(
            rows["y_hat"],
            rows["ticker"],
            "o",
            color=COLOURS[str(model)],
            label=NAMES[str(model)],
        )
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.invert_yaxis()
    axes.set_xlabel("forecast log return to the next session")
    _legend(axes)
    _title(axes, "The next session")
    return figure


def _axes(size: tuple[float, float]) -> tuple[Figure, Axes]:
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=size)
    return figure, axes


def _title(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=11, pad=8)


def _legend(axes: Axes) -> None:
    """Put the legend below the axes, where it covers nothing."""
    axes.legend(ncols=3, loc="upper left", bbox_to_anchor=(0, -0.12), borderaxespad=2)


def _strategy_name(model: str, rule: str) -> str:
    return NAMES[model] if rule == "hold" else f"{NAMES[model]}, {rule}"


def _label_ends(axes: Axes, ends: list[End]) -> None:
    """Label lines where they end, moving labels apart that would overlap."""
    axes.figure.canvas.draw()
    points_per_pixel = 72 / axes.figure.dpi
    heights = [
        axes.transData.transform((axes.convert_xunits(x), y))[1] * points_per_pixel
        for x, y, _, _ in ends
    ]
    placed = -np.inf
    for place in np.argsort(heights):
        x, y, text, colour = ends[place]
        placed = max(heights[place], placed + LABEL_STEP)
        axes.annotate(
            text,
            (x, y),
            xytext=(5, placed - heights[place]),
            textcoords="offset points",
            color=colour,
            va="center",
            fontsize=8.5,
            annotation_clip=False,
        )
