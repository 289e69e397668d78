"""Features and targets of the cross-section, and the tabular models on them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.features.folds import Fold
from nse_lstm.features.indicators import build_features
from nse_lstm.features.targets import build_targets
from nse_lstm.models.tabular_models import forecast_tabular


@dataclass(frozen=True, eq=False)
class Tables:
    """Built from one panel, as far as it may be seen."""

    features: pd.DataFrame
    """``FEATURES``."""
    targets: tuple[pd.DataFrame, ...]
    """``TARGETS``, one table per pair of delay and horizon."""


def build_tables(
    panel: pd.DataFrame,
    *,
    study: Study,
    more_aims: Sequence[tuple[int, int]] = (),
) -> Tables:
    """Build the features and the targets of every horizon of the cross-section.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL``, as far as it may be seen.
    study : Study
        Its cross-section, and the delay of its backtest.
    more_aims : sequence of (delay, horizon)
        More targets, placed after those of the horizons.
    """
    aims = [(study.backtest.delay, each) for each in study.cross_section.horizons]
    return Tables(
        features=build_features(panel, cross_section=study.cross_section),
        targets=tuple(
            build_targets(
                panel, cross_section=study.cross_section, delay=delay, horizon=horizon
            )
            for delay, horizon in [*aims, *more_aims]
        ),
    )


def forecast_aims(
    features: pd.DataFrame,
    targets: Sequence[pd.DataFrame],
    fold: Fold,
    *,
    study: Study,
    only: Collection[str] | None = None,
) -> pd.DataFrame:
    """Fit the tabular models on each target before a fold and forecast the fold.

    Parameters
    ----------
    features : DataFrame
        ``FEATURES``, as far as they may be seen.
    targets : sequence of DataFrame
        ``TARGETS``, one table per pair of delay and horizon.
    fold : Fold
    study : Study
        Its cross-section, tabular models and seed.
    only : collection of str, optional
        As for ``forecast_tabular``.

    Returns
    -------
    DataFrame
        ``FORECASTS``, target by target.
    """
    blocks = [
        forecast_tabular(
            features,
            table,
            fold,
            cross_section=study.cross_section,
            tabular=study.tabular,
            seed=study.seed,
            only=only,
        )
        for table in targets
    ]
    return pd.concat(blocks, ignore_index=True)
