"""What the tabular models know and forecast on a walk's market, every year's rows in sight.

The tabular models' own phase reads a sealed panel. Here they are given all that was ever
printed, so that a feature, a target or a fit that looks ahead finds what it looks for.
"""

from dataclasses import dataclass

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.features import indicators, targets
from nse_lstm.features.folds import Fold
from nse_lstm.models import tabular_models


@dataclass(frozen=True, eq=False)
class Ranked:
    """The tabular models' tables."""

    features: pd.DataFrame
    """``FEATURES``."""
    targets: pd.DataFrame
    """``TARGETS`` of the dealing delay and the first horizon."""
    forecasts: pd.DataFrame
    """``FORECASTS`` of every fold."""


def rank_market(study: Study, panel: pd.DataFrame, folds: tuple[Fold, ...]) -> Ranked:
    """Build the features and targets of a panel, fit the tabular models and forecast."""
    cross_section = study.cross_section
    features = indicators.build_features(panel, cross_section=cross_section)
    aimed = targets.build_targets(
        panel,
        cross_section=cross_section,
        delay=study.backtest.delay,
        horizon=cross_section.horizons[0],
    )
    blocks = [
        tabular_models.forecast_tabular(
            features,
            aimed,
            fold,
            cross_section=cross_section,
            tabular=study.tabular,
            seed=study.seed,
        )
        for fold in folds
    ]
    return Ranked(features, aimed, pd.concat(blocks, ignore_index=True))
