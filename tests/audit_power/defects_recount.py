"""Defects in what is published: figures that no longer say what they are called."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from audit_power.defects import Defect
from nse_lstm.evaluation import (
    capacity,
    conformal,
    forecast_evidence,
    portfolios,
    random_positions,
    robustness,
    scoring,
    verdict,
)
from nse_lstm.study.audit.patching import patched
from nse_lstm.study.core import trials
from nse_lstm.study.core import verdict as declared_verdict
from nse_lstm.study.validation import evidence as gathered
from nse_lstm.study.validation import validate

Change = Callable[..., Any]


def _changed(module: ModuleType, name: str, change: Change) -> Any:
    """Replace a function by one that is given the function and its arguments."""

    @contextmanager
    def patch() -> Iterator[None]:
        before = getattr(module, name)

        def other(*given: Any, **how: Any) -> Any:
            return change(before, *given, **how)

        with patched(module, **{name: other}):
            yield

    return patch


def _card_before_costs(card: Change, scores: pd.DataFrame, **how: Any) -> Any:
    """Show the Sharpe ratios of accounts that pay nothing."""
    ratio = scores["metric"].isin(["sharpe_ratio", "sharpe_over_cash"])
    headline = how["backtest"].headline_cost_bps
    free = scores[ratio & (scores["cost_bps"] == 0)].assign(cost_bps=headline)
    kept = scores[~(ratio & (scores["cost_bps"] == headline))]
    return card(pd.concat([kept, free], ignore_index=True), **how)


def _single_days(bootstrap: Change, block: Any, *given: Any, **how: Any) -> Any:
    """Resample single sessions."""
    return bootstrap(1, *given, **how)


def _on_the_scored_year(
    select: Change, forecasts: pd.DataFrame, panel: pd.DataFrame, **how: Any
) -> Any:
    """Choose on the last walk-forward year alone, by the errors of another stock."""
    last = forecasts["fold"] == forecasts["fold"].max()
    return select(forecasts[last & (forecasts["origin"].dt.month > 6)], panel, **how)


def _over_zero(ratio: Change, returns: Any, *, cash: Any = 0.0, **how: Any) -> float:
    return float(ratio(returns, **how))


def _one_trial(deflate: Change, found: Any, others: Any) -> Any:
    """Deflate by a single trial, whatever was tried."""
    return deflate(found, [])


def _ninety(
    intervals: Change, excess: Any, backtest: Any, settings: Any, seed: Any
) -> Any:
    """Print the bounds of a narrower interval."""
    return intervals(excess, backtest, replace(settings, confidence=0.8), seed)


def _open_is_covered(covered: Change, block: pd.DataFrame, *given: Any) -> Any:
    """Count intervals without bounds as hits."""
    found = covered(block, *given)
    hits = found["coverage"] * found["n"] + found["n_open"]
    return {**found, "coverage": hits / (found["n"] + found["n_open"])}


def _known_early(arrivals: Change, rows: pd.DataFrame) -> Any:
    """Use an error one session before its target."""
    return arrivals(rows.assign(target_date=rows["origin"]))


def _wins_with_interest(wins: Change, rows: pd.DataFrame) -> Any:
    """Count the interest on idle money as a win."""
    return wins(rows.assign(cash_return=0.0))


def _wins_of_gross(wins: Change, rows: pd.DataFrame) -> Any:
    return wins(rows.assign(net_return=rows["gross_return"]))


def _gross_drawdown(account: Change, rows: pd.DataFrame, *given: Any) -> Any:
    found = account(rows, *given)
    free = account(rows.assign(net_return=rows["gross_return"]), *given)
    return {**found, "max_drawdown": free["max_drawdown"]}


def _any_volume(limits: Change, *given: Any, **how: Any) -> Any:
    found = limits(*given, **how)
    return replace(found, volume=np.full_like(found.volume, 1e12))


def _free(net: Change, gross: Any, turnover: Any, *, cost_bps: int) -> Any:
    return net(gross, turnover, cost_bps=0)


def _free_account(sessions: Change, *given: Any, cost_bps: int, **how: Any) -> Any:
    return sessions(*given, cost_bps=0, **how)


def _pooled_cases(losses: Change, joined: pd.DataFrame, **how: Any) -> Any:
    """Take each stock and session for an observation of its own."""
    apart = joined.assign(
        target_date=joined["target_date"]
        + pd.to_timedelta(joined["ticker"].rank(method="dense"), "s")
    )
    return losses(apart, **how)


def _own_holding(measure: Change, pool: Any, holding: Any, backtest: Any) -> Any:
    """Hold fully, whatever the strategy's exposure."""
    found = measure(pool, holding, backtest)
    full = (pool["net_return"] - holding["net_return"]).mean()
    return {**found, robustness.NET: float(full) * backtest.sessions_per_year}


