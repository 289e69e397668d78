"""What a strategy's result hangs on: its market, its costs, its delay, its first day.

Every figure is of the pool (equal capital in every stock of the fold) at the headline
cost, as a yearly mean of session returns rather than compounded, so that years can be
averaged and one figure taken from another.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np
import pandas as pd

from nse_lstm.config import Backtest
from nse_lstm.evaluation.backtest import TradabilityCalendar, simulate_fills, to_signals
from nse_lstm.evaluation.scoring import POOL
from nse_lstm.evaluation.strategies import (
    FORECAST_RULES,
    HOLD,
    strategy_returns,
    tradability_by_stock,
)
from nse_lstm.features.returns import with_returns
from nse_lstm.tables import SCORES, conform

NET = "excess_over_holding"
"""Net, over holding the same stocks at the strategy's own mean exposure, the rest in
cash: the verdict's second excess."""
GROSS = "gross_excess"
"""The same without cost on either side: what the timing is worth by itself."""
NET_LATER, GROSS_LATER = f"{NET}_later", f"{GROSS}_later"
"""Both with every order sent a session later."""
BREAK_EVEN = "break_even_bps"
"""Basis points a side at which the deals of the headline cost would leave cash's mean
return; below 0 where they lose to cash even for nothing."""
START_DAY = "start_day_excess"
"""Net excess over cash of accounts opened on one session after the other: their mean,
with the least and the greatest of them as ``lower`` and ``upper``."""
ROBUSTNESS_METRICS = (NET, GROSS, NET_LATER, GROSS_LATER, BREAK_EVEN, START_DAY)

KEPT = 0.5
"""A strategy that keeps less of its gross excess a session later is fragile."""

STRATEGY = ["model", "rule", "fold"]


def score_robustness(
    forecasts: pd.DataFrame, panel: pd.DataFrame, *, model: str, backtest: Backtest
) -> pd.DataFrame:
    """Score what every strategy's result hangs on.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with one delay a model and a horizon of one session.
    panel : DataFrame
        ``PANEL`` of the whole market.
    model : str
        Whose accounts are opened on other days too (``START_DAY``).
    dealing : Dealing
        ``delay``, the headline cost and ``n_starts`` are used beside what deals.

    Returns
    -------
    DataFrame
        ``SCORES`` of ticker "ALL" and the metrics ``ROBUSTNESS_METRICS``; missing for a
        strategy that never dealt.
    """
    headline = replace(backtest, cost_bps=(backtest.headline_cost_bps,))
    later = replace(headline, delay=backtest.delay + 1)
    now = _excesses(strategy_returns(forecasts, panel, backtest=headline), backtest)
    then = _excesses(strategy_returns(forecasts, panel, backtest=later), backtest)
    moved = then[then["metric"].isin([NET, GROSS])]
    moved = moved.assign(metric=moved["metric"] + "_later")
    own = forecasts[forecasts["model"] == model]
    starts = pd.DataFrame(_starts(own, panel, headline))
    table = pd.concat([now, moved, starts], ignore_index=True)
    idle = pd.MultiIndex.from_frame(now.loc[now["idle"], STRATEGY])
    never = pd.MultiIndex.from_frame(table[STRATEGY]).isin(idle)
    table.loc[never, ["value", "lower", "upper"]] = np.nan
    table = table.assign(ticker=POOL, cost_bps=backtest.headline_cost_bps)
    return conform(table, SCORES)


def is_fragile(gross: float, later: float) -> bool | None:
    """Say whether more than half of a gross excess is gone a session later.

    None where there is no excess to lose.

    Examples
    --------
    >>> is_fragile(0.10, 0.04), is_fragile(0.10, 0.06), is_fragile(-0.10, 0.0)
    (True, False, None)
    """
    return later < KEPT * gross if gross > 0 else None


