"""Judge one simulated market by the study's own code, with surrogate models.

Universe, backtest, rules, trials and verdict are the study's. Only the forecasters are
surrogates: least squares instead of a network, so that hundreds of markets are judged
in the time of one.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Simulation, Study
from nse_lstm.data.simulate import SimulatedMarket, simulate_market
from nse_lstm.data.universe import recommended, stock_statistics
from nse_lstm.evaluation.oracle import forecasts_of_oracle
from nse_lstm.evaluation.scoring import POOL, realised
from nse_lstm.evaluation.significance import (
    Moments,
    deflate_by_trials,
    moments_of,
)
from nse_lstm.evaluation.strategies import (
    FORECAST_RULES,
    HOLD,
    fold_bases,
    strategy_returns,
)
from nse_lstm.evaluation.total_return import ReturnBasis, join_bases
from nse_lstm.evaluation.verdict import Judgement, judge, pooled_excess
from nse_lstm.features.cross_sectional_rank import cross_sectional_rank
from nse_lstm.features.folds import Fold, make_folds
from nse_lstm.features.indicators import INDICATORS
from nse_lstm.features.market_panel import make_market_panel, to_rows
from nse_lstm.features.returns import with_returns
from nse_lstm.models.tabular_models import fit_ridge

Numbers = NDArray[np.float64]

FIRST_YEAR, LAST_YEAR = 2013, 2016
N_WALK_FORWARD = 3
"""The first year only trains."""
N_ORDINARY = 25
MIN_SESSIONS = 200
"""Replaces the study's setting, since the first fold has one year before it."""

MODEL, ORACLE, BEST_TRIAL = "ridge", "oracle", "best_trial"
"""The surrogate model, the oracle, and the trial with the best Sharpe ratio, chosen
after all scores were seen."""

RANKED = (
    *("reversal_1", "reversal_5", "reversal_10", "reversal_20", "volatility_20"),
    *("volume_surprise_1", "volume_surprise_5", "range_width_1", "signed_turnover_5"),
)
"""Indicators of the surrogate model, as ranks within the universe."""
LAGS = tuple(f"lag_{n}" for n in range(5))
ALPHA = 100.0
"""Penalty of the ridge on ranks in [-1/2, 1/2] and about 10^4 rows."""
KEY = ["ticker", "origin"]


def judge_market(study: Study, *, signal: float, seed: int) -> dict[str, Any]:
    """Simulate a market, forecast three years and judge every declared strategy.

    Candidates are a pooled ridge, an autoregression per stock and each stock's mean
    return. Each is a trial under both rules. The ridge is the judged model. The oracle
    is judged too, against the same trials.

    Parameters
    ----------
    study : Study
        Its universe, backtest, verdict and seed are used. The audit counts as clean.
    signal : float
        Planted signal (``config.Simulation``); 0 is a market without skill.
    seed : int
        Seed of the market.

    Returns
    -------
    dict
        Plain values: ``signal``, ``seed`` and ``judged``, one dict per cost level (0
        and the headline) and strategy with trades: ``strategy rule cost_bps answer
        sharpe over_cash over_holding deflated deflated_with_own yes_with_own
        n_trials``. The Sharpe ratio is yearly and over cash. ``over_cash`` and
        ``over_holding`` are the bounds of the yearly excess returns. "With own" is with
        the strategy's own ratio in the trials' variance.
    """
    market = draw_market(signal, seed)
    forecasts = _forecasts(market, study)
    levels = {0, study.backtest.headline_cost_bps}
    backtest = replace(study.backtest, cost_bps=tuple(sorted(levels)))
    returns = strategy_returns(forecasts, market.panel, backtest=backtest)
    bases = fold_bases(forecasts, with_returns(market.panel), backtest=backtest)
    basis = join_bases(list(bases.values()))
    pools = [_pool(returns[returns["cost_bps"] == bps]) for bps in backtest.cost_bps]
    judged = [row for pool in pools for row in _judged(pool, study, basis)]
    return {"signal": signal, "seed": seed, "judged": judged}


