"""Figures of the atlas: where the rows went, who trades, who carries it, what repeats."""

from os.path import commonprefix
from pathlib import PurePath

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import PercentFormatter

from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    WIDE,
    End,
    label_ends,
    put_title,
    start_axes,
)

__all__ = [
    "draw_autocorrelation",
    "draw_availability",
    "draw_concentration",
    "draw_ledger",
]

ACTIONS = {"kept": "#9ecae1", "mended": COLOURS["mended"], "dropped": "#D55E00"}
GROUPS = {"liquid": COLOURS["v2"], "thin": COLOURS["warning"]}
AVERAGING = 0.25
"""Lag-1 autocorrelation of a random walk's averages (Working 1960)."""
NODE = 0.02
"""Width of a node of the flow, of the figure's width."""


def draw_ledger(file_ledger: pd.DataFrame) -> Figure:
    """Draw the way of every row from its file, on the left, to its fate.

    Parameters
    ----------
    file_ledger : DataFrame
        FILE_LEDGER. Heights are rows; a band thinner than a line is drawn as a line.
    """
    flows = file_ledger[file_ledger["n_rows"] > 0]
    fates = flows.groupby(["action", "reason"])["n_rows"].sum().reset_index()
    order = fates["action"].map(list(ACTIONS).index)
    fates = fates.assign(order=order).sort_values(
        ["order", "n_rows"], ascending=[True, False]
    )
    files = flows.groupby("source_file", sort=True)["n_rows"].sum()
    gap = 0.012 * float(files.sum())
    left = _nodes(files, gap=gap)
    right = _nodes(fates.set_index(["action", "reason"])["n_rows"], gap=gap)
    figure, axes = start_axes((8.0, 1.6 + 0.28 * len(files)))
    bottom = max(left["end"].max(), right["end"].max())
    axes.set(xlim=(-0.42, 1.75), ylim=(bottom * 1.01, -0.01 * bottom))
    axes.axis("off")
    _draw_bands(axes, flows, left=left, right=right)
    _label_files(axes, left, files)
    _label_fates(axes, right)
    put_title(axes, f"What became of {files.sum():,} rows, by source file")
    return figure


def _nodes(sizes: "pd.Series[int]", *, gap: float) -> pd.DataFrame:
    """Stack nodes below each other with a gap between."""
    start = sizes.cumsum() - sizes + gap * np.arange(len(sizes))
    return pd.DataFrame({"start": start, "end": start + sizes, "n": sizes})


def _draw_bands(
    axes: Axes, flows: pd.DataFrame, *, left: pd.DataFrame, right: pd.DataFrame
) -> None:
    from_top, to_top = left["start"].to_dict(), right["start"].to_dict()
    for fate in right.index:
        action, reason = fate
        is_fate = (flows["action"] == action) & (flows["reason"] == reason)
        for row in flows[is_fate].sort_values("source_file").itertuples():
            y, z, n = from_top[row.source_file], to_top[fate], row.n_rows
            axes.add_patch(_band(y, z, float(n), ACTIONS[action]))
            from_top[row.source_file], to_top[fate] = y + n, z + n
    for table, x in ((left, -NODE), (right, 1.0)):
        for node in table.itertuples():
            colour = GREY if x < 0 else ACTIONS[node.Index[0]]
            axes.fill_betweenx(
                [node.start, node.end], x, x + NODE, color=colour, linewidth=1
            )


def _band(y: float, z: float, n: float, colour: str) -> PathPatch:
    """Bend a band of height ``n`` from ``y`` on the left to ``z`` on the right."""
    points = [(0, y), (0.5, y), (0.5, z), (1, z)]
    points += [(1, z + n), (0.5, z + n), (0.5, y + n), (0, y + n), (0, y)]
    curve = [Path.CURVE4] * 3
    codes = [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY]
    is_main = colour == ACTIONS["kept"]
    return PathPatch(
        Path(points, codes),
        facecolor=colour,
        edgecolor=colour,
        linewidth=0 if is_main else 1.0,
        alpha=0.45 if is_main else 0.9,
        zorder=1 if is_main else 2,
    )


def _label_files(axes: Axes, left: pd.DataFrame, files: "pd.Series[int]") -> None:
    stems = [PurePath(str(name)).stem for name in files.index]
    skip = len(commonprefix(stems)) if len(stems) > 1 else 0
    for stem, node in zip(stems, left.itertuples(), strict=True):
        axes.text(
            -2 * NODE,
            (node.start + node.end) / 2,
            f"{stem[skip:] or stem}  {node.n:,}",
            ha="right",
            va="center",
            fontsize=8,
        )


def _label_fates(axes: Axes, right: pd.DataFrame) -> None:
    ends: list[End] = []
    for (action, reason), node in right.iterrows():
        colour = COLOURS["v2"] if action == "kept" else ACTIONS[action]
        short = reason if len(reason) <= 34 else f"{reason[:33].rstrip()}…"
        text = f"{node['n']:,.0f} {action}: {short}"
        ends.append((1 + NODE, (node["start"] + node["end"]) / 2, text, colour))
    label_ends(axes, ends)


