"""Scores of forecasts and strategies; the only module that joins realised values.

Accuracy is scored over the forecast's own span (delay 0, origin to target), strategies
on the returns of ``strategies``, which trade one session later.
"""

from collections.abc import Callable
from typing import cast

import numpy as np
import pandas as pd

from nse_lstm.config import Backtest
from nse_lstm.errors import TableError
from nse_lstm.evaluation import metrics
from nse_lstm.evaluation.direction import three_way_accuracy
from nse_lstm.features.returns import with_returns
from nse_lstm.tables import ACCURACY_COST, SCORES, conform

POOL = "ALL"
"""The ``ticker`` of a score over all stocks."""

MEDIAN_METRICS = ("mae", "rmse", "bias", "r_squared")
"""Pooled as the median over stocks, because prices in KES differ in scale."""

STRATEGY_METRICS = (
    *("net_return", "gross_return", "sharpe_ratio", "sharpe_over_cash", "win_rate"),
    *("win_rate_all", "max_drawdown", "turnover", "exposure"),
)

TRADED = "_traded"
"""Ends the name of a metric that is measured on traded sessions only."""

MIN_EXPOSURE = 0.05
"""An account with less exposure has no Sharpe ratio: its return is nearly all interest,
which hardly varies, so the ratio over zero has no bound."""

SEEDED = ["model", "seed", "fold"]
STRATEGY = ["model", "seed", "fold", "rule", "cost_bps"]

SCORE_KEY = [
    name for name in SCORES.columns if name not in {"value", "n", "lower", "upper"}
]
Measured = dict[str, tuple[float, int]]