def _excesses(returns: pd.DataFrame, backtest: Backtest) -> pd.DataFrame:
    """Measure every strategy's excesses and its break-even cost."""
    rows = []
    pools = _pools(returns)
    for (model, rule, fold), pool in pools.groupby(STRATEGY):
        if rule not in FORECAST_RULES:
            continue
        same = (pools["model"] == HOLD) & (pools["fold"] == fold)
        holding = pools[same].set_index("session")
        found = _measure(pool.set_index("session"), holding, backtest)
        key = {"model": model, "rule": rule, "fold": fold, "n": len(pool)}
        key["idle"] = not pool["turnover"].any()
        rows += [{**key, "metric": name, "value": v} for name, v in found.items()]
    return pd.DataFrame(rows).assign(lower=np.nan, upper=np.nan)


def _pools(returns: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over seeds and stocks of every session, one row each."""
    booked = ["position", "turnover", "gross_return", "net_return", "cash_return"]
    stocks = returns[returns["ticker"] != POOL]
    # What a cost of 1 a side would take: the deal is paid after the gross return.
    paid = (1 + stocks["gross_return"]) * stocks["turnover"]
    by_stock = stocks.assign(paid=paid).groupby([*STRATEGY, "ticker", "session"])
    means = by_stock[[*booked, "paid"]].mean().groupby([*STRATEGY, "session"]).mean()
    return means.reset_index()


def _measure(
    pool: pd.DataFrame, holding: pd.DataFrame, backtest: Backtest
) -> dict[str, float]:
    """Measure one strategy's pool of one fold against cash and the holding's pool."""
    exposure, cash = float(pool["position"].mean()), pool["cash_return"]

    def over_holding(name: str) -> float:
        same = exposure * holding[name] + (1 - exposure) * cash
        return float((pool[name] - same).mean()) * backtest.sessions_per_year

    paid = float(pool["paid"].mean())
    gained = float((pool["gross_return"] - cash).mean())
    return {
        NET: over_holding("net_return"),
        GROSS: over_holding("gross_return"),
        BREAK_EVEN: gained / paid * 1e4 if paid else float("nan"),
    }


def _starts(
    forecasts: pd.DataFrame, panel: pd.DataFrame, backtest: Backtest
) -> Iterator[dict[str, object]]:
    """Open every strategy's accounts on the first sessions of the fold in turn."""
    boards = tradability_by_stock(forecasts, with_returns(panel), backtest=backtest)
    for (model, fold), block in forecasts.groupby(["model", "fold"]):
        views = [
            (boards[str(ticker), cast(int, fold)], rows.set_index("origin")["y_hat"])
            for (ticker, _), rows in block.groupby(["ticker", "seed"])
        ]
        n = min(backtest.n_starts, len(views[0][0].session) - 1)
        for rule in FORECAST_RULES:
            found = [_opened(views, rule, start, backtest) for start in range(n)]
            yield {
                **{"model": model, "rule": rule, "fold": fold, "metric": START_DAY},
                "value": float(np.mean(found)),
                "lower": float(np.min(found)),
                "upper": float(np.max(found)),
                "n": n,
            }


def _opened(
    views: list[tuple[TradabilityCalendar, pd.Series]],
    rule: str,
    start: int,
    backtest: Backtest,
) -> float:
    """Return the yearly net excess over cash of accounts opened at one session."""
    cost_bps = backtest.headline_cost_bps
    excesses = []
    for board, y_hat in views:
        signals = to_signals(y_hat, rule=rule, backtest=backtest, cost_bps=cost_bps)
        book = simulate_fills(
            _from(board, start), signals, backtest=backtest, cost_bps=cost_bps
        )
        excesses.append(float((book["net_return"] - book["cash_return"]).mean()))
    return float(np.mean(excesses)) * backtest.sessions_per_year


def _from(board: TradabilityCalendar, start: int) -> TradabilityCalendar:
    """Return the board from one of its sessions on."""
    return TradabilityCalendar(
        **{name: value[start:] for name, value in vars(board).items()}
    )
