"""What luck alone would have earned with a strategy's own turnover and exposure.

A stock's random path starts flat and is invested for as many sessions, in as many
stretches, as the strategy was: every such path is equally likely. So a draw pays the
same costs and bears the same market; only the timing is chance.
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
from nse_lstm.evaluation.strategies import FORECAST_RULES, tradability_by_stock
from nse_lstm.features.returns import with_returns
from nse_lstm.tables import SCORES, conform

RANDOM = "random_positions"
"""The ``model`` of the draws; its ``rule`` is that of the strategy it imitates."""
BEATEN = "random_beaten"
"""Metric of the strategy itself: share of draws that it out-earned, ties half."""
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
    panel: pd.DataFrame,
    *,
    model: str,
    backtest: Backtest,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """Score random positions with the turnover and exposure of one model's strategies.

    A path changes only on sessions when the strategy could have dealt: those whose
    orders fill on both sides, and those when it did deal. Turnover is the strategy's to
    the deal, exposure to the dealable session. Stocks are drawn independently and
    pooled at equal capital, as the strategy's are.

    Parameters
    ----------
    returns : DataFrame
        ``STRATEGY_RETURNS`` with the model's books; others are ignored.
    panel : DataFrame
        ``PANEL`` of the whole market.
    model : str
        Whose strategies are imitated, each of its rules and cost levels.
    draws : int
        Number of random accounts for each seed of the model.
    seed : int
        Of the draws. A stock's do not depend on which others are in the table, and are
        the same at every cost level at which its strategy dealt alike.

    Returns
    -------
    DataFrame
        ``SCORES`` of ticker "ALL". Of model "random_positions" the median of the draws
        with their 5 and 95 % quantiles, ``n`` being the number of draws for which the
        metric is defined; of the model itself ``random_beaten``, the share of draws
        whose net return it exceeds (a half for each tie), missing where no draw
        differs from another.

    Raises
    ------
    TableError
        If the model has no strategy in the table.
    """
    chosen = (returns["model"] == model) & returns["rule"].isin(FORECAST_RULES)
    if not chosen.any():
        raise TableError(f"Expected strategies of {model!r}. Received: none")
    books = returns[chosen]
    boards = tradability_by_stock(books, with_returns(panel), backtest=backtest)
    rows: list[dict[str, object]] = []
    for (fold, rule, cost), block in books.groupby(["fold", "rule", "cost_bps"]):
        key = {"ticker": POOL, "fold": fold, "rule": rule, "cost_bps": cost}
        found, beaten = _compare(
            block, boards, draws=draws, seed=seed, backtest=backtest
        )
        rows += [key | {"model": RANDOM, "metric": m, **_band(found[m])} for m in found]
        rows.append(key | {"model": model, "metric": BEATEN, **beaten})
    table = pd.DataFrame(rows)
    return conform(table, SCORES)


def draw_paths(
    dealable: Flags, position: Numbers, *, draws: int, generator: np.random.Generator
) -> Numbers:
    """Draw positions after each session's deal, like those of one stock's book.

    Parameters
    ----------
    dealable : array of shape (n,)
        Sessions at which a path may change.
    position : array of shape (n,)
        0 or 1, held after each session's deal; it changes on dealable sessions only.
    draws : int
    generator : Generator

    Returns
    -------
    array of shape (draws, n)
        Each row starts flat before the first session, changes on dealable sessions
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
    states = np.concatenate([[False], position[dealable] > 0])
    n_out, n_in = int((~states).sum()), int(states.sum())
    n_changes = int((states[1:] != states[:-1]).sum())
    lengths = np.empty((draws, n_changes + 1), np.intp)
    lengths[:, 0::2] = _stretches(n_out, n_changes // 2 + 1, draws, generator)
    if n_changes:
        lengths[:, 1::2] = _stretches(n_in, (n_changes + 1) // 2, draws, generator)
    toggles = np.zeros((draws, len(states)), np.intp)
    np.put_along_axis(toggles, np.cumsum(lengths, axis=1)[:, :-1], 1, axis=1)
    state = np.cumsum(toggles, axis=1) % 2
    # A session that nobody can deal in keeps the state of the one before.
    return state[:, np.cumsum(dealable)].astype(float)


def _stretches(
    total: int, parts: int, draws: int, generator: np.random.Generator
) -> NDArray[np.intp]:
    """Split ``total`` sessions into stretches of at least one, uniformly at random."""
    keys = generator.random((draws, total - 1))
    cuts = np.sort(np.argsort(keys, axis=1)[:, : parts - 1], axis=1) + 1
    return np.diff(cuts, axis=1, prepend=0, append=total)


def _compare(
    block: pd.DataFrame,
    boards: dict[tuple[str, int], TradabilityCalendar],
    *,
    draws: int,
    seed: int,
    backtest: Backtest,
) -> tuple[Drawn, dict[str, object]]:
    """Draw for one rule and cost level; return the scores and how many were beaten."""
    drawn: list[Drawn] = []
    shares: list[float] = []
    for _, own in block.groupby("seed"):
        found = _score(_draw_account(own, boards, draws, seed), backtest)
        net = metrics.total_return(own.groupby("session")["net_return"].mean())
        drawn.append(found)
        shares.append(_share_beaten(net, found["net_return"]))
    pooled = {m: np.concatenate([part[m] for part in drawn]) for m in drawn[0]}
    value = float(np.mean(shares))
    n = draws * len(drawn)
    return pooled, {"value": value, "n": n, "lower": np.nan, "upper": np.nan}


def _draw_account(
    own: pd.DataFrame,
    boards: dict[tuple[str, int], TradabilityCalendar],
    draws: int,
    seed: int,
) -> _Account:
    """Draw every stock of one strategy and pool them at equal capital."""
    stocks = list(_draw_stocks(own, boards, draws, seed))
    net, gross, position, turnover = (
        np.mean(parts, axis=0) for parts in zip(*stocks, strict=True)
    )
    return _Account(net, gross, position, turnover)


def _draw_stocks(
    own: pd.DataFrame,
    boards: dict[tuple[str, int], TradabilityCalendar],
    draws: int,
    seed: int,
) -> Iterator[tuple[Numbers, Numbers, Numbers, Numbers]]:
    """Draw each stock: net, gross, position held into, and turnover of sessions."""
    for (ticker, fold, rule, cost), book in own.groupby(
        ["ticker", "fold", "rule", "cost_bps"]
    ):
        book = book.sort_values("session")
        board = boards[str(ticker), cast(int, fold)]
        name = f"{ticker} {fold} {rule} {book['seed'].iloc[0]}"
        turnover = book["turnover"].to_numpy()
        after = np.abs(book["position"].to_numpy() - turnover)
        paths = draw_paths(
            _dealable(board) | (turnover > 0),
            after,
            draws=draws,
            generator=np.random.default_rng([seed, crc32(name.encode())]),
        )
        held = np.concatenate([np.zeros((draws, 1)), paths[:, :-1]], axis=1)
        cash, stock = book["cash_return"].to_numpy(), book["stock_return"].to_numpy()
        gross = held * stock + (1 - held) * cash
        dealt = np.abs(paths - held)
        net = net_of_cost(gross, dealt, cost_bps=cast(int, cost))
        yield net, gross, held, dealt


def _dealable(board: TradabilityCalendar) -> Flags:
    return board.buy_fills & board.sell_fills & ~np.isnat(board.origin)


def _score(account: _Account, backtest: Backtest) -> Drawn:
    """Measure every draw as ``score_strategies`` measures a strategy."""
    year = backtest.sessions_per_year
    cash = backtest.cash_rate / year
    exposure = account.position.mean(axis=1)
    invested = exposure >= MIN_EXPOSURE
    net, gross = account.net, account.gross
    found = {
        "net_return": [metrics.total_return(row) for row in net],
        "gross_return": [metrics.total_return(row) for row in gross],
        "sharpe_ratio": [_sharpe(row, year, 0.0) for row in net[invested]],
        "sharpe_over_cash": [_sharpe(row, year, cash) for row in net[invested]],
        "max_drawdown": [metrics.max_drawdown(row) for row in net],
        "turnover": list(account.turnover.mean(axis=1) * year),
        "exposure": list(exposure),
    }
    return {metric: np.array(values, float) for metric, values in found.items()}


def _sharpe(net: Numbers, year: int, cash: float) -> float:
    return metrics.sharpe_ratio(net, sessions_per_year=year, cash=cash)


def _share_beaten(net: float, drawn: Numbers) -> float:
    # Draws that differ by rounding only are one and the same account.
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
