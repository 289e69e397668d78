"""Universe selection: the stocks worth training on, judged before the test year.

A stock is tradable if its history is long enough for a network and it is traded often
enough. Tradable stocks are ranked by turnover. Returns, profits and model scores are
not used, so the choice cannot favour a model.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm import tables
from nse_lstm.config import Universe
from nse_lstm.data.adjusted import (
    drop_unmended_prices,
    market_sessions,
    pivot_sessions,
    with_returns,
)
from nse_lstm.errors import DataError
from nse_lstm.numerics import is_constant

RECOMMENDED, TRADABLE, UNFIT = 1, 2, 3
MIN_RETURNS = 3
"""Fewest returns for a volatility and an autocorrelation."""


def stock_statistics(
    panel: pd.DataFrame,
    instruments: pd.DataFrame,
    *,
    before: pd.Timestamp,
    universe: Universe,
) -> pd.DataFrame:
    """Describe every code before a date, and tier and rank the stocks.

    Only rows with ``session < before`` are used. A stale last session is left out,
    since its mended price is known one session later. So are codes without a row before
    the date.

    Parameters
    ----------
    panel, instruments : DataFrame
        ``tables.PANEL`` and ``tables.INSTRUMENTS``, of which ``name`` and ``sector``
        are taken, today's labels that decide nothing.
    before : Timestamp
        First day that must not be known, such as the test year's.
    universe : config.Universe
        The rules of selection.

    Returns
    -------
    DataFrame
        ``tables.STATISTICS``, sorted by ticker. Fractions are of sessions that are not
        stale; in the recent span a session without a row counts as one without a trade.
        ``volatility`` and ``autocorrelation`` (lag 1) are of adjusted log returns per
        session (``with_returns``) and missing below three returns. ``median_turnover``
        is KES per session, 0 on a session without a trade. Ties rank by ticker.

    Raises
    ------
    DataError
        If no row lies before the date.
    """
    known = _known(panel, before)
    labels = instruments.set_index("ticker")[["name", "sector"]]
    stats = _history(known).join(_recent(known, universe)).join(labels)
    stats["unfit"] = _unfit_reasons(stats, universe)
    ordered = stats[stats["unfit"] == ""].sort_index(kind="stable")
    ordered = ordered.sort_values("median_turnover", ascending=False, kind="stable")
    stats["rank"] = pd.Series(np.arange(1, len(ordered) + 1), index=ordered.index)
    stats["rank"] = stats["rank"].fillna(0).astype("int64")
    stats["tier"] = np.select(
        [stats["rank"] == 0, stats["rank"] <= universe.n_recommended],
        [UNFIT, RECOMMENDED],
        default=TRADABLE,
    )
    stats["reason"] = _reasons(stats, universe)
    table = stats.sort_index().reset_index()[list(tables.STATISTICS.columns)]
    return tables.check(table, tables.STATISTICS)


def recommended(statistics: pd.DataFrame) -> list[str]:
    """Return the recommended tickers in the order of their rank."""
    first = statistics[statistics["tier"] == RECOMMENDED].sort_values("rank")
    return [str(ticker) for ticker in first["ticker"]]


def ranked(statistics: pd.DataFrame) -> list[str]:
    """Return every tradable ticker in the order of its rank."""
    tradable = statistics[statistics["rank"] > 0].sort_values("rank")
    return [str(ticker) for ticker in tradable["ticker"]]


def recommendations_document(
    statistics: pd.DataFrame, *, before: pd.Timestamp, universe: Universe
) -> dict[str, Any]:
    """Return the recommendations and their rule as plain JSON values.

    Every code has one entry under ``stocks``, by tier, rank and ticker. Missing values
    are null.

    Parameters
    ----------
    statistics : DataFrame
        ``tables.STATISTICS``.
    before : Timestamp
        As given to ``stock_statistics``.
    universe : config.Universe
        As given to ``stock_statistics``.
    """
    order = statistics.sort_values(["tier", "rank", "ticker"])
    columns = ["tier", "rank", "ticker", "name", "kind", "sector", "n_sessions"]
    columns += ["traded_share", "recent_traded_share", "median_turnover", "reason"]
    plain = order[columns].astype(object).where(order[columns].notna(), None)
    return {
        "known_before": f"{before:%Y-%m-%d}",
        "rule": asdict(universe),
        "recommended": recommended(statistics),
        "n_by_tier": {
            str(tier): int((statistics["tier"] == tier).sum())
            for tier in (RECOMMENDED, TRADABLE, UNFIT)
        },
        "stocks": plain.to_dict(orient="records"),
    }


def _known(panel: pd.DataFrame, before: pd.Timestamp) -> pd.DataFrame:
    known = panel[panel["session"] < before]
    if known.empty:
        raise DataError(
            f"Expected sessions before {before:%Y-%m-%d}. Received: the first is "
            f"{panel['session'].min():%Y-%m-%d}"
        )
    is_last = known["session"] == known["session"].max()
    known = known[~(known["stale"] & is_last)].sort_values(["ticker", "session"])
    return known.reset_index(drop=True)


def _history(known: pd.DataFrame) -> pd.DataFrame:
    """Describe each ticker over all its sessions."""
    by_ticker = known.groupby("ticker")
    fresh = known[~known["stale"]].groupby("ticker")
    stats = pd.DataFrame(
        {
            "kind": by_ticker["kind"].first(),
            "first_session": by_ticker["session"].first(),
            "last_session": by_ticker["session"].last(),
            "n_sessions": by_ticker["price"].count(),
            "last_price": by_ticker["price"].last(),
            "is_suspended": by_ticker["suspended"].last(),
        }
    )
    stats["traded_share"] = fresh["volume"].count() / fresh.size()
    returns = with_returns(drop_unmended_prices(known))["log_return"]
    groups = returns.groupby(known["ticker"])
    n_returns = groups.count()
    # A return of this size is rounding of an unchanged price.
    is_unchanged = (returns.abs() <= 1e-12).groupby(known["ticker"]).sum()
    stats["unchanged_share"] = is_unchanged / n_returns.where(n_returns > 0)
    stats["volatility"] = groups.std().where(n_returns >= MIN_RETURNS)
    stats["autocorrelation"] = groups.apply(_autocorrelation)
    return stats.fillna({"traded_share": 0.0})


def _autocorrelation(returns: "pd.Series[float]") -> float:
    """Return the lag-1 autocorrelation over pairs of neighbouring returns."""
    now, before = returns.to_numpy()[1:], returns.to_numpy()[:-1]
    is_pair = ~np.isnan(now) & ~np.isnan(before)
    now, before = now[is_pair], before[is_pair]
    if len(now) < MIN_RETURNS or is_constant(now) or is_constant(before):
        return np.nan
    return float(np.clip(np.corrcoef(now, before)[0, 1], -1, 1))


def _recent(known: pd.DataFrame, universe: Universe) -> pd.DataFrame:
    """Describe each ticker over the market's trailing sessions without stale ones."""
    fresh = known[~known["stale"]]
    sessions = market_sessions(fresh)
    turnover = (fresh["price"] * fresh["volume"]).fillna(0.0)
    wide = pivot_sessions(
        fresh.assign(turnover=turnover),
        "turnover",
        sessions=sessions,
        tickers=np.unique(known["ticker"].astype(str)),
    ).fillna(0.0)
    recent = wide.tail(universe.liquidity_sessions)
    traded = fresh[fresh["volume"].notna()].groupby("ticker")["session"].max()
    last_trade = traded.reindex(wide.columns).to_numpy()
    place = np.searchsorted(sessions, last_trade, side="right")
    never = np.isnat(last_trade)
    return pd.DataFrame(
        {
            "recent_traded_share": (recent > 0).mean().fillna(0.0),
            "median_turnover": recent.median().fillna(0.0),
            "sessions_since_trade": len(sessions) - np.where(never, 0, place),
            "n_recent": len(recent),
        },
        index=wide.columns,
    ).rename_axis("ticker")


