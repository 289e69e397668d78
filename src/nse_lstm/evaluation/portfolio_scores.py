"""Scores of portfolio accounts beside every benchmark, with bootstrap intervals.

A line is one model and rule at one cost level: the mean of its accounts over the start
days, session by session. Every line is compared with the same benchmarks at the same
cost on the same sessions, and all statistics of one table come from the same draws of
the stationary bootstrap (Politis and Romano 1994).

References
----------
.. [1] D. Politis and J. Romano (1994). The stationary bootstrap. JASA 89, 1303-1313.
.. [2] M. Jensen (1968). The performance of mutual funds in the period 1945-1964.
   Journal of Finance 23(2), 389-416.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap
from numpy.typing import NDArray
from scipy.stats import norm

from nse_lstm.config import Backtest, Verdict
from nse_lstm.errors import TableError
from nse_lstm.evaluation.portfolio_rules import BUY_AND_HOLD, TILTS
from nse_lstm.evaluation.strategies import INDEX
from nse_lstm.tables import PORTFOLIO_SCORES, conform

Numbers = NDArray[np.float64]

EQUAL_WEIGHT = "equal_weight"
POWER = 0.8
"""Probability with which the smallest detectable excess would be found."""
CASH = "cash"
RATIO, BETA, ALPHA = "information_ratio", "market_beta", "market_alpha"


@dataclass(frozen=True, eq=False)
class _Lines:
    """Series by line, each of shape (n_sessions,), and the columns to resample."""

    net: pd.DataFrame
    """Columns (model, rule, cost_bps)."""
    cash: "pd.Series[float]"
    market: "pd.Series[float]"
    """Return of the index, or of equal weight without costs."""


def score_portfolios(
    returns: pd.DataFrame,
    *,
    signals_model: str,
    backtest: Backtest,
    verdict: Verdict,
    seed: int,
) -> pd.DataFrame:
    """Score every line: net excess over each benchmark, ratios, beta, alpha, turnover.

    Parameters
    ----------
    returns : DataFrame
        ``PORTFOLIO_RETURNS``, with the benchmarks.
    signals_model : str
        Model whose accounts by the same rule are a benchmark of the other models.
    backtest : Backtest
        ``headline_cost_bps`` and ``sessions_per_year`` are used.
    verdict : Verdict
        ``confidence``, ``bootstrap_reps`` and ``bootstrap_block`` are used.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        ``PORTFOLIO_SCORES``. Returns are yearly means as fractions. ``over_...`` is the
        net return less that of a benchmark. ``market_alpha`` and ``market_beta`` are
        those of the excess over cash on the index's. ``lowest_start`` and
        ``highest_start`` are the single start days' ``over_equal_weight``.
        ``detectable`` is the smallest excess over equal weight that would be
        significant with a probability of 80 %.

    Raises
    ------
    TableError
        If equal weight or buy and hold is missing at a cost level.
    """
    lines = _read_lines(returns, backtest)
    gaps = _gaps(lines, signals_model, backtest)
    intervals = _bootstrap(gaps, lines, backtest, verdict, seed)
    spread = norm.ppf(0.5 + verdict.confidence / 2)
    rows = [
        intervals,
        _detectable(intervals, spread),
        *_plain(returns, lines, backtest),
    ]
    table = pd.concat(rows, ignore_index=True).assign(n=len(lines.cash))
    order = ["model", "rule", "cost_bps", "metric"]
    return conform(table.sort_values(order, kind="stable"), PORTFOLIO_SCORES)


def mean_over_starts(returns: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the mean over start days of a column, sessions by (model, rule, cost).

    Parameters
    ----------
    returns : DataFrame
        ``PORTFOLIO_RETURNS``.
    column : str
    """
    key = ["session", "model", "rule", "cost_bps"]
    means = returns.groupby(key)[column].mean().unstack(key[1:])
    return pd.DataFrame(means).sort_index(axis=1)


def _read_lines(returns: pd.DataFrame, backtest: Backtest) -> _Lines:
    net = mean_over_starts(returns, "net_return")
    costs = set(returns.loc[returns["rule"].isin(TILTS), "cost_bps"])
    for name, rule in ((EQUAL_WEIGHT, "rebalance"), (BUY_AND_HOLD, "hold")):
        absent = [cost for cost in costs if (name, rule, cost) not in net.columns]
        if absent:
            raise TableError(
                f"Expected {name} at every cost level. Received: none at {absent}"
            )
    cash = returns.groupby("session")["cash_return"].first()
    index = (INDEX, "no_cost", 0)
    market = index if index in net.columns else (EQUAL_WEIGHT, "rebalance", 0)
    return _Lines(net, cash, net[market])


