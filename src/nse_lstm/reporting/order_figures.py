"""Draw the savings of timed orders against the longest wait."""

import pandas as pd
from matplotlib.figure import Figure

from nse_lstm.reporting.canvas import (
    GREY,
    WIDE,
    End,
    label_ends,
    name_of,
    put_numbers,
    put_title,
    start_axes,
)
from nse_lstm.reporting.format import join_words

DRAWN = {
    "ensemble_equal": ("#0072B2", "ensemble at equal weights"),
    "four_signals": ("#009E73", "four plain signals"),
    "placebo": ("#D55E00", "placebo: older forecasts"),
    "random": (GREY, "random"),
}
"""Signals with their colour and label; the first has its interval drawn."""


def draw_savings(savings: pd.DataFrame) -> Figure:
    """Draw the mean saving of both sides by longest wait and signal.

    Parameters
    ----------
    savings : DataFrame
        ``ORDER_SAVINGS`` with rows.
    """
    shown = (savings["against"] == "at_once") & (savings["part"] == "all")
    both = savings[shown & (savings["side"] == "both")].sort_values("wait")
    figure, axes = start_axes(WIDE)
    axes.axhline(0, color="black", linewidth=0.8)
    ends: list[End] = []
    for place, (signal, (colour, label)) in enumerate(DRAWN.items()):
        rows = both[both["signal"] == signal]
        if rows.empty:
            continue
        if place == 0:
            axes.fill_between(
                rows["wait"],
                rows["lower_bps"],
                rows["upper_bps"],
                color=colour,
                alpha=0.15,
                linewidth=0,
            )
        axes.plot(rows["wait"], rows["value_bps"], "o-", color=colour, ms=4)
        ends.append(
            (rows["wait"].iloc[-1], float(rows["value_bps"].iloc[-1]), label, colour)
        )
    axes.set_xticks(sorted(both["wait"].unique()))
    axes.set_xlabel("longest wait, sessions (band: 95 % interval)")
    axes.set_ylabel("saving, basis points per side")
    put_title(axes, _title(both))
    label_ends(axes, ends)
    columns = ["signal", "wait", "value_bps", "lower_bps", "upper_bps"]
    numbers = both.loc[both["signal"].isin(list(DRAWN)), columns].round(1)
    says = _reading(both)
    put_numbers(
        figure, numbers.assign(signal=numbers["signal"].map(name_of)), says=says
    )
    return figure


def _reading(both: pd.DataFrame) -> str:
    """Say what each signal saves at the longest wait, with its interval."""
    longest = both[both["wait"] == both["wait"].max()].set_index("signal")
    parts = [
        f"{label} {row['value_bps']:+.1f} ({row['lower_bps']:+.1f} to "
        f"{row['upper_bps']:+.1f})"
        for signal, (_, label) in DRAWN.items()
        if signal in longest.index
        for row in longest.loc[[signal]].to_dict("records")
    ]
    return f"With waits up to {both['wait'].max()} sessions: {join_words(parts)}."


def _title(both: pd.DataFrame) -> str:
    longest = both[both["wait"] == both["wait"].max()].set_index("signal")
    own, placebo = (
        longest.loc[name, "value_bps"] for name in ("ensemble_equal", "placebo")
    )
    return (
        f"Orders that wait up to {int(both['wait'].max())} sessions save {own:.0f} "
        f"basis points, on older forecasts {placebo:.0f}"
    )
