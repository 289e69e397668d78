"""Draw the market's data: rows by fate, trading activity, concentration."""

from itertools import takewhile
from pathlib import PurePath
from textwrap import shorten
from typing import Any

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
    put_numbers,
    put_title,
    start_axes,
)
from nse_lstm.reporting.format import format_number
from nse_lstm.reporting.readings import (
    read_autocorrelation,
    read_availability,
    read_concentration,
    read_ledger,
)

ACTIONS = {
    "kept": "#9ecae1",
    "mended": COLOURS["mended"],
    "dropped": COLOURS["warning"],
}
# Of text, dark enough to be read on white.
INKS = {"kept": COLOURS["v2"], "mended": "#8a5f00", "dropped": "#a84800"}
GROUPS = {"liquid": COLOURS["v2"], "thin": "#a84800"}
AVERAGING = 0.25
"""Lag-1 autocorrelation of a random walk's averages (Working 1960)."""
NODE = 0.02
"""Width of a node of the flow, where the bands between are 1 wide."""
LONGEST = 46
"""Characters of a label: a file's name, or a reason."""

Places = dict[Any, tuple[float, float]]
"""Start and end of each node, in rows from the top."""


def draw_row_counts(row_counts: pd.DataFrame) -> Figure:
    """Draw the flow of rows from their files, on the left, to their fate.

    Parameters
    ----------
    row_counts : DataFrame
        ROW_COUNTS. Heights are rows; a band thinner than a line is drawn as a line.
    """
    flows = row_counts[row_counts["n_rows"] > 0].sort_values("source_file")
    key = ["action", "reason"]
    fates = flows.groupby(key)["n_rows"].sum().reset_index()
    place = np.lexsort([-fates["n_rows"], fates["action"].map(list(ACTIONS).index)])
    by_fate = fates.iloc[place].set_index(key)["n_rows"]
    files = flows.groupby("source_file")["n_rows"].sum()
    left, right = _stack(files, gap=0.012), _stack(by_fate, gap=0.045)
    figure, axes = start_axes((8.0, 1.8 + 0.28 * len(files)))
    bottom = max(end for nodes in (left, right) for _, end in nodes.values())
    axes.set(xlim=(-0.4, 2.0), ylim=(bottom * 1.01, -0.01 * bottom))
    axes.axis("off")
    _draw_bands(axes, flows, left=left, right=right)
    _label_files(axes, left, dict(files))
    _label_fates(axes, right, dict(by_fate))
    put_title(axes, f"Fate of {files.sum():,} rows, by source file")
    numbers = flows[["source_file", "action", "reason", "n_rows"]]
    put_numbers(figure, numbers, says=read_ledger(flows))
    return figure


def _stack(sizes: "pd.Series[int]", *, gap: float) -> Places:
    """Stack nodes below each other with gaps, a fraction of the whole each."""
    space = gap * float(sizes.sum()) * np.arange(len(sizes))
    ends = sizes.cumsum().to_numpy() + space
    starts = ends - sizes.to_numpy()
    return dict(zip(sizes.index, zip(starts, ends, strict=True), strict=True))


def _draw_bands(
    axes: Axes, flows: pd.DataFrame, *, left: Places, right: Places
) -> None:
    from_top = {name: start for name, (start, _) in left.items()}
    for (action, reason), (z, end) in right.items():
        is_fate = (flows["action"] == action) & (flows["reason"] == reason)
        chosen = flows[is_fate]
        for name, n in zip(chosen["source_file"], chosen["n_rows"], strict=True):
            axes.add_patch(_band(from_top[name], z, n, ACTIONS[action]))
            from_top[name], z = from_top[name] + n, z + n
        start = right[action, reason][0]
        axes.fill_betweenx([start, end], 1, 1 + NODE, color=ACTIONS[action])
    for start, end in left.values():
        axes.fill_betweenx([start, end], -NODE, 0, color=GREY)


def _band(y: float, z: float, n: float, colour: str) -> PathPatch:
    """Bend a band of height ``n`` from ``y`` on the left to ``z`` on the right."""
    points = [(0.0, y), (0.5, y), (0.5, z), (1.0, z)]
    points += [(1.0, z + n), (0.5, z + n), (0.5, y + n), (0.0, y + n), (0.0, y)]
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


