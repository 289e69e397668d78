"""Backtest of the ensemble's top-ranked stocks after costs, year by year.

The strategy was declared before its backtest: ``evaluation.top_n_portfolio`` on the
ensemble's forecasts of one horizon, at every declared cost. It counts as a trial. Its
benchmarks are cash and the same universe at equal weight.
"""

from dataclasses import dataclass

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.errors import ArtefactError
from nse_lstm.evaluation.backtest import TradabilityCalendar
from nse_lstm.evaluation.portfolios import hold_equal_weight
from nse_lstm.evaluation.scoring import POOL
from nse_lstm.evaluation.strategies import (
    BENCHMARKS,
    EQUAL_WEIGHT,
    TradabilityByStock,
    fold_bases,
    tradability_by_stock,
)
from nse_lstm.evaluation.top_n_portfolio import hold_top_n
from nse_lstm.evaluation.total_return import ReturnBasis, join_bases
from nse_lstm.evaluation.verdict import Judgement
from nse_lstm.study.core.market_scope import can_rank
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.trials import record_trials
from nse_lstm.study.core.verdict import judge_variant
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.ranking.rank_models import ENSEMBLE, Ranking
from nse_lstm.tables import STRATEGY_RETURNS, check, empty_table, write_table

RULE = "gate"


@dataclass(frozen=True)
class NetResult:
    """Accounts of the ensemble and of its benchmark on the walk-forward years."""

    returns: pd.DataFrame
    """``STRATEGY_RETURNS`` of ensemble and equal weight, one account per year."""
    judgements: dict[int, Judgement]
    """By cost per side in basis points; without an audit or a deflated ratio. None
    where nothing is ranked."""


def backtest_ensemble(workspace: Workspace, ranking: Ranking) -> NetResult:
    """Backtest the ensemble's top-ranked stocks, and record the trial.

    Writes ``returns.parquet`` under ``Paths.ranking``.

    Parameters
    ----------
    workspace : Workspace
    ranking : Ranking
        From ``rank_stocks``.

    Raises
    ------
    ArtefactError
        If the ensemble has no forecasts of the declared horizon.
    """
    data, study = open_study_data(workspace), workspace.study
    if not can_rank(data):
        return NetResult(empty_table(STRATEGY_RETURNS), {})
    chosen = ranking.ensemble["horizon"] == study.portfolio.horizon
    forecasts = ranking.ensemble[chosen & (ranking.ensemble["delay"] > 0)]
    if forecasts.empty:
        raise ArtefactError(
            f"Expected forecasts of {study.portfolio.horizon} sessions to trade. "
            f"Received: {sorted(set(ranking.ensemble['horizon'].tolist()))}"
        )
    calendars = tradability_by_stock(forecasts, data.prices, backtest=study.backtest)
    accounts = [
        account
        for fold in sorted(forecasts["fold"].unique())
        for cost_bps in study.backtest.cost_bps
        for account in _accounts(
            study,
            forecasts[forecasts["fold"] == fold],
            calendars,
            fold=int(fold),
            cost_bps=cost_bps,
        )
    ]
    table = pd.concat(accounts, ignore_index=True)[list(STRATEGY_RETURNS.columns)]
    returns = check(table, STRATEGY_RETURNS)
    write_table(returns, STRATEGY_RETURNS, workspace.paths.ranking / "returns.parquet")
    record_trials(
        data,
        returns[returns["model"] == ENSEMBLE],
        cost_bps=study.backtest.headline_cost_bps,
        made_by=(__name__, "study.ranking.rank_models"),
    )
    bases = fold_bases(forecasts, data.prices, backtest=study.backtest)
    basis = join_bases(list(bases.values()))
    judgements = {
        cost_bps: _judge(study, returns, cost_bps=cost_bps, basis=basis)
        for cost_bps in study.backtest.cost_bps
    }
    return NetResult(returns, judgements)


def _accounts(
    study: Study,
    forecasts: pd.DataFrame,
    calendars: TradabilityByStock,
    *,
    fold: int,
    cost_bps: int,
) -> list[pd.DataFrame]:
    """Return one year's accounts: the ensemble, and its universe at equal weight."""
    backtest = study.backtest
    own = {ticker: each for (ticker, year), each in calendars.items() if year == fold}
    first = forecasts[forecasts["origin"] == forecasts["origin"].min()]
    members: list[TradabilityCalendar] = [
        own[str(ticker)] for ticker in first["ticker"]
    ]
    ensemble = hold_top_n(
        forecasts,
        own,
        n_names=study.portfolio.n_names,
        backtest=backtest,
        cost_bps=cost_bps,
    )
    equal = hold_equal_weight(members, backtest=backtest, cost_bps=cost_bps)
    named = (
        ensemble.assign(model=ENSEMBLE, rule=RULE),
        equal.assign(model=EQUAL_WEIGHT, rule=BENCHMARKS[EQUAL_WEIGHT]),
    )
    return [
        each.assign(ticker=POOL, seed=0, fold=fold, cost_bps=cost_bps) for each in named
    ]


def _judge(
    study: Study, returns: pd.DataFrame, *, cost_bps: int, basis: ReturnBasis
) -> Judgement:
    at_cost = returns[returns["cost_bps"] == cost_bps]
    return judge_variant(
        study,
        at_cost[at_cost["model"] == ENSEMBLE],
        at_cost[at_cost["model"] == EQUAL_WEIGHT],
        basis=basis,
    )