def _no_later(score: Change, *given: Any, later: Any, returns: Any, **how: Any) -> Any:
    """Print the excess in time as that of one session later."""
    return score(*given, later=returns, returns=returns, **how)


def _seven_tenths(seen: Change, years: float, **how: Any) -> float:
    """Print a smaller detectable ratio than the span allows."""
    return float(seen(2 * years, **how))


def _unpaired(difference: Change, losses: pd.DataFrame, name: str, base: str) -> Any:
    """Divide by the number of sessions, not by its root."""
    found = difference(losses, name, base)
    return replace(found, standard_error=found.standard_error / len(losses) ** 0.5)


def _half_the_trials() -> AbstractContextManager[None]:
    """Count one rule's strategies as trials."""
    return patched_value(trials, "FORECAST_RULES", ("gate",))


@contextmanager
def patched_value(module: ModuleType, name: str, value: Any) -> Iterator[None]:
    """Replace a constant for the length of a block."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _selection() -> ModuleType:
    from nse_lstm.evaluation import selection

    return selection


RECOUNT_DEFECTS = (
    Defect(
        "card before costs",
        "the report card's Sharpe ratios pay no costs",
        _changed(validate, "report_card", _card_before_costs),
    ),
    Defect(
        "bootstrap of single sessions",
        "the verdict's bounds resample blocks of length 1",
        _changed(verdict, "StationaryBootstrap", _single_days),
    ),
    Defect(
        "bootstrap of single sessions, tests",
        "the tests' bounds resample blocks of length 1",
        _changed(forecast_evidence, "StationaryBootstrap", _single_days),
    ),
    Defect(
        "chosen on half a year",
        "champions are chosen on the last half-year alone",
        _changed(validate, "select", _on_the_scored_year),
    ),
    Defect(
        "Sharpe over zero",
        "the Sharpe ratio over cash is over zero",
        _changed(scoring.metrics, "sharpe_ratio", _over_zero),
    ),
    Defect(
        "one trial",
        "the deflated Sharpe ratio counts one trial",
        _changed(declared_verdict, "deflate_by_trials", _one_trial),
    ),
    Defect(
        "narrow bounds",
        "80 % bounds are printed as 95 %",
        _changed(verdict, "_intervals", _ninety),
    ),
    Defect(
        "open intervals covered",
        "intervals without bounds count as hits",
        _changed(conformal, "_covered", _open_is_covered),
    ),
    Defect(
        "errors known early",
        "bands use errors before they are known",
        _changed(conformal, "_arrivals", _known_early),
    ),
    Defect(
        "wins with interest",
        "interest on idle money counts as a win",
        _changed(scoring, "_wins", _wins_with_interest),
    ),
    Defect(
        "wins before costs",
        "the win rate is of gross returns",
        _changed(scoring, "_wins", _wins_of_gross),
    ),
    Defect(
        "drawdown before costs",
        "the drawdown is of gross returns",
        _changed(scoring, "_account", _gross_drawdown),
    ),
    Defect(
        "unlimited volume",
        "the account in lots takes any volume",
        _changed(capacity, "read_volume_limits", _any_volume),
    ),
    Defect(
        "chance without costs",
        "random positions pay no costs",
        _changed(random_positions, "net_of_cost", _free),
    ),
    Defect(
        "equal weight without costs",
        "the benchmark rebalances at no cost",
        _changed(portfolios, "account_sessions", _free_account),
    ),
    Defect(
        "cases as observations",
        "each stock's session is an observation of the Diebold-Mariano test",
        _changed(forecast_evidence, "losses_by_date", _pooled_cases),
    ),
    Defect(
        "full holding",
        "the benchmark of the excess is fully invested",
        _changed(robustness, "_measure", _own_holding),
    ),
    Defect(
        "delay left out",
        "the excess one session later is that in time",
        _changed(validate, "score_robustness", _no_later),
    ),
    Defect(
        "longer record",
        "the detectable ratio is that of twice the span",
        _changed(verdict, "smallest_detectable_sharpe", _seven_tenths),
    ),
    Defect(
        "small errors of choice",
        "the one-standard-error rule divides by n",
        _changed(_selection(), "_difference", _unpaired),
    ),
    Defect("half the trials", "the ledger counts one rule", _half_the_trials),
    Defect(
        "test year in the evidence",
        "the evidence leaves out the first quarter",
        _changed(
            gathered,
            "collect_evidence",
            lambda collect, joined, **how: collect(
                joined[joined["origin"].dt.month > 3], **how
            ),
        ),
    ),
)