def _unfit_reasons(stats: pd.DataFrame, universe: Universe) -> "pd.Series[str]":
    """Return the reason why a code is not worth training on, "" where it is."""
    fails = [
        stats["kind"] != "ordinary",
        stats["n_sessions"] < universe.min_sessions,
        stats["is_suspended"],
        stats["sessions_since_trade"] > universe.recency_sessions,
        stats["recent_traded_share"] < universe.min_traded_share,
    ]
    sentences = [
        "Not an ordinary share but of kind " + stats["kind"] + ".",
        "Has a price on "
        + stats["n_sessions"].astype(str)
        + f" sessions; at least {universe.min_sessions} are needed.",
        "Suspended: no trade in the last "
        + stats["sessions_since_trade"].astype(str)
        + " sessions.",
        "Last traded "
        + stats["sessions_since_trade"].astype(str)
        + f" sessions ago; at most {universe.recency_sessions} are allowed.",
        "Traded on "
        + _percent(stats["recent_traded_share"])
        + " of the last "
        + stats["n_recent"].astype(str)
        + f" sessions; at least {universe.min_traded_share * 100:.0f} % is needed.",
    ]
    chosen = np.select(fails, sentences, default="")
    return pd.Series(chosen, index=stats.index, dtype="str")


def _reasons(stats: pd.DataFrame, universe: Universe) -> "pd.Series[str]":
    n_tradable = int((stats["rank"] > 0).sum())
    ranked = (
        "Rank "
        + stats["rank"].astype(str)
        + f" of {n_tradable} by median turnover, KES "
        + stats["median_turnover"].map("{:,.0f}".format)
        + " per session; "
    )
    place = np.where(stats["tier"] == RECOMMENDED, "among", "tradable, but not among")
    ranked = ranked + place + f" the {universe.n_recommended} recommended."
    return stats["unfit"].where(stats["rank"] == 0, ranked).astype("str")


def _percent(share: "pd.Series[float]") -> "pd.Series[str]":
    """Format a percentage rounded down, so that a missed limit does not read as met."""
    return pd.Series(np.floor(share * 100 + 1e-9)).astype(int).astype(str) + " %"
