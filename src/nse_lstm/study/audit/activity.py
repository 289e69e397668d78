"""Each path must act: a rule that never trades in the audit's market hides its defects.

What must act follows from the run's own tables: every model and rule that has an
account, every cost level, and the conditions that the checks are about.
"""

from collections.abc import Iterator

import pandas as pd

from nse_lstm.evaluation.portfolio_rules import TILTS
from nse_lstm.evaluation.strategies import FORECAST_RULES, HOLD
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.origins import KINDS, find_origins
from nse_lstm.study.audit.pipeline_run import PipelineRun

STILL = "persistence"
"""Forecasts no change, so it may never trade, nor may a model with its forecasts."""
STILL_MOVE = 1e-3
"""Log return; a rule that acts forecasts more at least once."""
TRADED = 1e-9
"""A turnover above a rounding error."""


def find_idle(run: PipelineRun) -> list[AuditAlarm]:
    """Return one alarm per path that did nothing in a run.

    Parameters
    ----------
    run : PipelineRun
        On the small market, with its ranking models.
    """
    return [AuditAlarm("acts", where, detail) for where, detail in _idle(run)]


def _idle(run: PipelineRun) -> Iterator[tuple[str, str]]:
    still = _still_models(run.forecasts)
    moving = run.returns[~run.returns["model"].isin(still)]
    yield from _idle_accounts(moving, "network strategies")
    yield from _without_cost(run.returns)
    if run.ranking:
        yield from _idle_accounts(run.ranking.portfolios, "portfolio rules")
        # A price forecast is delayed by one session, and compared at that delay alone.
        delay = run.workspace.study.backtest.delay
        if run.ranking.recommended.empty and delay == 1:
            yield "rank IC of recommended stocks", "no session was ranked"
        ranked = run.ranking.forecasts.groupby("origin")["ticker"].agg(frozenset)
        if ranked.nunique() < 2:
            yield "universe", "never changed"
        weights = run.ranking.weights
        if (weights.max(axis=1) == weights.min(axis=1)).all():
            yield "blend weights", "equal in every fold: nothing was learnt"
    if run.forecasts["y_hat"].isna().all():
        yield "forecasts", "none is known"
    for fold in run.folds:
        found = {origin.kind for origin in find_origins(run.prices, fold, 0)}
        for kind in KINDS:
            if kind not in found:
                yield f"{kind} {fold.year}", "the fold has none"
    yield from _never_lapsed(run)


def _idle_accounts(returns: pd.DataFrame, name: str) -> Iterator[tuple[str, str]]:
    """Say which model and rule never bought and sold, at any cost level."""
    key = ["model", "rule", "cost_bps"]
    own = returns[returns["rule"].isin([*FORECAST_RULES, *TILTS])]
    marked = own.assign(traded=own["turnover"] > TRADED)
    traded = marked.groupby(key)["traded"].sum().reset_index()
    # The gate's threshold may lie above all that a constant forecasts.
    idle = traded[(traded["traded"] < 2) & (traded["model"] != "drift")]
    for row in idle.itertuples():
        where = f"{name}: {row.model} {row.rule} at {row.cost_bps} bps"
        yield where, f"{row.traded} sessions traded"


def _still_models(forecasts: pd.DataFrame) -> set[str]:
    """Return the models that forecast no change: smoothing with its best weight 1."""
    moves = forecasts["y_hat"].abs().groupby(forecasts["model"]).max()
    return {STILL, *moves.index[moves < STILL_MOVE]}


def _without_cost(returns: pd.DataFrame) -> Iterator[tuple[str, str]]:
    paid = returns[(returns["cost_bps"] > 0) & (returns["turnover"] > TRADED)]
    if not (paid["gross_return"] > paid["net_return"]).any():
        yield "costs", "no trade paid any"


def _never_lapsed(run: PipelineRun) -> Iterator[tuple[str, str]]:
    """Say where no order lapsed: at the limit, without volume, or when stale."""
    held = run.returns[run.returns["model"] != HOLD]
    stocks = run.prices[run.prices["ticker"].isin(set(held["ticker"]))]
    limit = run.workspace.study.backtest.limit
    conditions = {
        "a buy at the daily limit": stocks["simple_return"] >= limit,
        "a sale at the daily limit": stocks["simple_return"] <= -limit,
        "a session without volume": stocks["volume"].isna() | stocks["volume"].eq(0),
    }
    for name, mark in conditions.items():
        if not mark.any():
            yield name, "no recommended stock had one"
    idle = run.prices["volume"].isna() & ~run.prices["stale"]
    waited = idle.groupby(run.prices["ticker"], observed=True).shift(fill_value=False)
    if not (waited & (run.prices["factor"] != 1)).any():
        yield "an ex-date without a trade", "no stock had one"
