"""Collect the series of the declared claims from Phase 4's tables, and judge them.

A claim whose table is not in the build is shown as "not measured", never left out. The
sessions are those of the scored years: untouched years are absent until
``core.untouched_years`` hands them out.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from nse_lstm.config import Claim, Study
from nse_lstm.evaluation.claims import CHOSEN_ON, ClaimSeries, judge_claims, span_of
from nse_lstm.evaluation.significance import deflate_by_trials, moments_of
from nse_lstm.evaluation.strategies import BENCHMARKS
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.core.untouched_years import was_first_reading
from nse_lstm.tables import (
    CLAIMS,
    ORDER_TIMING,
    PORTFOLIO_RETURNS,
    RANK_IC,
    read_table,
    write_table,
)

NO_MOVE = 1e-12
"""Smaller log returns are rounding of an unchanged price."""
BENCHMARK_RULES = tuple(BENCHMARKS.values())
"""Rules of ``portfolio_returns`` that use no forecast: no account of ours."""

Collected = ClaimSeries | None


def gather_claims(
    data: StudyData, joined: pd.DataFrame, losses: pd.DataFrame
) -> pd.DataFrame:
    """Judge every declared claim on what this build has measured.

    Writes ``claims.parquet`` under ``trained_models/<market>/evaluation``.

    Parameters
    ----------
    data : StudyData
    joined : DataFrame
        ``FORECASTS`` of the scored years with ``y``, see ``scoring.realised``.
    losses : DataFrame
        Of the forecast distributions: ``model``, ``horizon``, ``target_date``,
        ``crps`` (sum over the stocks) and ``n``.

    Returns
    -------
    DataFrame
        ``CLAIMS``; without rows where the study file declares none.

    Raises
    ------
    ArtefactError
        If a table holds an untouched year that this study has not opened.
    """
    study = data.study
    folder = data.paths.evaluation
    collect: dict[str, Callable[[Claim], Collected]] = {
        "skill": partial(squared_error_series, joined),
        "direction": partial(direction_series, joined),
        "rank_ic": partial(_ranking, data.paths.ranking / "rank_ic.parquet"),
        "crps": partial(crps_series, losses, study=study),
        "net_return": partial(_money, folder, study=study),
        "best_return": partial(_best, folder, study=study),
        "saving": partial(_saving, folder),
    }
    found = {
        claim.name: collect[claim.statistic](claim) for claim in study.claims.family
    }
    series = {name: each for name, each in found.items() if each is not None}
    claims = judge_claims(
        study.claims,
        series,
        market=study.market,
        seed=study.seed,
        first_reading=_reads_untouched(series, study) and was_first_reading(data),
    )
    write_table(claims, CLAIMS, folder / "claims.parquet")
    return claims


def squared_error_series(joined: pd.DataFrame, claim: Claim) -> Collected:
    """Return what a forecast saves of "no change"'s squared error, by session.

    Parameters
    ----------
    joined : DataFrame
        ``FORECASTS`` with ``y``.
    claim : Claim
        Against "persistence", whose forecast is no change.
    """
    wide = _side_by_side(joined, claim)
    if wide is None:
        return None
    squared = {name: (wide["y"] - wide[name]) ** 2 for name in _models(claim)}
    return _best_of(
        claim,
        lambda other: squared[other] - squared[claim.model],
        lambda other: squared[other],
    )


def direction_series(joined: pd.DataFrame, claim: Claim) -> Collected:
    """Return how many more moving stocks a forecast calls right, by session.

    A forecast of no change is wrong where the price moved.

    Parameters
    ----------
    joined : DataFrame
        ``FORECASTS`` with ``y``.
    claim : Claim
    """
    wide = _side_by_side(joined, claim)
    if wide is None:
        return None
    moved = wide[wide["y"].abs() > NO_MOVE]
    if moved.empty:
        return None
    right = {
        name: (np.sign(moved[name]) == np.sign(moved["y"])).astype(float)
        for name in _models(claim)
    }
    one = pd.Series(1.0, index=moved.index)
    return _best_of(
        claim, lambda other: right[claim.model] - right[other], lambda other: one
    )


def rank_ic_series(daily: pd.DataFrame, claim: Claim) -> Collected:
    """Return the difference of two models' rank ICs, by session that both rank.

    Parameters
    ----------
    daily : DataFrame
        ``RANK_IC``; seeds are averaged.
    claim : Claim
    """
    aim = (daily["horizon"] == claim.horizon) & (daily["delay"] == claim.delay)
    wide = _complete(
        daily[aim].pivot_table(index="origin", columns="model", values="rank_ic"), claim
    )
    if wide is None:
        return None
    one = pd.Series(1.0, index=wide.index)
    return _best_of(
        claim, lambda other: wide[claim.model] - wide[other], lambda other: one
    )


def crps_series(losses: pd.DataFrame, claim: Claim, *, study: Study) -> Collected:
    """Return what a distribution saves of its benchmark's CRPS, by session.

    The benchmark is the one with the lower CRPS on the years that settings were chosen
    on. Without such a year it is the one with the lower CRPS on all sessions, which is
    harder to beat.

    Parameters
    ----------
    losses : DataFrame
        As ``gather_claims`` takes them.
    claim : Claim
    study : Study
        The market's years.
    """
    if losses.empty:
        return None
    own = losses[losses["horizon"] == claim.horizon]
    summed = own.pivot_table(
        index="target_date", columns="model", values="crps", aggfunc="sum"
    )
    wide = _complete(summed, claim)
    if wide is None:
        return None
    years = pd.DatetimeIndex(wide.index).year
    chosen = np.array([span_of(int(year), study.market) == CHOSEN_ON for year in years])
    judged = wide[chosen] if chosen.any() else wide
    against = str(judged[list(claim.against)].sum().idxmin())
    gain = wide[against] - wide[claim.model]
    return ClaimSeries(gain, wide[against], against=against, model=claim.model)


def money_series(returns: pd.DataFrame, claim: Claim, *, study: Study) -> Collected:
    """Return a rule's net return beyond the better of its benchmarks, by session.

    Start days are averaged. The better benchmark has the higher mean net return on the
    same sessions.

    Parameters
    ----------
    returns : DataFrame
        ``portfolio_returns``.
    claim : Claim
    study : Study
        Headline cost and sessions per year.
    """
    net = _net(returns, study)
    own = (claim.model, claim.rule)
    others = {
        name: column
        for column in net.columns
        for name in claim.against
        if column[0] == name
    }
    if own not in net.columns or set(others) != set(claim.against):
        return None
    wide = net[[own, *others.values()]].dropna()
    against = max(others, key=lambda name: float(wide[others[name]].mean()))
    gain = wide[own] - wide[others[against]]
    return ClaimSeries(
        gain, _per_year(gain, study), against=against, model=f"{own[0]} {own[1]}"
    )


def best_account_series(
    returns: pd.DataFrame, claim: Claim, *, study: Study
) -> Collected:
    """Return the best account's net return beyond the bill, by session.

    The best of many is judged by its deflated Sharpe ratio too: the p-value is at least
    one less that probability, with all accounts of ours as trials.

    Parameters
    ----------
    returns : DataFrame
        ``portfolio_returns``.
    claim : Claim
    study : Study
        Headline cost and sessions per year.
    """
    net = _net(returns, study)
    own = [column for column in net.columns if column[1] not in BENCHMARK_RULES]
    if not own:
        return None
    cash = _net(returns, study, column="cash_return")
    excess = (net[own] - cash[own]).dropna()
    if excess.empty:
        return None
    best = own[int(np.argmax(excess.to_numpy().mean(axis=0)))]
    others = [moments_of(excess[column]).sharpe for column in own if column != best]
    deflated = deflate_by_trials(moments_of(excess[best]), others)
    gain = excess[best]
    return ClaimSeries(
        gain,
        _per_year(gain, study),
        against=claim.against[0],
        model=f"{best[0]} {best[1]}",
        least_p=1.0 if deflated is None else 1.0 - deflated,
    )


def saving_series(timing: pd.DataFrame, claim: Claim) -> Collected:
    """Return what timed orders save beyond a placebo, by session, both sides pooled.

    Parameters
    ----------
    timing : DataFrame
        ``order_timing``.
    claim : Claim
        Its horizon is the longest wait.
    """
    own = timing[timing["wait"] == claim.horizon]
    key = ["side", "session"]
    wide = _complete(own.pivot(index=key, columns="signal", values="saving_bps"), claim)
    if wide is None:
        return None
    counts = own[own["signal"] == claim.model].set_index(key)["n_orders"]
    n_orders = counts.reindex(wide.index).astype(float)
    return _best_of(
        claim,
        lambda other: n_orders * (wide[claim.model] - wide[other]),
        lambda other: n_orders,
        level="session",
    )


def _reads_untouched(series: dict[str, ClaimSeries], study: Study) -> bool:
    untouched = study.market.untouched
    years = (pd.DatetimeIndex(each.gain.index).year for each in series.values())
    return any(bool(each.isin(untouched).any()) for each in years)


def _models(claim: Claim) -> list[str]:
    return [claim.model, *claim.against]


def _side_by_side(joined: pd.DataFrame, claim: Claim) -> pd.DataFrame | None:
    """Return the models' forecasts and ``y`` where all of them have one."""
    aim = (joined["horizon"] == claim.horizon) & (joined["delay"] == claim.delay)
    own = joined[aim & joined["model"].isin(_models(claim))].dropna(subset="y")
    key = ["target_date", "ticker"]
    wide = _complete(own.pivot_table(index=key, columns="model", values="y_hat"), claim)
    if wide is None:
        return None
    y = own.groupby(key)["y"].first()
    return wide.assign(y=y.reindex(wide.index))


