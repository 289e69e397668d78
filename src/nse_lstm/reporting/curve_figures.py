"""Draw permutation importance, occlusion and learning curves of the rankings."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    NAMES,
    End,
    colour_of,
    label_ends,
    put_legend,
    put_numbers,
    put_title,
    start_axes,
    start_grid,
)
from nse_lstm.reporting.explained import (
    curve_reading,
    hidden_reading,
    shuffled_reading,
)

CUTS = {"years": "years trained on", "stocks": "stocks trained on, of all years"}
ALL, EVERYTHING = "all", "everything"
"""The names of no cut, and of everything hidden."""
Z = 1.96
"""A 95 % interval in standard errors."""
N_FEATURES = 15
"""Features shown, those with the largest loss; the tables have them all."""


def draw_shuffled(table: pd.DataFrame, *, model: str) -> Figure:
    """Draw a forecaster's permutation importance: rank IC lost per feature.

    Parameters
    ----------
    table : DataFrame
        Of ``study.experiments.explanation.permutation.permutation_importance``. A
        control that was not made is left out.
    model : str
        The forecaster.
    """
    rows = table.nlargest(N_FEATURES, "loss")
    figure, axes = start_axes((8.0, 1.5 + 0.23 * len(rows)))
    _put_features(axes, rows, "feature", colour=colour_of(model))
    put_title(axes, f"{NAMES[model]}: permutation importance, by feature")
    put_numbers(figure, table, says=shuffled_reading(table, model=model))
    return figure


def draw_hidden_features(table: pd.DataFrame) -> Figure:
    """Draw the rank LSTM's loss of rank IC by hidden feature, with the control.

    Parameters
    ----------
    table : DataFrame
        Of ``study.experiments.explanation.occlusion.occlude``.
    """
    own = table[table["form"] == "feature"]
    rows = own.nlargest(N_FEATURES, "loss")
    figure, axes = start_axes((8.0, 1.5 + 0.23 * len(rows)))
    _put_features(axes, rows, "what", colour=COLOURS["rank_lstm"])
    put_title(axes, "Rank LSTM: a feature hidden in the whole window")
    put_numbers(figure, own, says=hidden_reading(table))
    return figure


def draw_hidden_sessions(table: pd.DataFrame) -> Figure:
    """Draw the rank LSTM's loss of rank IC by hidden sessions of its window.

    Parameters
    ----------
    table : DataFrame
        Of ``study.experiments.explanation.occlusion.occlude``.
    """
    figure, axes = start_axes((8.0, 3.8))
    (whole,) = table.loc[table["form"] == EVERYTHING, "loss"]
    axes.axhline(whole, color=GREY, linewidth=0.8, linestyle="--")
    axes.axhline(0, color=GREY, linewidth=0.8)
    series = (
        (
            "older",
            "loss",
            "error",
            "s",
            COLOURS["v2"],
            0.0,
            "the session and all before it",
        ),
        (
            "lag",
            "loss",
            "error",
            "o",
            COLOURS["rank_lstm"],
            -0.18,
            "the session alone",
        ),
        (
            "lag",
            "control",
            "control_error",
            "x",
            GREY,
            0.18,
            "control of the session alone",
        ),
    )
    for form, column, error, marker, colour, shift, label in series:
        rows = table[table["form"] == form]
        axes.errorbar(
            rows["what"].astype(int) + shift,
            rows[column],
            yerr=Z * rows[error],
            fmt=marker,
            markersize=4,
            elinewidth=1.0,
            color=colour,
            label=label,
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    last = table.loc[table["form"] == "lag", "what"].astype(int).max()
    axes.annotate(
        f"rank IC with nothing hidden, {whole:.3f}",
        (last, whole),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        fontsize=8.5,
        color=GREY,
    )
    axes.set_ylabel("rank IC lost, 95 %")
    axes.set_xlabel("session hidden, counted back from the origin (0)")
    put_title(axes, "Rank LSTM: sessions of the window hidden")
    put_legend(axes)
    rows = table[table["form"] != "feature"]
    put_numbers(figure, rows, says=hidden_reading(table))
    return figure


def draw_learning_curve(table: pd.DataFrame) -> Figure:
    """Draw learning curves: rank IC by years and stocks, one row per horizon.

    A point's bar is the interval of its difference from all data. It is a significant
    loss if the bar is below the line of its colour.

    Parameters
    ----------
    table : DataFrame
        Of ``study.experiments.explanation.learning_curves.learning_curve``.
    """
    horizons = sorted(table["horizon"].unique())
    figure, grid = start_grid((8.0, 2.1 * len(horizons) + 0.6), len(horizons), 2)
    ends = {}
    for horizon, row in zip(horizons, grid, strict=True):
        for axes, (cut, label) in zip(row, CUTS.items(), strict=True):
            own = table[table["cut"].isin((cut, ALL)) & (table["horizon"] == horizon)]
            ends[horizon] = _put_lines(axes, own)
            if horizon == horizons[-1]:
                axes.set_xlabel(label)
        row[0].set_ylabel(f"rank IC, {horizon} session{'s' if horizon > 1 else ''}")
    put_title(
        grid[0, 0],
        "Learning curves; bars: 95 % interval of the difference from all data",
    )
    for horizon, row in zip(horizons, grid, strict=True):
        label_ends(row[1], ends[horizon])
    put_numbers(figure, table, says=curve_reading(table))
    return figure


def _put_lines(axes: Axes, own: pd.DataFrame) -> list[End]:
    """Put each model's points at even steps; return the lines' ends."""
    numbers = sorted(own.loc[own["cut"] != ALL, "number"].unique())
    place: Mapping[int, int] = {number: step for step, number in enumerate(numbers)}
    models = [name for name in NAMES if name in set(own["model"])]
    ends: list[End] = []
    for step, model in enumerate(models):
        rows = own[own["model"] == model]
        cut = rows[rows["cut"] != ALL].sort_values("number")
        (whole,) = rows.loc[rows["cut"] == ALL, "value"]
        shift = 0.14 * (step - (len(models) - 1) / 2)
        x = [*(cut["number"].map(place) + shift), len(numbers)]
        colour = colour_of(model)
        axes.plot(x, [*cut["value"], whole], "o-", color=colour, ms=4, lw=1.2)
        bars = cut[["change_lower", "change_upper"]].sub(cut["change"], axis=0)
        axes.errorbar(
            x[:-1],
            cut["value"],
            yerr=np.abs(bars.to_numpy().T),
            fmt="none",
            elinewidth=1.0,
            color=colour,
        )
        axes.axhline(whole, color=colour, linewidth=0.7, linestyle=":")
        ends.append((len(numbers), whole, NAMES[model].partition(",")[0], colour))
    axes.set_xticks(range(len(numbers) + 1), [*map(str, numbers), "all"])
    return ends


def _put_features(axes: Axes, rows: pd.DataFrame, name: str, *, colour: str) -> None:
    """Put each loss with its interval, and the control below it."""
    places = np.arange(len(rows))
    for column, error, marker, own, shift, label in (
        ("loss", "error", "o", colour, -0.15, "the feature"),
        (
            "control",
            "control_error",
            "s",
            GREY,
            0.15,
            "control, a feature without information",
        ),
    ):
        axes.errorbar(
            rows[column],
            places + shift,
            xerr=Z * rows[error],
            fmt=marker,
            markersize=4,
            elinewidth=1.0,
            color=own,
            label=label,
        )
    axes.set_yticks(places, list(rows[name].str.replace("_", " ")), fontsize=8.5)
    axes.invert_yaxis()
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("rank IC lost, mean over years and horizons, 95 % over months")
    put_legend(axes)
