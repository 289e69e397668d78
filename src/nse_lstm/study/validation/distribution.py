"""The stock LSTM's distribution in Phase 4: quantiles, benchmarks and their scores.

Everything is fitted to targets before the fold. The network had seen the sessions
before the fold too, so no origin lies before the last of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.evaluation.distribution_benchmarks import (
    BENCHMARKS,
    PastReturns,
    fit_garch,
)
from nse_lstm.evaluation.distribution_scores import (
    ALL_YEARS,
    quarterly_coverage,
    realised_quantiles,
    score_distributions,
)
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.risk_features import build_risk_features
from nse_lstm.features.stock_channels import StockChannels, build_stock_channels
from nse_lstm.features.windows import Windows, select_windows
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.stock_distribution import (
    HORIZONS,
    fit_stock_distribution,
    forecast_quantiles,
    horizon_windows,
    quantile_rows,
    windows_before,
)
from nse_lstm.models.stock_lstm import STOCK_LSTM, forecast_stock_lstm
from nse_lstm.study.core.jobs import bundle_folder
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.tables import (
    COVERAGE,
    DISTRIBUTION_SCORES,
    QUANTILES,
    empty_table,
    write_table,
)


@dataclass(frozen=True)
class DistributionResult:
    """Forecast distributions of some folds and what they are worth."""

    quantiles: pd.DataFrame
    """``QUANTILES`` of the stock LSTM alone."""
    scores: pd.DataFrame
    """``DISTRIBUTION_SCORES`` of all models, by fold and over the walk-forward ones."""
    coverage: pd.DataFrame
    """``COVERAGE`` of the stock LSTM's 90 % band, next session, walk-forward."""
    losses: pd.DataFrame
    """Of every model: ``model``, ``horizon``, ``target_date``, ``crps`` (sum over the
    stocks) and ``n``."""


LOSSES = ["model", "horizon", "target_date", "crps", "n"]


def no_distribution() -> DistributionResult:
    """Return the result of a study that trains no stock LSTM."""
    tables = (QUANTILES, DISTRIBUTION_SCORES, COVERAGE)
    quantiles, scores, coverage = (empty_table(schema) for schema in tables)
    nothing = pd.DataFrame(columns=LOSSES)
    return DistributionResult(quantiles, scores, coverage, nothing)


def judge_distribution(
    data: StudyData, panel: pd.DataFrame, folds: Sequence[Fold], *, pooled: bool
) -> DistributionResult:
    """Forecast some folds with every model of the distribution, and score them.

    Parameters
    ----------
    data : StudyData
    panel : DataFrame
        ``PANEL``, reaching at least through the folds.
    folds : sequence of Fold
    pooled : bool
        Whether the folds are also scored together, as the walk-forward years are.
    """
    blocks = [block for fold in folds for block in _forecasts(data, panel, fold)]
    quantiles = pd.concat(blocks, ignore_index=True)
    joined = realised_quantiles(quantiles, panel)
    seed = data.study.seed
    scores = score_distributions(joined, model=STOCK_LSTM, seed=seed)
    coverage = empty_table(COVERAGE)
    own = joined["model"] == STOCK_LSTM
    if pooled:
        together = score_distributions(
            joined, model=STOCK_LSTM, years=ALL_YEARS, seed=seed
        )
        scores = pd.concat([scores, together], ignore_index=True)
        coverage = quarterly_coverage(
            joined[own & (joined["horizon"] == 1)],
            confidence=data.study.verdict.confidence,
        )
    mine = quantiles[quantiles["model"] == STOCK_LSTM].reset_index(drop=True)
    return DistributionResult(mine, scores, coverage, _losses(joined))


def write_distribution(
    data: StudyData, before: DistributionResult, test: DistributionResult
) -> None:
    """Write quantiles and scores of all folds, and the walk-forward coverage.

    Parameters
    ----------
    data : StudyData
    before, test : DistributionResult
        Of the walk-forward years and of the test year.
    """
    folder = data.paths.evaluation
    for name, schema in (("quantiles", QUANTILES), ("scores", DISTRIBUTION_SCORES)):
        parts = [getattr(before, name), getattr(test, name)]
        path = folder / f"distribution_{name}.parquet"
        write_table(pd.concat(parts, ignore_index=True), schema, path)
    path = folder / "distribution_coverage.parquet"
    write_table(before.coverage, COVERAGE, path)


