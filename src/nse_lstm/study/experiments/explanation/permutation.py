"""What a forecaster's ranking rests on: features shuffled, one at a time.

A feature is shuffled among the shares of each session of a scored year only, so the fit
is the same and every session keeps its values; what the rank IC loses is what the
ranking owes to it. Every shuffle rides along as shares of its own, which only the
scored year has, so that one fit forecasts them all. Beside it stands a control that can
owe nothing: the same feature shuffled in training as well, and then once more. It runs
on the years of the search, so no walk-forward year is looked at.
``study.experiments.explanation.occlusion`` does the like for fitted networks.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.features.folds import Fold
from nse_lstm.study.experiments.search_spaces import Forecaster, RankingTask
from nse_lstm.tables import RANKED_FEATURES

AIM = ["fold", "horizon", "origin"]
WHOLE = "whole"
"""In place of a feature: nothing is shuffled."""


def explain(
    ground: RankingTask,
    forecaster: Forecaster,
    features: tuple[str, ...] = tuple(RANKED_FEATURES),
    *,
    seed: int = 1,
    n_draws: int = 1,
    n_controls: int | None = None,
) -> pd.DataFrame:
    """Measure what each feature adds to a forecaster's rank IC, beside a control.

    Parameters
    ----------
    ground : Ground
        Of ``search.prepare_ranking_task``.
    forecaster : Forecaster
        One of all shares, that ranks a session by its own row of features. Fitted once
        a year, and once more for each control, under the study's own settings.
    features : tuple of str
        Those to shuffle, of ``RANKED_FEATURES``.
    seed : int
        Of the shuffling.
    n_draws : int
        Shuffles of a feature, whose losses are averaged session by session.
    n_controls : int, optional
        Controls for so many features only, those that lose most; for all if not given.

    Returns
    -------
    DataFrame
        One row a feature, the largest loss first: ``feature``, ``loss`` and
        ``control`` (mean rank IC lost over all years, horizons and sessions), and
        their standard errors ``error`` and ``control_error``, a month being one
        observation. Without a control its two are missing.

    Raises
    ------
    ConfigurationError
        If a feature is none that a forecaster ranks by.
    """
    if unknown := sorted(set(features) - set(RANKED_FEATURES)):
        raise ConfigurationError(
            f"`features` must be of RANKED_FEATURES. Received: {unknown}"
        )
    draws = {
        name: [[seed, place, draw] for draw in range(n_draws)]
        for place, name in enumerate(features)
    }
    losses = _losses(ground, forecaster, draws)
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
            ground.features, name, since=None, seed=[seed, place, n_draws]
        )
        useless = replace(ground, features=noise)
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
    """Shuffle a feature among the usable shares of each session.

    Parameters
    ----------
    features : DataFrame
        ``FEATURES``.
    name : str
        The column.
    since : Timestamp, optional
        The first session that is shuffled; every one if not given.
    seed : list of int
        Of NumPy's generator.

    Returns
    -------
    DataFrame
        The table with that column changed; a session's usable values stay the same
        ones, missing ones among them.
    """
    chosen = features["usable"]
    if since is not None:
        chosen = chosen & (features["session"] >= since)
    rows = features.loc[chosen, ["session", name]]
    luck = np.random.default_rng(seed).random(len(rows))
    drawn = rows.assign(luck=luck).sort_values(["session", "luck"], kind="stable")
    places = rows.sort_values("session", kind="stable").index
    column = features[name].copy()
    column.loc[places] = drawn[name].to_numpy()
    return features.assign(**{name: column})


def error_by_month(values: "pd.Series[float]") -> float:
    """Return the standard error of a mean, a month being one observation.

    Parameters
    ----------
    values : Series
        None missing, with ``origin`` among the levels of its index.
    """
    months = pd.DatetimeIndex(values.index.get_level_values("origin")).to_period("M")
    means = values.groupby(months).mean()
    return float(means.std(ddof=1) / np.sqrt(len(means)))


def _losses(
    ground: RankingTask, forecaster: Forecaster, draws: dict[str, list[list[int]]]
) -> pd.DataFrame:
    """Return the rank IC that each feature's shuffles lose: sessions by features."""
    blocks = [_fold_ics(ground, forecaster, fold, draws) for fold in ground.folds]
    ics = pd.concat(blocks).groupby(["model", *AIM])["rank_ic"].mean()
    wide = ics.unstack("model")
    return wide.drop(columns=WHOLE).rsub(wide[WHOLE], axis=0)


def _fold_ics(
    ground: RankingTask,
    forecaster: Forecaster,
    fold: Fold,
    draws: dict[str, list[list[int]]],
) -> pd.DataFrame:
    """Fit once, forecast a year with nothing and with each thing shuffled, and score.

    Returns ``RANK_IC`` with the feature's name for a model.
    """
    names = {"": WHOLE}
    copies = []
    for feature, seeds in draws.items():
        for draw, seed in enumerate(seeds):
            table = shuffle_feature(
                ground.features, feature, since=fold.start, seed=seed
            )
            names[f"{feature}/{draw}"] = feature
            copies.append(_as_others(table, "session", fold, f"{feature}/{draw}"))
    aims = tuple(
        pd.concat(
            [own, *(_as_others(own, "origin", fold, label) for label in names if label)]
        )
        for own in ground.targets
    )
    seen = replace(ground, features=pd.concat([ground.features, *copies]), targets=aims)
    forecasts = forecaster.forecast(seen, ground.study, fold)
    share = forecasts["ticker"].str.partition("|")
    forecasts = forecasts.assign(
        ticker=share[0], model=share[2].map(names), seed=share[2].factorize()[0]
    )
    return daily_rank_ic(forecasts, ground.panel)


def _as_others(table: pd.DataFrame, time: str, fold: Fold, label: str) -> pd.DataFrame:
    """Return a year's rows as those of other shares; none before it trains anything."""
    inside = (table[time] >= fold.start) & (table[time] < fold.end)
    rows = table[inside]
    if "member" in rows:
        rows = rows[rows["member"] & rows["usable"]]
    return rows.assign(ticker=rows["ticker"] + f"|{label}")