def _label_files(axes: Axes, left: Places, sizes: dict[Any, int]) -> None:
    stems = {name: PurePath(str(name)).stem for name in left}
    words = [stem.split("_") for stem in stems.values()]
    shared = takewhile(lambda each: len(set(each)) == 1, zip(*words, strict=False))
    n_shared = len(list(shared))
    for name, (start, end) in left.items():
        text = " ".join(stems[name].split("_")[n_shared:]) or stems[name]
        text = shorten(text, LONGEST, placeholder=" …")
        axes.text(
            -2 * NODE,
            (start + end) / 2,
            f"{text}  {sizes[name]:,}",
            ha="right",
            va="center",
            fontsize=8,
            # A file's name is no formula.
            parse_math=False,
        )


def _label_fates(axes: Axes, right: Places, sizes: dict[Any, int]) -> None:
    ends: list[End] = []
    for (action, reason), (start, end) in right.items():
        text = f"{sizes[action, reason]:,} {action}: "
        text += shorten(reason, LONGEST, placeholder=" …")
        ends.append((1 + NODE, (start + end) / 2, text, INKS[action]))
    label_ends(axes, ends)


def draw_availability(panel: pd.DataFrame) -> Figure:
    """Draw the fraction of sessions with a trade, by ordinary share and month.

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
    bar.set_label("sessions with a trade")
    put_title(axes, "Trading activity: fraction of each month's sessions with a trade")
    put_numbers(figure, _by_year(table), says=read_availability(table))
    return figure


def _by_year(months: pd.DataFrame) -> pd.DataFrame:
    """Shorten months to yearly means, in per cent."""
    years = months.T.groupby(lambda month: month.year).mean().T
    text = years.map(lambda share: format_number(share, ".0%"))
    return text.rename(columns=str).rename_axis(columns=None).reset_index()


def draw_concentration(concentration: pd.DataFrame) -> Figure:
    """Draw each year's cumulative fraction of turnover, the largest stock first.

    Parameters
    ----------
    concentration : DataFrame
        CONCENTRATION; the first and the last year are named.
    """
    figure, axes = start_axes(WIDE)
    ordered = concentration.sort_values(["year", "rank"])
    for _, rows in ordered.groupby("year"):
        axes.plot(rows["rank"], rows["cumulative_share"], color="#cccccc", linewidth=1)
    first, last = (
        ordered[ordered["year"] == year] for year in ordered["year"].iloc[[0, -1]]
    )
    # The higher of the two names stands above its line, the other below.
    side = 6 if first["turnover_share"].iloc[0] > last["turnover_share"].iloc[0] else -6
    _draw_year(axes, first, colour=COLOURS["persistence"], side=side)
    _draw_year(axes, last, colour=COLOURS["v2"], side=-side)
    axes.set_xscale("log")
    ranks = [1, 2, 5, 10, 25, 50]
    axes.set_xticks(ranks, [str(rank) for rank in ranks])
    axes.set_xticks([], minor=True)
    # Room for the names on the left.
    axes.set_xlim(left=0.42)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("ordinary shares, by turnover of the year (log scale)")
    put_title(
        axes, "Concentration: cumulative fraction of turnover in the largest stocks"
    )
    numbers = ordered[["year", "rank", "cumulative_share"]]
    put_numbers(figure, numbers, says=read_concentration(ordered))
    return figure


def _draw_year(axes: Axes, rows: pd.DataFrame, *, colour: str, side: int) -> None:
    largest = rows.iloc[0]
    axes.plot(rows["rank"], rows["cumulative_share"], color=colour, linewidth=2)
    axes.annotate(
        f"{largest['year']}: {largest['ticker']} {largest['turnover_share']:.0%}",
        (1, largest["turnover_share"]),
        xytext=(-6, side),
        textcoords="offset points",
        color=colour,
        ha="right",
        va="center",
        fontsize=8.5,
    )


def draw_autocorrelation(groups: pd.DataFrame) -> Figure:
    """Draw the mean autocorrelation of liquid and thin stocks, lags 1 to 5.

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
    put_title(
        axes, "Autocorrelation of returns: mean over stocks, 95% interval over years"
    )
    numbers = groups[["group", "lag", "value", "lower", "upper"]]
    put_numbers(figure, numbers, says=read_autocorrelation(groups))
    return figure
