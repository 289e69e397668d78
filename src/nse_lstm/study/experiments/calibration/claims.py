"""Judge the declared claims of one simulated market, with a ridge for the networks.

Universe, features, account, orders and judgement are the study's. A ridge on ranks
stands in for the ensemble. Claims that need a network's forecasts are not measured, and
still count in the family's size.
"""

from dataclasses import replace
from typing import Any

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.evaluation.claims import judge_claims
from nse_lstm.evaluation.order_savings import savings_by_session, time_orders
from nse_lstm.evaluation.order_timing import DECLARED_WAIT
from nse_lstm.evaluation.portfolio_backtest import (
    RankedMarket,
    benchmark_accounts,
    continuous_market,
    read_rule_inputs,
    tilt_accounts,
)
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.features.folds import make_folds
from nse_lstm.features.market_panel import make_market_panel
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.models.tabular_models import FOUR_SIGNALS
from nse_lstm.study.experiments.calibration import market as markets
from nse_lstm.study.ranking.features_and_targets import build_tables, forecast_aims
from nse_lstm.study.ranking.rank_models import EQUAL
from nse_lstm.study.validation.claims import (
    best_account_series,
    money_series,
    rank_ic_series,
    saving_series,
)

RIDGE = "ridge"
MEASURED = ("rank_ic", "net_return", "best_return", "saving")
"""Statistics of the claims that need no network."""


def judge_market_claims(study: Study, *, signal: float, seed: int) -> dict[str, Any]:
    """Simulate a market and judge the claims on ranks, accounts and orders.

    Parameters
    ----------
    study : Study
        Its universe, rules, costs and claims. One start day is run.
    signal : float
        Planted signal (``config.Simulation``); 0 is a market without skill.
    seed : int
        Seed of the market.

    Returns
    -------
    dict
        Plain values: ``signal``, ``seed`` and ``claims``, one dict per measured claim:
        ``claim effect lower upper p_value adjusted answer``.
    """
    panel = markets.draw_market(signal, seed).panel
    forecasts = _forecasts(panel, study)
    returns = _accounts(panel, forecasts, study)
    timing = _orders(panel, forecasts, study)
    series = {}
    for claim in study.claims.family:
        if claim.statistic == "rank_ic":
            daily = daily_rank_ic(forecasts, panel)
            series[claim.name] = rank_ic_series(daily, claim)
        elif claim.statistic == "net_return":
            series[claim.name] = money_series(returns, claim, study=study)
        elif claim.statistic == "best_return":
            series[claim.name] = best_account_series(returns, claim, study=study)
        elif claim.statistic == "saving":
            series[claim.name] = saving_series(timing, claim)
    known = {name: each for name, each in series.items() if each is not None}
    # A simulated market keeps no year untouched.
    market = replace(study.market, untouched=(), chosen_on=())
    table = judge_claims(study.claims, known, market=market, seed=study.seed)
    pooled = table[(table["span"] == "all") & table["statistic"].isin(MEASURED)]
    columns = ["claim", "effect", "lower", "upper", "p_value", "adjusted", "answer"]
    rows = [
        {str(name): value for name, value in row.items()}
        for row in pooled[columns].to_dict(orient="records")
    ]
    return {"signal": signal, "seed": seed, "claims": rows}


def _forecasts(panel: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the ridge's forecasts, by the ensemble's name, and the plain signals'."""
    horizons = {1, study.portfolio.horizon}
    horizons |= {c.horizon for c in study.claims.family if c.statistic == "rank_ic"}
    section = replace(study.cross_section, horizons=tuple(sorted(horizons)))
    small = replace(study, cross_section=section)
    tables = build_tables(panel, study=small)
    blocks = [
        forecast_aims(
            tables.features,
            tables.targets,
            fold,
            study=small,
            only=(RIDGE, FOUR_SIGNALS),
        )
        for fold in make_folds(markets.LAST_YEAR + 1, markets.N_WALK_FORWARD)[:-1]
    ]
    table = pd.concat(blocks, ignore_index=True)
    return table.assign(model=table["model"].replace(RIDGE, EQUAL))


def _accounts(
    panel: pd.DataFrame, forecasts: pd.DataFrame, study: Study
) -> pd.DataFrame:
    """Return the accounts of every rule and benchmark from one start day."""
    cost = study.backtest.headline_cost_bps
    backtest = replace(study.backtest, cost_bps=(cost,))
    portfolio = replace(study.portfolio, n_starts=1)
    wide, prices = make_market_panel(panel, study.cross_section), with_returns(panel)
    own = forecasts[forecasts["horizon"] == portfolio.horizon]
    market = continuous_market(
        sorted(set(own["ticker"])),
        prices,
        sessions=market_sessions(panel),
        years=sorted(set(own["fold"])),
        total_years=[],
        backtest=backtest,
    )
    ranked = {
        model: RankedMarket(
            read_rule_inputs(
                own[own["model"] == model],
                market,
                wide,
                backtest=backtest,
                portfolio=portfolio,
                cross_section=study.cross_section,
            ),
            market,
            backtest,
            portfolio,
        )
        for model in (EQUAL, FOUR_SIGNALS)
    }
    tables = [tilt_accounts(each).assign(model=name) for name, each in ranked.items()]
    tables.append(benchmark_accounts(ranked[EQUAL]))
    return pd.concat(tables, ignore_index=True)


def _orders(panel: pd.DataFrame, forecasts: pd.DataFrame, study: Study) -> pd.DataFrame:
    timed = time_orders(
        forecasts,
        panel,
        model=EQUAL,
        others=[FOUR_SIGNALS],
        backtest=study.backtest,
        cross_section=study.cross_section,
        seed=study.seed,
        waits=(DECLARED_WAIT,),
    )
    return savings_by_session(timed)
