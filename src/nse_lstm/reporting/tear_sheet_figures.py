"""Draw one account: value, drawdown, rolling Sharpe ratio, and its months."""

import html

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    put_dates,
    put_numbers,
    put_title,
    start_rows,
)
from nse_lstm.reporting.display import Html
from nse_lstm.reporting.format import format_number

EVERY = 10
"""Sessions between two drawn points: two weeks."""
WIDTH = 5.2
DEEPEST = 0.1
"""Monthly return from which a colour is full."""
STRONGEST = 0.45
"""Opacity of a full colour, on which black text is legible."""
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec year".split()


def draw_account(account: pd.DataFrame, ratio: pd.Series, *, name: str) -> Figure:
    """Draw the value, drawdown and rolling Sharpe ratio of an account.

    Parameters
    ----------
    account : DataFrame
        By session: ``net`` and ``cash`` (simple returns), and ``benchmark`` if there
        is one.
    ratio : Series
        Its rolling Sharpe ratio over cash.
    name : str
        Of the account.
    """
    figure, (above, middle, below) = start_rows((WIDTH, 5.4), 3, heights=(3, 2, 2))
    value = (1 + account["net"]).cumprod()
    fall = value / value.cummax().clip(lower=1.0) - 1
    lines = {"account": (value, COLOURS["v2"], "-")}
    if "benchmark" in account:
        benchmark = (1 + account["benchmark"]).cumprod()
        lines["equal weight"] = benchmark, COLOURS["equal_weight"], "-"
    lines["91-day bill"] = (1 + account["cash"]).cumprod(), GREY, ":"
    for label, (line, colour, style) in lines.items():
        week = thinned(line)
        above.plot(week.index, week, style, color=colour, label=label, linewidth=1.3)
    above.legend(loc="best", fontsize=8, edgecolor="none")
    for axes, line in ((middle, thinned(fall)), (below, thinned(ratio))):
        axes.plot(line.index, line, color=COLOURS["v2"], linewidth=1.1)
    below.axhline(0, color=GREY, linewidth=0.8)
    above.set_ylabel("value of 1 KES")
    middle.set_ylabel("drawdown")
    middle.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    below.set_ylabel("Sharpe, 1 year")
    put_dates(below)
    end = format_number(float(value.iloc[-1]), ".2f")
    put_title(above, f"{name}: 1 KES became {end}")
    table = pd.DataFrame({"value": value, "drawdown": fall, "rolling Sharpe": ratio})
    month = pd.DatetimeIndex(table.index).strftime("%Y-%m")
    numbers = table.groupby(month).last().round(3).rename_axis("month").reset_index()
    says = (
        f"{name}: 1 KES became {end}, the largest drawdown was "
        f"{format_number(float(fall.min()), '.1%')}."
    )
    put_numbers(figure, numbers, says=says)
    return figure


def show_months(table: pd.DataFrame, *, name: str) -> Html:
    """Show the return of every month as a heat map, with the years below.

    Parameters
    ----------
    table : DataFrame
        Returns, months and the year as rows, years as columns.
    name : str
        Of the account.
    """
    months = table.iloc[:12].to_numpy(float)
    known = months[~np.isnan(months)]
    n_up = int((known > 0).sum())
    caption = html.escape(f"{name}: {n_up} of {len(known)} months gained, net, %")
    head = "".join(f'<th scope="col" class="number">{year}</th>' for year in table)
    body = "".join(
        f'<tr><th scope="row">{month}</th>{"".join(map(_shaded, row))}</tr>'
        for month, row in zip(MONTHS, table.to_numpy(float), strict=True)
    )
    return Html(
        f'<div class="table" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="months"><caption>{caption}</caption><thead><tr>'
        f'<th scope="col">month</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _shaded(value: float) -> str:
    """Write a cell, blue for a gain and orange for a loss, paler if small."""
    if np.isnan(value):
        return "<td></td>"
    strength = min(abs(value) / DEEPEST, 1.0) * STRONGEST
    colour = "0,114,178" if value > 0 else "213,94,0"
    text = format_number(100 * value, "+.1f")
    return (
        f'<td class="number" style="background:rgba({colour},{strength:.2f})">'
        f"{text}</td>"
    )


def thinned(line: pd.Series) -> pd.Series:
    """Keep every tenth point of a line and the last one, which a page can carry."""
    places = np.unique([*range(0, len(line), EVERY), len(line) - 1])
    return line.iloc[places[places >= 0]]
