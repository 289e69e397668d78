"""Draw Phase 5: the evidence of shadow tests, alarms and latest forecasts."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    WIDE,
    colour_of,
    label_ends,
    name_of,
    put_dates,
    put_numbers,
    put_title,
    start_axes,
)
from nse_lstm.reporting.strategy_readings import (
    read_alarms,
    read_evidence,
    read_next,
)

PROMOTE_AT = 20
LOWEST = 1e-3
"""Evidence below this is drawn at it: the challenger is clearly worse."""

MARKERS = {
    "loss": ("v", COLOURS["warning"]),
    "misses": ("s", COLOURS["v2"]),
    "signs": ("D", COLOURS["equal_weight"]),
    "money": ("o", COLOURS["buy_and_hold"]),
    "moves": ("^", COLOURS["mended"]),
    "unchanged": ("+", GREY),
    "faults": ("x", COLOURS["persistence"]),
}
"""Marker and colour of every alarm, distinct even without colour."""


def draw_evidence(tests: pd.DataFrame) -> Figure:
    """Draw each test's evidence session by session, on a logarithmic axis.

    Parameters
    ----------
    tests : DataFrame
        ``SHADOW_TESTS``.
    """
    figure, axes = start_axes(WIDE)
    ends = []
    for test, rows in tests.groupby("test"):
        shown = rows["evidence"].clip(lower=LOWEST)
        colour = colour_of(str(test))
        axes.plot(rows["session"], shown, color=colour, linewidth=1.6)
        name = name_of(test)
        ends.append((rows["session"].iloc[-1], shown.iloc[-1], name, colour))
    axes.set_yscale("log")
    axes.set_ylim(LOWEST / 1.5, max(tests["evidence"].max(), PROMOTE_AT) * 2)
    axes.axhline(1, color=GREY, linewidth=0.8)
    axes.axhline(PROMOTE_AT, color=COLOURS["warning"], linewidth=1.2, linestyle="--")
    axes.annotate(
        "promote at 20",
        (tests["session"].min(), PROMOTE_AT),
        xytext=(0, 3),
        textcoords="offset points",
        color=COLOURS["warning"],
        fontsize=8.5,
    )
    put_dates(axes)
    axes.set_ylabel("evidence (e-value)")
    put_title(
        axes, "Is the challenger better than the champion? Evidence at every session"
    )
    label_ends(axes, ends)
    numbers = tests[["test", "session", "evidence"]]
    says = read_evidence(tests, promote_at=PROMOTE_AT)
    put_numbers(figure, numbers, says=says)
    return figure


def draw_alarms(alerts: pd.DataFrame, watched: pd.DataFrame) -> Figure:
    """Draw the sessions with an alarm, one line per stock and model.

    Parameters
    ----------
    alerts : DataFrame
        ``ALERTS`` of a replayed year.
    watched : DataFrame
        ``ticker model`` of every monitored series, those without an alarm too.
    """
    pairs = watched.sort_values(["ticker", "model"])[["ticker", "model"]].to_numpy()
    lines = [f"{ticker}, {name_of(model)}" for ticker, model in pairs]
    figure, axes = start_axes((8.0, 1.2 + 0.22 * len(lines)))
    names = alerts["model"].map(name_of)
    place = (alerts["ticker"] + ", " + names).map(
        {line: number for number, line in enumerate(lines)}
    )
    for alarm, (marker, colour) in MARKERS.items():
        rang = (alerts["alarm"] == alarm) & place.notna()
        axes.plot(
            alerts.loc[rang, "session"],
            place[rang],
            marker,
            color=colour,
            markersize=5,
            label=f"{alarm} ({int(rang.sum())})",
        )
    axes.set_yticks(np.arange(len(lines)), lines, fontsize=8)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    put_dates(axes)
    axes.legend(
        frameon=False,
        ncols=4,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        borderaxespad=3,
        fontsize=8.5,
    )
    put_title(axes, "Alarms that would have rung, by stock and model")
    numbers = alerts[["session", "alarm", "ticker", "model"]]
    put_numbers(figure, numbers, says=read_alarms(alerts, n_series=len(lines)))
    return figure


def draw_next(forecasts: pd.DataFrame) -> Figure:
    """Draw the next session's forecasts with intervals, one line per stock and stage.

    Parameters
    ----------
    forecasts : DataFrame
        ``STORED_FORECASTS`` of one origin. An open interval is not drawn, and a
        forecast without a return has no dot.
    """
    rows = forecasts.sort_values(["ticker", "stage"], ignore_index=True)
    figure, axes = start_axes((8.0, 1.2 + 0.24 * len(rows)))
    axes.axvline(0, color=GREY, linewidth=0.8)
    numbers = rows[["lower", "y_hat", "upper"]].to_numpy(float)
    for place, (lower, y_hat, upper) in enumerate(numbers):
        colour = colour_of(str(rows["model"].iloc[place]))
        if np.isfinite([lower, upper]).all():
            axes.plot([lower, upper], [place, place], color=colour, alpha=0.4)
        axes.plot(y_hat, place, "o", color=colour, markersize=5)
    names = rows["model"].map(name_of)
    axes.set_yticks(
        np.arange(len(rows)), rows["ticker"] + ", " + names + ", " + rows["stage"]
    )
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel(
        "log return to the next session, with the interval that holds nine in ten"
    )
    put_title(axes, "Forecasts for the next session")
    shown = rows[["ticker", "model", "stage", "lower", "y_hat", "upper"]]
    put_numbers(figure, shown, says=read_next(rows))
    return figure
