"""Blends: one forecast out of several models', by rank, session by session."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nse_lstm.errors import TableError
from nse_lstm.tables import FORECASTS, check

__all__ = ["blend_ranks", "mean_over_seeds"]

SESSION = ["fold", "origin", "delay", "horizon"]
ROW = ["ticker", *SESSION, "entry_date", "target_date"]


def blend_ranks(
    forecasts: pd.DataFrame, members: Sequence[str], *, name: str
) -> pd.DataFrame:
    """Average the ranks that several models give the shares of a session.

    Every member counts the same, so nothing is fitted. The mean rank is turned into a
    return by the mean of the members' slopes of forecast on rank in that session.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS``; several seeds of a member are averaged first.
    members : sequence of str
        Models; rows that one of them lacks, or has no forecast for, are left out.
    name : str
        What the blend is called.

    Returns
    -------
    DataFrame
        ``FORECASTS`` of the blend under seed 0: no price, no interval. Ties share the
        mean rank.

    Raises
    ------
    TableError
        If a member has no forecasts.

    References
    ----------
    .. [1] R. Clemen (1989). Combining forecasts: a review and annotated bibliography.
       International Journal of Forecasting 5(4), 559-583. (Equal weights.)
    """
    own = forecasts[forecasts["model"].isin(members)].dropna(subset="y_hat")
    if absent := set(members) - set(own["model"]):
        raise TableError(
            f"Expected forecasts of {', '.join(members)} to blend into {name}. "
            f"Received: none of {', '.join(sorted(absent))}"
        )
    wide = own.pivot_table(index=ROW, columns="model", values="y_hat").dropna()
    session = [wide.index.get_level_values(level) for level in SESSION]

    def centred(table: pd.DataFrame) -> pd.DataFrame:
        return table - table.groupby(session).transform("mean")

    rank, spread = centred(wide.groupby(session).rank()), centred(wide)
    sums = [(a * rank).groupby(session).transform("sum") for a in (spread, rank)]
    # A session whose shares a member does not order has no slope: it is flat.
    slope = (sums[0] / sums[1].where(sums[1] > 0)).fillna(0.0).mean(axis=1)
    y_hat = (rank.mean(axis=1) * slope).rename("y_hat").reset_index()
    return _in_schema(y_hat.assign(model=name, seed=0))


def mean_over_seeds(forecasts: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Average the forecasts of a model's seeds; a lone one stays as it is.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS``.
    seed : int
        What stands in the mean's column.
    """
    means = forecasts.groupby(["model", *ROW])["y_hat"].mean().reset_index()
    return _in_schema(means.assign(seed=seed))


def _in_schema(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(price_hat=np.nan, lower=np.nan, upper=np.nan)
    types = {name: str(column.dtype) for name, column in FORECASTS.columns.items()}
    return check(table[list(types)].astype(types), FORECASTS)
