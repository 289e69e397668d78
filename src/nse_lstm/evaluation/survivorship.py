"""Survivorship bias: the return of a universe against that of its later survivors."""

import numpy as np
import pandas as pd

from nse_lstm.config import Backtest, CrossSection
from nse_lstm.evaluation.backtest import tradability
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.tables import SURVIVORSHIP, conform

RECENT = 10
"""Market sessions before a year within which a member has a priced row."""
LARGE = "largest by turnover"
ALL = "all ordinary shares"


def measure_survivorship(
    panel: pd.DataFrame,
    lifespans: pd.DataFrame,
    *,
    cross_section: CrossSection,
    backtest: Backtest,
    after: int = 0,
) -> pd.DataFrame:
    """Measure what the later disappearance of stocks is worth, year by year.

    A year's members are the ordinary shares with a price just before it that are not
    suspended, at equal weight and held for the year. A stock that leaves, or stops
    trading, is marked at its last price less the declared haircut. Survivors are the
    members that still trade at the end of the panel, which nobody knew then.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL``, sealed.
    lifespans : DataFrame
        ``LIFESPANS`` of the same panel.
    cross_section : CrossSection
        Number and trailing span of the largest stocks by median turnover.
    backtest : Backtest
        As for ``backtest.tradability``.
    after : int
        Only later years are measured.

    Returns
    -------
    DataFrame
        ``SURVIVORSHIP``: price returns of every later year but the files' first.
    """
    prices = with_returns(panel)
    prices = prices[prices["kind"] == "ordinary"]
    sessions = market_sessions(prices)
    years = [year for year in sorted(set(sessions.year)) if year > after]
    # The first year of the files has nobody before it.
    years = [year for year in years if sessions[0] < pd.Timestamp(year, 1, 1)]
    if not years:
        return conform(pd.DataFrame(columns=list(SURVIVORSHIP.columns)), SURVIVORSHIP)
    trading = lifespans.loc[lifespans["fate"] == "trading", "ticker"]
    returns = _returns(prices, sessions, years, backtest)
    rows = []
    for year in years:
        start = pd.Timestamp(year, 1, 1)
        known = prices[prices["session"] < start]
        for universe, names in _members(known, cross_section).items():
            own = returns.loc[year, names]
            stayed = own[own.index.isin(trading)]
            rows.append(
                {
                    "universe": universe,
                    "year": year,
                    "n_stocks": len(own),
                    "n_gone": len(own) - len(stayed),
                    "all_return": own.mean(),
                    "survivor_return": stayed.mean(),
                }
            )
    return conform(pd.DataFrame(rows), SURVIVORSHIP)


def _members(known: pd.DataFrame, cross_section: CrossSection) -> dict[str, list[str]]:
    """Return the members as of the end of the known rows, by universe."""
    sessions = market_sessions(known)
    recent = known[known["session"] > sessions[-1 - min(RECENT, len(sessions) - 1)]]
    last = recent.dropna(subset="price").groupby("ticker").last()
    listed = sorted(last.index[~last["suspended"]])
    span = known["session"].isin(sessions[-cross_section.liquidity_sessions :])
    trailing = known[span & known["ticker"].isin(listed)]
    turnover = (trailing["price"] * trailing["volume"]).fillna(0.0)
    median = turnover.groupby(trailing["ticker"]).median()
    order = median.sort_values(ascending=False, kind="stable").index
    return {ALL: listed, LARGE: sorted(order[: cross_section.size])}


def _returns(
    prices: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    years: list[int],
    backtest: Backtest,
) -> pd.DataFrame:
    """Return each stock's compounded return by year, years by tickers."""
    columns = {}
    for ticker, stock in prices.groupby("ticker"):
        calendar = tradability(
            stock,
            sessions=sessions,
            start=pd.Timestamp(years[0], 1, 1),
            end=sessions[-1] + pd.Timedelta(days=1),
            backtest=backtest,
        )
        of_year = pd.DatetimeIndex(calendar.session).year
        growth = pd.Series(np.log1p(calendar.stock_return)).groupby(of_year).sum()
        columns[str(ticker)] = np.expm1(growth)
    return pd.DataFrame(columns)
