"""How much of a forecast's accuracy is an artefact of averaged prices.

The printed price is the session's average. Averages of a price that nobody can forecast
are forecastable: their changes correlate by up to 1/4 with those of the session before,
and with none earlier. Whoever gains by that only finishes a move that has happened, so
the gain is gone one session later, which is when a deal could be made.

References
----------
.. [1] H. Working (1960). Note on the correlation of first differences of averages in a
   random chain. Econometrica 28(4), 916-918.
"""

import pandas as pd

from nse_lstm.evaluation.scoring import score_accuracy
from nse_lstm.features.returns import market_sessions
from nse_lstm.tables import FORECASTS, SCORES, check

__all__ = ["LATER", "a_session_later", "score_later"]

LATER = "directional_accuracy_later"
"""Directional accuracy of the same forecast over the session after its target."""


def a_session_later(
    forecasts: pd.DataFrame, sessions: pd.DatetimeIndex
) -> pd.DataFrame:
    """Aim the same forecasts one market session later: what a deal could earn.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS``.
    sessions : DatetimeIndex
        The market's calendar, increasing.

    Returns
    -------
    DataFrame
        ``FORECASTS`` with ``delay`` one more, entry and target a session on; rows whose
        target then lies beyond the calendar are left out.
    """
    moved = forecasts.assign(delay=forecasts["delay"] + 1)
    after = pd.Series(sessions[1:], index=sessions[:-1])
    for place in ("entry_date", "target_date"):
        moved[place] = forecasts[place].map(after)
    return check(moved.dropna(subset=["entry_date", "target_date"]), FORECASTS)


def score_later(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Score the directional accuracy of forecasts over the session after their target.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with one delay and horizon a model.
    panel : DataFrame
        ``PANEL`` of the whole market, whose calendar is ``market_sessions``.

    Returns
    -------
    DataFrame
        ``SCORES`` rows of the one metric ``directional_accuracy_later``.
    """
    later = a_session_later(forecasts, market_sessions(panel))
    scores = score_accuracy(later, panel)
    kept = scores[scores["metric"] == "directional_accuracy"]
    return check(kept.assign(metric=LATER), SCORES)
