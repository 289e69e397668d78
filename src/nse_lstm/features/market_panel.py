"""Ordinary shares side by side: one frame per quantity, sessions by stocks.

Indicators, ranks and targets are computed from these frames. A row is known after the
close of its session. A stale session's price is known one session later, so no signal
is formed on it, while later sessions may use its price.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from nse_lstm.config import CrossSection, Ticks
from nse_lstm.data.adjusted import drop_unmended_prices, pivot_sessions
from nse_lstm.errors import DataError
from nse_lstm.features.cross_sectional_rank import monthly_universe
from nse_lstm.features.returns import market_sessions, with_returns


@dataclass(frozen=True, eq=False)
class MarketPanel:
    """Frames of shape (n_sessions, n_tickers) on the market's calendar.

    A number is missing where the stock has no row or the files have no value. ``low``,
    ``high`` and ``turnover`` are missing on stale sessions too.
    """

    price: pd.DataFrame
    """As printed, KES; the mended price on a stale session."""
    low: pd.DataFrame
    high: pd.DataFrame
    adjusted: pd.DataFrame
    """KES, adjusted to the stock's first row."""
    log_return: pd.DataFrame
    """From the session before, see ``returns.with_returns``."""
    turnover: pd.DataFrame
    """Price times volume, KES; 0 where nothing was traded."""
    listed: pd.DataFrame
    """Bool: the stock has a row."""
    stale: pd.DataFrame
    """Bool: the row copies the session before."""
    usable: pd.DataFrame
    """Bool: a signal may be formed; listed, priced, neither stale nor suspended."""
    breaks: pd.DataFrame
    """Number of gaps and unexplained ex-dates so far; no return spans one."""
    member: pd.DataFrame
    """Bool: in the month's universe."""
    market: "pd.Series[float]"
    """Mean log return of the universe's members, shape (n_sessions,)."""
    ticks: Ticks
    """Price steps of the exchange."""

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """The market's calendar."""
        return pd.DatetimeIndex(self.price.index)


def make_market_panel(panel: pd.DataFrame, cross_section: CrossSection) -> MarketPanel:
    """Pivot a panel's ordinary shares to the market's calendar.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL`` of the whole market, whose calendar is ``market_sessions``.
    cross_section : CrossSection
        Rule of the monthly universe, and the exchange's price steps.

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
        ticks=cross_section.ticks,
    )


def to_rows(
    frames: Mapping[str, pd.DataFrame], where: pd.DataFrame, *, time: str
) -> pd.DataFrame:
    """Turn wide frames back into a long table.

    Parameters
    ----------
    frames : mapping of str to DataFrame of shape (n_sessions, n_tickers)
        By the name of the column that each one becomes.
    where : DataFrame of shape (n_sessions, n_tickers)
        Bool: the cells that become rows.
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