def realised(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Join the realised return and price to each forecast.

    Parameters
    ----------
    forecasts : DataFrame
        Rows of ``FORECASTS``, of any delay.
    panel : DataFrame
        ``PANEL``, reaching as far as it is known.

    Returns
    -------
    DataFrame
        The forecasts with ``y`` (log return of the adjusted price from entry to
        target), ``level`` (the target's price in shares of the origin, KES) and
        ``last_price`` (the origin's, KES). ``y`` and ``level`` are missing where the
        entry or target has no price, where the target or a delayed entry is a stale
        session, and where a calendar gap or a session whose price is settling after an
        ex-date lies between origin and target.
    """
    prices = with_returns(panel)
    broken = prices["gap"] | prices["settling"]
    prices["adjusted"] = prices["adjusted"].mask(prices["settling"])
    prices["breaks"] = broken.groupby(prices["ticker"]).cumsum()
    known = prices.set_index(["ticker", "session"])

    def at(place: str) -> pd.DataFrame:
        key = pd.MultiIndex.from_frame(forecasts[["ticker", place]])
        rows = known[["adjusted", "shares", "breaks", "stale"]].reindex(key)
        return rows.reset_index(drop=True)

    origin, entry, target = at("origin"), at("entry_date"), at("target_date")
    usable = target["breaks"] == origin["breaks"]
    # A stale origin sends no signal; a stale delayed entry has no price of its own.
    at_origin = pd.Series(forecasts["delay"].to_numpy() == 0, index=entry.index)
    usable &= (entry["stale"].eq(False) | at_origin) & target["stale"].eq(False)
    reached = target["adjusted"].where(usable)
    ratio = (reached / entry["adjusted"]).to_numpy()
    return forecasts.assign(
        y=np.log(ratio),
        level=(reached / origin["shares"]).to_numpy(),
        last_price=(origin["adjusted"] / origin["shares"]).to_numpy(),
    )


def check_forecasts(forecasts: pd.DataFrame) -> None:
    """Raise on an empty table, and on two forecasts of a model from one origin.

    Raises
    ------
    TableError
        Names the first model, ticker and origin. Scores have no delay and horizon in
        their key, so each model must have one of each.
    """
    if forecasts.empty:
        raise TableError("Expected forecasts to score. Received: no row")
    key = ["ticker", *SEEDED, "origin"]
    twice = forecasts[forecasts.duplicated(key)]
    if len(twice):
        first = twice.iloc[0]
        raise TableError(
            "A model has one delay and horizon, so one forecast per origin. Received: "
            f"two of {first['model']} (ticker {first['ticker']}, "
            f"origin {first['origin']:%Y-%m-%d})"
        )


def score_accuracy(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Score the accuracy of forecasts, per stock and pooled.

    On price levels (KES): ``mae``, ``rmse``, ``bias`` (forecast minus realised),
    ``mape`` (fraction), ``r_squared``, ``negative_predictions`` (count). On log
    returns: ``skill`` and ``mase`` against ``y_hat = 0``, ``directional_accuracy`` of
    the calls, and ``three_way_accuracy`` of all rows, with "unchanged" as a class. Rows
    without a realised value are left out. Rows whose price forecast is not positive
    have no ``y_hat`` and are in the level metrics only. Each seed is scored alone:
    ``value`` is the mean over seeds with a defined metric, ``n`` the smallest count.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with one delay and horizon per model.
    panel : DataFrame
        ``PANEL``; the sessions before the fold's year give the scale of ``mase``.

    Returns
    -------
    DataFrame
        ``SCORES`` with rule "none" and cost ``ACCURACY_COST``. Ticker "ALL" pools the
        rows of all stocks, but takes the median over stocks for ``MEDIAN_METRICS``.

    Raises
    ------
    TableError
        If a model forecasts one origin twice.
    """
    check_forecasts(forecasts)
    scored = _with_scale(realised(forecasts, panel), panel).dropna(subset="y")
    single = _measure(scored, ["ticker", *SEEDED], _accuracy)
    pooled = _measure(scored.assign(ticker=POOL), ["ticker", *SEEDED], _accuracy)
    medians = (
        single.groupby([*SEEDED, "metric"], as_index=False)
        .agg(value=("value", "median"), n=("n", "sum"))
        .assign(ticker=POOL)
    )
    parts = [
        single,
        pooled[~pooled["metric"].isin(MEDIAN_METRICS)],
        medians[medians["metric"].isin(MEDIAN_METRICS)],
    ]
    table = pd.concat(parts).assign(rule="none", cost_bps=ACCURACY_COST)
    return _scores(table)


def on_traded(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Return the forecasts whose target session had a trade and was no stale copy.

    A session without a trade repeats the price before it, which favours persistence and
    forecasts of small moves. This filter uses the target session, which is unknown at
    the origin: right for a second measure of accuracy, never for a strategy.

    Parameters
    ----------
    forecasts : DataFrame
        With ``ticker`` and ``target_date``, such as ``FORECASTS``.
    panel : DataFrame
        ``PANEL``.
    """
    traded = panel[panel["volume"].notna() & ~panel["stale"]]
    sessions = pd.MultiIndex.from_frame(traded[["ticker", "session"]])
    targets = pd.MultiIndex.from_frame(forecasts[["ticker", "target_date"]])
    return forecasts[targets.isin(sessions)].reset_index(drop=True)


def score_traded(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Score the accuracy on traded sessions only.

    Parameters
    ----------
    forecasts, panel
        As for ``score_accuracy``.

    Returns
    -------
    DataFrame
        ``SCORES`` with "_traded" after each metric's name; empty where nothing traded.
    """
    kept = on_traded(forecasts, panel)
    if kept.empty:
        return score_accuracy(forecasts, panel).iloc[:0]
    scores = score_accuracy(kept, panel)
    return conform(scores.assign(metric=scores["metric"] + TRADED), SCORES)


def score_strategies(returns: pd.DataFrame, *, backtest: Backtest) -> pd.DataFrame:
    """Score the returns of strategies, per stock and pooled.

    ``net_return`` and ``gross_return`` are compounded over the fold. ``sharpe_ratio``
    is over zero, ``sharpe_over_cash`` over the bill rate, both yearly and missing where
    the exposure is below ``MIN_EXPOSURE``. ``exposure`` is the mean fraction of the
    capital that is invested. ``win_rate`` is of invested sessions (``n`` counts them),
    ``win_rate_all`` of all; a win is a positive net return without the interest on idle
    money. ``turnover`` is per year. Seeds are averaged as in ``score_accuracy``.

    Parameters
    ----------
    returns : DataFrame
        ``STRATEGY_RETURNS``.
    backtest : Backtest
        ``sessions_per_year`` is used.

    Returns
    -------
    DataFrame
        ``SCORES``. Ticker "ALL" holds equal capital in every stock of the fold and is
        rebalanced every session at no cost: its session return and exposure are means
        over stocks. Its win rates count the stocks' own sessions, all stocks together.
        A strategy with an account "ALL", such as ``equal_weight``, is scored on it.
    """

    def account(rows: pd.DataFrame) -> Measured:
        return _account(rows, backtest)

    columns = ["position", "turnover", "gross_return", "net_return", "cash_return"]
    stocks = returns[returns["ticker"] != POOL].assign(ticker=POOL)
    pool = stocks.groupby(["ticker", *STRATEGY, "session"], as_index=False)[columns]
    key = ["ticker", *STRATEGY]
    parts = [
        _measure(returns, key, account),
        _measure(returns, key, _wins),
        _measure(pool.mean(), key, account),
        _measure(stocks, key, _wins),
    ]
    return _scores(pd.concat(parts))


def _accuracy(rows: pd.DataFrame) -> Measured:
    priced = rows.dropna(subset="price_hat")
    level, level_hat = priced["level"].to_numpy(), priced["price_hat"].to_numpy()
    aimed = rows.dropna(subset="y_hat")
    y, y_hat = aimed["y"].to_numpy(), aimed["y_hat"].to_numpy()
    calls = int(metrics.directional_calls(y, y_hat).sum())
    return {
        "mae": (metrics.mae(level, level_hat), len(priced)),
        "rmse": (metrics.rmse(level, level_hat), len(priced)),
        "mape": (metrics.mape(level, level_hat), len(priced)),
        "bias": (metrics.bias(level, level_hat), len(priced)),
        "r_squared": (metrics.r_squared(level, level_hat), len(priced)),
        "negative_predictions": (metrics.negative_count(level_hat), len(priced)),
        "skill": (metrics.skill(y, y_hat), len(aimed)),
        "mase": (metrics.mase(y, y_hat, scale=aimed["scale"].to_numpy()), len(aimed)),
        "directional_accuracy": (metrics.directional_accuracy(y, y_hat), calls),
        "three_way_accuracy": (three_way_accuracy(y, y_hat), len(aimed)),
    }


def _account(rows: pd.DataFrame, backtest: Backtest) -> Measured:
    net, cash, n = rows["net_return"], rows["cash_return"], len(rows)
    year = backtest.sessions_per_year
    exposure = float(rows["position"].mean())
    enough = n if exposure >= MIN_EXPOSURE else 0
    earned, in_cash = net[:enough], cash[:enough]
    return {
        "net_return": (metrics.total_return(net), n),
        "gross_return": (metrics.total_return(rows["gross_return"].to_numpy()), n),
        "sharpe_ratio": (metrics.sharpe_ratio(earned, sessions_per_year=year), n),
        "sharpe_over_cash": (
            metrics.sharpe_ratio(earned, sessions_per_year=year, cash=in_cash),
            n,
        ),
        "max_drawdown": (metrics.max_drawdown(net), n),
        "turnover": (
            metrics.annual_turnover(rows["turnover"], sessions_per_year=year),
            n,
        ),
        "exposure": (exposure, n),
    }


def _wins(rows: pd.DataFrame) -> Measured:
    position = rows["position"]
    won = rows["net_return"] - (1 - position) * rows["cash_return"]
    won = won.round(12)  # the rounding error of 1 + return is no win
    return {
        "win_rate": (metrics.win_rate(won, position), int((position > 0).sum())),
        "win_rate_all": (metrics.win_rate_all(won, position), len(rows)),
    }


def _measure(
    rows: pd.DataFrame, key: list[str], measure: Callable[[pd.DataFrame], Measured]
) -> pd.DataFrame:
    """Return one row per group and metric: the key, metric, value, n."""
    found = [
        (*group, metric, value, n)
        for group, block in rows.groupby(key)
        for metric, (value, n) in measure(block).items()
    ]
    return pd.DataFrame(found, columns=[*key, "metric", "value", "n"])


def _scores(measured: pd.DataFrame) -> pd.DataFrame:
    """Average over seeds into rows of ``SCORES``."""
    table = measured.groupby(SCORE_KEY, as_index=False).agg(
        value=("value", "mean"), n=("n", "min")
    )
    table = table.assign(lower=np.nan, upper=np.nan)
    return conform(table, SCORES)


def _with_scale(scored: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Add ``scale``: the random walk's mean absolute error before the fold."""
    prices = with_returns(panel)
    aims = scored[["ticker", "fold", "horizon"]].drop_duplicates()
    scales = []
    for (fold, horizon), aim in aims.groupby(["fold", "horizon"]):
        before = prices[prices["session"] < pd.Timestamp(cast(int, fold), 1, 1)]
        returns = before.groupby("ticker")["log_return"]
        moves = returns.rolling(cast(int, horizon)).sum().abs()
        scale = moves.groupby("ticker").mean()
        scales.append(aim.assign(scale=aim["ticker"].map(scale)))
    return scored.merge(pd.concat(scales), how="left")