def _losses(joined: pd.DataFrame) -> pd.DataFrame:
    """Sum the CRPS over the stocks that every model has forecast, by session."""
    key = ["target_date", "ticker", "horizon"]
    known = joined.groupby(key)["model"].transform("nunique")
    shared = joined[known == joined["model"].nunique()]
    by_session = shared.groupby(["model", "horizon", "target_date"])["crps"]
    return by_session.agg(crps="sum", n="size").reset_index()[LOSSES]


def _forecasts(
    data: StudyData, panel: pd.DataFrame, fold: Fold
) -> Iterator[pd.DataFrame]:
    """Yield one fold's quantiles by horizon, stock and model."""
    study, known = data.study, panel[panel["session"] < fold.end]
    prices, names = with_returns(known), data.recommended[fold.year]
    sessions = market_sessions(prices)
    rule = study.cross_section
    risk = build_risk_features(known, cross_section=rule)
    channels = build_stock_channels(
        known, cross_section=rule, lookback=study.stock_lstm.lookback
    )
    daily = {name: _daily(prices, name) for name in names}
    volatility = {
        name: fit_garch(returns, start=fold.start) for name, returns in daily.items()
    }
    for horizon in HORIZONS:
        stocks = horizon_windows(
            prices, names, lookback=study.v2.lookback, horizon=horizon
        )
        before = {name: windows_before(own, fold.start) for name, own in stocks.items()}
        distribution = fit_stock_distribution(before, risk, horizon=horizon)
        for ticker, windows in stocks.items():
            own = _of_fold(windows, fold, sessions)
            if len(own):
                yield forecast_quantiles(
                    distribution,
                    risk,
                    ticker=ticker,
                    origins=own.origin,
                    targets=own.target_date,
                    mean=_mean(data, channels, ticker, own, fold),
                    model=STOCK_LSTM,
                    year=fold.year,
                )
                past = PastReturns(
                    daily=daily[ticker],
                    **_known_moves(windows),
                    origins=own.origin,
                    volatility=volatility[ticker],
                    horizon=horizon,
                )
                yield from _benchmarks(past, own, ticker=ticker, year=fold.year)


def _of_fold(windows: Windows, fold: Fold, sessions: pd.DatetimeIndex) -> Windows:
    """Return the windows with targets in the fold, from its eve on."""
    eve = sessions[sessions < fold.start][-1].to_datetime64()
    in_fold = windows.target_date >= fold.start.to_datetime64()
    ends = windows.target_date < fold.end.to_datetime64()
    return select_windows(windows, in_fold & ends & (windows.origin >= eve))


def _mean(
    data: StudyData, channels: StockChannels, ticker: str, own: Windows, fold: Fold
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the network's forecast of the next session's return at some origins."""
    bundle = load_bundle(bundle_folder(data, ticker, fold.year, STOCK_LSTM))
    rows = forecast_stock_lstm(bundle, channels, own, year=fold.year)
    return rows.loc[rows["model"] == STOCK_LSTM, "y_hat"].to_numpy(float)


def _daily(prices: pd.DataFrame, ticker: str) -> pd.Series:
    stock = prices[prices["ticker"] == ticker].dropna(subset="log_return")
    return stock.set_index("session")["log_return"].sort_index()


def _known_moves(windows: Windows) -> dict[str, np.ndarray[Any, Any]]:
    """Return the moves over the horizon and the days they were known, in order."""
    order = np.argsort(windows.target_date, kind="stable")
    moves = np.log(windows.y / windows.last_price)
    return {"known": windows.target_date[order], "moves": moves[order]}


def _benchmarks(
    past: PastReturns, own: Windows, *, ticker: str, year: int
) -> Iterator[pd.DataFrame]:
    for name, benchmark in BENCHMARKS.items():
        yield quantile_rows(
            benchmark(past),
            ticker=ticker,
            model=name,
            year=year,
            origins=own.origin,
            targets=own.target_date,
            horizon=past.horizon,
        )
