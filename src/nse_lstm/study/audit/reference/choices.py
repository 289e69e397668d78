"""The reference's recommended stocks, and the champion model of each."""

import math
from datetime import date
from statistics import mean, median, stdev

from nse_lstm.config import Universe
from nse_lstm.study.audit.reference.market import ReferenceMarket


def recommend(
    market: ReferenceMarket, ordinary: set[str], before: date, universe: Universe
) -> list[str]:
    """Return the recommended stocks as of a date, the highest turnover first.

    Parameters
    ----------
    market : ReferenceMarket
        Rows of every session.
    ordinary : set of str
        Tickers of ordinary shares.
    before : date
        Only sessions before it are used.
    universe : Universe
        The study's rules of recommendation.
    """
    known = [day for day in market.sessions if day < before]
    if _is_stale(market, known[-1]):
        known.pop()
    fresh = [day for day in known if not _is_stale(market, day)]
    found = {}
    for ticker in sorted(ordinary & market.stocks.keys()):
        rows = market.stocks[ticker]
        listed = [day for day in known if day in rows]
        priced = sum(rows[day].price is not None for day in listed)
        traded = [i for i, d in enumerate(fresh) if d in rows and rows[d].volume]
        if not listed or not traded or rows[listed[-1]].suspended:
            continue
        recent = [
            _turnover(market, ticker, d) for d in fresh[-universe.liquidity_sessions :]
        ]
        eligible = priced >= universe.min_sessions
        eligible &= len(fresh) - 1 - traded[-1] <= universe.recency_sessions
        eligible &= sum(t > 0 for t in recent) >= universe.min_traded_share * len(
            recent
        )
        if eligible:
            found[ticker] = median(recent)
    order = sorted(found, key=lambda ticker: (-found[ticker], ticker))
    return order[: universe.n_recommended]


def paired_losses(losses: dict[str, dict[date, float]]) -> list[dict[str, float]]:
    """Return each model's loss at the origins that all of them have.

    Parameters
    ----------
    losses : dict
        By model and origin.
    """
    if not losses:
        return []
    shared = sorted(set.intersection(*(set(by_day) for by_day in losses.values())))
    return [{model: losses[model][day] for model in losses} for day in shared]


def choose_champion(losses: dict[str, dict[date, float]]) -> str:
    """Return the simplest model within one standard error of the best.

    Parameters
    ----------
    losses : dict
        Squared errors by origin, of "persistence" and, where it is qualified, of one
        network.
    """
    networks = [name for name in losses if name != "persistence"]
    shared = sorted(set.intersection(*(set(by_day) for by_day in losses.values())))
    if not networks or "persistence" not in losses or not shared:
        return "persistence"
    (own,) = networks
    naive, network = ([losses[n][d] for d in shared] for n in ("persistence", own))
    gaps = [a - b for a, b in zip(naive, network, strict=True)]
    error = stdev(gaps) / math.sqrt(len(gaps)) if len(gaps) > 1 else 0.0
    return own if mean(network) < mean(naive) and mean(gaps) > error else "persistence"


def _is_stale(market: ReferenceMarket, day: date) -> bool:
    return any(rows[day].stale for rows in market.stocks.values() if day in rows)


def _turnover(market: ReferenceMarket, ticker: str, day: date) -> float:
    row = market.stocks[ticker].get(day)
    if row is None or row.price is None or row.volume is None:
        return 0.0
    return row.price * row.volume