def draw_market(signal: float, seed: int) -> SimulatedMarket:
    """Simulate a small market.

    Parameters
    ----------
    signal : float
        Planted signal; 0 for none.
    seed : int
    """
    simulation = Simulation(
        first_year=FIRST_YEAR,
        last_year=LAST_YEAR,
        n_ordinary=N_ORDINARY,
        seed=seed,
        signal=signal,
    )
    return simulate_market(simulation)


def rules_at(cost_bps: int) -> tuple[str, ...]:
    """Return the rules to judge. Without a cost the gate equals the sign."""
    return FORECAST_RULES if cost_bps else FORECAST_RULES[:1]


def _forecasts(market: SimulatedMarket, study: Study) -> pd.DataFrame:
    """Return ``FORECASTS`` of the oracle and every candidate on the same rows."""
    known = forecasts_of_oracle(market, horizon=1)
    # The oracle's forecasts stay out of the table that candidates are fitted on.
    targets = realised(known.drop(columns="y_hat"), market.panel)
    rows = targets.merge(_features(market.panel, study), on=KEY)
    blocks = []
    for fold in make_folds(LAST_YEAR + 1, N_WALK_FORWARD)[:-1]:
        train = rows[(rows["target_date"] < fold.start) & rows["y"].notna()]
        inside = (rows["fold"] == fold.year) & (rows["origin"] >= fold.start)
        chosen = rows["ticker"].isin(_recommended(market, study, fold))
        ahead = rows[inside & chosen]
        blocks += [
            ahead.assign(model=model, seed=0, y_hat=fit(train, ahead))
            for model, fit in CANDIDATES.items()
        ]
        if known["y_hat"].any():  # without a planted signal there is no oracle
            blocks.append(ahead.merge(known[[*KEY, "y_hat"]], on=KEY))
    return pd.concat(blocks, ignore_index=True)[list(known.columns)]


def _recommended(market: SimulatedMarket, study: Study, fold: Fold) -> list[str]:
    statistics = stock_statistics(
        market.panel,
        market.instruments,
        before=fold.start,
        universe=replace(study.universe, min_sessions=MIN_SESSIONS),
    )
    return recommended(statistics)


