"""The bands around forecasts to come, from what was known at their origin.

The errors are those of forecasts that were out of sample: what Phase 4 forecast year by
year with the same kind of model, and since then the standing model's own forecasts of
sessions it was not fitted on. The store is not asked, so that a band follows from the
data and the model alone, however often and in whatever order sessions are scored.
"""

from collections.abc import Sequence

import pandas as pd

from nse_lstm.evaluation.conformal import ERRORS, MISSES, RATE, conformal_intervals
from nse_lstm.evaluation.scoring import realised
from nse_lstm.tables import FORECASTS


def earlier_forecasts(
    past: pd.DataFrame, *, ticker: str, model: str, origin: pd.Timestamp
) -> pd.DataFrame:
    """Return what Phase 4 forecast of a stock before an origin, a row an origin.

    Parameters
    ----------
    past : DataFrame
        ``FORECASTS`` of delay 0, of any stocks and models.
    """
    mine = past[
        (past["ticker"] == ticker)
        & (past["model"] == model)
        & (past["origin"] < origin)
    ]
    return mine.drop_duplicates("origin").sort_values("origin", ignore_index=True)


def add_bands(
    latest: Sequence[pd.DataFrame],
    earlier: Sequence[pd.DataFrame],
    known: pd.DataFrame,
) -> pd.DataFrame:
    """Put the adaptive conformal interval around the forecasts of one origin.

    Parameters
    ----------
    latest : sequence of DataFrame
        One row of ``FORECASTS`` a model, at least one in all.
    earlier : sequence of DataFrame
        Of each, forecasts of the same stock from earlier origins, out of sample.
    known : DataFrame
        ``PANEL`` up to that origin.

    Returns
    -------
    DataFrame
        The rows in their order with ``lower`` and ``upper`` (log returns); infinite
        where too few errors are known.
    """
    # A number in place of model and seed: two stages may hold the same kind of model.
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
