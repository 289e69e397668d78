"""Tables and sentences about the stock LSTM's forecasts of the next price."""

import pandas as pd

from nse_lstm.evaluation.scoring import POOL
from nse_lstm.pages.phrases import NAIVE
from nse_lstm.reporting.display import Html, sentence, show_table
from nse_lstm.tables import ACCURACY_COST

MODEL, MEDIAN = "stock_lstm", "stock_lstm_median"

NOT_A_PROFIT = (
    "Accuracy of the next session's price is not a profit: the price is known "
    "only after the close, so nobody can trade at it."
)
"""Stands wherever the accuracy of the next session's price is shown."""


def not_a_profit() -> Html:
    """Show the sentence that stands with every accuracy of the next price."""
    return sentence(NOT_A_PROFIT)


def stock_lstm_years(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the stock LSTM's accuracy against persistence, one row per year.

    The errors of both models are over persistence's, on log returns: squared errors of
    the mean forecast (1 less its skill), absolute errors of the thresholded one.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES`` of some years; nothing else than accuracy is used.
    """
    rows = scores[scores["cost_bps"] == ACCURACY_COST]
    skill = _values(rows, MODEL, "skill")
    absolute = _values(rows, MEDIAN, "mase") / _values(rows, NAIVE, "mase")
    direction = _values(rows, MODEL, "directional_accuracy")
    return pd.DataFrame(
        [
            {
                "year": str(year),
                "skill": skill.loc[year, POOL],
                "stocks with skill": _count(skill.loc[year] >= 0),
                "directional_accuracy": direction.loc[year, POOL],
                "absolute error, thresholded": f"{absolute.loc[year, POOL]:.3f}",
                "stocks below 1": _count(absolute.loc[year] <= 1),
            }
            for year in skill.index
        ]
    )


def show_stock_lstm(scores: pd.DataFrame) -> Html:
    """Show the accuracy by year, with the sentence that it is no profit.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES`` of some years.
    """
    if MODEL not in set(scores["model"]):
        return sentence("The stock LSTM is not trained in this study.")
    table = show_table(
        stock_lstm_years(scores),
        caption="Stock LSTM against persistence, next session's price",
    )
    return Html(table.html + not_a_profit().html)


def _values(rows: pd.DataFrame, model: str, metric: str) -> pd.DataFrame:
    """Return a metric by year and ticker."""
    chosen = rows[(rows["model"] == model) & (rows["metric"] == metric)]
    return chosen.pivot(index="fold", columns="ticker", values="value")


def _count(holds: "pd.Series[bool]") -> str:
    """Count stocks, the pool left out, of those that the year has."""
    stocks = holds.drop(POOL)
    return f"{int(stocks.sum())} of {len(stocks)}"
