"""Random-signal test: a strategy's turnover and exposure, timed by chance.

A stock's random path starts flat. It is invested for as many sessions, in as many
stretches, as the strategy was. Every such path is equally likely. So a draw pays the
same costs and bears the same market risk: only the timing is chance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Backtest
from nse_lstm.errors import TableError
from nse_lstm.evaluation import metrics
from nse_lstm.evaluation.backtest import TradabilityCalendar, net_of_cost
from nse_lstm.evaluation.scoring import MIN_EXPOSURE, POOL
from nse_lstm.evaluation.strategies import FORECAST_RULES, TradabilityByStock
from nse_lstm.tables import SCORES, conform

RANDOM = "random_positions"
"""The ``model`` of the draws; its ``rule`` is that of the strategy it imitates."""
BEATEN = "random_beaten"
"""Metric of the strategy itself: share of draws that earned less, ties half."""
BAND = (0.05, 0.95)
"""Quantiles of the draws in ``lower`` and ``upper``; their median is ``value``."""

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Drawn = dict[str, Numbers]


@dataclass(frozen=True, eq=False)
class _Account:
    """Pooled session returns of the draws, arrays of shape (draws, n_sessions)."""

    net: Numbers
    gross: Numbers
    position: Numbers
    turnover: Numbers


def score_random(
    returns: pd.DataFrame,
    calendars: TradabilityByStock,
    *,
    model: str,
    backtest: Backtest,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """Score random positions with the turnover and exposure of one model's strategies.

    A path changes only on sessions when the strategy could have traded: those whose
    orders fill on both sides, and those when it did trade. The number of trades and of
    tradable sessions invested equal the strategy's. Stocks are drawn independently and
    pooled at equal capital, like the strategy's.

    Parameters
    ----------
    returns : DataFrame
        ``STRATEGY_RETURNS`` that include the model's; others are ignored.
    calendars : dict
        From ``tradability_by_stock``, of the same stocks and folds.
    model : str
        Its strategies are imitated, at each of its rules and cost levels.
    backtest : Backtest
        ``sessions_per_year`` is used.
    draws : int
        Number of random accounts for each seed of the model.
    seed : int
        Of the draws. A stock's draws do not depend on the other stocks in the table.
        They are the same at every cost level at which its strategy traded alike.

    Returns
    -------
    DataFrame
        ``SCORES`` of ticker "ALL". Model "random_positions" has the median of the draws
        with their 5 and 95 % quantiles; ``n`` is the number of draws for which the
        metric is defined. The model itself has ``random_beaten``, the share of draws
        with a lower net return (a tie counts half), missing where all draws are
        equal.

    Raises
    ------
    TableError
        If the model has no strategy in the table.
    """
    chosen = (returns["model"] == model) & returns["rule"].isin(FORECAST_RULES)
    if not chosen.any():
        raise TableError(f"Expected strategies of {model!r}. Received: none")
    accounts = returns[chosen]
    rows: list[dict[str, object]] = []
    for (fold, rule, cost), block in accounts.groupby(["fold", "rule", "cost_bps"]):
        key = {"ticker": POOL, "fold": fold, "rule": rule, "cost_bps": cost}
        found, beaten = _compare(
            block, calendars, draws=draws, seed=seed, backtest=backtest
        )
        rows += [key | {"model": RANDOM, "metric": m, **_band(found[m])} for m in found]
        rows.append(key | {"model": model, "metric": BEATEN, **beaten})
    table = pd.DataFrame(rows)
    return conform(table, SCORES)


def draw_paths(
    tradable: Flags, position: Numbers, *, draws: int, generator: np.random.Generator
) -> Numbers:
    """Draw random position paths with the turnover and exposure of one stock's account.

    Parameters
    ----------
    tradable : array of shape (n,)
        Sessions at which a path may change.
    position : array of shape (n,)
        0 or 1, held after each session; it changes on tradable sessions only.
    draws : int
        Number of paths.
    generator : Generator
        Source of the random numbers.

    Returns
    -------
    array of shape (draws, n)
        Each row starts flat before the first session, changes on tradable sessions
        only, as often as ``position``, and is 1 after as many of them. All such rows
        are equally likely.

    Examples
    --------
    >>> position = np.array([0.0, 1.0, 1.0, 0.0])
    >>> paths = draw_paths(
    ...     np.ones(4, bool), position, draws=50, generator=np.random.default_rng(0)
    ... )
    >>> np.unique(paths, axis=0).tolist()
    [[0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]]
    """
    # The flat state before the first session opens the first stretch.
    states = np.concatenate([[False], position[tradable] > 0])
    n_out, n_in = int((~states).sum()), int(states.sum())
    n_changes = int((states[1:] != states[:-1]).sum())
    lengths = np.empty((draws, n_changes + 1), np.intp)
    lengths[:, 0::2] = _stretches(n_out, n_changes // 2 + 1, draws, generator)
    if n_changes:
        lengths[:, 1::2] = _stretches(n_in, (n_changes + 1) // 2, draws, generator)
    toggles = np.zeros((draws, len(states)), np.intp)
    np.put_along_axis(toggles, np.cumsum(lengths, axis=1)[:, :-1], 1, axis=1)
    state = np.cumsum(toggles, axis=1) % 2
    # A session without trading keeps the state of the session before.
    return state[:, np.cumsum(tradable)].astype(float)


def _stretches(
    total: int, parts: int, draws: int, generator: np.random.Generator
) -> NDArray[np.intp]:
    """Split ``total`` sessions into stretches of at least one, uniformly at random."""
    keys = generator.random((draws, total - 1))
    cuts = np.sort(np.argsort(keys, axis=1)[:, : parts - 1], axis=1) + 1
    return np.diff(cuts, axis=1, prepend=0, append=total)


def _compare(
    block: pd.DataFrame,
    calendars: TradabilityByStock,
    *,
    draws: int,
    seed: int,
    backtest: Backtest,
) -> tuple[Drawn, dict[str, object]]:
    """Draw for one rule and cost level; return the scores and the share beaten."""
    drawn: list[Drawn] = []
    shares: list[float] = []
    for _, own in block.groupby("seed"):
        account = _draw_account(own, calendars, draws, seed)
        pool = own.groupby("session")[["net_return", "cash_return"]].mean()
        found = _score(account, pool["cash_return"].to_numpy(), backtest)
        net = metrics.total_return(pool["net_return"])
        drawn.append(found)
        shares.append(_share_beaten(net, found["net_return"]))
    pooled = {m: np.concatenate([part[m] for part in drawn]) for m in drawn[0]}
    value = float(np.mean(shares))
    n = draws * len(drawn)
    return pooled, {"value": value, "n": n, "lower": np.nan, "upper": np.nan}


def _draw_account(
    own: pd.DataFrame,
    calendars: TradabilityByStock,
    draws: int,
    seed: int,
) -> _Account:
    """Draw every stock of one strategy and pool the accounts at equal capital."""
    stocks = list(_draw_stocks(own, calendars, draws, seed))
    net, gross, position, turnover = (
        np.mean(parts, axis=0) for parts in zip(*stocks, strict=True)
    )
    return _Account(net, gross, position, turnover)


def _draw_stocks(
    own: pd.DataFrame,
    calendars: TradabilityByStock,
    draws: int,
    seed: int,
) -> Iterator[tuple[Numbers, Numbers, Numbers, Numbers]]:
    """Yield each stock's net and gross return, position and turnover, (draws, n)."""
    for (ticker, fold, rule, cost), rows in own.groupby(
        ["ticker", "fold", "rule", "cost_bps"]
    ):
        rows = rows.sort_values("session")
        calendar = calendars[str(ticker), cast(int, fold)]
        name = f"{ticker} {fold} {rule} {rows['seed'].iloc[0]}"
        turnover = rows["turnover"].to_numpy()
        after = np.abs(rows["position"].to_numpy() - turnover)
        paths = draw_paths(
            _tradable(calendar) | (turnover > 0),
            after,
            draws=draws,
            generator=np.random.default_rng([seed, crc32(name.encode())]),
        )
        held = np.concatenate([np.zeros((draws, 1)), paths[:, :-1]], axis=1)
        cash, stock = rows["cash_return"].to_numpy(), rows["stock_return"].to_numpy()
        gross = held * stock + (1 - held) * cash
        traded = np.abs(paths - held)
        net = net_of_cost(gross, traded, cost_bps=cast(int, cost))
        yield net, gross, held, traded


