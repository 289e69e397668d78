"""Sensitivity of a strategy's result to its market, costs, delay and first session.

Every value is of the pool (equal capital in every stock of the fold) at the headline
cost. It is a yearly mean of session returns, not compounded, so that years can be
averaged and values subtracted.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pandas as pd

from nse_lstm.config import Backtest
from nse_lstm.evaluation.backtest import TradabilityCalendar, simulate_fills, to_signals
from nse_lstm.evaluation.scoring import POOL
from nse_lstm.evaluation.strategies import FORECAST_RULES, HOLD, TradabilityByStock
from nse_lstm.tables import SCORES, conform

NET = "excess_over_holding"
"""Net return above a holding of the same stocks at the strategy's mean exposure, the
rest in cash: the verdict's second excess."""
GROSS = "gross_excess"
"""The same before costs on both sides: the value of the timing alone."""
NET_LATER, GROSS_LATER = f"{NET}_later", f"{GROSS}_later"
"""Both with every order sent one session later."""
BREAK_EVEN = "break_even_bps"
"""Basis points per side at which the trades would earn the mean return of cash; below 0
where they lose to cash even without costs."""
START_DAY = "start_day_excess"
"""Net excess over cash of accounts opened on successive sessions: their mean, with
their minimum and maximum as ``lower`` and ``upper``."""
ROBUSTNESS_METRICS = (NET, GROSS, NET_LATER, GROSS_LATER, BREAK_EVEN, START_DAY)

KEPT = 0.5
"""A strategy that keeps less of its gross excess one session later is fragile."""

STRATEGY = ["model", "rule", "fold"]


def score_robustness(
    forecasts: pd.DataFrame,
    calendars: TradabilityByStock,
    *,
    returns: pd.DataFrame,
    later: pd.DataFrame,
    model: str,
    backtest: Backtest,
) -> pd.DataFrame:
    """Score the sensitivity of every strategy to costs, delay and first session.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with one delay per model and a horizon of one session.
    calendars : dict
        From ``tradability_by_stock``, of the same stocks and folds.
    returns : DataFrame
        ``STRATEGY_RETURNS`` of ``forecasts``, the headline cost among the levels.
    later : DataFrame
        The same with a delay of one more session.
    model : str
        Its accounts are also opened on later sessions (``START_DAY``).
    backtest : Backtest
        The headline cost, ``n_starts`` and the rules of fills are used.

    Returns
    -------
    DataFrame
        ``SCORES`` of ticker "ALL" and the metrics ``ROBUSTNESS_METRICS``; missing for a
        strategy that never traded.
    """
    now, then = _excesses(returns, backtest), _excesses(later, backtest)
    moved = then[then["metric"].isin([NET, GROSS])]
    moved = moved.assign(metric=moved["metric"] + "_later")
    own = forecasts[forecasts["model"] == model]
    starts = pd.DataFrame(_starts(own, calendars, backtest))
    table = pd.concat([now, moved, starts], ignore_index=True)
    idle = pd.MultiIndex.from_frame(now.loc[now["idle"], STRATEGY])
    never = pd.MultiIndex.from_frame(table[STRATEGY]).isin(idle)
    table.loc[never, ["value", "lower", "upper"]] = np.nan
    table = table.assign(ticker=POOL, cost_bps=backtest.headline_cost_bps)
    return conform(table, SCORES)


def is_fragile(gross: float, later: float) -> bool | None:
    """Return whether over half of a gross excess is lost with one session of delay.

    None where there is no excess to lose.

    Parameters
    ----------
    gross, later : float
        Gross excess at the strategy's own delay, and one session later.

    Examples
    --------
    >>> is_fragile(0.10, 0.04), is_fragile(0.10, 0.06), is_fragile(-0.10, 0.0)
    (True, False, None)
    """
    return later < KEPT * gross if gross > 0 else None


def _excesses(returns: pd.DataFrame, backtest: Backtest) -> pd.DataFrame:
    """Measure every strategy's excesses and its break-even cost."""
    rows = []
    pools = _pools(returns[returns["cost_bps"] == backtest.headline_cost_bps])
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
    columns = ["position", "turnover", "gross_return", "net_return", "cash_return"]
    stocks = returns[returns["ticker"] != POOL]
    # Cost of 1 per side: (1 + gross) * turnover, paid after the gross return.
    paid = (1 + stocks["gross_return"]) * stocks["turnover"]
    by_stock = stocks.assign(paid=paid).groupby([*STRATEGY, "ticker", "session"])
    means = by_stock[[*columns, "paid"]].mean().groupby([*STRATEGY, "session"]).mean()
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
    forecasts: pd.DataFrame, calendars: TradabilityByStock, backtest: Backtest
) -> Iterator[dict[str, object]]:
    """Yield each strategy's score over accounts opened on successive first sessions."""
    for (model, fold), block in forecasts.groupby(["model", "fold"]):
        runs = [
            (calendars[str(ticker), cast(int, fold)], rows.set_index("origin")["y_hat"])
            for (ticker, _), rows in block.groupby(["ticker", "seed"])
        ]
        n = min(backtest.n_starts, len(runs[0][0].session) - 1)
        for rule in FORECAST_RULES:
            found = [_opened(runs, rule, start, backtest) for start in range(n)]
            yield {
                **{"model": model, "rule": rule, "fold": fold, "metric": START_DAY},
                "value": float(np.mean(found)),
                "lower": float(np.min(found)),
                "upper": float(np.max(found)),
                "n": n,
            }


def _opened(
    runs: list[tuple[TradabilityCalendar, pd.Series]],
    rule: str,
    start: int,
    backtest: Backtest,
) -> float:
    """Return the yearly net excess over cash of accounts opened at one session."""
    cost_bps = backtest.headline_cost_bps
    excesses = []
    for calendar, y_hat in runs:
        signals = to_signals(y_hat, rule=rule, backtest=backtest, cost_bps=cost_bps)
        account = simulate_fills(
            _from(calendar, start), signals, backtest=backtest, cost_bps=cost_bps
        )
        excesses.append(float((account["net_return"] - account["cash_return"]).mean()))
    return float(np.mean(excesses)) * backtest.sessions_per_year


def _from(calendar: TradabilityCalendar, start: int) -> TradabilityCalendar:
    """Return the calendar from one of its sessions on."""
    return TradabilityCalendar(
        **{name: value[start:] for name, value in vars(calendar).items()}
    )
