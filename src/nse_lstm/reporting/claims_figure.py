"""Draw all declared claims in one figure, each in multiples of its useful effect."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    put_numbers,
    put_title,
    start_axes,
)

FURTHEST = 8.0
"""Multiples of the smallest useful effect at which the axis ends."""
TONES = {"yes": COLOURS["boosting"], "not yet": COLOURS["v2"], "no": COLOURS["v1"]}
WORDS = {
    "yes": "yes",
    "not yet": "not yet",
    "undecided": "without evidence",
    "no": "no",
    "not measured": "not measured",
}
"""By answer, in the order of the title."""
NONE = "not measured in this build"


def draw_claims(
    claims: pd.DataFrame, *, effects: Mapping[str, str], names: Mapping[str, str]
) -> Figure:
    """Draw the effect and interval of every claim over all spans, below each other.

    One unit of the axis is the claim's smallest useful effect, so that one figure
    holds all of them. An interval beyond the axis ends in an arrow; its numbers are
    given beside.

    Parameters
    ----------
    claims : DataFrame
        ``CLAIMS``.
    effects : mapping of str to str
        By claim: effect and interval in its own unit.
    names : mapping of str to str
        By claim: what is compared with what.
    """
    whole = claims[claims["span"] == "all"].reset_index(drop=True)
    figure, axes = start_axes((5.2, 1.2 + 0.6 * len(whole)))
    axes.grid(visible=False)
    axes.axvline(0, color=GREY, lw=1)
    axes.axvline(1, color=GREY, lw=1, ls="--")
    for place, row in enumerate(whole.to_dict("records")):
        name = row["claim"]
        words = f"{name}, {names[name]}: {effects[name]}"
        _draw_row(axes, place, {str(key): row[key] for key in row}, words)
    axes.set_yticks([])
    axes.set_ylim(len(whole) - 0.4, -0.9)
    axes.set_xlim(-FURTHEST, FURTHEST)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("multiples of the smallest useful effect (dashed line)")
    put_title(axes, _title(whole))
    # Each claim has a unit of its own, so the numbers are those of the axis.
    drawn = {
        f"{name}, multiples": (whole[column] / whole["smallest_useful"]).round(2)
        for name, column in (("effect", "effect"), ("from", "lower"), ("to", "upper"))
    }
    table = pd.DataFrame(
        {
            "claim": whole["claim"],
            "effect in its unit": whole["claim"].map(effects),
            **drawn,
            "sessions": whole["n"],
        }
    )
    says = " ".join(f"{claim}: {effects[claim]}." for claim in whole["claim"])
    put_numbers(figure, table, says=says)
    return figure


def _draw_row(axes: Axes, place: int, row: Mapping[str, Any], words: str) -> None:
    colour = TONES.get(str(row["answer"]), COLOURS["persistence"])
    axes.annotate(
        words,
        (0, place - 0.42),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8.5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )
    if not row["n"] or np.isnan(row["effect"]):
        return
    low, high, middle = (
        float(np.clip(row[name] / row["smallest_useful"], -FURTHEST, FURTHEST))
        for name in ("lower", "upper", "effect")
    )
    axes.plot([low, high], [place, place], color=colour, lw=2.5)
    axes.plot([middle], [place], "o", color=colour, ms=6)
    for end, mark in ((low, "<"), (high, ">")):
        if abs(end) == FURTHEST:
            axes.plot([end], [place], mark, color=colour, ms=6, clip_on=False)


def _title(whole: pd.DataFrame) -> str:
    """Return the figure's message: how many claims are answered how."""
    counts = whole["answer"].value_counts()
    parts = [
        f"{counts[answer]} {words}"
        for answer, words in WORDS.items()
        if answer in counts
    ]
    return f"{len(whole)} declared claims: {', '.join(parts)}"