def _features(panel: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return ``ticker origin`` and the candidates' features, 0 where missing."""
    market = make_market_panel(panel, study.cross_section)
    frames = {
        name: cross_sectional_rank(INDICATORS[name](market), market.member)
        for name in RANKED
    }
    frames |= {name: market.log_return.shift(n) for n, name in enumerate(LAGS)}
    return to_rows(frames, market.listed, time="origin").fillna(0.0)


def _ridge(train: pd.DataFrame, ahead: pd.DataFrame) -> Numbers:
    return _predict(train, ahead, RANKED, alpha=ALPHA)


def _autoregression(train: pd.DataFrame, ahead: pd.DataFrame) -> Numbers:
    return _per_stock(train, ahead, LAGS)


def _mean(train: pd.DataFrame, ahead: pd.DataFrame) -> Numbers:
    return _per_stock(train, ahead, ())


CANDIDATES: dict[str, Callable[[pd.DataFrame, pd.DataFrame], Numbers]] = {
    MODEL: _ridge,
    "ar5": _autoregression,
    "drift": _mean,
}


def _per_stock(
    train: pd.DataFrame, ahead: pd.DataFrame, names: tuple[str, ...]
) -> Numbers:
    """Fit every stock on its own rows. Each recommended stock has hundreds."""
    y_hat = pd.Series(np.nan, index=ahead.index)
    own = dict(list(train.groupby("ticker")))
    for ticker, rows in ahead.groupby("ticker"):
        y_hat[rows.index] = _predict(own[ticker], rows, names, alpha=1e-9)
    return np.asarray(y_hat.to_numpy(), np.float64)


def _predict(
    train: pd.DataFrame, ahead: pd.DataFrame, names: tuple[str, ...], *, alpha: float
) -> Numbers:
    X, y = train[list(names)].to_numpy(), train["y"].to_numpy()
    coefficients, constant = fit_ridge(X, y, alpha=alpha)
    products = ahead[list(names)].to_numpy() * coefficients
    return np.asarray(products.sum(axis=1) + constant)


def _pool(returns: pd.DataFrame) -> pd.DataFrame:
    """Pool the stocks' returns once for all strategies.

    The verdict pools again, which leaves the mean of one row unchanged.
    """
    values = ["position", "net_return", "cash_return"]
    key = ["model", "rule", "cost_bps", "session"]
    return returns.groupby(key)[values].mean().reset_index().assign(ticker=POOL)


def _judged(
    returns: pd.DataFrame, study: Study, basis: ReturnBasis
) -> Iterator[dict[str, Any]]:
    """Judge the model, the oracle and the best trial at one cost level."""
    cost_bps = int(returns["cost_bps"].iloc[0])
    rules = rules_at(cost_bps)
    series = {
        (str(model), str(rule)): pooled_excess(rows)
        for (model, rule), rows in returns.groupby(["model", "rule"])
        if rule in rules and rows["position"].any()
    }
    sharpes = _trials(series)
    judged = [(key[0], key) for key in series if key[0] in (MODEL, ORACLE)]
    if len(sharpes):
        judged.append((BEST_TRIAL, cast(tuple[str, str], sharpes.idxmax())))
    holdings = returns[returns["model"] == HOLD]
    for strategy, (model, rule) in judged:
        found = moments_of(series[model, rule])
        others = _others(series, sharpes, (model, rule))
        judgement = judge(
            returns[(returns["model"] == model) & (returns["rule"] == rule)],
            holdings,
            backtest=study.backtest,
            verdict=study.verdict,
            seed=study.seed,
            deflated_sharpe=deflate_by_trials(found, others),
            audit_clean=True,
            basis=basis,
        )
        yield {
            "strategy": strategy,
            "rule": rule,
            "cost_bps": cost_bps,
            **_numbers(judgement),
            **_own_counted(judgement, found, others, study),
            "n_trials": len(others) + 1,
        }


def _trials(series: dict[tuple[str, str], "pd.Series[float]"]) -> "pd.Series[float]":
    """Return the Sharpe ratio of every trial. Equal returns are one trial."""
    trials = pd.DataFrame({k: v for k, v in series.items() if k[0] != ORACLE})
    distinct = trials.loc[:, ~trials.T.duplicated()]
    return distinct.apply(lambda excess: moments_of(excess).sharpe)


def _others(
    series: dict[tuple[str, str], "pd.Series[float]"],
    sharpes: "pd.Series[float]",
    judged: tuple[str, str],
) -> "pd.Series[float]":
    """Return the ratios of the trials with other returns than the judged strategy."""
    own = [key for key in sharpes.index if series[key].equals(series[judged])]
    return sharpes.drop(own)


def _own_counted(
    judgement: Judgement, found: Moments, others: "pd.Series[float]", study: Study
) -> dict[str, Any]:
    """Return what the judgement were with the strategy's own gain in the variance."""
    with_own = [*others, found.sharpe]
    deflated = deflate_by_trials(found, with_own, n_trials=len(with_own))
    bounds = judgement.excess_over_cash.lower, judgement.excess_over_holding.lower
    reached = deflated is not None and deflated >= study.verdict.min_deflated_sharpe
    return {
        "deflated_with_own": deflated,
        "yes_with_own": min(bounds) > 0 and reached,
    }


def _numbers(judgement: Judgement) -> dict[str, Any]:
    """Return the counted values of a judgement."""
    over_cash, over_holding = judgement.excess_over_cash, judgement.excess_over_holding
    return {
        "answer": judgement.answer,
        "sharpe": judgement.sharpe_over_cash,
        "over_cash": [over_cash.lower, over_cash.upper],
        "over_holding": [over_holding.lower, over_holding.upper],
        "deflated": judgement.deflated_sharpe,
    }
