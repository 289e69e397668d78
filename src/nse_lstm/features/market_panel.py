"""The market's ordinary shares side by side: one frame a quantity, sessions by tickers.

Indicators, places and targets are taken from here. A frame's row is known in the
evening of its session, but for the price of a stale session, which is known one session
later; so no signal is formed on a stale session, while later ones may use its price.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from nse_lstm.config import CrossSection
from nse_lstm.data.adjusted import drop_unmended_prices, pivot_sessions
from nse_lstm.errors import DataError
from nse_lstm.features.cross_sectional_rank import monthly_universe
from nse_lstm.features.returns import market_sessions, with_returns


@dataclass(frozen=True, eq=False)
class MarketPanel:
    """Frames of shape (n_sessions, n_tickers) on the market's calendar.

    A number is missing where the ticker has no row or the files say nothing; ``low``,
    ``high`` and ``turnover`` are missing on stale sessions too, which only copy them.
    """

    price: pd.DataFrame
    """As printed, KES; of a stale session what it was mended with."""
    low: pd.DataFrame
    high: pd.DataFrame
    adjusted: pd.DataFrame
    """KES, in shares of the ticker's first row."""
    log_return: pd.DataFrame
    """From the session before, as ``returns.with_returns`` defines it."""
    turnover: pd.DataFrame
    """Price times volume, KES; 0 where nothing was dealt."""
    listed: pd.DataFrame
    """Bool: the ticker has a row."""
    stale: pd.DataFrame
    """Bool: that row copies the session before."""
    usable: pd.DataFrame
    """Bool: a signal may be formed; listed, priced, neither stale nor suspended."""
    breaks: pd.DataFrame
    """Gaps and ex-dates that no return is taken across, counted from the first row."""
    member: pd.DataFrame
    """Bool: in the month's universe."""
    market: "pd.Series[float]"
    """Mean log return of the universe's members, shape (n_sessions,)."""

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """The market's calendar."""
        return pd.DatetimeIndex(self.price.index)


def make_market_panel(panel: pd.DataFrame, cross_section: CrossSection) -> MarketPanel:
    """Lay a panel's ordinary shares out on the market's calendar.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL`` of the whole market, whose calendar is ``market_sessions``.
    cross_section : CrossSection
        The universe's rule.

    Raises
    ------
    DataError
        If there is no ordinary share.
    """
    rows = _ordinary_rows(panel)
    fresh = rows[~rows["stale"]]
    sessions = market_sessions(panel)
    tickers = pd.Index(np.unique(rows["ticker"].astype(str)), name="ticker")

    spread = partial(pivot_sessions, sessions=sessions, tickers=tickers)
    turnover = spread(fresh, "turnover")
    log_return = spread(rows, "log_return")
    stale = spread(rows, "stale").eq(True)
    member = monthly_universe(turnover[~stale.any(axis=1)], sessions, cross_section)
    return MarketPanel(
        price=spread(rows, "price"),
        low=spread(fresh, "low"),
        high=spread(fresh, "high"),
        adjusted=spread(rows, "adjusted"),
        log_return=log_return,
        turnover=turnover,
        listed=spread(rows, "stale").notna(),
        stale=stale,
        usable=spread(fresh, "usable").eq(True),
        breaks=spread(rows, "breaks"),
        member=member,
        market=log_return.where(member).mean(axis=1),
    )


def to_rows(
    frames: Mapping[str, pd.DataFrame], where: pd.DataFrame, *, time: str
) -> pd.DataFrame:
    """Turn frames of a board back into a long table.

    Parameters
    ----------
    frames : mapping of str to DataFrame of shape (n_sessions, n_tickers)
        By the name of the column that each becomes.
    where : DataFrame of shape (n_sessions, n_tickers)
        Bool: which cells become rows.
    time : str
        Name of the column of sessions, which comes after ``ticker``.

    Returns
    -------
    DataFrame
        Sorted by ticker and session.
    """
    ticker, session = np.nonzero(where.to_numpy().T)
    columns = {
        name: frame.to_numpy()[session, ticker] for name, frame in frames.items()
    }
    return pd.DataFrame(
        {"ticker": where.columns[ticker], time: where.index[session], **columns}
    )


def _ordinary_rows(panel: pd.DataFrame) -> pd.DataFrame:
    rows = with_returns(drop_unmended_prices(panel))
    rows = rows[rows["kind"] == "ordinary"]
    if rows.empty:
        raise DataError(
            f"Expected ordinary shares in the panel. Received: {len(panel)} rows of "
            f"kinds {sorted(panel['kind'].unique())}"
        )
    broken = rows["gap"] | rows["settling"]
    return rows.assign(
        turnover=(rows["price"] * rows["volume"]).fillna(0.0),
        usable=rows["price"].notna() & ~rows["suspended"] & ~rows["settling"],
        breaks=broken.groupby(rows["ticker"]).cumsum(),
    )
