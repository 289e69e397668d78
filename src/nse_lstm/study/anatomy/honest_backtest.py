"""The last steps, by the repository's own dealer and scorer, and what luck would do."""

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
from nse_lstm.evaluation.portfolios import hold_equal_weight
from nse_lstm.evaluation.scoring import POOL, score_strategies
from nse_lstm.evaluation.significance import (
    deflated_sharpe_ratio,
    moments_of,
    smallest_detectable_sharpe,
    trial_variance,
)
from nse_lstm.evaluation.strategies import EQUAL_WEIGHT, HOLD
from nse_lstm.features.returns import market_sessions
from nse_lstm.tables import STRATEGY_RETURNS, conform

SCORED = ["net_return", "sharpe_ratio", "sharpe_over_cash", "exposure", "turnover"]


@dataclass(frozen=True, eq=False)
class Honest:
    """What dealing on the forecasts would have earned, and how sure that is."""

    sharpe: dict[str, dict[str, float]]
    """By step and forecaster; missing where nothing was ever bought."""
    returns: dict[str, pd.DataFrame]
    """By step: ``place`` (session) and the net returns of each forecaster."""
    scores: pd.DataFrame
    """At the headline cost, beside holding: one row a strategy."""
    first: pd.Timestamp
    last: pd.Timestamp
    n_sessions: int
    cost_bps: int
    cash_rate: float
    """A year."""
    cash_return: float
    """A session."""
    smallest_detectable: float
    """The least yearly Sharpe ratio that a span as long can tell from zero."""
    deflated: float
    """Probability that it beats the luckiest of ``n_trials`` worthless tries; missing
    where nothing was ever bought."""
    n_trials: int


def deal_honestly(
    study: Study,
    panel: pd.DataFrame,
    *,
    forecasts: dict[str, pd.Series],
    ticker: str,
    names: Sequence[str],
    start: pd.Timestamp,
    end: pd.Timestamp,
    claimed_cost_bps: int,
) -> Honest:
    """Deal forecasts a session later, then pay the costs, then set them beside cash.

    Parameters
    ----------
    study : Study
        ``dealing``, ``universe`` and ``verdict`` are used.
    panel : DataFrame
        Sealed PANEL with ``with_returns`` columns.
    forecasts : dict of Series
        Forecast log returns by origin, one series a forecaster, ``network`` among them.
    ticker : str
        The stock that is forecast.
    names : sequence of str
        The stocks of the equal-weight holding.
    start, end : Timestamp
        The span that is dealt, ``end`` exclusive.
    claimed_cost_bps : int
        Cost a side of the first step.
    """
    backtest = study.backtest
    headline = backtest.headline_cost_bps
    boards = {
        name: tradability(
            panel[panel["ticker"] == name],
            sessions=market_sessions(panel),
            start=start,
            end=end,
            backtest=backtest,
        )
        for name in dict.fromkeys([ticker, *names])
    }
    unpaid = replace(backtest, cash_rate=0.0)
    books = {
        "next_day": _books(boards[ticker], forecasts, unpaid, claimed_cost_bps),
        "costs": _books(boards[ticker], forecasts, unpaid, headline),
        "cash": _books(boards[ticker], forecasts, backtest, headline),
    }
    held = {
        HOLD: _books(boards[ticker], {HOLD: None}, backtest, headline)[HOLD],
        EQUAL_WEIGHT: hold_equal_weight(
            [boards[name] for name in names], backtest=backtest, cost_bps=headline
        ),
    }
    scores = {step: _scores(each, backtest) for step, each in books.items()}
    final = books["cash"]["network"]
    sessions, n_trials = final["session"], study.universe.n_recommended
    return Honest(
        sharpe={
            step: {who: float(table[_ratio(step)].loc[who]) for who in forecasts}
            for step, table in scores.items()
        },
        returns={step: _net(each) for step, each in books.items()},
        scores=_scores(books["cash"] | held, backtest),
        first=sessions.iloc[0],
        last=sessions.iloc[-1],
        n_sessions=len(final),
        cost_bps=headline,
        cash_rate=backtest.cash_rate,
        cash_return=backtest.cash_rate / backtest.sessions_per_year,
        smallest_detectable=smallest_detectable_sharpe(
            len(final) / backtest.sessions_per_year, confidence=study.verdict.confidence
        ),
        deflated=_deflated(final, n_trials),
        n_trials=n_trials,
    )


def _books(
    board: TradabilityCalendar,
    forecasts: "dict[str, pd.Series] | dict[str, None]",
    backtest: Backtest,
    cost_bps: int,
) -> dict[str, pd.DataFrame]:
    """Deal each forecast by its sign; without one the stock is held."""
    everywhere = pd.Series(np.nan, index=pd.DatetimeIndex(board.origin).dropna())
    books = {}
    for who, y_hat in forecasts.items():
        rule = "hold" if y_hat is None else "sign"
        given = everywhere if y_hat is None else y_hat
        signals = to_signals(given, rule=rule, backtest=backtest, cost_bps=cost_bps)
        books[who] = simulate_fills(
            board, signals, backtest=backtest, cost_bps=cost_bps
        )
    return books


def _scores(books: dict[str, pd.DataFrame], backtest: Backtest) -> pd.DataFrame:
    """Score accounts with the study's scorer, one row each."""
    table = pd.concat(books, names=["model", "row"]).reset_index().assign(ticker=POOL)
    table = table.assign(seed=0, fold=0, rule="sign", cost_bps=0)
    rows = conform(table, STRATEGY_RETURNS)
    scores = score_strategies(rows, backtest=backtest)
    wide = scores.pivot(index="model", columns="metric", values="value")
    return wide[SCORED]


def _ratio(step: str) -> str:
    return "sharpe_over_cash" if step == "cash" else "sharpe_ratio"


def _net(books: dict[str, pd.DataFrame]) -> pd.DataFrame:
    sessions = next(iter(books.values()))["session"]
    net = {who: book["net_return"] for who, book in books.items()}
    return pd.DataFrame({"place": sessions, **net})


def _deflated(book: pd.DataFrame, n_trials: int) -> float:
    moments = moments_of(book["net_return"] - book["cash_return"])
    if np.isnan(moments.sharpe):
        return float("nan")
    return deflated_sharpe_ratio(
        moments.sharpe,
        n=moments.n,
        skew=moments.skew,
        kurtosis=moments.kurtosis,
        n_trials=n_trials,
        variance=trial_variance([0.0], moments.n),
    )
