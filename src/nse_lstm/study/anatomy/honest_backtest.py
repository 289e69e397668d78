"""Backtest the claim's forecasts by the study's own fills, costs and scorer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nse_lstm.config import Backtest, Study
from nse_lstm.evaluation.backtest import (
    TradabilityCalendar,
    simulate_fills,
    to_signals,
    tradability,
)
from nse_lstm.evaluation.cash import compound_cash, describe_cash
from nse_lstm.evaluation.portfolios import hold_equal_weight
from nse_lstm.evaluation.scoring import POOL, score_strategies
from nse_lstm.evaluation.significance import (
    deflate_by_trials,
    moments_of,
    smallest_detectable_sharpe,
)
from nse_lstm.evaluation.strategies import EQUAL_WEIGHT, HOLD
from nse_lstm.evaluation.total_return import return_basis
from nse_lstm.features.returns import market_sessions
from nse_lstm.tables import STRATEGY_RETURNS, conform

SCORED = ["net_return", "sharpe_ratio", "sharpe_over_cash", "exposure", "turnover"]


@dataclass(frozen=True, eq=False)
class HonestBacktest:
    """Result of trading on the forecasts, with its uncertainty."""

    sharpe: dict[str, dict[str, float]]
    """By step and forecaster, missing where nothing was ever bought."""
    returns: dict[str, pd.DataFrame]
    """By step: ``place`` (session) and the net returns of each forecaster."""
    scores: pd.DataFrame
    """One row per strategy at the headline cost, with the two benchmarks."""
    first: pd.Timestamp
    last: pd.Timestamp
    n_sessions: int
    cost_bps: int
    cash_words: str
    """What cash earned, in words."""
    cash_return: float
    """Over the whole span, compounded."""
    with_dividends: bool
    """Whether account and benchmarks earn dividends."""
    smallest_detectable: float
    """Smallest yearly Sharpe ratio that is detectable in a span of this length."""
    deflated: float
    """Deflated Sharpe ratio against ``n_trials`` worthless trials, missing where
    nothing was ever bought."""
    n_trials: int


def backtest_honestly(
    study: Study,
    panel: pd.DataFrame,
    *,
    forecasts: dict[str, pd.Series],
    ticker: str,
    names: Sequence[str],
    start: pd.Timestamp,
    end: pd.Timestamp,
    claimed_cost_bps: int,
) -> HonestBacktest:
    """Backtest forecasts with a session's delay, then with costs, then against cash.

    Parameters
    ----------
    study : Study
        Its ``backtest``, ``universe`` and ``verdict`` are used.
    panel : DataFrame
        Sealed PANEL with ``with_returns`` columns.
    forecasts : dict of Series
        Forecast log returns by origin and forecaster, ``network`` among them.
    ticker : str
        The stock that is forecast.
    names : sequence of str
        The stocks of the equal-weight benchmark.
    start, end : Timestamp
        Span of the backtest, ``end`` exclusive.
    claimed_cost_bps : int
        Cost per side in the first step.
    """
    backtest = study.backtest
    headline = backtest.headline_cost_bps
    stocks = list(dict.fromkeys([ticker, *names]))
    basis = return_basis(panel, stocks, start=start, end=end, backtest=backtest)
    calendars = {
        name: tradability(
            panel[panel["ticker"] == name],
            sessions=market_sessions(panel),
            start=start,
            end=end,
            backtest=backtest,
            total_return=basis.is_total,
        )
        for name in stocks
    }
    unpaid = replace(backtest, cash_rate=0.0, bill_rates={})
    own = calendars[ticker]
    accounts = {
        "next_day": _accounts(own, forecasts, unpaid, claimed_cost_bps),
        "costs": _accounts(own, forecasts, unpaid, headline),
        "cash": _accounts(own, forecasts, backtest, headline),
    }
    benchmarks = {
        HOLD: _accounts(own, {HOLD: None}, backtest, headline)[HOLD],
        EQUAL_WEIGHT: hold_equal_weight(
            [calendars[name] for name in names], backtest=backtest, cost_bps=headline
        ),
    }
    scores = {step: _scores(each, backtest) for step, each in accounts.items()}
    final = accounts["cash"]["network"]
    sessions, n_trials = final["session"], study.universe.n_recommended
    return HonestBacktest(
        sharpe={
            step: {name: float(table[_ratio(step)].loc[name]) for name in forecasts}
            for step, table in scores.items()
        },
        returns={step: _net(each) for step, each in accounts.items()},
        scores=_scores(accounts["cash"] | benchmarks, backtest),
        first=sessions.iloc[0],
        last=sessions.iloc[-1],
        n_sessions=len(final),
        cost_bps=headline,
        cash_words=describe_cash(sessions.iloc[0], sessions.iloc[-1], backtest),
        cash_return=compound_cash(final),
        with_dividends=basis.is_total,
        smallest_detectable=smallest_detectable_sharpe(
            len(final) / backtest.sessions_per_year, confidence=study.verdict.confidence
        ),
        deflated=_deflated(final, n_trials),
        n_trials=n_trials,
    )


def _accounts(
    calendar: TradabilityCalendar,
    forecasts: "dict[str, pd.Series] | dict[str, None]",
    backtest: Backtest,
    cost_bps: int,
) -> dict[str, pd.DataFrame]:
    """Trade each forecast by its sign, and hold the stock where there is none."""
    everywhere = pd.Series(np.nan, index=pd.DatetimeIndex(calendar.origin).dropna())
    accounts = {}
    for name, y_hat in forecasts.items():
        rule = "hold" if y_hat is None else "sign"
        given = everywhere if y_hat is None else y_hat
        signals = to_signals(given, rule=rule, backtest=backtest, cost_bps=cost_bps)
        accounts[name] = simulate_fills(
            calendar, signals, backtest=backtest, cost_bps=cost_bps
        )
    return accounts


def _scores(accounts: dict[str, pd.DataFrame], backtest: Backtest) -> pd.DataFrame:
    """Score accounts with the study's scorer, one row each."""
    table = pd.concat(accounts, names=["model", "row"]).reset_index()
    table = table.assign(ticker=POOL)
    table = table.assign(seed=0, fold=0, rule="sign", cost_bps=0)
    rows = conform(table, STRATEGY_RETURNS)
    scores = score_strategies(rows, backtest=backtest)
    wide = scores.pivot(index="model", columns="metric", values="value")
    return wide[SCORED]


def _ratio(step: str) -> str:
    return "sharpe_over_cash" if step == "cash" else "sharpe_ratio"


def _net(accounts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    sessions = next(iter(accounts.values()))["session"]
    net = {name: account["net_return"] for name, account in accounts.items()}
    return pd.DataFrame({"place": sessions, **net})


def _deflated(account: pd.DataFrame, n_trials: int) -> float:
    moments = moments_of(account["net_return"] - account["cash_return"])
    deflated = deflate_by_trials(moments, [0.0], n_trials=n_trials)
    return float("nan") if deflated is None else deflated
