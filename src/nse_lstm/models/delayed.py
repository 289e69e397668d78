"""Windows whose target is the return of a trade that is entered after the origin."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.features.windows import PER_WINDOW, Windows, select_windows

STALE_ENTRY = "stale entry"
"""Why a window is dropped whose entry has no price of its own."""


def aim_at_trades(
    windows: Windows, stale: NDArray[np.datetime64], *, delay: int
) -> Windows:
    """Replace each target by the origin's price times the growth of the trade.

    The target becomes P(t) x P(t + delay + horizon) / P(t + delay): a price of the
    origin's size, so that network, scaler and loss of v2 stay as they are, whose log
    return over the origin's price is the one from entry to target. The change
    between origin and entry, which nobody can earn, is no part of it.

    Parameters
    ----------
    windows : Windows
        Of ``make_windows`` with the same delay, not split yet: ``prices`` must reach
        the entries.
    stale : array of datetime64
        Sessions of the ticker that repeated the price before them. Windows with their
        entry there are dropped and counted.
    delay : int
        Sessions between origin and entry.

    Returns
    -------
    Windows
        In order of origin.
    """
    y = windows.last_price * windows.y / windows.prices[windows.last + delay]
    lost = np.isin(windows.entry_date, stale)
    aimed = replace(windows, y=y)
    return replace(
        aimed,
        **{name: getattr(aimed, name)[~lost] for name in PER_WINDOW},
        dropped_target=np.append(windows.dropped_target, windows.target_date[lost]),
        dropped_reason=np.append(
            windows.dropped_reason, np.full(lost.sum(), STALE_ENTRY)
        ),
    )


def date_trades(
    windows: Windows, sessions: pd.DatetimeIndex, *, delay: int, horizon: int
) -> Windows:
    """Give windows without a target the entry and the target of their trade.

    Whether a target will have a price is not known at the origin. So no window is
    dropped for that, as it would be for training.

    Parameters
    ----------
    windows : Windows
        Of ``open_windows``.
    sessions : DatetimeIndex
        The market's calendar.
    delay, horizon : int
        Sessions from origin to entry, and from entry to target.

    Returns
    -------
    Windows
        Those whose target lies on the calendar.
    """
    entry = sessions.get_indexer(pd.DatetimeIndex(windows.origin)) + delay
    inside = entry + horizon < len(sessions)
    dates, kept = sessions.to_numpy("datetime64[us]"), select_windows(windows, inside)
    return replace(
        kept,
        entry_date=dates[entry[inside]],
        target_date=dates[entry[inside] + horizon],
    )
