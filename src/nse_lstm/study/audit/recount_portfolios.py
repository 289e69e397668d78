"""Recount the scores of every portfolio line from the published accounts."""

import math
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from nse_lstm.study.audit.recount_data import RecountData
from nse_lstm.study.audit.recount_scores import Expected
from nse_lstm.study.audit.reference.statistics import (
    NORMAL,
    draw_resamples,
    mean,
    quantile,
)
from nse_lstm.tables import PORTFOLIO_RETURNS, read_table

RETURNS, SCORES = "portfolio_returns.parquet", "portfolio_scores.parquet"
SIGNALS = "four_signals"
EQUAL, HOLD, INDEX = "equal_weight", "buy_and_hold", "index_hold"
TILTS = ("partial", "buffer", "optimised")
POWER = 0.8

Line = tuple[str, str, int]
"""Model, rule and cost."""


def recount_portfolio_scores(data: RecountData, folder: Path) -> Expected:
    """Yield every number of the portfolios' scores from their accounts.

    Parameters
    ----------
    data : RecountData
    folder : Path
        Of Phase 4's tables.
    """
    table = read_table(PORTFOLIO_RETURNS, folder / RETURNS)
    if table.empty:
        return
    lines, starts = _read_lines(table)
    year, headline = data.backtest.sessions_per_year, data.backtest.headline_cost_bps
    cash = next(iter(lines.values()))["cash_return"]
    index = lines.get((INDEX, "no_cost", 0)) or lines[EQUAL, "rebalance", 0]
    market = [m - c for m, c in zip(index["net_return"], cash, strict=True)]
    n = len(cash)
    resamples = _Resamples(data, n)
    for line, columns in lines.items():
        key, found = (SCORES, *line), dict[tuple[str, str], float]()
        net = columns["net_return"]
        excess = [a - c for a, c in zip(net, cash, strict=True)]
        for name, rival in _rivals(line, lines, cash).items():
            gap = [a - b for a, b in zip(net, rival, strict=True)]
            value, low, high = resamples.bounds(lambda rows: year * mean(rows[0]), gap)
            metric = f"over_{name}"
            found |= _bounded(metric, value, low, high)
            if name == EQUAL:
                spread = NORMAL.inv_cdf(0.5 + data.study.verdict.confidence / 2)
                error = (high - low) / (2 * spread)
                reach = spread + NORMAL.inv_cdf(POWER)
                found["detectable", "value"] = error * reach
            if name == EQUAL and line[2] == headline:
                ratio = resamples.bounds(
                    lambda rows: math.sqrt(year) * _ratio(rows[0]), gap
                )
                found |= _bounded("information_ratio", *ratio)
        if line[2] == headline or line[0] == INDEX:
            beta = resamples.bounds(lambda rows: _slope(*rows), excess, market)
            alpha = resamples.bounds(
                lambda rows: year * (mean(rows[0]) - _slope(*rows) * mean(rows[1])),
                excess,
                market,
            )
            found |= _bounded("market_beta", *beta)
            found |= _bounded("market_alpha", *alpha)
        found["net_return", "value"] = year * mean(net)
        found["drawdown", "value"] = _drawdown(net)
        found["turnover", "value"] = year * mean(columns["turnover"])
        found["untradable", "value"] = mean(columns["untradable"])
        found["exposure", "value"] = mean(columns["position"])
        equal = lines.get((EQUAL, "rebalance", line[2]))
        if equal is not None:
            less = mean(equal["net_return"])
            own = [mean(values) - less for values in starts[line]]
            found["lowest_start", "value"] = year * min(own)
            found["highest_start", "value"] = year * max(own)
        for (metric, column), number in found.items():
            yield (*key, metric, column), number
        for metric in {metric for metric, _ in found}:
            yield (*key, metric, "n"), n


class _Resamples:
    """Bootstrapped bounds of statistics of the same sessions."""

    def __init__(self, data: RecountData, n: int) -> None:
        verdict = data.study.verdict
        tail = (1 - verdict.confidence) / 2
        self.tails = tail, 1 - tail
        self.drawn = draw_resamples(
            n,
            block=min(verdict.bootstrap_block, n - 1),
            repetitions=verdict.bootstrap_reps,
            seed=data.study.seed,
        )

    def bounds(
        self, statistic: Callable[[list[list[float]]], float], *series: list[float]
    ) -> tuple[float, float, float]:
        """Return a statistic of some series, and its bounds."""
        draws = [
            statistic([[values[i] for i in places] for values in series])
            for places in self.drawn
        ]
        value = statistic(list(series))
        if any(math.isnan(each) for each in draws):
            return value, math.nan, math.nan
        low, high = (quantile(draws, tail) for tail in self.tails)
        return value, low, high


def _read_lines(
    table: pd.DataFrame,
) -> tuple[dict[Line, dict[str, list[float]]], dict[Line, list[list[float]]]]:
    """Return each line's columns, means over its start days, and each start's net."""
    lines, starts = {}, {}
    for (model, rule, cost), rows in table.groupby(["model", "rule", "cost_bps"]):
        line = (str(model), str(rule), int(str(cost)))
        own = [part.sort_values("session") for _, part in rows.groupby("start")]
        lines[line] = {
            column: [
                mean(each)
                for each in zip(*(part[column].tolist() for part in own), strict=True)
            ]
            for column in (
                *("net_return", "cash_return"),
                *("turnover", "untradable", "position"),
            )
        }
        starts[line] = [part["net_return"].tolist() for part in own]
    return lines, starts


def _rivals(
    line: Line, lines: dict[Line, dict[str, list[float]]], cash: list[float]
) -> dict[str, list[float]]:
    model, rule, cost = line
    wanted = {
        EQUAL: (EQUAL, "rebalance", cost),
        HOLD: (HOLD, "hold", cost),
        INDEX: (INDEX, "no_cost", 0),
    }
    if rule in TILTS:
        wanted[SIGNALS] = (SIGNALS, rule, cost)
    return {
        "cash": cash,
        **{
            name: lines[rival]["net_return"]
            for name, rival in wanted.items()
            if name != model and rival in lines
        },
    }


def _bounded(
    metric: str, value: float, low: float, high: float
) -> dict[tuple[str, str], float]:
    return {
        (metric, "value"): value,
        (metric, "lower"): low,
        (metric, "upper"): high,
    }


def _ratio(values: list[float]) -> float:
    centre = mean(values)
    spread = math.sqrt(mean([(v - centre) ** 2 for v in values]))
    return centre / spread if spread > 0 else math.nan


def _slope(values: list[float], market: list[float]) -> float:
    own, centre = mean(values), mean(market)
    pairs = zip(values, market, strict=True)
    together = math.fsum((v - own) * (m - centre) for v, m in pairs)
    return together / math.fsum((m - centre) ** 2 for m in market)


def _drawdown(net: list[float]) -> float:
    value, peak, lowest = 1.0, 1.0, 0.0
    for each in net:
        value *= 1 + each
        peak = max(peak, value)
        lowest = min(lowest, value / peak - 1)
    return lowest
