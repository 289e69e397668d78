"""Draw a ranking's profile: returns by fifth of the ranks, and rank IC by horizon."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    colour_of,
    name_of,
    put_numbers,
    put_title,
    start_axes,
)
from nse_lstm.reporting.format import format_number

SIZE = (5.2, 3.2)
BPS = 1e4
APART = 0.16
"""Between the marks of two models at one place."""
MARKS = ("o", "s", "^")


def draw_groups(groups: pd.DataFrame) -> Figure:
    """Draw the mean return of each fifth of the ranks beyond all ranked stocks.

    Parameters
    ----------
    groups : DataFrame
        From ``group_returns``, of one horizon.
    """
    table = groups.assign(
        **{name: BPS * groups[name] for name in ("value", "lower", "upper")}
    )
    figure = _points(table, "group")
    axes = figure.axes[0]
    n_groups = int(table["group"].max())
    names = {1: "1 lowest", n_groups: f"{n_groups} highest"}
    places = range(1, n_groups + 1)
    axes.set_xticks(range(n_groups), [names.get(n, str(n)) for n in places])
    axes.set_xlabel("fifth of the stocks by forecast")
    axes.set_ylabel(f"bps per {table['horizon'].iloc[0]} sessions, excess")
    first = str(table["model"].iloc[0])
    own = table[table["model"] == first].set_index("group")["value"]
    gap = own[n_groups] - own[1]
    put_title(
        axes,
        f"Highest less lowest fifth: {format_number(gap, '+.0f')} bps before costs",
    )
    says = f"{name_of(first)}, by fifth, basis points: " + ", ".join(
        f"{value:+.0f}" for value in own
    )
    put_numbers(figure, _numbers(table, "group"), says=f"{says}.")
    return figure


def draw_decay(decay: pd.DataFrame) -> Figure:
    """Draw the rank IC of one forecast against returns over several horizons.

    Parameters
    ----------
    decay : DataFrame
        From ``rank_ic_decay``.
    """
    figure = _points(decay, "horizon")
    axes = figure.axes[0]
    horizons = sorted(decay["horizon"].unique())
    axes.set_xticks(range(len(horizons)), [str(h) for h in horizons])
    axes.set_xlabel("sessions from the entry to the end of the return")
    axes.set_ylabel("mean rank IC")
    first = str(decay["model"].iloc[0])
    own = decay[decay["model"] == first].set_index("horizon")["value"]
    best = own.index[int(own.argmax())]
    put_title(
        axes,
        f"Rank IC is highest over {best} sessions: {format_number(own[best], '.2f')}",
    )
    says = f"{name_of(first)}, by sessions: " + ", ".join(
        f"{horizon}: {value:.3f}" for horizon, value in own.items()
    )
    put_numbers(figure, _numbers(decay, "horizon"), says=f"{says}.")
    return figure


def _points(table: pd.DataFrame, by: str) -> Figure:
    """Draw values with intervals, one column per place and one mark per model."""
    figure, axes = start_axes(SIZE)
    axes.axhline(0, color=GREY, linewidth=0.9)
    models = list(dict.fromkeys(table["model"]))
    for number, model in enumerate(models):
        own = table[table["model"] == model].sort_values(by)
        shift = APART * (number - (len(models) - 1) / 2)
        axes.errorbar(
            np.arange(len(own)) + shift,
            own["value"],
            yerr=np.array([own["value"] - own["lower"], own["upper"] - own["value"]]),
            fmt=MARKS[number % len(MARKS)],
            color=COLOURS["v2"] if number == 0 else colour_of(str(model)),
            label=name_of(model),
            markersize=5,
            elinewidth=1,
        )
    axes.legend(loc="best", fontsize=8.5, frameon=True, edgecolor="none")
    return figure


def _numbers(table: pd.DataFrame, by: str) -> pd.DataFrame:
    return table[["model", by, "value", "lower", "upper", "n"]].round(4)
