"""The market by year: missing days, concentration of turnover, listings and exits.

The files begin with the codes of their first year, so stocks that left before are
missing from every count.
"""

import numpy as np
import pandas as pd

from nse_lstm import tables
from nse_lstm.data.flags import MAX_BREAK
from nse_lstm.data.market_statistics.wide_panel import WidePanel

TOP = (1, 5, 10, 25)
RECENT = 10
"""A code with a row in this many last sessions counts as listed."""
SILENCE = 250
"""Sessions without a trade, about a year, after which trading has stopped."""


def absent_days(sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the weekdays without a session, between the first and the last.

    Returns
    -------
    DataFrame
        ``tables.ABSENT_DAYS``, mostly public holidays. ``in_gap`` marks days in a break
        of more than 14 days.
    """
    days = pd.bdate_range(sessions[0], sessions[-1]).difference(sessions)
    after = np.searchsorted(sessions, days)
    width = sessions[after] - sessions[after - 1]
    table = pd.DataFrame({"day": days, "in_gap": width > MAX_BREAK})
    return tables.check(table.astype({"day": tables.TIME}), tables.ABSENT_DAYS)


def concentration(wide: WidePanel) -> pd.DataFrame:
    """Return each year's ordinary shares by their fraction of turnover, largest first.

    Returns
    -------
    DataFrame
        ``tables.CONCENTRATION``, without stocks that were not traded in the year.
    """
    is_ordinary = np.array(wide.kinds) == "ordinary"
    years = wide.sessions.year.to_numpy()
    turnover = pd.DataFrame(
        wide.turnover[:, is_ordinary],
        columns=np.array(wide.tickers)[is_ordinary],
    )
    blocks = [_ranked(turnover[years == year].sum(), year) for year in np.unique(years)]
    table = pd.concat(blocks, ignore_index=True).astype({"ticker": tables.TEXT})
    return tables.check(table, tables.CONCENTRATION)


def _ranked(turnover: "pd.Series[float]", year: int) -> pd.DataFrame:
    order = turnover[turnover > 0].sort_values(ascending=False, kind="stable")
    share = (order / order.sum()).to_numpy()
    return pd.DataFrame(
        {
            "year": int(year),
            "rank": np.arange(1, len(order) + 1),
            "ticker": order.index,
            "turnover_share": share,
            # Rounding may end above 1.
            "cumulative_share": np.minimum(np.cumsum(share), 1.0),
        }
    )


def lifespans(wide: WidePanel) -> pd.DataFrame:
    """Return each code's first and last session, last trade and fate.

    Returns
    -------
    DataFrame
        ``tables.LIFESPANS``. ``entered``: its first row is not on the market's first
        session. ``fate``: ``left`` if it has no row in the market's last 10 sessions,
        else ``stopped`` if it was not traded for 250, else ``trading``.
    """
    n, place = len(wide.sessions), np.arange(len(wide.sessions))[:, None]
    is_traded = wide.turnover > 0
    first = np.where(wide.listed, place, n).min(axis=0)
    last = np.where(wide.listed, place, -1).max(axis=0)
    trade = np.where(is_traded, place, -1).max(axis=0)
    fates = [last < n - RECENT, trade < n - SILENCE]
    table = pd.DataFrame(
        {
            "ticker": list(wide.tickers),
            "kind": list(wide.kinds),
            "first_session": wide.sessions[first],
            "last_session": wide.sessions[last],
            "last_trade": wide.sessions[trade].where(trade >= 0),
            "n_sessions": wide.listed.sum(axis=0),
            "entered": first > 0,
            "fate": np.select(fates, ["left", "stopped"], default="trading"),
        }
    )
    times = dict.fromkeys(["first_session", "last_session", "last_trade"], tables.TIME)
    return tables.check(table.astype(times | {"fate": tables.TEXT}), tables.LIFESPANS)


def market_years(
    wide: WidePanel,
    *,
    ranks: pd.DataFrame,
    lives: pd.DataFrame,
    absent: pd.DataFrame,
) -> pd.DataFrame:
    """Describe the market's ordinary shares by year.

    Parameters
    ----------
    wide : WidePanel
    ranks, lives, absent : DataFrame
        ``tables.CONCENTRATION``, ``tables.LIFESPANS`` and ``tables.ABSENT_DAYS`` of the
        same wide.

    Returns
    -------
    DataFrame
        ``tables.MARKET_YEARS``. A code that left or stopped counts in the year of its
        last trade, or of its last row if it never traded.
    """
    is_ordinary = np.array(wide.kinds) == "ordinary"
    turnover = pd.DataFrame(wide.turnover[:, is_ordinary], index=wide.sessions)
    # A stale session's trades are unknown.
    turnover = turnover[turnover.notna().any(axis=1)]
    by_year = pd.DatetimeIndex(turnover.index).year
    share = ranks["turnover_share"] ** 2
    n_sessions = pd.Series(wide.sessions.year).value_counts()
    table = pd.DataFrame(
        {
            "n_sessions": n_sessions.sort_index(),
            "n_listed": turnover.groupby(by_year).count().gt(0).sum(axis=1),
            "n_traded": turnover.gt(0).sum(axis=1).groupby(by_year).median(),
            "turnover": turnover.sum(axis=1).groupby(by_year).median(),
            "herfindahl": share.groupby(ranks["year"]).sum(),
        }
    )
    for top in TOP:
        chosen = ranks[ranks["rank"] <= top]
        # All shares of a small market may sum to one rounding step above 1.
        shares = chosen.groupby("year")["turnover_share"].sum()
        table[f"top_{top}"] = shares.clip(upper=1.0)
    for name, days in _events(lives, absent).items():
        counts = days.dt.year.value_counts()
        table[name] = counts.reindex(table.index).fillna(0).astype("int64")
    table = table.rename_axis("year").reset_index().astype({"year": "int64"})
    return tables.check(table[list(tables.MARKET_YEARS.columns)], tables.MARKET_YEARS)


def _events(lives: pd.DataFrame, absent: pd.DataFrame) -> dict[str, pd.Series]:
    own = lives[lives["kind"] == "ordinary"]
    gone = own[own["fate"] != "trading"]
    return {
        "n_absent": absent.loc[~absent["in_gap"], "day"],
        "n_gap": absent.loc[absent["in_gap"], "day"],
        "n_entering": own.loc[own["entered"], "first_session"],
        "n_ending": gone["last_trade"].fillna(gone["last_session"]),
    }
