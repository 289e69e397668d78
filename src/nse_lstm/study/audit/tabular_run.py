"""The tabular models' features, targets and forecasts from the whole panel.

Their own phase reads a panel without the test year. Here they get every row, so that a
feature, a target or a fit that looks ahead has something to find.
"""

from dataclasses import dataclass

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.features import indicators, targets
from nse_lstm.features.folds import Fold
from nse_lstm.models import tabular_models


@dataclass(frozen=True, eq=False)
class TabularTables:
    """The tabular models' tables."""

    features: pd.DataFrame
    """``FEATURES``."""
    targets: pd.DataFrame
    """``TARGETS`` of the backtest's delay and the first horizon."""
    forecasts: pd.DataFrame
    """``FORECASTS`` of every fold."""


def build_tabular_tables(
    study: Study, panel: pd.DataFrame, folds: tuple[Fold, ...]
) -> TabularTables:
    """Build features and targets, fit the tabular models and forecast every fold.

    Parameters
    ----------
    study : Study
        Settings of features and models.
    panel : DataFrame
        ``PANEL``, the test year included.
    folds : tuple of Fold
        To fit and forecast.
    """
    cross_section = study.cross_section
    features = indicators.build_features(panel, cross_section=cross_section)
    labels = targets.build_targets(
        panel,
        cross_section=cross_section,
        delay=study.backtest.delay,
        horizon=cross_section.horizons[0],
    )
    blocks = [
        tabular_models.forecast_tabular(
            features,
            labels,
            fold,
            cross_section=cross_section,
            tabular=study.tabular,
            seed=study.seed,
        )
        for fold in folds
    ]
    return TabularTables(features, labels, pd.concat(blocks, ignore_index=True))
