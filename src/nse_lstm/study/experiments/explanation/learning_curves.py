"""Measure learning curves: the rank IC by years and by stocks trained on.

Scored years, their members and every feature stay the same. Only the training data are
cut, to the last years before each scored one or to randomly chosen stocks. A cut is
compared with all data session by session, so both share the sessions' noise. The scored
years are walk-forward years, and no choice depends on the result.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.rank_ic import (
    ALL_YEARS,
    compare_rank_ic,
    daily_rank_ic,
    summarise_rank_ic,
)
from nse_lstm.features.folds import Fold
from nse_lstm.study.experiments.ranking_task import forecast_all
from nse_lstm.study.experiments.search_spaces import RankingTask

ALL = "all"
"""The name of a cut that leaves all data."""
CUT = "cut"
Cut = tuple[str, int, int]
"""Kind of a cut, years or stocks that are left, and number of the draw."""


def learning_curve(
    task: RankingTask,
    models: Sequence[str],
    *,
    n_years: Sequence[int] = (),
    n_stocks: Sequence[int] = (),
    n_draws: int = 1,
    progress: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Measure the rank IC by the number of years and of stocks trained on.

    Parameters
    ----------
    task : RankingTask
        Its folds are the scored years.
    models : sequence of str
        As for ``ranking_task.forecast_all``.
    n_years : sequence of int
        Numbers of calendar years before each scored one, with all stocks.
    n_stocks : sequence of int
        Numbers of ordinary shares, over all years.
    n_draws : int
        Random choices of the stocks, whose rank ICs are averaged per session. A larger
        choice contains the smaller ones.
    progress : callable
        Receives one line per point.

    Returns
    -------
    DataFrame
        One row per cut ("years", "stocks" or ``ALL``), number, model and horizon:
        ``value``, ``lower``, ``upper`` (95 %, after Newey and West, over sessions) and
        ``n`` sessions. ``change``, ``change_lower`` and ``change_upper`` are the same
        of the difference from ``ALL``, missing for ``ALL``. The intervals are of the
        sessions' noise, not of the choice of stocks.

    Raises
    ------
    ConfigurationError
        If a number is below 1.
    """
    if min([*n_years, *n_stocks, n_draws]) < 1:
        raise ConfigurationError(
            "Expected at least 1 year, stock and draw. "
            f"Received: n_years={n_years}, n_stocks={n_stocks}, n_draws={n_draws}"
        )
    daily: dict[tuple[str, int], list[pd.DataFrame]] = {}
    for cut in _cuts(n_years, n_stocks, n_draws):
        name, number, draw = cut
        forecasts = [
            forecast_all(_cut(task, fold, cut), models, fold) for fold in task.folds
        ]
        own = daily_rank_ic(pd.concat(forecasts, ignore_index=True), task.panel)
        # Draws are averaged like seeds.
        daily.setdefault((name, number), []).append(own.assign(seed=draw))
        progress(f"{name} {number or ''}, draw {draw + 1}")
    (whole,) = daily[ALL, 0]
    rows = [
        _against(whole, pd.concat(parts)).assign(cut=name, number=number)
        for (name, number), parts in daily.items()
    ]
    columns = ["cut", "number", "model", "horizon", "value", "lower", "upper", "n"]
    changes = ["change", "change_lower", "change_upper"]
    return pd.concat(rows, ignore_index=True)[[*columns, *changes]]


def _against(whole: pd.DataFrame, daily: pd.DataFrame) -> pd.DataFrame:
    """Summarise a cut's rank ICs and their differences from those of all data."""
    summary = summarise_rank_ic(daily)
    summary = summary[summary["fold"] == ALL_YEARS]
    changes = []
    for model in summary["model"].unique():
        one = daily[daily["model"] == model].assign(model=CUT)
        both = pd.concat([one, whole[whole["model"] == model]])
        changes.append(compare_rank_ic(both, CUT, model).assign(model=model))
    change = pd.concat(changes).rename(
        columns={
            "value": "change",
            "lower": "change_lower",
            "upper": "change_upper",
        }
    )
    key = ["model", "delay", "horizon"]
    names = ["change", "change_lower", "change_upper"]
    return summary.merge(change[[*key, *names]], on=key)


def with_years(task: RankingTask, fold: Fold, n_years: int) -> RankingTask:
    """Leave out all data before the last ``n_years`` calendar years of a fold.

    Parameters
    ----------
    task : RankingTask
    fold : Fold
    n_years : int
        At least 1.
    """
    first = fold.start - pd.DateOffset(years=n_years)
    targets = [own[own["origin"] >= first] for own in task.targets]
    features = task.features[task.features["session"] >= first]
    return replace(task, features=features, targets=tuple(targets))


def with_stocks(
    task: RankingTask, fold: Fold, n_stocks: int, *, draw: int
) -> RankingTask:
    """Leave out the training targets of all stocks but ``n_stocks``, randomly chosen.

    Their features stay, because a network's windows reach back before the fold.

    Parameters
    ----------
    task : RankingTask
    fold : Fold
    n_stocks : int
    draw : int
        Number of the random choice.
    """
    tickers = np.unique(task.features["ticker"].astype(str))
    order = np.random.default_rng([task.study.seed, draw]).permutation(len(tickers))
    chosen = tickers[order[:n_stocks]]
    targets = [
        own[own["ticker"].isin(chosen) | (own["origin"] >= fold.start)]
        for own in task.targets
    ]
    return replace(task, targets=tuple(targets))


def _cuts(
    n_years: Sequence[int], n_stocks: Sequence[int], n_draws: int
) -> Iterator[Cut]:
    yield ALL, 0, 0
    yield from (("years", number, 0) for number in n_years)
    for number in n_stocks:
        yield from (("stocks", number, draw) for draw in range(n_draws))


def _cut(task: RankingTask, fold: Fold, cut: Cut) -> RankingTask:
    name, number, draw = cut
    if name == ALL:
        return task
    if name == "years":
        return with_years(task, fold, number)
    return with_stocks(task, fold, number, draw=draw)
