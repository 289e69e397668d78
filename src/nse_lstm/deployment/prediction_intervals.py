"""Conformal prediction intervals of live forecasts from errors known at the origin.

All errors are out of sample: those of Phase 4's walk-forward forecasts, and later those
of the model's own forecasts after its training. The forecast store is not read, so an
interval depends on the data and the model only, not on earlier runs.
"""

from collections.abc import Sequence

import pandas as pd

from nse_lstm.evaluation.conformal import ERRORS, MISSES, RATE, conformal_intervals
from nse_lstm.evaluation.scoring import realised
from nse_lstm.tables import FORECASTS


def earlier_forecasts(
    past: pd.DataFrame, *, ticker: str, model: str, origin: pd.Timestamp
) -> pd.DataFrame:
    """Return Phase 4's forecasts of a stock by one model, one row per origin.

    Parameters
    ----------
    past : DataFrame
        ``FORECASTS`` of delay 0, of any stocks and models.
    ticker, model : str
        The stock and the model.
    origin : Timestamp
        Only earlier origins are returned.
    """
    mine = past[
        (past["ticker"] == ticker)
        & (past["model"] == model)
        & (past["origin"] < origin)
    ]
    return mine.drop_duplicates("origin").sort_values("origin", ignore_index=True)


def add_intervals(
    latest: Sequence[pd.DataFrame],
    earlier: Sequence[pd.DataFrame],
    known: pd.DataFrame,
) -> pd.DataFrame:
    """Add adaptive conformal intervals to the forecasts of one origin.

    Parameters
    ----------
    latest : sequence of DataFrame
        One row of ``FORECASTS`` per model; at least one model.
    earlier : sequence of DataFrame
        Per model, out-of-sample forecasts of the same stock from earlier origins.
    known : DataFrame
        ``PANEL`` up to that origin.

    Returns
    -------
    DataFrame
        The rows in their order with ``lower`` and ``upper`` (log returns); infinite
        with too few known errors.
    """
    # The seed numbers the series, since two stages may hold the same kind of model.
    series = [
        pd.concat([old, new], ignore_index=True).assign(model="", seed=number)
        for number, (new, old) in enumerate(zip(latest, earlier, strict=True))
    ]
    table = pd.concat(series, ignore_index=True)[list(FORECASTS.columns)]
    joined = realised(table, known)
    intervals = conformal_intervals(joined, alpha=MISSES, window=ERRORS, rate=RATE)
    last = intervals.sort_values(["seed", "origin"]).groupby("seed").tail(1)
    rows = pd.concat(list(latest), ignore_index=True)
    return rows.assign(lower=last["lower"].to_numpy(), upper=last["upper"].to_numpy())
