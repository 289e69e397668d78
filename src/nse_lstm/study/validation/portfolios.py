"""Backtest the declared portfolio rules on the rankings, beside their benchmarks.

Every rule with every model is a trial, counted in the ledger, before the verdict is
judged by their number. The accounts run through all ranked years before the test year.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.errors import ArtefactError
from nse_lstm.evaluation.portfolio_backtest import (
    RankedMarket,
    benchmark_accounts,
    continuous_market,
    read_rule_inputs,
    read_size_limits,
    rule_path,
    spans_in_a_row,
    tilt_accounts,
)
from nse_lstm.evaluation.portfolio_rules import TILTS, RuleInputs
from nse_lstm.evaluation.portfolio_scores import EQUAL_WEIGHT, score_portfolios
from nse_lstm.evaluation.portfolios import hold_index
from nse_lstm.evaluation.scoring import POOL
from nse_lstm.evaluation.strategies import INDEX, fold_bases
from nse_lstm.evaluation.total_return import ReturnBasis, join_bases
from nse_lstm.evaluation.weighted_account import MarketCalendar, account_table
from nse_lstm.features.market_panel import MarketPanel, make_market_panel
from nse_lstm.features.returns import market_sessions
from nse_lstm.models.tabular_models import FOUR_SIGNALS
from nse_lstm.study.core.market_scope import can_rank
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.trials import record_trials
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.ranking.rank_models import EQUAL, ranked_forecasts
from nse_lstm.tables import (
    PORTFOLIO_CAPACITY,
    PORTFOLIO_RETURNS,
    PORTFOLIO_SCORES,
    conform,
    empty_table,
    write_table,
)

MODELS = (EQUAL, FOUR_SIGNALS)
"""Rankings that feed the rules, the plain signals last."""


@dataclass(frozen=True)
class PortfolioResult:
    """Accounts of the rules and benchmarks; empty tables where nothing is ranked."""

    returns: pd.DataFrame
    """``PORTFOLIO_RETURNS``."""
    scores: pd.DataFrame
    """``PORTFOLIO_SCORES``."""
    capacity: pd.DataFrame
    """``PORTFOLIO_CAPACITY``."""
    sized: pd.DataFrame
    """The accounts behind ``capacity`` session by session: ``model rule capital_kes``
    and the columns of ``weighted_account.account_table``."""
    basis: ReturnBasis | None
    """Total or price return, over all years; None where nothing is ranked."""


@dataclass(frozen=True, eq=False)
class _Span:
    """Some years in a row: the market, and what each model's rules may know."""

    years: list[int]
    market: MarketCalendar
    inputs: dict[str, RuleInputs]


def judge_portfolios(workspace: Workspace) -> PortfolioResult:
    """Backtest every rule and benchmark over the ranked years before the test year.

    Writes ``portfolio_returns``, ``portfolio_scores`` and ``portfolio_capacity`` under
    ``trained_models/<market>/evaluation``, and one line per trial into the ledger.

    Parameters
    ----------
    workspace : Workspace
        After Phase 2.
    """
    data = open_study_data(workspace)
    if not can_rank(data):
        result = PortfolioResult(
            returns=empty_table(PORTFOLIO_RETURNS),
            scores=empty_table(PORTFOLIO_SCORES),
            capacity=empty_table(PORTFOLIO_CAPACITY),
            sized=pd.DataFrame(),
            basis=None,
        )
    else:
        forecasts = ranked_forecasts(data).forecasts
        result = backtest_portfolios(
            data.study, data.panel, data.prices, forecasts, models=MODELS
        )
        record_trials(
            data,
            result.returns.assign(ticker=POOL, seed=0),
            cost_bps=data.study.backtest.headline_cost_bps,
            made_by=(__name__, "study.ranking.rank_models"),
        )
    _write(data, result)
    return result


def backtest_portfolios(
    study: Study,
    panel: pd.DataFrame,
    prices: pd.DataFrame,
    forecasts: pd.DataFrame,
    *,
    models: Sequence[str],
) -> PortfolioResult:
    """Backtest the rules on some rankings; write nothing and count no trial.

    Parameters
    ----------
    study : Study
    panel, prices : DataFrame
        ``PANEL`` as far as it may be seen, and ``with_returns`` of it.
    forecasts : DataFrame
        ``FORECASTS`` of the models, of the portfolio's horizon at least.
    models : sequence of str
        Models that feed the rules, the plain signals last.

    Raises
    ------
    ArtefactError
        If a model has no forecast of the portfolio's horizon.
    """
    own = _chosen(study, forecasts, models)
    bases = fold_bases(own, prices, backtest=study.backtest)
    total_years = [year for year, basis in bases.items() if basis.is_total]
    spans = list(_spans(study, panel, prices, own, models, total_years))
    returns = pd.concat(
        [_span_returns(study, prices, span) for span in spans], ignore_index=True
    )
    returns = returns.assign(
        position=returns["position"].clip(0, 1),
        untradable=returns["untradable"].clip(0, 1),
    )
    order = list(PORTFOLIO_RETURNS.metadata["key"])
    returns = conform(returns.sort_values(order, kind="stable"), PORTFOLIO_RETURNS)
    scores = score_portfolios(
        returns,
        signals_model=models[-1],
        backtest=study.backtest,
        verdict=study.verdict,
        seed=study.seed,
    )
    sized = _sized_accounts(study, panel, spans)
    return PortfolioResult(
        returns=returns,
        scores=scores,
        capacity=_capacity(study, sized, returns),
        sized=sized,
        basis=join_bases(list(bases.values())),
    )