def draw_availability(panel: pd.DataFrame) -> Figure:
    """Draw the share of sessions with volume, ordinary shares by month.

    Parameters
    ----------
    panel : DataFrame
        PANEL; the tickers that trade most often are on top.
    """
    shares = panel[(panel["kind"] == "ordinary") & ~panel["stale"]]
    month = shares["session"].dt.to_period("M")
    traded = shares["volume"].notna().groupby([shares["ticker"], month]).mean()
    months = pd.period_range(month.min(), month.max(), freq="M")
    table = traded.unstack().reindex(columns=months)
    table = table.loc[table.mean(axis=1).sort_values(ascending=False).index]
    figure, axes = start_axes((8.0, 0.9 + 0.125 * len(table)))
    image = axes.imshow(
        table.to_numpy(),
        aspect="auto",
        cmap="cividis",
        vmin=0,
        vmax=1,
        interpolation="none",
    )
    axes.grid(False)
    years = np.flatnonzero(months.month == 1)
    axes.set_xticks(years - 0.5, [str(year) for year in months.year[years]])
    axes.set_yticks(range(len(table)), list(table.index), fontsize=6)
    empty = np.flatnonzero(table.isna().all())
    if len(empty):
        place = float(empty.mean()), len(table) / 2
        axes.text(*place, "not in the files", rotation=90, ha="center", va="center")
    bar = figure.colorbar(
        image, ax=axes, format=PercentFormatter(1), shrink=0.4, aspect=30
    )
    bar.set_label("sessions with a deal")
    put_title(axes, "Who trades: share of each month's sessions with a deal")
    return figure


def draw_concentration(concentration: pd.DataFrame) -> Figure:
    """Draw each year's cumulative share of turnover, the largest share first.

    Parameters
    ----------
    concentration : DataFrame
        CONCENTRATION; the first and the last year are named.
    """
    figure, axes = start_axes(WIDE)
    years = sorted(concentration["year"].unique())
    for year in years:
        rows = concentration[concentration["year"] == year].sort_values("rank")
        colour = {years[0]: COLOURS["mended"], years[-1]: COLOURS["v2"]}.get(year)
        axes.plot(
            rows["rank"],
            rows["cumulative_share"],
            color=colour or "#cccccc",
            linewidth=2 if colour else 1,
            zorder=3 if colour else 2,
        )
        if colour:
            first = rows.iloc[0]
            axes.annotate(
                f"{year}: {first['ticker']} {first['turnover_share']:.0%}",
                (1, first["turnover_share"]),
                xytext=(8, -9),
                textcoords="offset points",
                color=colour,
                fontsize=8.5,
            )
    axes.set_xscale("log")
    ranks = [1, 2, 5, 10, 25, 50]
    axes.set_xticks(ranks, [str(rank) for rank in ranks])
    axes.set_xticks([], minor=True)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("ordinary shares, by turnover of the year (log scale)")
    put_title(axes, "How few carry the market: cumulative share of turnover")
    return figure


def draw_autocorrelation(groups: pd.DataFrame) -> Figure:
    """Draw the mean autocorrelation of liquid and of thin shares, lags 1 to 5.

    Parameters
    ----------
    groups : DataFrame
        AUTOCORRELATION_GROUPS; bars are 95 % intervals over years.
    """
    figure, axes = start_axes(WIDE)
    axes.axhline(0, color=COLOURS["persistence"], linewidth=1)
    for offset, (group, colour) in zip((-0.06, 0.06), GROUPS.items(), strict=True):
        rows = groups[groups["group"] == group].sort_values("lag")
        if rows.empty:
            continue
        bars = [rows["value"] - rows["lower"], rows["upper"] - rows["value"]]
        axes.errorbar(
            rows["lag"] + offset,
            rows["value"],
            yerr=np.nan_to_num(np.array(bars)),
            fmt="o",
            color=colour,
            capsize=3,
        )
        axes.annotate(
            "liquid: the price is an average"
            if group == "liquid"
            else "thin: it bounces",
            (1 + offset, rows["value"].iloc[0]),
            xytext=(14, 0),
            textcoords="offset points",
            color=colour,
            va="center",
        )
    axes.plot([0.8, 1.2], [AVERAGING] * 2, color=GREY, linestyle="--")
    axes.annotate(
        "a random walk's averages",
        (1.2, AVERAGING),
        xytext=(5, 0),
        textcoords="offset points",
        color=GREY,
        va="center",
        fontsize=8.5,
    )
    axes.set_xlim(0.6, 5.4)
    axes.set_xticks(range(1, 6))
    axes.set_xlabel("lag, sessions")
    put_title(axes, "Autocorrelation of returns, mean over shares; 95 % over years")
    return figure
