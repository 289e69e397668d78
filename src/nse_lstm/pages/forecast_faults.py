"""Why v2 fails, in one table and one sentence: offset, lag, flat lines, limits."""

import pandas as pd

from nse_lstm.evaluation.forecast_faults import FLAT
from nse_lstm.pages.stock_forecasts import MODEL, NOT_A_PROFIT
from nse_lstm.reporting.display import Html, sentence, show_table
from nse_lstm.reporting.format import format_number

BOTH = ("v2", MODEL)
LIMIT = "beyond the daily limit"
SHOWN = ("v2", "stock_lstm", "persistence")
"""Models of the table, where they are there."""


def show_faults(faults: pd.DataFrame) -> Html:
    """Show the faults of v2 beside the stock LSTM and persistence.

    Parameters
    ----------
    faults : DataFrame
        ``FORECAST_FAULTS`` of one year, of one stock or several.
    """
    own = faults[faults["model"].isin(SHOWN)]
    if "v2" not in set(own["model"]):
        return sentence("v2 made no forecast here.")
    n_stocks = own["ticker"].nunique()
    stocks = own["ticker"].iloc[0] if n_stocks == 1 else f"{n_stocks} stocks"
    table = show_table(
        faults_table(own),
        caption=f"Forecasts of the next price, {stocks}, {own['fold'].max()}",
    )
    return Html(table.html + sentence(faults_sentence(own)).html)


def faults_table(faults: pd.DataFrame) -> pd.DataFrame:
    """Return the faults by model: medians over stocks, and shares of forecasts.

    Parameters
    ----------
    faults : DataFrame
        ``FORECAST_FAULTS`` of one year.
    """
    rows = []
    for model in [name for name in SHOWN if name in set(faults["model"])]:
        own = faults[faults["model"] == model]
        beyond = (own["beyond"] * own["n"]).sum() / own["n"].sum()
        rows.append(
            {
                "model": model,
                "error over persistence's": format_number(own["error"].median(), ".2f"),
                "offset from the price": format_number(own["offset"].median(), "+.1%"),
                "correlation with today's price": format_number(
                    own["with_today"].median(), ".3f"
                ),
                "with tomorrow's": format_number(own["with_tomorrow"].median(), ".3f"),
                "flat lines": f"{int((own['spread'] < FLAT).sum())} of {len(own)}",
                LIMIT: format_number(beyond, ".1%"),
            }
        )
    table = pd.DataFrame(rows)
    # An exchange without a limit has no such fault.
    return table.drop(columns=LIMIT) if faults["beyond"].isna().all() else table


def faults_sentence(faults: pd.DataFrame) -> str:
    """Say what is wrong with v2's forecasts, and the change that mends most of it.

    Parameters
    ----------
    faults : DataFrame
        ``FORECAST_FAULTS`` of one year, with v2's.
    """
    own = faults[faults["model"] == "v2"]
    beyond = (own["beyond"] * own["n"]).sum() / own["n"].sum()
    offset = own["offset"].abs().median()
    parts = [f"v2 forecasts a price level. It misses the price by {offset:.1%}"]
    if pd.isna(own["beyond"]).all():
        parts[0] += "."
    else:
        parts.append(f"and {beyond:.0%} of its forecasts lie {LIMIT}.")
    if (own["with_today"] > own["with_tomorrow"]).mean() > 0.5:
        parts.append("It follows today's price more closely than tomorrow's.")
    if MODEL in set(faults["model"]):
        parts.append(
            "The change that mends most is to forecast the change from today's price, "
            "from a network that starts at no change. The stock LSTM does that."
        )
        errors = [
            faults.loc[faults["model"] == name, "error"].median() for name in BOTH
        ]
        if not pd.isna(errors).any():
            who = "In the median stock v2's" if len(own) > 1 else "v2's"
            parts.append(
                f"{who} absolute error is {errors[0]:.2f} times that of "
                f'"tomorrow = today", the stock LSTM\'s {errors[1]:.2f} times.'
            )
    return f"{' '.join(parts)} {NOT_A_PROFIT}"
