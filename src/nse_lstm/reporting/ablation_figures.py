"""Draw the ablation: the effect of each change of v2 on its error."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from nse_lstm.reporting.canvas import (
    COLOURS,
    put_legend,
    put_numbers,
    put_title,
    start_axes,
)
from nse_lstm.reporting.format import DASH, format_interval

CHANGE_NAMES = {
    "stock_scaler": "one scaler per stock",
    "l2": "L2 penalty",
    "normalisation": "batch normalisation",
    "dropout": "more dropout",
    "relu": "ReLU in the dense layer",
    "huber": "Huber loss",
    "early_stopping": "early stopping",
    "all": "all of them: v2",
}
"""The changes of v2 to v1's network, in the order of its tables."""

FORMS = {
    "alone": ("added to v1's network", "o", "v1", -0.13),
    "removed": ("added last, to all the others", "s", "v2", 0.13),
    "all": ("", "D", "persistence", 0.0),
}


def ablation_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Lay an ``ABLATION`` table out for a page: one row per change.

    Returns
    -------
    DataFrame
        ``change``; for each form the factor that the error changes by, with its
        interval, and the number of seeds in which every stock was forecast better.
    """
    rows = []
    for change, name in CHANGE_NAMES.items():
        own = table[table["change"] == change]
        first, last = own[own["form"] != "removed"], own[own["form"] == "removed"]
        row = {"change": name}
        for heading, form in (("alone", first), ("last", last)):
            row[f"{heading}: error times"] = _cell(form)
            row[f"{heading}: better"] = _count(form)
        rows.append(row)
    return pd.DataFrame(rows)


def draw_ablation(table: pd.DataFrame) -> Figure:
    """Draw the factor that each change multiplies the error by, alone and removed.

    Parameters
    ----------
    table : DataFrame
        ``ABLATION``; below 1 the change helps.
    """
    figure, axes = start_axes((8.0, 4.4))
    places = {change: place for place, change in enumerate(CHANGE_NAMES)}
    axes.axvline(1, color=COLOURS["persistence"], linewidth=1.2)
    for form, (label, marker, colour, shift) in FORMS.items():
        rows = table[table["form"] == form]
        middle, low, high = (np.exp(rows[c]) for c in ("value", "lower", "upper"))
        axes.errorbar(
            middle,
            rows["change"].map(places) + shift,
            xerr=np.array([middle - low, high - middle]),
            fmt=marker,
            markersize=5,
            elinewidth=1.2,
            color=COLOURS[colour],
            label=label or None,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"×{value:g}"))
    axes.set_yticks(range(len(CHANGE_NAMES)), list(CHANGE_NAMES.values()))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("error with the change over error without (log scale; left: helps)")
    put_legend(axes)
    put_title(
        axes, "Effect of each change of v2 on its error, 95% interval over the seeds"
    )
    put_numbers(figure, ablation_rows(table), says=_reading(table))
    return figure


def _reading(table: pd.DataFrame) -> str:
    """State the factor of every change, added alone and added last."""
    rows = ablation_rows(table)
    parts = [
        f"{row['change']} {row['alone: error times']} alone, "
        f"{row['last: error times']} last"
        for row in rows.to_dict("records")
    ]
    return f"Factor of the error with its interval: {'; '.join(parts)}."


def _cell(rows: pd.DataFrame) -> str:
    if rows.empty:
        return DASH
    middle, low, high = (np.exp(rows[c].iloc[0]) for c in ("value", "lower", "upper"))
    return format_interval(middle, low, high, ".3g")


def _count(rows: pd.DataFrame) -> str:
    if rows.empty:
        return DASH
    row = rows.iloc[0]
    return f"{row['n_seeds_better']} of {row['n_seeds']} seeds"
