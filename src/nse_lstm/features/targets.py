"""What is forecast: returns from a later entry, and their places in the universe."""

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

    The log return of the adjusted price from t + delay to t + delay + horizon, sessions
    being the market's. Whether anything was dealt on the way plays no part.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL`` of the whole market, as far as it may be seen.
    cross_section : CrossSection
        The universe that excess and place are taken in.
    delay, horizon : int
        Sessions, at least 0 and at least 1.

    Returns
    -------
    DataFrame
        ``TARGETS``, sorted by ticker and origin: one row for each of the panel's whose
        target lies on the calendar. ``y`` is missing where the entry or target has no
        price or is stale, and where a gap or an ex-date whose move its factor does not
        explain lies between origin and target. ``y_excess`` and ``y_rank`` compare
        with the origin's members that have a ``y``.

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
    board = make_market_panel(panel, cross_section)
    sessions, ahead = board.sessions, delay + horizon
    y = _log_return(board, delay=delay, horizon=horizon)
    frames = {
        "y": y,
        "y_excess": above_mean(y, board.member),
        "y_rank": cross_sectional_rank(y, board.member),
    }
    known = board.listed & (np.arange(len(sessions)) < len(sessions) - ahead)[:, None]
    table = to_rows(frames, known, time="origin")
    table = table.assign(delay=delay, horizon=horizon)
    place = sessions.get_indexer(pd.DatetimeIndex(table["origin"]))
    table["entry_date"] = sessions[place + delay]
    table["target_date"] = sessions[place + ahead]
    return conform(table, TARGETS)


def _log_return(board: MarketPanel, *, delay: int, horizon: int) -> pd.DataFrame:
    ahead = delay + horizon
    is_stale = board.stale.astype(float)
    fresh = is_stale.shift(-delay).eq(0) & is_stale.shift(-ahead).eq(0)
    unbroken = board.breaks == board.breaks.shift(-ahead)
    entry, target = board.adjusted.shift(-delay), board.adjusted.shift(-ahead)
    return pd.DataFrame(np.log(target / entry)).where(fresh & unbroken)
