"""Artefact of averaged prices: the part of a forecast's gain lost one session later.

The printed price is the session's average. Changes of averages of a random walk have an
autocorrelation of up to 1/4 at lag 1 and none at higher lags. A forecast that uses it
only completes a past move. Its gain is lost one session later, when a trade is
possible.

A forecast of the next session's own move gains twice: that session's average contains
about half of the move, the next average the rest. So the lost gain is the artefact's
share, and the gain that remains is not.

References
----------
.. [1] H. Working (1960). Note on the correlation of first differences of averages in a
   random chain. Econometrica 28(4), 916-918.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap
from numpy.typing import NDArray

from nse_lstm.config import Verdict
from nse_lstm.errors import TableError
from nse_lstm.evaluation.scoring import realised, score_accuracy
from nse_lstm.features.returns import market_sessions
from nse_lstm.tables import FORECASTS, SCORES, check

LATER = "directional_accuracy_later"
"""Directional accuracy of the same forecast over the session after its target."""


@dataclass(frozen=True)
class ArtefactShare:
    """Share of a forecast's gain that is lost one session later.

    A gain is the mean of forecast times return, over stocks and then dates: the return
    of a position of the forecast's size without cost. ``share`` is 1 minus the later
    gain over the first, with a bootstrap interval. All three are missing where the
    first gain is not significantly above zero.
    """

    gain: float
    gain_later: float
    share: float
    lower: float
    upper: float
    n: int


def delay_one_session(
    forecasts: pd.DataFrame, sessions: pd.DatetimeIndex
) -> pd.DataFrame:
    """Shift entry and target of forecasts one market session later.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS``.
    sessions : DatetimeIndex
        The market's calendar, increasing.

    Returns
    -------
    DataFrame
        ``FORECASTS`` with ``delay`` one higher. Rows whose target then lies beyond the
        calendar are left out.
    """
    shifted = forecasts.assign(delay=forecasts["delay"] + 1)
    after = pd.Series(sessions[1:], index=sessions[:-1])
    for place in ("entry_date", "target_date"):
        shifted[place] = forecasts[place].map(after)
    return check(shifted.dropna(subset=["entry_date", "target_date"]), FORECASTS)


def score_delayed_direction(
    forecasts: pd.DataFrame, panel: pd.DataFrame
) -> pd.DataFrame:
    """Score the directional accuracy of forecasts over the session after their target.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with one delay and horizon per model.
    panel : DataFrame
        ``PANEL`` of the whole market, whose calendar is ``market_sessions``.

    Returns
    -------
    DataFrame
        ``SCORES`` rows of the one metric ``directional_accuracy_later``.
    """
    later = delay_one_session(forecasts, market_sessions(panel))
    scores = score_accuracy(later, panel)
    kept = scores[scores["metric"] == "directional_accuracy"]
    return check(kept.assign(metric=LATER), SCORES)


def with_delayed_return(joined: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Join the return over the span one session later to that over a forecast's own.

    Parameters
    ----------
    joined : DataFrame
        ``FORECASTS`` with ``y`` (``scoring.realised``), one delay and horizon per
        model.
    panel : DataFrame
        ``PANEL`` of the whole market.

    Returns
    -------
    DataFrame
        The forecasts with both returns known, with ``y`` and ``y_later``.
    """
    forecasts = joined[list(FORECASTS.columns)]
    delayed = delay_one_session(forecasts, market_sessions(panel))
    later = realised(delayed, panel)
    key = ["ticker", "model", "seed", "fold", "origin"]
    later = later[[*key, "y"]].rename(columns={"y": "y_later"})
    both = joined.merge(later, on=key)
    return both.dropna(subset=["y", "y_hat", "y_later"])


def artefact_share(both: pd.DataFrame, *, verdict: Verdict, seed: int) -> ArtefactShare:
    """Estimate the share of one model's gain that is the artefact of averaged prices.

    Averages of a random walk give a share of 1. Knowledge of the next session's move,
    with even trading over the day, gives 0. A signal that lasts longer can give less
    than 0, a price reversal more than 1.

    Parameters
    ----------
    both : DataFrame
        Rows of one model of ``with_delayed_return``.
    verdict : Verdict
        Confidence, repetitions and mean block length of the stationary bootstrap of
        dates.
    seed : int
        Of the bootstrap.

    Raises
    ------
    TableError
        If there are no rows, or of several models.
    """
    models = sorted(set(both["model"]))
    if len(models) != 1:
        raise TableError(f"Expected rows of one model. Received: {models}")
    products = pd.DataFrame(
        {name: both["y_hat"] * both[name] for name in ("y", "y_later")}
    )
    by_date = products.groupby(both["target_date"]).mean().sort_index().to_numpy()
    tail = (1 - verdict.confidence) / 2
    bootstrap = StationaryBootstrap(verdict.bootstrap_block, by_date, seed=seed)
    means = bootstrap.apply(lambda rows: rows.mean(axis=0), verdict.bootstrap_reps)
    gain, gain_later = (float(value) for value in by_date.mean(axis=0))
    share = lower = upper = float("nan")
    if np.quantile(means[:, 0], tail) > 0:
        share = 1 - gain_later / gain
        lower, upper = np.quantile(_gone(means), [tail, 1 - tail])
    return ArtefactShare(
        gain, gain_later, share, float(lower), float(upper), len(by_date)
    )


def _gone(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 - later gain / gain of each resample with a positive gain."""
    gained = means[means[:, 0] > 0]
    return np.asarray(1 - gained[:, 1] / gained[:, 0])