def _complete(wide: pd.DataFrame, claim: Claim) -> pd.DataFrame | None:
    """Keep the rows where all of the claim's models have a value; None without any."""
    if not set(_models(claim)) <= set(wide.columns):
        return None
    known = wide[_models(claim)].dropna()
    return None if known.empty else known


def _best_of(
    claim: Claim,
    gain_of: Callable[[str], "pd.Series[float]"],
    base_of: Callable[[str], "pd.Series[float]"],
    *,
    level: str = "",
) -> ClaimSeries:
    """Return the series against the better benchmark, which leaves the least gain."""
    both = {other: (gain_of(other), base_of(other)) for other in claim.against}
    against = min(both, key=lambda other: _mean_gain(*both[other]))
    gain, base = (
        each.groupby(level=level or 0).sum().sort_index() for each in both[against]
    )
    return ClaimSeries(gain, base, against=against, model=claim.model)


def _mean_gain(gain: "pd.Series[float]", base: "pd.Series[float]") -> float:
    return float(gain.sum() / base.sum())


def _ranking(path: Path, claim: Claim) -> Collected:
    return rank_ic_series(read_table(RANK_IC, path), claim) if path.is_file() else None


def _money(folder: Path, claim: Claim, *, study: Study) -> Collected:
    table = _optional(folder / "portfolio_returns.parquet", PORTFOLIO_RETURNS)
    return None if table is None else money_series(table, claim, study=study)


