"""What a forecaster's ranking rests on: features shuffled, one at a time.

A feature is shuffled among the shares of each session of a scored year only, so the fit
is the same and every session keeps its values; what the rank IC loses is what the
ranking owes to it. Beside it stands a control that can owe nothing: the same feature
shuffled in training as well, and then once more. It runs on the years of the search, so
no walk-forward year is looked at.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.study.search_spaces import Forecaster, Ground
from nse_lstm.tables import PLACED_FEATURES

__all__ = ["explain", "shuffle_feature"]

AIM = ["fold", "horizon", "origin"]


def explain(
    ground: Ground,
    forecaster: Forecaster,
    features: tuple[str, ...] = tuple(PLACED_FEATURES),
    *,
    seed: int = 1,
) -> pd.DataFrame:
    """Measure what each feature adds to a forecaster's rank IC, beside a control.

    Parameters
    ----------
    ground : Ground
        Of ``search.prepare_ground``.
    forecaster : Forecaster
        Fitted anew for each feature and control, under the study's own settings.
    features : tuple of str
        Those to shuffle, of ``PLACED_FEATURES``.
    seed : int
        Of the shuffling.

    Returns
    -------
    DataFrame
        One row a feature, the largest loss first: ``feature``, ``loss`` and
        ``control`` (mean rank IC lost over all years, horizons and sessions), and
        ``error``, the standard error of ``loss``, a month being one observation.

    Raises
    ------
    ConfigurationError
        If a feature is none that a forecaster ranks by.
    """
    if unknown := sorted(set(features) - set(PLACED_FEATURES)):
        raise ConfigurationError(
            f"`features` must be of PLACED_FEATURES. Received: {unknown}"
        )
    whole = _rank_ic(ground, forecaster)
    rows = []
    for place, feature in enumerate(features):
        hide = partial(_rank_ic, forecaster=forecaster, hidden=feature)
        loss = (whole - hide(ground, seed=[seed, place, 0])).dropna()
        noise = shuffle_feature(
            ground.features, feature, since=None, seed=[seed, place, 1]
        )
        useless = replace(ground, features=noise)
        again = hide(useless, seed=[seed, place, 0])
        rows.append(
            {
                "feature": feature,
                "loss": float(loss.mean()),
                "error": _error_by_month(loss),
                "control": float((_rank_ic(useless, forecaster) - again).mean()),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values("loss", ascending=False, ignore_index=True)


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


def _rank_ic(
    ground: Ground,
    forecaster: Forecaster,
    *,
    hidden: str = "",
    seed: list[int] | None = None,
) -> "pd.Series[float]":
    """Return the rank IC of every scored session, a feature shuffled from each fold."""
    blocks = []
    for fold in ground.folds:
        seen = ground
        if hidden:
            table = shuffle_feature(
                ground.features, hidden, since=fold.start, seed=seed or [0]
            )
            seen = replace(ground, features=table)
        blocks.append(forecaster.forecast(seen, ground.study, fold))
    daily = daily_rank_ic(pd.concat(blocks, ignore_index=True), ground.panel)
    return daily.set_index(AIM)["rank_ic"]


def _error_by_month(values: "pd.Series[float]") -> float:
    """Return the standard error of a mean, a month being one observation."""
    months = pd.DatetimeIndex(values.index.get_level_values("origin")).to_period("M")
    means = values.groupby(months).mean()
    return float(means.std(ddof=1) / np.sqrt(len(means)))
