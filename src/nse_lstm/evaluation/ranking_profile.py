"""Profile of a ranking: returns by fifth of the ranks, and rank IC by horizon.

Both describe forecasts that are scored elsewhere, and choose nothing.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nse_lstm.evaluation.rank_ic import (
    ALL_YEARS,
    daily_rank_ic,
    mean_scores,
    summarise_rank_ic,
)
from nse_lstm.evaluation.scoring import realised
from nse_lstm.features.returns import market_sessions

HORIZONS = (1, 5, 10, 20, 60)
"""Sessions over which one forecast is compared with the return."""
GROUPS = 5
"""Of the ranks: 25 stocks make fifths of five stocks."""
SESSION = ["model", "delay", "horizon", "origin"]


def group_returns(
    forecasts: pd.DataFrame, panel: pd.DataFrame, *, n_groups: int = GROUPS
) -> pd.DataFrame:
    """Return the mean return of each group of ranks, less that of all ranked stocks.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS``. The rows of one model and origin are ranked together.
    panel : DataFrame
        ``PANEL``, as far as it is known.
    n_groups : int
        Groups of as equal a size as the ranks allow, 1 with the lowest forecasts.

    Returns
    -------
    DataFrame
        One row per model, horizon and ``group``: ``value`` (log return per horizon
        beyond the session's mean), ``t_statistic``, ``lower``, ``upper`` and ``n``
        sessions. Sessions with fewer stocks than groups are left out.
    """
    rows = realised(forecasts, panel).dropna(subset=["y", "y_hat"])
    session = rows.groupby(SESSION)
    count = session["y"].transform("size")
    rows = rows.assign(
        # Ties of the forecast fall in the order of the tickers.
        group=np.ceil(session["y_hat"].rank(method="first") * n_groups / count),
        excess=rows["y"] - session["y"].transform("mean"),
    )[count >= n_groups]
    rows["group"] = rows["group"].astype(int)
    daily = rows.groupby([*SESSION, "group"])["excess"].mean().reset_index()
    return mean_scores(daily, ["model", "horizon", "group"], "excess")


def rank_ic_decay(
    forecasts: pd.DataFrame,
    panel: pd.DataFrame,
    *,
    horizons: Sequence[int] = HORIZONS,
) -> pd.DataFrame:
    """Compare one forecast's ranks with returns over several horizons.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of one horizon, for which the models were trained.
    panel : DataFrame
        ``PANEL``, as far as it is known. Origins whose return ends later are left out.
    horizons : sequence of int
        Sessions from the entry.

    Returns
    -------
    DataFrame
        One row per model and ``horizon``: mean rank IC over all years as ``value``,
        ``t_statistic``, ``lower``, ``upper`` (95 %, Newey-West) and ``n`` sessions.
    """
    sessions = market_sessions(panel)
    entry = sessions.get_indexer(pd.DatetimeIndex(forecasts["entry_date"]))
    tables = []
    for horizon in horizons:
        known = entry + horizon < len(sessions)
        target = sessions[entry[known] + horizon]
        tables.append(forecasts[known].assign(horizon=horizon, target_date=target))
    summary = summarise_rank_ic(daily_rank_ic(pd.concat(tables), panel))
    whole = summary[summary["fold"] == ALL_YEARS]
    return whole.drop(columns=["fold", "delay"]).reset_index(drop=True)