def _gaps(lines: _Lines, signals_model: str, backtest: Backtest) -> pd.DataFrame:
    """Return the excess series, columns (model, rule, cost_bps, metric)."""
    net, found = lines.net, {}
    for model, rule, cost in net.columns.to_frame().itertuples(index=False):
        own = net[model, rule, cost]
        rivals = {
            CASH: lines.cash,
            EQUAL_WEIGHT: net.get((EQUAL_WEIGHT, "rebalance", cost)),
            BUY_AND_HOLD: net.get((BUY_AND_HOLD, "hold", cost)),
            INDEX: net.get((INDEX, "no_cost", 0)),
        }
        if rule in TILTS and model != signals_model:
            rivals[signals_model] = net.get((signals_model, rule, cost))
        for name, rival in rivals.items():
            if rival is not None and name != model:
                found[model, rule, cost, f"over_{name}"] = own - rival
    return pd.DataFrame(found)


def _bootstrap(
    gaps: pd.DataFrame, lines: _Lines, backtest: Backtest, verdict: Verdict, seed: int
) -> pd.DataFrame:
    """Return every mean excess, ratio, beta and alpha with its bounds."""
    year, headline = backtest.sessions_per_year, backtest.headline_cost_bps
    own = [line for line in lines.net.columns if line[2] in (headline, 0)]
    own = [line for line in own if line[2] == headline or line[0] == INDEX]
    cost, metric = (gaps.columns.get_level_values(level) for level in (2, 3))
    is_ratio = (metric == f"over_{EQUAL_WEIGHT}") & (cost == headline)
    ratios = np.flatnonzero(is_ratio).tolist()
    market = (lines.market - lines.cash).to_numpy()[:, np.newaxis]
    excess = lines.net[own].sub(lines.cash, axis=0).to_numpy()
    data = np.hstack([gaps.to_numpy(), excess, market])
    n = gaps.shape[1]

    def statistics(rows: Numbers) -> Numbers:
        mean = rows.mean(axis=0)
        centred = rows - mean
        spread = np.sqrt((centred[:, ratios] ** 2).mean(axis=0))
        moved = centred[:, -1]
        beta = moved @ centred[:, n:-1] / (moved @ moved)
        return np.concatenate(
            [
                mean[:n] * year,
                mean[ratios] / np.where(spread > 0, spread, np.nan) * np.sqrt(year),
                beta,
                (mean[n:-1] - beta * mean[-1]) * year,
            ]
        )

    block = min(verdict.bootstrap_block, len(data) - 1)
    draws = StationaryBootstrap(block, data, seed=seed).apply(
        statistics, verdict.bootstrap_reps
    )
    tail = (1 - verdict.confidence) / 2
    lower, upper = np.quantile(draws, [tail, 1 - tail], axis=0)
    names = [
        *gaps.columns,
        *((*gaps.columns[place][:3], RATIO) for place in ratios),
        *((*line, BETA) for line in own),
        *((*line, ALPHA) for line in own),
    ]
    table = pd.DataFrame(names, columns=["model", "rule", "cost_bps", "metric"])
    return table.assign(value=statistics(data), lower=lower, upper=upper)


def _detectable(intervals: pd.DataFrame, spread: float) -> pd.DataFrame:
    """Return the smallest excess over equal weight found with ``POWER``."""
    rows = intervals[intervals["metric"] == f"over_{EQUAL_WEIGHT}"]
    error = (rows["upper"] - rows["lower"]) / (2 * spread)
    return rows.assign(
        metric="detectable",
        value=error * (spread + norm.ppf(POWER)),
        lower=np.nan,
        upper=np.nan,
    )


def _plain(
    returns: pd.DataFrame, lines: _Lines, backtest: Backtest
) -> list[pd.DataFrame]:
    """Return the scores that describe an account and have no interval."""
    year = backtest.sessions_per_year
    found = {
        "net_return": lines.net.mean() * year,
        "drawdown": lines.net.apply(_drawdown),
        **{
            name: mean_over_starts(returns, column).mean() * times
            for name, column, times in (
                ("turnover", "turnover", year),
                ("untradable", "untradable", 1),
                ("exposure", "position", 1),
            )
        },
    }
    key = ["model", "rule", "cost_bps"]
    each = returns.groupby([*key, "start"])["net_return"].mean() * year
    for name, chosen in (("lowest_start", "min"), ("highest_start", "max")):
        best = each.groupby(key).agg(chosen)
        equal = found["net_return"].loc[EQUAL_WEIGHT, "rebalance"]
        at_cost = best.index.get_level_values("cost_bps")
        found[name] = best - equal.reindex(at_cost).to_numpy()
    return [
        series.rename("value").reset_index().assign(metric=name)
        for name, series in found.items()
    ]


def _drawdown(net: "pd.Series[float]") -> float:
    """Return the largest fall from a peak, as a negative fraction."""
    value = (1 + net).cumprod()
    return float((value / value.cummax().clip(lower=1.0) - 1).min())
