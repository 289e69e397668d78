"""Learning curves: how the rank IC grows with years and with shares trained on.

The years scored, their members and every feature stay the same; only what is trained on
is cut, to the last so many years before each scored one, or to so many shares, drawn
without regard to anything about them. What a cut costs is measured against all data,
session by session: the sessions' luck is the same for both. It looks at walk-forward
years: it describes what data is worth, and nothing is chosen by it.
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
"""In place of what is cut: nothing is."""
CUT = "cut"
Cut = tuple[str, int, int]
"""What is cut, how much is left, and which draw it is."""


def learning_curve(
    ground: RankingTask,
    models: Sequence[str],
    *,
    n_years: Sequence[int] = (),
    n_shares: Sequence[int] = (),
    n_draws: int = 1,
    progress: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Measure the rank IC by years trained on, and by shares trained on.

    Parameters
    ----------
    ground : Ground
        Its folds are the years scored.
    models : sequence of str
        As ``ranking_task.forecast_all`` takes them.
    n_years : sequence of int
        Calendar years before each scored one, of all shares.
    n_shares : sequence of int
        Ordinary shares, of all years.
    n_draws : int
        Choices of the shares, whose rank ICs are averaged session by session. A larger
        number of shares holds those of a smaller one.
    progress : callable
        Is given one line a point.

    Returns
    -------
    DataFrame
        One row a cut ("years", "shares" or ``ALL``), number, model and horizon:
        ``value``, ``lower``, ``upper`` (95 %, after Newey and West, over sessions) and
        ``n`` sessions; and ``change``, ``change_lower`` and ``change_upper``, the same
        of the difference from ``ALL``, which has none. The intervals are of the
        sessions' luck, not of the choice of shares.

    Raises
    ------
    ConfigurationError
        If a number is below 1.
    """
    if min([*n_years, *n_shares, n_draws]) < 1:
        raise ConfigurationError(
            "Expected 1 year, share and draw at least. "
            f"Received: n_years={n_years}, n_shares={n_shares}, n_draws={n_draws}"
        )
    daily: dict[tuple[str, int], list[pd.DataFrame]] = {}
    for cut in _cuts(n_years, n_shares, n_draws):
        name, number, draw = cut
        forecasts = [
            forecast_all(_cut(ground, fold, cut), models, fold) for fold in ground.folds
        ]
        own = daily_rank_ic(pd.concat(forecasts, ignore_index=True), ground.panel)
        # The seed's column tells the draws apart: they are averaged like seeds.
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
    """Summarise a cut's rank ICs, and their differences from those of all data."""
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


def with_years(ground: RankingTask, fold: Fold, n_years: int) -> RankingTask:
    """Leave out everything before the last ``n_years`` calendar years of a fold."""
    first = fold.start - pd.DateOffset(years=n_years)
    targets = [own[own["origin"] >= first] for own in ground.targets]
    features = ground.features[ground.features["session"] >= first]
    return replace(ground, features=features, targets=tuple(targets))


def with_shares(
    ground: RankingTask, fold: Fold, n_shares: int, *, draw: int
) -> RankingTask:
    """Leave out the returns before a fold of all but some shares.

    Their features stay: a network's windows reach back before the fold.
    """
    tickers = np.unique(ground.features["ticker"].astype(str))
    order = np.random.default_rng([ground.study.seed, draw]).permutation(len(tickers))
    chosen = tickers[order[:n_shares]]
    targets = [
        own[own["ticker"].isin(chosen) | (own["origin"] >= fold.start)]
        for own in ground.targets
    ]
    return replace(ground, targets=tuple(targets))


def _cuts(
    n_years: Sequence[int], n_shares: Sequence[int], n_draws: int
) -> Iterator[Cut]:
    yield ALL, 0, 0
    yield from (("years", number, 0) for number in n_years)
    for number in n_shares:
        yield from (("shares", number, draw) for draw in range(n_draws))


def _cut(ground: RankingTask, fold: Fold, cut: Cut) -> RankingTask:
    name, number, draw = cut
    if name == ALL:
        return ground
    if name == "years":
        return with_years(ground, fold, number)
    return with_shares(ground, fold, number, draw=draw)
