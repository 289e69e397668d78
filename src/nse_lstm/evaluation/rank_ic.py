"""Rank IC: how well a forecast orders the shares, one session at a time."""

import numpy as np
import pandas as pd

from nse_lstm.evaluation.scoring import realised

__all__ = ["MIN_STOCKS", "daily_rank_ic"]

MIN_STOCKS = 3
"""Two shares are always ordered rightly or wrongly."""

SESSION = ["model", "seed", "fold", "delay", "horizon", "origin"]


def daily_rank_ic(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Correlate the ranks of forecast and realised return, session by session.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of the universe, of any delays and horizons: the rows of a model's
        origin are the cross-section.
    panel : DataFrame
        ``PANEL``, as far as it is known.

    Returns
    -------
    DataFrame
        ``model seed fold delay horizon origin``, ``n`` and ``rank_ic``. Rows without a
        forecast or a realised return are left out; so are sessions with fewer than
        ``MIN_STOCKS`` of them, or where all forecasts or all returns are equal. Ties
        share the mean rank.
    """
    rows = realised(forecasts, panel).dropna(subset=["y", "y_hat"])
    by_session = rows.groupby(SESSION)
    deviations = {}
    for name in ("y", "y_hat"):
        rank = by_session[name].rank()
        deviations[name] = rank - rank.groupby(
            [rows[key] for key in SESSION]
        ).transform("mean")
    first, second = deviations["y"], deviations["y_hat"]
    products = rows[SESSION].assign(xy=first * second, xx=first**2, yy=second**2)
    sums = products.groupby(SESSION)[["xy", "xx", "yy"]].sum()
    sums["n"] = by_session.size()
    defined = (sums["n"] >= MIN_STOCKS) & (sums["xx"] > 0) & (sums["yy"] > 0)
    sums = sums[defined].reset_index()
    correlation: pd.Series[float] = sums["xy"] / np.sqrt(sums["xx"] * sums["yy"])
    return sums[[*SESSION, "n"]].assign(rank_ic=correlation.clip(-1, 1))
