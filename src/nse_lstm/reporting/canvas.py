"""The style of all figures: colours, names of models, axes and labels.

Colours are those of Okabe and Ito (2008), which colour-blind readers can distinguish.
Lines are labelled where they end. A model without a colour of its own is grey and has
a label.
"""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

# Figures are the same on every machine, whatever a user's matplotlibrc says.
mpl.rcdefaults()

COLOURS = {
    "v1": "#56B4E9",
    "v2": "#0072B2",
    "stock_lstm": "#D55E00",
    "stock_lstm_median": "#E69F00",
    "ridge": "#0072B2",
    "boosting": "#009E73",
    "ridge_per_stock": "#56B4E9",
    "rank_lstm": "#D55E00",
    "rank_lstm_single": "#E69F00",
    "ensemble": "#000000",
    "ensemble_equal": "#999999",
    "ensemble_without_lstm": "#CC79A7",
    "persistence": "#000000",
    "buy_and_hold": "#009E73",
    "equal_weight": "#CC79A7",
    "index_hold": "#E69F00",
    "random_positions": "#999999",
    "cash": "#999999",
    "realised": "#999999",
    "mended": "#E69F00",
    "warning": "#D55E00",
}
GREY = "#777777"
LEGEND_BELOW = 20
"""Points from the axes to the legend, beside the room for ticks."""
NAMES = {
    "v1": "v1, rebuilt",
    "v2": "v2 LSTM",
    "stock_lstm": "stock LSTM",
    "stock_lstm_median": "stock LSTM, thresholded",
    "ensemble": "ensemble of the rank LSTM, trees and ridge",
    "ensemble_equal": "ensemble at equal weights",
    "ensemble_without_lstm": "trees and ridge at equal weights",
    "rank_lstm": "rank LSTM, all stocks",
    "rank_lstm_single": "rank LSTM, a single network",
    "persistence": "persistence",
    "drift": "drift",
    "repeat_sign": "repeat the sign",
    "ar1": "AR(1)",
    "ar5": "AR(5)",
    "ewma": "EWMA",
    "ridge": "ridge, all stocks",
    "boosting": "boosted trees, all stocks",
    "ridge_per_stock": "ridge, one per stock",
    "four_signals": "four plain signals, least squares",
    "rule_range_position": "position in the day's range",
    "rule_reversal": "5-session reversal",
    "buy_and_hold": "buy and hold",
    "equal_weight": "equal weight, monthly",
    "index_hold": "price index, no costs",
    "inverse_volatility": "inverse volatility, monthly",
    "minimum_variance": "minimum variance, monthly",
    "random_positions": "random positions",
}
"""The name of every model on a page, in the order of its tables."""

WIDE = (8.0, 3.6)
"""Inches of a figure across the page."""

LABEL_STEP = 11.0
"""Points between the labels of neighbouring lines."""

NUMBERS: WeakKeyDictionary[Figure, tuple[pd.DataFrame, str]] = WeakKeyDictionary()

End = tuple[Any, float, str, str]
"""The end of a line, its label and its colour."""

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


def name_of(model: object) -> str:
    """Return the name of a model on a page."""
    return NAMES.get(str(model), str(model))


def colour_of(model: str) -> str:
    """Return a model's colour, grey for those without one."""
    return COLOURS.get(model, GREY)


def start_axes(size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Open a figure with one axes; the size is in inches."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=size)
    return figure, axes


def start_rows(
    size: tuple[float, float], n: int, *, heights: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """Open a figure of ``n`` axes below each other that share their x.

    Parameters
    ----------
    size : (float, float)
        Inches.
    n : int
    heights : sequence of float, optional
        Relative heights of the axes.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            n, 1, figsize=size, sharex=True, squeeze=False, height_ratios=heights
        )
    return figure, list(axes[:, 0])


def put_numbers(figure: Figure, table: pd.DataFrame, *, says: str = "") -> None:
    """Keep a figure's numbers and its reading for the page's text.

    Parameters
    ----------
    figure : Figure
    table : DataFrame
        The numbers that it draws.
    says : str
        A sentence with the main numbers: the end of its alternative text.
    """
    NUMBERS[figure] = table, says


def numbers_of(figure: Figure) -> pd.DataFrame:
    """Return the numbers that ``put_numbers`` kept for a figure.

    Raises
    ------
    KeyError
        If there are none: every figure of a page needs its numbers.
    """
    return NUMBERS[figure][0]


def reading_of(figure: Figure) -> str:
    """Return the reading that ``put_numbers`` kept for a figure."""
    return NUMBERS[figure][1]


def start_grid(
    size: tuple[float, float], n_rows: int, n_columns: int
) -> tuple[Figure, NDArray[np.object_]]:
    """Open a grid of axes that share x by column and y by row.

    Parameters
    ----------
    size : (float, float)
        Inches.
    n_rows, n_columns : int
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            n_rows, n_columns, figsize=size, sharex="col", sharey="row", squeeze=False
        )
    return figure, axes


def put_title(axes: Axes, text: str) -> None:
    """Write the title above the axes, on the left.

    Parameters
    ----------
    axes : Axes
    text : str
    """
    axes.set_title(text, loc="left", fontsize=11, pad=8)


def put_dates(axes: Axes, *, most: int = 7) -> None:
    """Format dates below the axes alike in all figures: 2023, Mar 2023, 15 Mar.

    Parameters
    ----------
    axes : Axes
    most : int
        Largest number of dates.
    """
    locator = AutoDateLocator(minticks=3, maxticks=most)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        ConciseDateFormatter(
            locator,
            formats=["%Y", "%b %Y", "%d %b", "%H:%M", "%H:%M", "%S.%f"],
            zero_formats=["", "%b %Y", "%d %b", "%d %b", "%H:%M", "%H:%M"],
            show_offset=False,
        )
    )


def put_legend(axes: Axes) -> None:
    """Put the legend below the axes and their label."""
    below = ScaledTranslation(0, -LEGEND_BELOW / 72, axes.figure.dpi_scale_trans)
    axes.legend(
        frameon=False,
        ncols=3,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes + below,
        borderaxespad=2,
    )


def label_ends(axes: Axes, ends: list[End]) -> None:
    """Label lines at their ends and move overlapping labels apart.

    Parameters
    ----------
    axes : Axes
    ends : list of End
        x, y, label and colour.
    """
    axes.figure.canvas.draw()
    points_per_pixel = 72 / axes.figure.dpi
    heights = [
        axes.transData.transform((axes.convert_xunits(x), y))[1] * points_per_pixel
        for x, y, _, _ in ends
    ]
    order = np.argsort(heights)
    top = axes.get_window_extent().y1 * points_per_pixel
    for place, placed in zip(order, _apart(np.sort(heights), top), strict=True):
        x, y, text, colour = ends[place]
        axes.annotate(
            text,
            (x, y),
            xytext=(5, placed - heights[place]),
            textcoords="offset points",
            color=colour,
            va="center",
            fontsize=8.5,
            annotation_clip=False,
            # A line that runs on below a label would strike it through.
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.8},
        )


def _apart(heights: NDArray[np.float64], top: float) -> NDArray[np.float64]:
    """Move ascending heights apart by ``LABEL_STEP``, none above the top."""
    placed = heights.copy()
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + LABEL_STEP)
    ceiling = top
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - LABEL_STEP
    return placed