def _best(folder: Path, claim: Claim, *, study: Study) -> Collected:
    table = _optional(folder / "portfolio_returns.parquet", PORTFOLIO_RETURNS)
    return None if table is None else best_account_series(table, claim, study=study)


def _saving(folder: Path, claim: Claim) -> Collected:
    table = _optional(folder / "order_timing.parquet", ORDER_TIMING)
    return None if table is None else saving_series(table, claim)


def _optional(path: Path, schema: pa.DataFrameSchema) -> pd.DataFrame | None:
    """Return a table of this build, None where it has none or an empty one."""
    table = read_table(schema, path) if path.is_file() else pd.DataFrame()
    return None if table.empty else table


def _net(
    returns: pd.DataFrame, study: Study, *, column: str = "net_return"
) -> pd.DataFrame:
    """Return one column per model and rule: the mean over start days, by session."""
    paid = returns["cost_bps"] == study.backtest.headline_cost_bps
    own = returns[paid]
    return own.pivot_table(index="session", columns=["model", "rule"], values=column)


def _per_year(gain: "pd.Series[float]", study: Study) -> "pd.Series[float]":
    """Return the base that makes the effect a yearly sum of session returns."""
    return pd.Series(1 / study.backtest.sessions_per_year, index=gain.index)


def read_claims(folder: Path) -> pd.DataFrame:
    """Return ``claims.parquet`` in the declared order; empty where there is none.

    Parameters
    ----------
    folder : Path
        ``Paths.evaluation``.
    """
    path = folder / "claims.parquet"
    if not path.is_file():
        return pd.DataFrame()
    return read_table(CLAIMS, path).sort_values(["place", "span"], ignore_index=True)
