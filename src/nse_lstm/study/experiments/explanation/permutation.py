"""Measure the permutation importance of features for a forecaster's rank IC.

A feature is shuffled among the stocks of each session of a scored year, so the fit and
each session's values stay. The loss of rank IC is the feature's importance. Shuffled
copies are extra stocks of the scored year, so one fit forecasts them all. As a control
the feature is shuffled in training too, where its importance is zero but for noise. The
scored years are those of the search, so no walk-forward year is evaluated.
``occlusion`` does the same for fitted networks.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.features.folds import Fold
from nse_lstm.study.experiments.search_spaces import Forecaster, RankingTask
from nse_lstm.tables import RANKED_FEATURES

KEY = ["fold", "horizon", "origin"]
WHOLE = "whole"
"""The name of forecasts without a shuffled feature."""


def permutation_importance(
    task: RankingTask,
    forecaster: Forecaster,
    features: tuple[str, ...] = tuple(RANKED_FEATURES),
    *,
    seed: int = 1,
    n_draws: int = 1,
    n_controls: int | None = None,
) -> pd.DataFrame:
    """Measure each feature's permutation importance for the rank IC, with a control.

    Parameters
    ----------
    task : RankingTask
        From ``search.prepare_ranking_task``.
    forecaster : Forecaster
        A model of all stocks that ranks a session by its own row of features. It is
        fitted once per year and once more per control, under the study's settings.
    features : tuple of str
        Features to shuffle, among ``RANKED_FEATURES``.
    seed : int
        Seed of the shuffles.
    n_draws : int
        Shuffles per feature, whose losses are averaged per session.
    n_controls : int, optional
        Number of features with a control, those with the largest loss. Default: all.

    Returns
    -------
    DataFrame
        One row per feature, the largest loss first: ``feature``, ``loss`` and
        ``control`` (mean rank IC lost over years, horizons and sessions), and their
        standard errors ``error`` and ``control_error`` with months as observations.
        Without a control its two values are missing.

    Raises
    ------
    ConfigurationError
        If a feature is not among ``RANKED_FEATURES``.
    """
    if unknown := sorted(set(features) - set(RANKED_FEATURES)):
        raise ConfigurationError(
            f"`features` must be among RANKED_FEATURES. Received: {unknown}"
        )
    draws = {
        name: [[seed, place, draw] for draw in range(n_draws)]
        for place, name in enumerate(features)
    }
    losses = _losses(task, forecaster, draws)
    rows = [
        {
            "feature": name,
            "loss": float(losses[name].mean()),
            "error": error_by_month(losses[name].dropna()),
            "control": np.nan,
            "control_error": np.nan,
        }
        for name in features
    ]
    table = pd.DataFrame(rows).sort_values(
        "loss", ascending=False, ignore_index=True, kind="stable"
    )
    for place, name in enumerate(table["feature"].head(n_controls or len(table))):
        noise = shuffle_feature(
            task.features, name, since=None, seed=[seed, place, n_draws]
        )
        useless = replace(task, features=noise)
        again = _losses(useless, forecaster, {name: draws[name]})[name].dropna()
        table.loc[place, "control"] = float(again.mean())
        table.loc[place, "control_error"] = error_by_month(again)
    return table


def shuffle_feature(
    features: pd.DataFrame,
    name: str,
    *,
    since: pd.Timestamp | None,
    seed: list[int],
) -> pd.DataFrame:
    """Shuffle a feature among the usable stocks of each session.

    Parameters
    ----------
    features : DataFrame
        ``FEATURES``.
    name : str
        The column.
    since : Timestamp, optional
        The first shuffled session. Default: all sessions.
    seed : list of int
        Seed of NumPy's generator.

    Returns
    -------
    DataFrame
        The table with that column changed. Each session keeps its usable values,
        missing ones included.
    """
    chosen = features["usable"]
    if since is not None:
        chosen = chosen & (features["session"] >= since)
    rows = features.loc[chosen, ["session", name]]
    order = np.random.default_rng(seed).random(len(rows))
    drawn = rows.assign(order=order).sort_values(["session", "order"], kind="stable")
    places = rows.sort_values("session", kind="stable").index
    column = features[name].copy()
    column.loc[places] = drawn[name].to_numpy()
    return features.assign(**{name: column})


def error_by_month(values: "pd.Series[float]") -> float:
    """Return the standard error of a mean with months as observations.

    Parameters
    ----------
    values : Series
        Without missing values, ``origin`` among the levels of its index.
    """
    months = pd.DatetimeIndex(values.index.get_level_values("origin")).to_period("M")
    means = values.groupby(months).mean()
    return float(means.std(ddof=1) / np.sqrt(len(means)))


def _losses(
    task: RankingTask, forecaster: Forecaster, draws: dict[str, list[list[int]]]
) -> pd.DataFrame:
    """Return the loss of rank IC by session (rows) and shuffled feature (columns)."""
    blocks = [_fold_ics(task, forecaster, fold, draws) for fold in task.folds]
    ics = pd.concat(blocks).groupby(["model", *KEY])["rank_ic"].mean()
    wide = ics.unstack("model")
    return wide.drop(columns=WHOLE).rsub(wide[WHOLE], axis=0)


def _fold_ics(
    task: RankingTask,
    forecaster: Forecaster,
    fold: Fold,
    draws: dict[str, list[list[int]]],
) -> pd.DataFrame:
    """Fit once, then forecast and score a year with each feature shuffled.

    Returns ``RANK_IC`` with the feature's name as the model, ``WHOLE`` for none.
    """
    names = {"": WHOLE}
    copies = []
    for feature, seeds in draws.items():
        for draw, seed in enumerate(seeds):
            table = shuffle_feature(task.features, feature, since=fold.start, seed=seed)
            names[f"{feature}/{draw}"] = feature
            copies.append(_as_copies(table, "session", fold, f"{feature}/{draw}"))
    targets = tuple(
        pd.concat(
            [own, *(_as_copies(own, "origin", fold, label) for label in names if label)]
        )
        for own in task.targets
    )
    seen = replace(task, features=pd.concat([task.features, *copies]), targets=targets)
    forecasts = forecaster.forecast(seen, task.study, fold)
    parts = forecasts["ticker"].str.partition("|")
    forecasts = forecasts.assign(
        ticker=parts[0], model=parts[2].map(names), seed=parts[2].factorize()[0]
    )
    return daily_rank_ic(forecasts, task.panel)


def _as_copies(table: pd.DataFrame, time: str, fold: Fold, label: str) -> pd.DataFrame:
    """Return a year's rows as extra stocks, which have no rows to train on."""
    inside = (table[time] >= fold.start) & (table[time] < fold.end)
    rows = table[inside]
    if "member" in rows:
        rows = rows[rows["member"] & rows["usable"]]
    return rows.assign(ticker=rows["ticker"] + f"|{label}")
