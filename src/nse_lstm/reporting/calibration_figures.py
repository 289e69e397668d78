"""The figure of the verdict's calibration: which skill three years would show."""

from itertools import cycle
from typing import cast

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nse_lstm.reporting.canvas import COLOURS, WIDE, put_legend, start_axes

__all__ = ["draw_power"]

LOOKS = {
    "oracle": ("skill itself", COLOURS["v2"]),
    "ridge": ("a model that must learn it", COLOURS["mended"]),
}
MARKERS = "oD^v"


def draw_power(counts: pd.DataFrame) -> Figure:
    """Draw the share of yes over the net Sharpe ratio of whoever knows the plan.

    Parameters
    ----------
    counts : DataFrame
        ``study.calibration_counts.calibration_counts``: the columns ``signal who rule
        cost_bps oracle_sharpe n yes lower upper``. A group whose oracle never dealt has
        no place on the axis and is left out; so is the market without a signal.
    """
    figure, axes = start_axes(WIDE)
    shown = counts[(counts["signal"] > 0) & counts["oracle_sharpe"].notna()]
    for who, (label, colour) in LOOKS.items():
        markers = cycle(MARKERS)
        own = shown[shown["who"] == who]
        for terms, rows in own.groupby(["cost_bps", "rule"]):
            rows = rows.sort_values("oracle_sharpe")
            share = (rows["yes"] / rows["n"]).to_numpy()
            bars = np.stack([share - rows["lower"], rows["upper"] - share])
            axes.errorbar(
                rows["oracle_sharpe"],
                share,
                yerr=np.maximum(bars, 0.0),
                color=colour,
                marker=next(markers),
                markersize=5,
                linewidth=1,
                elinewidth=0.8,
                capsize=2,
                label=f"{label}: {_terms(*cast(tuple[int, str], terms))}",
            )
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylabel("markets with a yes")
    axes.set_xlabel("net Sharpe ratio over cash of whoever knows the plan, a year")
    put_legend(axes)
    return figure


def _terms(cost_bps: int, rule: str) -> str:
    return f"{cost_bps} bps, {rule}" if cost_bps else "free of costs"
