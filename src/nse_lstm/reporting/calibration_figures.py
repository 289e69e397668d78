"""Draw the power curve of the verdict: how often it says yes, by planted skill."""

from typing import cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nse_lstm.reporting.canvas import (
    COLOURS,
    put_numbers,
    put_title,
    start_axes,
)

SHADES = (COLOURS["v2"], COLOURS["mended"])
MARKERS = "oD^v"
TALL = (8.0, 4.8)


def draw_power(points: pd.DataFrame) -> Figure:
    """Draw the power curve: the share of markets with a yes, by their skill.

    Parameters
    ----------
    points : DataFrame
        ``pages.calibration.power_points``: ``strategy terms skill share lower upper``,
        a line for each of at most two strategies and four terms.
    """
    figure, axes = start_axes(TALL)
    strategies, terms = points["strategy"].unique(), points["terms"].unique()
    colours = dict(zip(strategies, SHADES, strict=False))
    marks = dict(zip(terms, MARKERS, strict=False))
    for key, rows in points.groupby(["strategy", "terms"], sort=False):
        who, term = cast(tuple[str, str], key)
        below, above = rows["share"] - rows["lower"], rows["upper"] - rows["share"]
        axes.errorbar(
            rows["skill"],
            rows["share"],
            yerr=np.maximum(np.stack([below, above]), 0.0),
            color=colours[who],
            marker=marks[term],
            markersize=5,
            linewidth=1,
            elinewidth=0.8,
            capsize=2,
            label=f"{who}: {term}",
        )
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylabel("markets with a yes, 95 %")
    axes.set_xlabel(
        "yearly net Sharpe ratio over cash of a strategy that knows the planted signal"
    )
    axes.legend(frameon=False, ncols=2, loc="upper left", bbox_to_anchor=(0, -0.16))
    put_title(axes, "Power of the verdict: share of markets with a yes, by skill")
    put_numbers(figure, points, says=_reading(points))
    return figure


def _reading(points: pd.DataFrame) -> str:
    """Say how often there is a yes with the least and with the most skill."""
    parts = []
    for key, rows in points.groupby(["strategy", "terms"], sort=False):
        line = rows.sort_values("skill")
        parts.append(
            f"{key[0]}, {key[1]}: {line['share'].iloc[0]:.0%} at a Sharpe ratio of "
            f"{line['skill'].iloc[0]:.1f}, {line['share'].iloc[-1]:.0%} at "
            f"{line['skill'].iloc[-1]:.1f}"
        )
    text = ". ".join(part[:1].upper() + part[1:] for part in parts)
    return f"Markets with a yes. {text}."
