"""Forecast targets: realised returns from a later entry, and their ranks."""

import numpy as np
import pandas as pd

from nse_lstm.config import CrossSection
from nse_lstm.errors import DataError
from nse_lstm.features.cross_sectional_rank import above_mean, cross_sectional_rank
from nse_lstm.features.market_panel import MarketPanel, make_market_panel, to_rows
from nse_lstm.tables import TARGETS, conform


def build_targets(
    panel: pd.DataFrame, *, cross_section: CrossSection, delay: int, horizon: int
) -> pd.DataFrame:
    """Build the realised returns that start ``delay`` sessions after each origin.

    The target is the log return of the adjusted price from t + delay to t + delay +
    horizon, in market sessions, with or without trades on the way.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL`` of the whole market, cut where it must not be seen.
    cross_section : CrossSection
        Rule of the universe that mean and ranks are taken in.
    delay, horizon : int
        Sessions, at least 0 and at least 1.

    Returns
    -------
    DataFrame
        ``TARGETS``, sorted by ticker and origin: one per row of the panel whose target
        lies on the calendar. ``y`` is missing where entry or target has no price or is
        stale, and where a gap or an unexplained ex-date lies between origin and target.
        ``y_excess`` and ``y_rank`` compare with the origin's members that have a ``y``.

    Raises
    ------
    DataError
        If a length is too small, or there is no ordinary share.
    """
    if delay < 0 or horizon < 1:
        raise DataError(
            "`delay` must be at least 0 and `horizon` at least 1 session. Received: "
            f"delay={delay}, horizon={horizon}"
        )
    wide = make_market_panel(panel, cross_section)
    sessions, ahead = wide.sessions, delay + horizon
    y = _log_return(wide, delay=delay, horizon=horizon)
    frames = {
        "y": y,
        "y_excess": above_mean(y, wide.member),
        "y_rank": cross_sectional_rank(y, wide.member),
    }
    known = wide.listed & (np.arange(len(sessions)) < len(sessions) - ahead)[:, None]
    table = to_rows(frames, known, time="origin")
    table = table.assign(delay=delay, horizon=horizon)
    place = sessions.get_indexer(pd.DatetimeIndex(table["origin"]))
    table["entry_date"] = sessions[place + delay]
    table["target_date"] = sessions[place + ahead]
    return conform(table, TARGETS)


def _log_return(wide: MarketPanel, *, delay: int, horizon: int) -> pd.DataFrame:
    ahead = delay + horizon
    is_stale = wide.stale.astype(float)
    fresh = is_stale.shift(-delay).eq(0) & is_stale.shift(-ahead).eq(0)
    unbroken = wide.breaks == wide.breaks.shift(-ahead)
    entry, target = wide.adjusted.shift(-delay), wide.adjusted.shift(-ahead)
    return pd.DataFrame(np.log(target / entry)).where(fresh & unbroken)
