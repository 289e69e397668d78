"""Draw checked claims: a Sharpe ratio step by step, and published errors."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    MultipleLocator,
    NullLocator,
    PercentFormatter,
)

from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    End,
    label_ends,
    put_dates,
    put_legend,
    put_numbers,
    put_title,
    start_axes,
    start_rows,
)
from nse_lstm.reporting.format import format_number
from nse_lstm.reporting.strategy_readings import (
    read_chance,
    read_order,
    read_step,
    read_steps,
)

STYLES = {
    "network": ("the network", COLOURS["v2"], "o"),
    "constant": ("a constant", COLOURS["mended"], "D"),
}
NETWORK = "network"
TALL = (8.0, 4.8)
BREAK = pd.Timedelta(days=30)
"""A line is broken where more time passes between two days."""
WIDEST = 2.0
"""Lines wider than this are drawn pale, below the others."""
LARGE = 20.0
"""Multiple of the start value from which a log scale is used."""


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
    for column, (who, (label, colour, marker)) in enumerate(STYLES.items()):
        values = table[f"{who}_sharpe"].to_numpy(float)
        never = np.isnan(values)
        shown = np.where(never, 0.0, values)
        if who == NETWORK:
            axes.plot(shown, heights, color=colour, linewidth=1, alpha=0.4)
        axes.plot(shown[~never], heights[~never], marker, color=colour, label=label)
        axes.plot(shown[never], heights[never], marker, color=colour, fillstyle="none")
        for height, value in enumerate(values):
            _margin(
                axes, format_number(value, "+.2f"), height, column=column, colour=colour
            )
        _margin(axes, label.split()[-1], -0.9, column=column, colour=colour)
    axes.set_yticks(heights, [f"{n}  {t}" for n, t in enumerate(table["title"])])
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlabel("yearly Sharpe ratio (dotted: as published, hollow: never bought)")
    put_legend(axes)
    numbers = table[["title", "network_sharpe", "constant_sharpe"]]
    put_numbers(figure, numbers, says=read_steps(table))
    return figure


def draw_order(rows: pd.DataFrame, *, ticker: str) -> Figure:
    """Draw a price in text order of its dates and in time order.

    Parameters
    ----------
    rows : DataFrame
        ``price`` and ``order`` ("text" or "time"), each in its own order.
    ticker : str
    """
    figure, panels = start_rows(TALL, 2)
    titles = {
        "text": f"{ticker}, rows sorted by the text of their dates: the training data",
        "time": f"{ticker}, the same rows sorted by time: the price",
    }
    for axes, (order, title) in zip(panels, titles.items(), strict=True):
        price = rows.loc[rows["order"] == order, "price"].to_numpy()
        axes.plot(price, color=COLOURS["v2"], linewidth=0.5 if order == "text" else 1.2)
        axes.set_ylabel("KES")
        put_title(axes, title)
    panels[-1].set_xlabel("row of the table")
    says = read_order(rows, ticker=ticker)
    put_numbers(figure, rows[["order", "price"]], says=says)
    return figure


def draw_step(path: pd.DataFrame, returns: pd.DataFrame, *, title: str) -> Figure:
    """Draw a step's forecasts, and the value of 1 KES traded on them.

    Parameters
    ----------
    path : DataFrame
        ``place``, ``price``, ``network``, ``constant`` (KES).
    returns : DataFrame
        ``place``, ``network``, ``constant``: net simple returns.
    title : str
        The step in words.
    """
    figure, (above, below) = start_rows(TALL, 2)
    colour = COLOURS["persistence"]
    ends: list[End] = [_line(above, path, "price", colour, label="price", width=1)]
    money: list[End] = []
    worths: dict[str, float] = {}
    # The network lies on top, since the two are often one line.
    for who in reversed(STYLES):
        label, colour, _ = STYLES[who]
        width = 1.3 if who == NETWORK else 3.0
        ends.append(_line(above, path, who, colour, label=label, width=width))
        value = returns[["place"]].assign(**{who: (1 + returns[who]).cumprod()})
        worths[who] = float(value[who].iloc[-1])
        worth = f"{label} {worths[who]:,.2f}"
        money.append(_line(below, value, who, colour, label=worth, width=width))
    below.axhline(1, color=GREY, linewidth=0.8)
    if max(value for _, value, _, _ in money) > LARGE:
        below.set_yscale("log")
        below.yaxis.set_minor_locator(NullLocator())
        below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    above.set_ylabel("KES")
    below.set_ylabel("1 KES becomes")
    _label_places(below, path["place"])
    put_title(above, title)
    label_ends(above, ends)
    label_ends(below, money)
    says = read_step(path, worths, title=title)
    put_numbers(figure, path[["place", "price", "network", "constant"]], says=says)
    return figure


def draw_chance(scores: pd.Series, *, old: float, claim: float) -> Figure:
    """Draw the Sharpe ratios of random signals by the claim's arithmetic.

    Parameters
    ----------
    scores : Series
        One ratio per random signal.
    old, claim : float
        The published ratios of the original and the new model.
    """
    figure, axes = start_axes((8.0, 2.8))
    axes.hist(scores, bins=60, color=COLOURS["random_positions"], alpha=0.6)
    for value, label in ((old, "original model"), (claim, "new model")):
        axes.axvline(value, color=COLOURS["warning"], linewidth=1.2)
        axes.annotate(
            f" {label}: {format_number(value, '+.2f')}",
            (value, 0.92),
            xycoords=("data", "axes fraction"),
            color=COLOURS["warning"],
            fontsize=8.5,
        )
    axes.margins(x=0.2, y=0.3)
    axes.set_ylabel("random signals")
    axes.set_xlabel("Sharpe ratio by the claim's arithmetic")
    says = read_chance(scores, old=old, claim=claim)
    put_numbers(figure, _deciles(scores), says=says)
    return figure


def draw_published_errors(scores: pd.DataFrame, *, band: tuple[float, float]) -> Figure:
    """Draw the error of "same price as yesterday" by stock, and a published band.

    Parameters
    ----------
    scores : DataFrame
        ``span`` (years in words), ``ticker``, ``mape`` (fraction of the price), and
        ``r_squared`` and ``unchanged`` for the numbers.
    band : (float, float)
        Lowest and highest published error.
    """
    spans = list(dict.fromkeys(scores["span"]))
    figure, axes = start_axes((5.2, 1.5 + 0.45 * len(spans)))
    low, high = band
    axes.axvspan(low, high, color=COLOURS["mended"], alpha=0.25, lw=0)
    axes.annotate(
        "as published",
        (low, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -10),
        textcoords="offset points",
        fontsize=8.5,
    )
    for place, span in enumerate(spans):
        own = scores.loc[scores["span"] == span, "mape"]
        axes.plot(own, [place] * len(own), "o", color=COLOURS["persistence"], ms=5)
    axes.set_yticks(range(len(spans)), spans)
    axes.set_ylim(len(spans) - 0.5, -0.9)
    axes.set_xlim(0, 1.15 * max(high, scores["mape"].max()))
    axes.xaxis.set_major_locator(MultipleLocator(0.005))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    axes.set_xlabel("mean absolute error, % of price: one dot per stock")
    inside = int(scores["mape"].between(low, high).sum())
    put_title(
        axes, f"Yesterday's price: {inside} of {len(scores)} in the published band"
    )
    says = (
        f"Published {low:.2%} to {high:.2%}. Yesterday's price: "
        f"{scores['mape'].min():.2%} to {scores['mape'].max():.2%}."
    )
    columns = ["span", "ticker", "mape", "r_squared", "unchanged"]
    put_numbers(figure, scores[columns].round(4), says=says)
    return figure


def _line(
    axes: Axes, table: pd.DataFrame, name: str, colour: str, *, label: str, width: float
) -> End:
    """Draw a column by place, broken where the days are, and return its end."""
    steps = table["place"].diff()
    is_dated = pd.api.types.is_datetime64_any_dtype(table["place"])
    piece = (steps > BREAK).cumsum() if is_dated else steps * 0
    for _, rows in table.groupby(piece.fillna(0)):
        axes.plot(
            rows["place"],
            rows[name],
            color=colour,
            linewidth=width,
            alpha=1.0 if width < WIDEST else 0.6,
        )
    last: Any = table["place"].iloc[-1]
    return last, float(table[name].iloc[-1]), label, colour


def _label_places(axes: Axes, place: pd.Series) -> None:
    if pd.api.types.is_datetime64_any_dtype(place):
        put_dates(axes)
    else:
        axes.set_xlabel("row of the table")


def _margin(axes: Axes, text: str, height: float, *, column: int, colour: str) -> None:
    """Write into the margin, in one of the columns right of the axes."""
    axes.annotate(
        text,
        (1.16 + 0.2 * column, height),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="center",
        fontsize=8.5,
        color=colour,
        annotation_clip=False,
    )


def _deciles(scores: pd.Series) -> pd.DataFrame:
    """Shorten a distribution to its deciles."""
    shares = np.linspace(0, 1, 11)
    values = scores.quantile(shares).to_numpy()
    return pd.DataFrame({"fraction of signals below": shares, "Sharpe ratio": values})
