"""The figure of the verdict's calibration: which skill three years would show."""

from typing import cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nse_lstm.reporting.canvas import COLOURS, put_numbers, start_axes

SHADES = (COLOURS["v2"], COLOURS["mended"])
MARKERS = "oD^v"
TALL = (8.0, 4.8)


def draw_power(points: pd.DataFrame) -> Figure:
    """Draw the share of markets with a yes over the skill that is there.

    Parameters
    ----------
    points : DataFrame
        ``study.experiments.calibration.counts.power_points``: ``who terms skill share
        lower upper``, a line for each of at most two strategies and four terms.
    """
    figure, axes = start_axes(TALL)
    people, terms = points["who"].unique(), points["terms"].unique()
    looks = dict(zip(people, SHADES, strict=False))
    marks = dict(zip(terms, MARKERS, strict=False))
    for key, rows in points.groupby(["who", "terms"], sort=False):
        who, term = cast(tuple[str, str], key)
        below, above = rows["share"] - rows["lower"], rows["upper"] - rows["share"]
        axes.errorbar(
            rows["skill"],
            rows["share"],
            yerr=np.maximum(np.stack([below, above]), 0.0),
            color=looks[who],
            marker=marks[term],
            markersize=5,
            linewidth=1,
            elinewidth=0.8,
            capsize=2,
            label=f"{who}: {term}",
        )
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylabel("markets with a yes")
    axes.set_xlabel("net Sharpe ratio over cash of who knows what was planted, a year")
    axes.legend(frameon=False, ncols=2, loc="upper left", bbox_to_anchor=(0, -0.16))
    put_numbers(figure, points, says=_reading(points))
    return figure


def _reading(points: pd.DataFrame) -> str:
    """Say how often there is a yes without skill and with the most of it."""
    parts = []
    for key, rows in points.groupby(["who", "terms"], sort=False):
        line = rows.sort_values("skill")
        parts.append(
            f"{key[0]}, {key[1]}: {line['share'].iloc[0]:.0%} at a Sharpe ratio of "
            f"{line['skill'].iloc[0]:.1f}, {line['share'].iloc[-1]:.0%} at "
            f"{line['skill'].iloc[-1]:.1f}"
        )
    return f"Markets with a yes: {'; '.join(parts)}."