def _chosen(
    study: Study, forecasts: pd.DataFrame, models: Sequence[str]
) -> pd.DataFrame:
    """Return the forecasts that are traded: one delay, one horizon."""
    own = forecasts[
        forecasts["model"].isin(list(models))
        & (forecasts["delay"] == study.backtest.delay)
        & (forecasts["horizon"] == study.portfolio.horizon)
    ]
    absent = sorted(set(models) - set(own["model"]))
    if absent:
        raise ArtefactError(
            f"Expected forecasts of {study.portfolio.horizon} sessions to trade. "
            f"Received: none of {absent}, horizons "
            f"{sorted(set(forecasts['horizon'].tolist()))}"
        )
    return own


def _spans(
    study: Study,
    panel: pd.DataFrame,
    prices: pd.DataFrame,
    forecasts: pd.DataFrame,
    models: Sequence[str],
    total_years: list[int],
) -> Iterator[_Span]:
    wide = make_market_panel(panel, study.cross_section)
    sessions = market_sessions(panel)
    for years in spans_in_a_row(sorted(set(forecasts["fold"].tolist()))):
        market = continuous_market(
            _members(wide, years),
            prices,
            sessions=sessions,
            years=years,
            total_years=[year for year in total_years if year in years],
            backtest=study.backtest,
        )
        inputs = {
            model: read_rule_inputs(
                forecasts[
                    (forecasts["model"] == model) & forecasts["fold"].isin(years)
                ],
                market,
                wide,
                backtest=study.backtest,
                portfolio=study.portfolio,
                cross_section=study.cross_section,
            )
            for model in models
        }
        yield _Span(years, market, inputs)


def _members(wide: MarketPanel, years: list[int]) -> list[str]:
    """Return the stocks that are in the universe in some month of the years.

    The account holds none of them before its own month: the list only says for which
    stocks fills are worked out.
    """
    inside = wide.member[wide.sessions.year.isin([years[0] - 1, *years])]
    return sorted(str(ticker) for ticker in inside.columns[inside.any()])


def _span_returns(study: Study, prices: pd.DataFrame, span: _Span) -> pd.DataFrame:
    tables = [
        tilt_accounts(_ranked(study, span, model)).assign(model=model)
        for model in span.inputs
    ]
    tables.append(benchmark_accounts(_ranked(study, span, next(iter(span.inputs)))))
    index = hold_index(
        prices,
        sessions=market_sessions(prices),
        start=pd.Timestamp(span.years[0], 1, 1),
        end=pd.Timestamp(span.years[-1] + 1, 1, 1),
        backtest=study.backtest,
    )
    if index is not None:
        tables.append(
            index[1].assign(
                model=INDEX, rule="no_cost", start=0, cost_bps=0, untradable=0.0
            )
        )
    return pd.concat(tables, ignore_index=True)


def _ranked(study: Study, span: _Span, model: str) -> RankedMarket:
    return RankedMarket(
        span.inputs[model], span.market, study.backtest, study.portfolio
    )


def _sized_accounts(
    study: Study, panel: pd.DataFrame, spans: list[_Span]
) -> pd.DataFrame:
    """Run every rule once more, in whole lots with a limited share of the volume."""
    backtest, tables = study.backtest, []
    for capital, span in itertools.product(study.portfolio.capital_kes, spans):
        limits = read_size_limits(
            span.market, panel, capital=capital, backtest=backtest
        )
        for model, name in itertools.product(span.inputs, TILTS):
            path = rule_path(name, _ranked(study, span, model), start=0, limits=limits)
            account = account_table(
                span.market, path, backtest=backtest, cost_bps=limits.cost_bps
            )
            tables.append(account.assign(model=model, rule=name, capital_kes=capital))
    return pd.concat(tables, ignore_index=True)


def _capacity(study: Study, sized: pd.DataFrame, returns: pd.DataFrame) -> pd.DataFrame:
    backtest, rows = study.backtest, []
    year = backtest.sessions_per_year
    at_cost = returns[
        (returns["cost_bps"] == backtest.headline_cost_bps) & (returns["start"] == 0)
    ]
    equal = at_cost[at_cost["model"] == EQUAL_WEIGHT].set_index("session")
    for key, own in sized.groupby(["model", "rule", "capital_kes"]):
        account = own.set_index("session")
        net = account["net_return"]
        rows.append(
            {
                **dict(zip(("model", "rule", "capital_kes"), key, strict=True)),
                "over_cash": (net - account["cash_return"]).mean() * year,
                "over_equal_weight": (net - equal["net_return"]).mean() * year,
                "turnover": account["turnover"].mean() * year,
                "exposure": account["position"].mean(),
                "n": len(net),
            }
        )
    order = list(PORTFOLIO_CAPACITY.metadata["key"])
    return conform(pd.DataFrame(rows).sort_values(order), PORTFOLIO_CAPACITY)


def _write(data: StudyData, result: PortfolioResult) -> None:
    folder = data.paths.evaluation
    for table, schema in (
        (result.returns, PORTFOLIO_RETURNS),
        (result.scores, PORTFOLIO_SCORES),
        (result.capacity, PORTFOLIO_CAPACITY),
    ):
        write_table(table, schema, folder / f"{schema.name}.parquet")
