"""The same scores on the sessions that somebody dealt in.

A session without a deal repeats the price before it. That is a gift to persistence and
to whoever forecasts small moves, so accuracy is shown on traded sessions as well.
"""

import pandas as pd

from nse_lstm.evaluation.scoring import score_accuracy
from nse_lstm.tables import SCORES, check

TRADED = "_traded"
"""Ends the name of a metric that is measured on traded sessions only."""


def on_traded(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Return the forecasts whose target session had a deal and was no stale copy.

    It sorts out by what came, which nobody knew at the origin: right for a second look
    at the accuracy, never for a strategy.

    Parameters
    ----------
    forecasts : DataFrame
        With ``ticker`` and ``target_date``, such as ``FORECASTS``.
    panel : DataFrame
        ``PANEL``.
    """
    dealt = panel[panel["volume"].notna() & ~panel["stale"]]
    traded = pd.MultiIndex.from_frame(dealt[["ticker", "session"]])
    aimed = pd.MultiIndex.from_frame(forecasts[["ticker", "target_date"]])
    return forecasts[aimed.isin(traded)].reset_index(drop=True)


def score_traded(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Score the accuracy on traded sessions.

    Parameters
    ----------
    forecasts, panel
        As for ``score_accuracy``.

    Returns
    -------
    DataFrame
        ``SCORES`` with "_traded" after each metric's name; none where nothing traded.
    """
    kept = on_traded(forecasts, panel)
    if kept.empty:
        return score_accuracy(forecasts, panel).iloc[:0]
    scores = score_accuracy(kept, panel)
    return check(scores.assign(metric=scores["metric"] + TRADED), SCORES)
