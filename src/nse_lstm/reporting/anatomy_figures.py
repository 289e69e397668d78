"""Figures of the anatomy: every step from the claim to the honest number, and each."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    End,
    label_ends,
    put_legend,
    put_title,
    start_axes,
    start_rows,
)

__all__ = ["draw_chance", "draw_order", "draw_step", "draw_steps"]

LOOKS = {
    "network": ("the network", COLOURS["v2"], "o"),
    "constant": ("a constant", COLOURS["mended"], "D"),
}
TALL = (8.0, 4.8)
LARGE = 20.0
"""Times the start value from which a log scale is needed to see anything."""


def draw_steps(table: pd.DataFrame, *, claim: float) -> Figure:
    """Draw the Sharpe ratio after every step, of the network and of a constant.

    Parameters
    ----------
    table : DataFrame
        ``title``, ``network_sharpe``, ``constant_sharpe``, the claim's step first. A
        missing ratio (nothing was ever bought) is drawn as a hollow mark at 0.
    claim : float
        The published ratio.
    """
    figure, axes = start_axes((8.0, 1.1 + 0.34 * len(table)))
    axes.axvline(0, color=GREY, linewidth=0.9)
    axes.axvline(claim, color=COLOURS["warning"], linewidth=1, linestyle=":")
    heights = np.arange(len(table))
    for who, (label, colour, marker) in LOOKS.items():
        values = table[f"{who}_sharpe"].to_numpy(float)
        never = np.isnan(values)
        shown = np.where(never, 0.0, values)
        if who == "network":
            axes.plot(shown, heights, color=colour, linewidth=1, alpha=0.4)
        axes.plot(shown[~never], heights[~never], marker, color=colour, label=label)
        axes.plot(shown[never], heights[never], marker, color=colour, fillstyle="none")
    for height, value in enumerate(table["network_sharpe"]):
        _annotate(axes, value, height)
    axes.set_yticks(heights, [f"{n}  {t}" for n, t in enumerate(table["title"])])
    axes.invert_yaxis()
    axes.set_xlabel("Sharpe ratio a year (dotted: as published; hollow: never bought)")
    axes.margins(x=0.09)
    put_legend(axes)
    return figure


def draw_order(rows: pd.DataFrame, *, ticker: str) -> Figure:
    """Draw a price in the order of its dates' text and in the order of time.

    Parameters
    ----------
    rows : DataFrame
        ``price`` and ``order`` ("text" or "time"), each in its own order.
    """
    figure, panels = start_rows(TALL, 2)
    titles = {
        "text": f"{ticker}, rows sorted by the text of their dates: what was learnt",
        "time": f"{ticker}, the same rows sorted by time: the price",
    }
    for axes, (order, title) in zip(panels, titles.items(), strict=True):
        price = rows.loc[rows["order"] == order, "price"].to_numpy()
        axes.plot(price, color=COLOURS["v2"], linewidth=0.5 if order == "text" else 1.2)
        axes.set_ylabel("KES")
        put_title(axes, title)
    panels[-1].set_xlabel("row of the table")
    return figure


def draw_step(path: pd.DataFrame, returns: pd.DataFrame, *, title: str) -> Figure:
    """Draw what was forecast, and what one shilling dealt on it became.

    Parameters
    ----------
    path : DataFrame
        ``place``, ``price``, ``network``, ``constant`` (KES).
    returns : DataFrame
        ``place``, ``network``, ``constant``: net simple returns.
    """
    figure, (above, below) = start_rows(TALL, 2)
    above.plot(path["place"], path["price"], color=COLOURS["persistence"], linewidth=1)
    ends: list[End] = [_end(path["place"], path["price"], "price", "#000000")]
    money: list[End] = []
    for who, (label, colour, _) in LOOKS.items():
        above.plot(path["place"], path[who], color=colour, linewidth=1.2)
        ends.append(_end(path["place"], path[who], label, colour))
        value = (1 + returns[who]).cumprod()
        below.plot(returns["place"], value, color=colour, linewidth=1.4)
        worth = f"{label} {value.iloc[-1]:,.2f}"
        money.append(_end(returns["place"], value, worth, colour))
    below.axhline(1, color=GREY, linewidth=0.8)
    if max(value for _, value, _, _ in money) > LARGE:
        below.set_yscale("log")
        below.yaxis.set_minor_locator(NullLocator())
        below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    above.set_ylabel("KES")
    below.set_ylabel("1 KES becomes")
    put_title(above, title)
    label_ends(above, ends)
    label_ends(below, money)
    return figure


def draw_chance(scores: pd.Series, *, old: float, claim: float) -> Figure:
    """Draw what traders who toss a coin would be told is their Sharpe ratio.

    Parameters
    ----------
    scores : Series
        One ratio a trader.
    old, claim : float
        The published ratios of the original and the new model.
    """
    figure, axes = start_axes((8.0, 2.8))
    axes.hist(scores, bins=60, color=COLOURS["random_positions"], alpha=0.6)
    for value, label in ((old, "original model"), (claim, "new model")):
        axes.axvline(value, color=COLOURS["warning"], linewidth=1.2)
        axes.annotate(
            f" {label}: {value:+.2f}".replace("-", "−"),
            (value, 0.92),
            xycoords=("data", "axes fraction"),
            color=COLOURS["warning"],
            fontsize=8.5,
        )
    axes.margins(x=0.2)
    axes.set_ylabel("coin tossers")
    axes.set_xlabel("Sharpe ratio by the claim's arithmetic")
    return figure


def _end(place: pd.Series, value: pd.Series, label: str, colour: str) -> End:
    last: Any = place.iloc[-1]
    return last, float(value.iloc[-1]), label, colour


def _annotate(axes: Axes, value: float, height: int) -> None:
    missing = np.isnan(value)
    axes.annotate(
        "–" if missing else f"{value:+.2f}".replace("-", "−"),
        (0.0 if missing else value, height),
        xytext=(0, 6),
        textcoords="offset points",
        ha="center",
        fontsize=8,
        color=COLOURS["v2"],
    )
