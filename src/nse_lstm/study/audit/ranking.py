"""What the rivals know and forecast on a walk's market, every year's rows in sight.

The rivals' own phase reads a sealed panel. Here they are given all that was ever
printed, so that a feature, a target or a fit that looks ahead finds what it looks for.
"""

from dataclasses import dataclass

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.features import indicators, targets
from nse_lstm.features.folds import Fold
from nse_lstm.models import rivals

__all__ = ["Ranked", "rank_market"]


@dataclass(frozen=True, eq=False)
class Ranked:
    """The rivals' tables."""

    features: pd.DataFrame
    """``FEATURES``."""
    targets: pd.DataFrame
    """``TARGETS`` of the dealing delay and the first horizon."""
    forecasts: pd.DataFrame
    """``FORECASTS`` of every fold."""


def rank_market(study: Study, panel: pd.DataFrame, folds: tuple[Fold, ...]) -> Ranked:
    """Build the features and targets of a panel, fit the rivals and forecast."""
    cross_section = study.cross_section
    features = indicators.build_features(panel, cross_section=cross_section)
    aimed = targets.build_targets(
        panel,
        cross_section=cross_section,
        delay=study.dealing.delay,
        horizon=cross_section.horizons[0],
    )
    blocks = [
        rivals.forecast_rivals(
            features,
            aimed,
            fold,
            cross_section=cross_section,
            rivals=study.rivals,
            seed=study.seed,
        )
        for fold in folds
    ]
    return Ranked(features, aimed, pd.concat(blocks, ignore_index=True))