def _tradable(calendar: TradabilityCalendar) -> Flags:
    return calendar.buy_fills & calendar.sell_fills & ~np.isnat(calendar.origin)


def _score(account: _Account, cash: Numbers, backtest: Backtest) -> Drawn:
    """Measure every draw as ``score_strategies`` measures a strategy."""
    year = backtest.sessions_per_year
    exposure = account.position.mean(axis=1)
    invested = exposure >= MIN_EXPOSURE
    net, gross = account.net, account.gross
    found = {
        "net_return": [metrics.total_return(row) for row in net],
        "gross_return": [metrics.total_return(row) for row in gross],
        "sharpe_ratio": [_sharpe(row, year) for row in net[invested]],
        "sharpe_over_cash": [_sharpe(row, year, cash) for row in net[invested]],
        "max_drawdown": [metrics.max_drawdown(row) for row in net],
        "turnover": list(account.turnover.mean(axis=1) * year),
        "exposure": list(exposure),
    }
    return {metric: np.array(values, float) for metric, values in found.items()}


def _sharpe(net: Numbers, year: int, cash: Numbers | float = 0.0) -> float:
    return metrics.sharpe_ratio(net, sessions_per_year=year, cash=cash)


def _share_beaten(net: float, drawn: Numbers) -> float:
    # Draws that differ by rounding only are the same account.
    if np.ptp(drawn) < 1e-12:
        return float("nan")
    ties = np.isclose(drawn, net, rtol=0, atol=1e-12)
    return float(np.mean(((drawn < net) & ~ties) + 0.5 * ties))


def _band(drawn: Numbers) -> dict[str, object]:
    known = drawn[~np.isnan(drawn)]
    if not known.size:
        return {"value": np.nan, "n": 0, "lower": np.nan, "upper": np.nan}
    lower, upper = np.quantile(known, BAND)
    return {
        "value": float(np.median(known)),
        "n": known.size,
        "lower": float(lower),
        "upper": float(upper),
    }
