"""Learning curves and occlusion as figures: what data is worth, what a network sees."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    NAMES,
    colour_of,
    put_legend,
    put_numbers,
    put_title,
    start_grid,
    start_rows,
)
from nse_lstm.reporting.readings import name_of

__all__ = ["draw_learning_curve", "draw_occlusion"]

CUTS = {"years": "years trained on", "shares": "shares trained on, of all years"}
EVERY = 0
"""As a number of shares: all there are."""
Z = 1.96
"""A 95 % interval in standard errors."""
N_FEATURES = 15
"""Features shown, those that lose most; the table has them all."""


def draw_learning_curve(table: pd.DataFrame) -> Figure:
    """Draw rank IC by years and by shares trained on, a row a horizon.

    Parameters
    ----------
    table : DataFrame
        Of ``study.learning_curves.learning_curve``.
    """
    horizons = sorted(table["horizon"].unique())
    figure, grid = start_grid((8.0, 2.1 * len(horizons) + 0.8), len(horizons), 2)
    for horizon, row in zip(horizons, grid, strict=True):
        for axes, (cut, label) in zip(row, CUTS.items(), strict=True):
            own = table[(table["cut"] == cut) & (table["horizon"] == horizon)]
            _put_lines(axes, own)
            axes.axhline(0, color=GREY, linewidth=0.8)
            if horizon == horizons[-1]:
                axes.set_xlabel(label)
        row[0].set_ylabel(f"rank IC, {horizon} sessions")
    put_title(grid[0, 0], "What more years and more shares teach, 95%")
    put_legend(grid[-1, 0])
    put_numbers(figure, table, says=_read_curve(table))
    return figure


def draw_occlusion(table: pd.DataFrame) -> Figure:
    """Draw what v3's rank IC loses by what is hidden, beside the control.

    Parameters
    ----------
    table : DataFrame
        Of ``study.occlusion.occlude``.
    """
    figure, grid = start_rows((8.0, 6.6), 2, heights=(1.4, 1))
    above, below = grid
    features = table[table["form"] == "feature"].nlargest(N_FEATURES, "loss")
    _put_losses(below, table[table["form"] == "lag"])
    _put_losses(above, features)
    for axes, rows in ((above, features), (below, table[table["form"] == "lag"])):
        names = rows["what"].str.replace("_", " ")
        axes.set_yticks(range(len(rows)), list(names), fontsize=8)
        axes.invert_yaxis()
        axes.axvline(0, color=GREY, linewidth=0.8)
        axes.grid(axis="y", visible=False)
    below.set_ylabel("sessions before the origin")
    below.set_xlabel("rank IC lost, mean over years and horizons, 95% over months")
    put_title(above, "What v3 looks at: a feature of the whole window hidden")
    put_title(below, "One session of the window hidden")
    put_legend(below)
    put_numbers(figure, table, says=_read_losses(table))
    return figure


def _put_lines(axes: Axes, own: pd.DataFrame) -> None:
    """Put each model's points at even steps, side by side."""
    numbers = sorted(own["number"].unique(), key=lambda n: (n == EVERY, n))
    place = {number: step for step, number in enumerate(numbers)}
    models = [name for name in NAMES if name in set(own["model"])]
    for step, model in enumerate(models):
        rows = own[own["model"] == model].sort_values("number", key=_last_if_every)
        shift = 0.12 * (step - (len(models) - 1) / 2)
        axes.errorbar(
            rows["number"].map(place) + shift,
            rows["value"],
            yerr=np.array(
                [rows["value"] - rows["lower"], rows["upper"] - rows["value"]]
            ),
            fmt="o-",
            markersize=4,
            linewidth=1.2,
            elinewidth=1.0,
            color=colour_of(model),
            label=NAMES[model],
        )
    labels = ["all" if number == EVERY else str(number) for number in numbers]
    axes.set_xticks(range(len(numbers)), labels)


def _last_if_every(numbers: "pd.Series[int]") -> "pd.Series[float]":
    return numbers.astype(float).replace(EVERY, np.inf)


def _put_losses(axes: Axes, rows: pd.DataFrame) -> None:
    """Put each loss with its interval, and the control below it."""
    places = np.arange(len(rows))
    for column, error, marker, colour, shift, label in (
        ("loss", "error", "o", COLOURS["v3"], -0.13, "hidden"),
        ("control", "control_error", "s", GREY, 0.13, "control: shares at random"),
    ):
        axes.errorbar(
            rows[column],
            places + shift,
            xerr=Z * rows[error],
            fmt=marker,
            markersize=4,
            elinewidth=1.0,
            color=colour,
            label=label,
        )


def _read_curve(table: pd.DataFrame) -> str:
    """Say each model's rank IC on the least and on all of what it can train on."""
    parts = []
    for _, rows in table.groupby(["cut", "horizon", "model"]):
        line = rows.sort_values("number", key=_last_if_every)
        first, last = line.iloc[0], line.iloc[-1]
        parts.append(
            f"{name_of(first['model'])} by {first['cut']} at {first['horizon']} "
            f"sessions {first['value']:+.3f} to {last['value']:+.3f}"
        )
    return f"Rank IC on least and on all: {'; '.join(parts)}."


def _read_losses(table: pd.DataFrame) -> str:
    """Say what loses most when it is hidden, of the features and of the sessions."""
    parts = []
    for form, what in (("feature", "feature"), ("lag", "session before the origin")):
        rows = table[table["form"] == form]
        if len(rows):
            most = rows.iloc[int(rows["loss"].argmax())]
            name = str(most["what"]).replace("_", " ")
            parts.append(
                f"of {len(rows)} the {what} {name} loses most, {most['loss']:+.4f} "
                f"(control {most['control']:+.4f})"
            )
    return f"Rank IC: {'; '.join(parts)}."
