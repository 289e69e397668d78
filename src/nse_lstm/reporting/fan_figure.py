"""Draw a stock's fan: the quantiles of its price over the sessions to come."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nse_lstm.reporting.canvas import (
    COLOURS,
    WIDE,
    put_dates,
    put_legend,
    put_numbers,
    put_title,
    start_axes,
)
from nse_lstm.reporting.format import format_number

BANDS = {"90 %": ("q050", "q950", 0.15), "50 %": ("q250", "q750", 0.3)}
"""Lower and upper quantile of each band, and its opacity."""
MEDIAN = "q500"


def draw_fan(fan: pd.DataFrame, prices: pd.DataFrame, *, ticker: str) -> Figure:
    """Draw the price around an origin and the bands that were forecast there.

    Parameters
    ----------
    fan : DataFrame
        ``QUANTILES`` of one origin, one row per horizon, with ``last_price``, the
        origin's price in KES.
    prices : DataFrame
        Columns ``session`` and ``price``, KES, in shares of the origin; before and
        after it.
    ticker : str
    """
    ordered = fan.sort_values("horizon")
    origin, last = ordered["origin"].iloc[0], float(ordered["last_price"].iloc[0])
    days = [origin, *ordered["target_date"]]
    at = {
        name: np.array([last, *(last * np.exp(ordered[name]))])
        for name in (
            MEDIAN,
            *(end for low, high, _ in BANDS.values() for end in (low, high)),
        )
    }
    figure, axes = start_axes(WIDE)
    colour = COLOURS["stock_lstm"]
    for name, (low, high, opacity) in BANDS.items():
        axes.fill_between(
            days, at[low], at[high], color=colour, alpha=opacity, lw=0, label=name
        )
    axes.plot(days, at[MEDIAN], color=colour, label="median")
    axes.plot(
        prices["session"], prices["price"], color=COLOURS["realised"], label="price"
    )
    axes.set_ylabel("KES")
    put_dates(axes)
    put_legend(axes)
    put_title(axes, f"{ticker}: bands forecast after {origin:%Y-%m-%d}, and the price")
    table = pd.DataFrame({"sessions ahead": [0, *ordered["horizon"]], **at})
    put_numbers(figure, table.round(2), says=read_fan(ordered, last, ticker=ticker))
    return figure


def read_fan(ordered: pd.DataFrame, last: float, *, ticker: str) -> str:
    """Summarise the widest band: the last horizon's.

    Parameters
    ----------
    ordered : DataFrame
        ``QUANTILES`` of one origin by horizon.
    last : float
        The origin's price, KES.
    ticker : str
    """
    end = ordered.iloc[-1]
    low, high = (last * np.exp(end[name]) for name in ("q050", "q950"))
    return (
        f"{ticker}: {end['horizon']} sessions after {end['origin']:%Y-%m-%d} nine in "
        f"ten outcomes are expected between {format_number(low, '.2f')} and "
        f"{format_number(high, '.2f')} KES, from {format_number(last, '.2f')}."
    )
